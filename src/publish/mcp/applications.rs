//! Which application is meant, and where it is: in the lake, or live.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use serde_json::Value;

use super::arguments::{ToolError, short};
use super::engine::Engine;
use super::live::{LiveApplication, LiveFailure};
use super::rows::Row;
use crate::ask::AskLake;
use crate::model::nearest;

/// The keys of an application, as `sql/mcp/resolve_application.sql` names them.
pub(super) const KEYS: [&str; 5] = [
    "platform",
    "cluster_id",
    "application_id",
    "attempt_id",
    "app_date",
];

/// Where an application is.
#[derive(Clone)]
pub(super) enum Place {
    /// In the lake that the server was started with.
    Lake(Arc<AskLake>),
    /// Fetched.
    Live(Arc<LiveApplication>),
}

impl Place {
    pub(super) fn ask(&self) -> &Arc<AskLake> {
        match self {
            Self::Lake(ask) => ask,
            Self::Live(application) => &application.ask,
        }
    }

    /// Whether both are in the same lake, so that one query can read both.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.ask(), other.ask())
    }
}

/// An application that was found.
pub(super) struct Application {
    pub(super) place: Place,
    keys: Row,
}

impl Application {
    /// A key or `job_key`.
    pub(super) fn key(&self, name: &str) -> Option<&str> {
        self.keys.get(name).and_then(Value::as_str)
    }

    /// How it was found, where that is not by its own id.
    pub(super) fn remark(&self, wanted: &str) -> Option<String> {
        if let Place::Live(_) = self.place {
            return Some("It is not in the lake: fetched and judged live.".to_owned());
        }
        let application_id = self.key("application_id")?;
        let total = self
            .keys
            .get("total_rows")
            .and_then(Value::as_u64)
            .unwrap_or(1);
        let wanted = short(wanted);
        match self.key("named_by")? {
            "job" => Some(format!(
                "`{wanted}` has {total} runs; this is the newest, {application_id}."
            )),
            "cluster" => Some(format!(
                "Cluster `{wanted}` has {total} applications; this is the newest, {application_id}."
            )),
            "id" if total > 1 => {
                let attempt = self.key("attempt_id")?;
                Some(format!(
                    "It has {total} attempts; this is the newest, and `{application_id}/{attempt}` names it."
                ))
            }
            _ => None,
        }
    }
}

impl Engine {
    /// The application that `wanted` names; the newest where it names several.
    ///
    /// # Errors
    /// There is none; names the nearest.
    pub(super) async fn application(&self, wanted: &str) -> Result<Application, ToolError> {
        if let Some(lake) = self.lake() {
            let place = Place::Lake(Arc::clone(lake));
            if let Some(keys) = self.resolve(&place, wanted).await? {
                return Ok(Application { place, keys });
            }
        }
        let Some(live) = self.live() else {
            return Err(self.unknown(wanted, "").await);
        };
        let fetched = match live.get(wanted).await {
            Ok(fetched) => fetched,
            Err(LiveFailure::NotFound) => {
                let places = live.places().join(", ");
                let also = format!(", and none of {places} has it");
                return Err(self.unknown(wanted, &also).await);
            }
            Err(failure) => {
                let wanted = short(wanted);
                return Err(ToolError::new(format!(
                    "`{wanted}` cannot be fetched: {failure}"
                )));
            }
        };
        let place = Place::Live(fetched);
        let keys = match self.resolve(&place, wanted).await? {
            Some(keys) => Some(keys),
            // It was asked for by the path of its log.
            None => match self
                .names(&place)
                .await?
                .first()
                .and_then(|row| row.get("application_id"))
            {
                Some(Value::String(id)) => self.resolve(&place, id).await?,
                _ => None,
            },
        };
        match keys {
            Some(keys) => Ok(Application { place, keys }),
            None => Err(self.unknown(wanted, "").await),
        }
    }

    async fn resolve(&self, place: &Place, wanted: &str) -> Result<Option<Row>, ToolError> {
        let mut parameters: BTreeMap<String, ScalarValue> =
            [("app".to_owned(), ScalarValue::from(wanted))].into();
        let rows = self
            .rows(place.ask(), "resolve_application", &parameters)
            .await?;
        let (Some((application, attempt)), None) = (wanted.rsplit_once('/'), rows.first()) else {
            return Ok(rows.into_iter().next());
        };
        parameters.insert("app".to_owned(), ScalarValue::from(application));
        parameters.insert("wanted_attempt".to_owned(), ScalarValue::from(attempt));
        let rows = self
            .rows(place.ask(), "resolve_application", &parameters)
            .await?;
        Ok(rows.into_iter().next())
    }

    async fn names(&self, place: &Place) -> Result<Vec<Row>, ToolError> {
        self.rows(place.ask(), "application_names", &BTreeMap::new())
            .await
    }

    /// The error about an application that is nowhere.
    async fn unknown(&self, wanted: &str, also: &str) -> ToolError {
        let rows = match self.lake() {
            Some(lake) => self.names(&Place::Lake(Arc::clone(lake))).await,
            None => Ok(Vec::new()),
        };
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => return error,
        };
        let names = rows.iter().flat_map(Row::values).filter_map(Value::as_str);
        let cure = match nearest(wanted, names) {
            Some(name) => format!("did you mean `{name}`?"),
            None if self.lake().is_some() => "`find_applications` lists what there is".to_owned(),
            None => "this server has no lake, so only the ids and paths of logs in those places can be asked for"
                .to_owned(),
        };
        let wanted = short(wanted);
        ToolError::new(format!(
            "no application, job or cluster in the lake is called `{wanted}`{also}; {cure}"
        ))
    }
}
