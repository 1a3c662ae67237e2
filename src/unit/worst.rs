//! The worst applications of a unit of analysis, as the last lines of a run show them.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::prelude::{SessionConfig, SessionContext};
use serde::{Deserialize, Serialize};

use crate::analyze::{AnalyzeError, Catalog, Judged};

/// How many of the worst applications a run shows.
const WORST: usize = 5;

/// The file of `sql/status` that finds them among the applications of a unit.
const QUERY: &str = "worst_applications";

/// An application worth a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorstApplication {
    /// Its id.
    pub application_id: String,
    /// Its attempt.
    pub attempt_id: String,
    /// Its name.
    pub application_name: Option<String>,
    /// Percent of stage time in flagged stages.
    pub ineffstageagg: Option<f64>,
    /// Core time that its findings call lost, in milliseconds.
    pub lost_core_ms: Option<i64>,
    /// Its heaviest finding.
    pub top_rule: Option<String>,
    /// The numbers behind that finding.
    pub evidence: Option<String>,
}

impl WorstApplication {
    /// The worst of some applications, the worst first.
    pub fn worst_of(mut applications: Vec<Self>) -> Vec<Self> {
        applications.sort_by(|left, right| {
            let flagged = |app: &Self| app.ineffstageagg.unwrap_or(-1.0);
            right
                .lost_core_ms
                .cmp(&left.lost_core_ms)
                .then_with(|| flagged(right).total_cmp(&flagged(left)))
                .then_with(|| left.application_id.cmp(&right.application_id))
        });
        applications.truncate(WORST);
        applications
    }
}

/// The applications of a unit that lose most core time.
pub(super) async fn worst(
    catalog: &Catalog,
    context: &SessionContext,
    judged: &Judged,
) -> Vec<WorstApplication> {
    // The lake's own session takes no further tables.
    let session = SessionContext::new_with_config_rt(SessionConfig::new(), context.runtime_env());
    for table in ["ineffjobagg", "findings"] {
        let name = format!("new_{table}");
        let Some(rows) = judged.tables.iter().find(|rows| rows.table == table) else {
            return Vec::new();
        };
        session.register_batch(&name, rows.rows.clone()).ok();
    }
    if let Ok(applications) = context.table_provider("applications").await {
        session.register_table("applications", applications).ok();
    }
    let answer = async {
        let query = &catalog.status(QUERY)?.query;
        let parameters = query.parameters.iter();
        let values: Vec<(String, ScalarValue)> = parameters
            .map(|parameter| (parameter.name.clone(), parameter.scalar_value()))
            .collect();
        let failed = |error| AnalyzeError::query(&query.file, error);
        let rows = session.sql(&query.statement).await.map_err(failed)?;
        let rows = rows.with_param_values(values).map_err(failed)?;
        rows.collect().await.map_err(failed)
    }
    .await;
    match answer {
        Ok(batches) => batches.iter().flat_map(worst_of).collect(),
        Err(error) => {
            tracing::warn!(%error, "the worst applications cannot be told");
            Vec::new()
        }
    }
}

fn worst_of(batch: &RecordBatch) -> Vec<WorstApplication> {
    let text = |column: usize, row: usize| {
        let array =
            arrow::compute::cast(batch.column(column), &arrow::datatypes::DataType::Utf8).ok()?;
        let array = array.as_string_opt::<i32>()?;
        array.is_valid(row).then(|| array.value(row).to_owned())
    };
    let percent = batch.column(3).as_primitive_opt::<Float64Type>();
    let lost = batch.column(4).as_primitive_opt::<Int64Type>();
    (0..batch.num_rows())
        .map(|row| WorstApplication {
            application_id: text(0, row).unwrap_or_default(),
            attempt_id: text(1, row).unwrap_or_default(),
            application_name: text(2, row),
            ineffstageagg: percent
                .filter(|array| array.is_valid(row))
                .map(|array| array.value(row)),
            lost_core_ms: lost
                .filter(|array| array.is_valid(row))
                .map(|array| array.value(row)),
            top_rule: text(5, row),
            evidence: text(6, row),
        })
        .collect()
}
