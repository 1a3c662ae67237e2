//! Which applications a run judges: all of the lake, or only those that changed.
//!
//! The restriction is put under the queries as filtered views, so no `.sql` file knows about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use chrono::NaiveDate;
use datafusion::catalog::TableProvider;
use datafusion::common::{JoinType, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, Expr, SessionContext, col, lit};

use crate::model::ApplicationKey;

/// What a run looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every application of the lake.
    #[default]
    All,
    /// Only these applications, each with the UTC date of its start where that is known: dates let
    /// whole partitions go unread.
    Applications(BTreeMap<ApplicationKey, Option<NaiveDate>>),
}

impl Scope {
    /// A view of one of `lake`'s tables that shows only the rows of this scope.
    pub(super) async fn restrict(
        &self,
        lake: &SessionContext,
        table: &str,
    ) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let rows = lake.table(table).await?;
        let (true, Self::Applications(keys)) = (has_key(&rows), self) else {
            return lake.table_provider(table).await;
        };
        let mut rows = rows.filter(col("application_id").in_list(application_ids(keys), false))?;
        if let Some(dates) = dates(keys)
            && has_column(&rows, "app_date")
        {
            rows = rows.filter(col("app_date").in_list(dates, false))?;
        }
        // The two filters above let files go unread; this join makes the choice exact.
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

fn application_ids(keys: &BTreeMap<ApplicationKey, Option<NaiveDate>>) -> Vec<Expr> {
    let ids: BTreeSet<&str> = keys.keys().map(|key| key.application_id.as_str()).collect();
    ids.into_iter().map(lit).collect()
}

/// The dates of the keys, if each of them has one.
fn dates(keys: &BTreeMap<ApplicationKey, Option<NaiveDate>>) -> Option<Vec<Expr>> {
    let dates: Option<BTreeSet<NaiveDate>> = keys.values().copied().collect();
    let literal = |date: NaiveDate| {
        let days = date.signed_duration_since(NaiveDate::default()).num_days();
        lit(ScalarValue::Date32(i32::try_from(days).ok()))
    };
    dates.map(|dates| dates.into_iter().map(literal).collect())
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
