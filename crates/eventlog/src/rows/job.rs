//! Table `jobs`.

use std::collections::BTreeMap;

use crate::RowError;
use crate::event::Origin;

use super::origin::append_origin;
use super::text::json_map;
use super::{FactTable, RowWriter};

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobStatus {
    #[default]
    Running,
    Succeeded,
    Failed,
}

impl JobStatus {
    /// REST's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }
}

/// One Spark job. Times are epoch milliseconds.
#[derive(Debug, Clone, Default)]
pub struct JobRow {
    pub job_id: i64,
    pub name: String,
    pub description: Option<String>,
    pub submission_time: Option<i64>,
    pub completion_time: Option<i64>,
    pub stage_ids: Vec<i64>,
    pub job_group: Option<String>,
    pub job_tags: Vec<String>,
    pub status: JobStatus,
    pub num_tasks: i64,
    pub num_active_tasks: i64,
    pub num_completed_tasks: i64,
    pub num_skipped_tasks: i64,
    pub num_failed_tasks: i64,
    pub num_killed_tasks: i64,
    pub num_completed_indices: i64,
    pub num_active_stages: i64,
    pub num_completed_stages: i64,
    pub num_skipped_stages: i64,
    pub num_failed_stages: i64,
    pub killed_tasks_summary: BTreeMap<String, i64>,
    pub sql_id: Option<i64>,
    pub failure_reason: Option<String>,
    pub origin: Origin,
}

impl JobRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        let duration = match (self.submission_time, self.completion_time) {
            (Some(start), Some(end)) => duration(start, end),
            _ => None,
        };
        let success_rate =
            (self.num_tasks > 0).then(|| percent(self.num_completed_tasks, self.num_tasks));
        writer.append(FactTable::Jobs, |row| {
            row.bigint("job_id", self.job_id)
                .opt_string("job_name", Some(&self.name))
                .opt_string("description", self.description.as_deref())
                .opt_timestamp_ms("submission_time", self.submission_time)
                .opt_timestamp_ms("completion_time", self.completion_time)
                .bigint_array("stage_ids", &self.stage_ids)
                .opt_string("job_group", self.job_group.as_deref())
                .string_array("job_tags", &self.job_tags)
                .string("status", self.status.as_str())
                .bigint("num_tasks", self.num_tasks)
                .bigint("num_active_tasks", self.num_active_tasks)
                .bigint("num_completed_tasks", self.num_completed_tasks)
                .bigint("num_skipped_tasks", self.num_skipped_tasks)
                .bigint("num_failed_tasks", self.num_failed_tasks)
                .bigint("num_killed_tasks", self.num_killed_tasks)
                .opt_bigint("num_completed_indices", Some(self.num_completed_indices))
                .bigint("num_active_stages", self.num_active_stages)
                .bigint("num_completed_stages", self.num_completed_stages)
                .bigint("num_skipped_stages", self.num_skipped_stages)
                .bigint("num_failed_stages", self.num_failed_stages)
                .opt_string(
                    "killed_tasks_summary",
                    Some(&json_map(&self.killed_tasks_summary)),
                )
                .opt_bigint("sql_id", self.sql_id)
                .opt_bigint("duration_ms", duration)
                .opt_string("failure_reason", self.failure_reason.as_deref())
                .opt_double("task_success_rate", success_rate);
            append_origin(row, &self.origin);
        })
    }
}

/// Milliseconds from `start` to `end`; `None` where a clock that was set back makes them negative.
pub(super) fn duration(start: i64, end: i64) -> Option<i64> {
    Some(end.saturating_sub(start)).filter(|duration| *duration >= 0)
}

/// A number for people, to two decimals.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// `part` of `whole` in percent; `whole` is positive.
#[expect(clippy::cast_precision_loss, reason = "task counts are far below 2^52")]
pub(super) fn percent(part: i64, whole: i64) -> f64 {
    100.0 * part as f64 / whole as f64
}
