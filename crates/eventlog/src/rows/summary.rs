//! Tables `task_summaries` and `task_quantiles`.

use crate::RowError;

use super::{FactTable, RowWriter};

/// REST's `taskSummary` of one stage attempt.
#[derive(Debug, Clone)]
pub struct TaskSummaryRow {
    pub stage_id: i64,
    pub stage_attempt_id: i64,
    /// Successful tasks.
    pub num_tasks: i64,
    pub raw_json: String,
}

impl TaskSummaryRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::TaskSummaries, |row| {
            row.bigint("stage_id", self.stage_id)
                .bigint("stage_attempt_id", self.stage_attempt_id)
                .bigint("num_tasks", self.num_tasks)
                .opt_string("raw_json", Some(&self.raw_json));
        })
    }
}

/// The distribution of one metric over the successful tasks of one stage attempt.
#[derive(Debug, Clone)]
pub struct TaskQuantilesRow {
    pub stage_id: i64,
    pub stage_attempt_id: i64,
    pub metric: &'static str,
    pub unit: &'static str,
    pub num_tasks: i64,
    pub min: i64,
    pub p05: i64,
    pub p25: i64,
    pub median: i64,
    pub p75: i64,
    pub p95: i64,
    pub p99: i64,
    pub max: i64,
    pub mean: f64,
    pub total: i64,
}

impl TaskQuantilesRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::TaskQuantiles, |row| {
            row.bigint("stage_id", self.stage_id)
                .bigint("stage_attempt_id", self.stage_attempt_id)
                .string("metric", self.metric)
                .opt_string("unit", Some(self.unit))
                .bigint("num_tasks", self.num_tasks)
                .opt_bigint("min", Some(self.min))
                .opt_bigint("p05", Some(self.p05))
                .opt_bigint("p25", Some(self.p25))
                .opt_bigint("median", Some(self.median))
                .opt_bigint("p75", Some(self.p75))
                .opt_bigint("p95", Some(self.p95))
                .opt_bigint("p99", Some(self.p99))
                .opt_bigint("max", Some(self.max))
                .opt_double("mean", Some(self.mean))
                .opt_bigint("total", Some(self.total));
        })
    }
}
