//! Which applications a run judges: all of the lake, only those that changed, or the groups that
//! these belong to.
//!
//! The restriction is put under the queries as filtered views, so no `.sql` file knows about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use chrono::NaiveDate;
use datafusion::catalog::TableProvider;
use datafusion::common::JoinType;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Operator, binary_expr, cast};
use datafusion::prelude::{DataFrame, SessionContext, col};

use crate::ask::{among_applications, among_days};
use crate::model::{ApplicationKey, TextKey};

/// What a run looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every application of the lake.
    #[default]
    All,
    /// Only these applications, each with the UTC date of its start where that is known: dates let
    /// whole partitions go unread.
    Applications(BTreeMap<ApplicationKey, Option<NaiveDate>>),
    /// The same where they are most applications of their days: the days alone choose the files, since
    /// to look for ids in each of them costs more than the few rows that are read in vain.
    OfDays {
        /// The applications, each with its day.
        applications: BTreeMap<ApplicationKey, Option<NaiveDate>>,
        /// Whether the lake has no others on these days.
        are_all: bool,
    },
    /// Only these groups.
    Groups(GroupScope),
}

/// Groups of applications, such as the runs of some recurring jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupScope {
    /// The columns that the members of a group have in common.
    pub columns: Vec<String>,
    /// The groups, by what these columns hold.
    pub groups: BTreeSet<TextKey>,
    /// All applications of the groups.
    pub applications: BTreeMap<ApplicationKey, Option<NaiveDate>>,
}

impl GroupScope {
    /// The rows of `table` that have these groups' values in those of the columns that the table
    /// has; all rows where it has none.
    pub(super) async fn restrict(
        &self,
        lake: &SessionContext,
        table: &str,
    ) -> Result<DataFrame, DataFusionError> {
        let rows = lake.table(table).await?;
        let shared: Vec<usize> = (0..self.columns.len())
            .filter(|index| {
                let name = self.columns.get(*index);
                name.is_some_and(|name| has_column(&rows, name))
            })
            .collect();
        if shared.is_empty() {
            return Ok(rows);
        }
        let wanted: BTreeSet<Vec<Option<&str>>> = self
            .groups
            .iter()
            .map(|group| {
                let value = |index: &usize| group.get(*index)?.as_deref();
                shared.iter().map(value).collect()
            })
            .collect();
        let names: Vec<&String> = shared
            .iter()
            .filter_map(|index| self.columns.get(*index))
            .collect();
        let columns = names.iter().enumerate().map(|(place, name)| {
            let values = wanted
                .iter()
                .map(|group| group.get(place).copied().flatten());
            let values: ArrayRef = Arc::new(values.collect::<StringArray>());
            (selected_name(name), values, true)
        });
        let groups = RecordBatch::try_from_iter_with_nullable(columns)?;
        let same = names.iter().map(|name| {
            binary_expr(
                cast(col(name.as_str()), DataType::Utf8),
                Operator::IsNotDistinctFrom,
                col(selected_name(name)),
            )
        });
        rows.join_on(lake.read_batch(groups)?, JoinType::LeftSemi, same)
    }
}

impl Scope {
    /// A view of one of `lake`'s tables that shows only the rows of this scope.
    pub(super) async fn restrict(
        &self,
        lake: &SessionContext,
        table: &str,
    ) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let mut rows = lake.table(table).await?;
        let keys = match self {
            Self::Groups(scope) if scope.columns.is_empty() => {
                return lake.table_provider(table).await;
            }
            Self::Applications(keys)
            | Self::OfDays {
                applications: keys, ..
            } if has_key(&rows) => keys,
            Self::Groups(scope) if has_key(&rows) => &scope.applications,
            Self::Groups(scope) => return Ok(scope.restrict(lake, table).await?.into_view()),
            Self::All | Self::Applications(_) | Self::OfDays { .. } => {
                return lake.table_provider(table).await;
            }
        };
        let days = days(keys).filter(|_| has_column(&rows, "app_date"));
        if days.is_none() || !matches!(self, Self::OfDays { .. }) {
            let ids = keys.keys().map(|key| key.application_id.as_str());
            rows = rows.filter(among_applications(&ids.collect()))?;
        }
        if let Some(days) = days {
            rows = rows.filter(among_days(&days))?;
        }
        // The filters above let files go unread; this join makes the choice exact.
        let exact = rows.join(
            lake.read_table(key_table(keys)?)?,
            JoinType::LeftSemi,
            &ApplicationKey::COLUMNS,
            &ApplicationKey::COLUMNS
                .map(selected_name)
                .each_ref()
                .map(String::as_str),
            None,
        )?;
        Ok(exact.into_view())
    }

    /// The rows of a large table of facts without a look at whose each of its millions is, where the
    /// scope has all applications of its days; `None` elsewhere.
    pub(super) async fn of_whole_days(
        &self,
        lake: &SessionContext,
        table: &str,
    ) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Self::OfDays {
            applications,
            are_all: true,
        } = self
        else {
            return Ok(None);
        };
        let rows = lake.table(table).await?;
        match days(applications) {
            Some(days) if has_key(&rows) && has_column(&rows, "app_date") => {
                Ok(Some(rows.filter(among_days(&days))?.into_view()))
            }
            _ => Ok(None),
        }
    }
}

fn selected_name(column: &str) -> String {
    format!("selected_{column}")
}

fn has_column(rows: &DataFrame, column: &str) -> bool {
    rows.schema().has_column_with_unqualified_name(column)
}

fn has_key(rows: &DataFrame) -> bool {
    ApplicationKey::COLUMNS
        .iter()
        .all(|column| has_column(rows, column))
}

/// The dates of the keys, as days since 1970, if each of them has one.
fn days(keys: &BTreeMap<ApplicationKey, Option<NaiveDate>>) -> Option<BTreeSet<i32>> {
    let days = |date: NaiveDate| date.signed_duration_since(NaiveDate::default()).num_days();
    keys.values()
        .map(|date| i32::try_from(days((*date)?)).ok())
        .collect()
}

fn key_table(
    keys: &BTreeMap<ApplicationKey, Option<NaiveDate>>,
) -> Result<Arc<MemTable>, DataFusionError> {
    let column = |part: fn(&ApplicationKey) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(keys.keys().map(part)))
    };
    let columns: [ArrayRef; 4] = [
        column(|key| &key.platform),
        column(|key| &key.cluster_id),
        column(|key| &key.application_id),
        column(|key| &key.attempt_id),
    ];
    let named = ApplicationKey::COLUMNS
        .map(selected_name)
        .into_iter()
        .zip(columns);
    let batch = RecordBatch::try_from_iter(named)?;
    Ok(Arc::new(MemTable::try_new(
        batch.schema(),
        vec![vec![batch]],
    )?))
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Date32Array};
    use arrow::datatypes::Int32Type;

    use super::*;

    const DAYS: i32 = 400;

    /// A lake with one application a day.
    fn lake() -> SessionContext {
        let text = |text: fn(i32) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values((0..DAYS).map(text)))
        };
        let columns: [(&str, ArrayRef); 5] = [
            ("platform", text(|_| "event_log".to_owned())),
            ("cluster_id", text(|_| "c".to_owned())),
            ("application_id", text(id)),
            ("attempt_id", text(|_| "0".to_owned())),
            ("app_date", Arc::new(Date32Array::from_iter_values(0..DAYS))),
        ];
        let lake = SessionContext::new();
        let rows = RecordBatch::try_from_iter(columns).expect("a batch");
        lake.register_batch("numbers", rows).expect("registered");
        lake
    }

    /// Ids that are not in the order of the days.
    fn id(day: i32) -> String {
        format!("app-{:03}", day * 7 % DAYS)
    }

    #[tokio::test]
    async fn exactly_the_chosen_applications_are_shown_however_many_lie_between() {
        for (every, count, has_dates) in [
            (1, 3_i32, true),
            (1, 100, true),
            (2, 100, false),
            (3, 100, true),
            (19, 20, true),
            (50, 5, true),
        ] {
            let days = (0..count).map(|number| 5 + every * number);
            let keys = days.clone().map(|day| {
                let date = NaiveDate::default() + chrono::Days::new(u64::from(day.unsigned_abs()));
                let key = ApplicationKey {
                    platform: "event_log".to_owned(),
                    cluster_id: "c".to_owned(),
                    application_id: id(day),
                    attempt_id: "0".to_owned(),
                };
                (key, has_dates.then_some(date))
            });
            let keys: BTreeMap<_, _> = keys.collect();
            let expected: Vec<i32> = days.collect();
            let of_days = Scope::OfDays {
                applications: keys.clone(),
                are_all: has_dates,
            };
            for scope in [Scope::Applications(keys), of_days] {
                let view = scope.restrict(&lake(), "numbers").await.expect("a view");
                assert_eq!(shown(view).await, expected, "{count} of every {every}");
                let whole = scope.of_whole_days(&lake(), "numbers").await;
                if let Some(view) = whole.expect("a view, or none") {
                    assert_eq!(shown(view).await, expected, "{count} of every {every}");
                }
            }
        }
    }

    /// The days whose applications a view shows, in order.
    async fn shown(view: Arc<dyn TableProvider>) -> Vec<i32> {
        let rows = SessionContext::new().read_table(view).expect("a table");
        let rows = rows.select_columns(&["app_date"]).expect("a column");
        let mut shown: Vec<i32> = Vec::new();
        for batch in rows.collect().await.expect("rows") {
            let dates = cast_to_days(&batch);
            shown.extend(dates.as_primitive::<Int32Type>().values());
        }
        shown.sort_unstable();
        shown
    }

    fn cast_to_days(batch: &RecordBatch) -> ArrayRef {
        arrow::compute::cast(batch.column(0), &DataType::Int32).expect("days")
    }
}
