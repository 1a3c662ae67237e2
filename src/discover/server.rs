//! Applications that a server lists: a History Server, or a driver that still runs.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::stable_hash::{StableHash, completeness};
use crate::http::{Client, path_segment};
use crate::model::ServerAccess;

/// One application attempt as a server lists it, not yet asked for anything else.
#[derive(Debug, Clone)]
pub struct ServerApplication {
    /// The address of the attempt, without secrets: stable from run to run, also where a platform
    /// gives the same server another host or session each time.
    pub uri: String,
    /// Answers the REST interface; its base is the folder that holds `api/v1`.
    pub client: Arc<Client>,
    /// Spark's application id.
    pub application_id: String,
    /// Spark's attempt id. `None` where the server lists none: then paths must not hold one either.
    pub attempt_id: Option<String>,
    /// The application's name.
    pub name: String,
    /// Start of the attempt.
    pub start_time: DateTime<Utc>,
    /// Its end; `None` while it runs.
    pub end_time: Option<DateTime<Utc>>,
    /// When the server heard of it last.
    pub last_updated: DateTime<Utc>,
    /// Whether it has ended.
    pub completed: bool,
    /// How its history is read.
    pub access: ServerAccess,
}

impl ServerApplication {
    /// The path of the attempt below `api/v1/`: `applications/<id>`, with `/<attempt>` where there
    /// is one.
    pub fn path(&self) -> String {
        let application = path_segment(&self.application_id);
        match &self.attempt_id {
            Some(attempt) => format!("applications/{application}/{}", path_segment(attempt)),
            None => format!("applications/{application}"),
        }
    }

    /// Changes when the server has heard more of the attempt.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = StableHash::default();
        hash.add(&self.uri);
        // A completed attempt changes no more, whatever time its server restarts and looks at it.
        let version = match self.end_time.filter(|_| self.completed) {
            Some(end) => end,
            None => self.last_updated,
        };
        hash.add(&version.timestamp_millis().to_string());
        hash.add(completeness(!self.completed));
        hash.finish()
    }
}
