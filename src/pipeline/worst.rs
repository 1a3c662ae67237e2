//! The worst applications of a run, as its last lines show them.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::analyze::{AnalyzeError, Catalog, Judged};

use super::summary::WorstApplication;

/// How many of the worst applications a run shows.
const WORST: usize = 5;

/// The file of `sql/status` that finds them among the applications of a unit.
const QUERY: &str = "worst_applications";

/// Adds the worst applications of a unit to those of the run so far.
pub(super) async fn note(
    catalog: &Catalog,
    context: &SessionContext,
    judged: &Judged,
    known: &mut Vec<WorstApplication>,
) {
    known.extend(worst(catalog, context, judged).await);
    keep_worst(known);
}

/// Keeps the worst applications of the run, the worst first.
fn keep_worst(worst: &mut Vec<WorstApplication>) {
    worst.sort_by(|left, right| {
        let flagged = |app: &WorstApplication| app.ineffstageagg.unwrap_or(-1.0);
        right
            .lost_core_ms
            .cmp(&left.lost_core_ms)
            .then_with(|| flagged(right).total_cmp(&flagged(left)))
            .then_with(|| left.application_id.cmp(&right.application_id))
    });
    worst.truncate(WORST);
}

/// The applications of a unit that lose most core time.
async fn worst(
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
