//! What could not be judged by which step, for a reason in its data.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch, StringArray};
use serde::{Deserialize, Serialize};

use super::conform::{Stamp, arrow_failure, conform};
use super::error::AnalyzeError;
use super::units::{EPOCH, Subject};
use crate::model::ApplicationKey;
use crate::schema;

/// The table of applications that a step could not judge.
pub const ANALYSIS_FAILURES: &str = "analysis_failures";

/// A step that did not judge some applications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The file of the rule, table or view.
    pub file: String,
    /// Why, in a sentence.
    pub error: String,
    /// Whom it did not judge.
    pub applications: Vec<ApplicationKey>,
}

/// A step that failed for a reason in the data.
pub(super) struct Fault {
    pub file: String,
    pub error: String,
}

/// Id of a step: the name of its file without the ending.
pub(super) fn step_id(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".sql").unwrap_or(name)
}

pub(super) fn failure_rows(
    faults: &[Fault],
    part: &[Subject],
    stamp: &Stamp,
) -> Result<RecordBatch, AnalyzeError> {
    let rows: Vec<(&Fault, &Subject)> = faults
        .iter()
        .flat_map(|fault| part.iter().map(move |subject| (fault, subject)))
        .collect();
    let text = |value: fn(&(&Fault, &Subject)) -> String| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| Some(value(row)))
                .collect::<StringArray>(),
        )
    };
    let dates: Date32Array = rows
        .iter()
        .map(|(_, subject)| {
            chrono::Datelike::num_days_from_ce(&subject.app_date).checked_sub(EPOCH)
        })
        .collect();
    let answer = RecordBatch::try_from_iter([
        (
            "platform",
            text(|(_, subject)| subject.key.platform.clone()),
        ),
        (
            "cluster_id",
            text(|(_, subject)| subject.key.cluster_id.clone()),
        ),
        (
            "cluster_name",
            text(|(_, subject)| subject.cluster_name.clone()),
        ),
        (
            "application_id",
            text(|(_, subject)| subject.key.application_id.clone()),
        ),
        (
            "attempt_id",
            text(|(_, subject)| subject.key.attempt_id.clone()),
        ),
        ("step", text(|(fault, _)| step_id(&fault.file).to_owned())),
        ("file", text(|(fault, _)| fault.file.clone())),
        ("error", text(|(fault, _)| fault.error.clone())),
        ("app_date", Arc::new(dates) as ArrayRef),
    ])
    .map_err(arrow_failure(ANALYSIS_FAILURES))?;
    let Some(contract) = schema::table(ANALYSIS_FAILURES) else {
        return Ok(answer);
    };
    conform(
        ANALYSIS_FAILURES,
        &contract.arrow_schema(),
        &contract.keys,
        &[answer],
        stamp,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_named_by_its_file() {
        assert_eq!(step_id("sql/rules/skew/task_skew.sql"), "task_skew");
        assert_eq!(step_id("applications"), "applications");
    }
}
