//! Tables `sql`, `sql_nodes` and `sql_node_metrics`.

use crate::RowError;
use crate::event::Origin;
use crate::plan::{Engine, NodeTime, OperatorKind, Subtree};

use super::origin::append_origin;
use super::{FactTable, RowWriter};

/// How a SQL execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlStatus {
    Running,
    Completed,
    Failed,
}

impl SqlStatus {
    /// REST's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// One SQL execution.
#[derive(Debug, Clone)]
pub struct SqlRow {
    pub sql_id: i64,
    pub status: SqlStatus,
    pub description: String,
    pub plan_description: String,
    /// Epoch milliseconds.
    pub submission_time: i64,
    /// NULL while it runs.
    pub duration_ms: Option<i64>,
    pub running_job_ids: Vec<i64>,
    pub success_job_ids: Vec<i64>,
    pub failed_job_ids: Vec<i64>,
    pub error_message: Option<String>,
    pub root_execution_id: Option<i64>,
    pub job_ids: Vec<i64>,
    pub num_nodes: i64,
    /// REST's element with nodes, metrics and edges.
    pub raw_json: String,
    pub is_adaptive: Option<bool>,
    pub num_plan_updates: Option<i64>,
    pub query_id: Option<String>,
    /// JSON of the settings that its session changed.
    pub modified_configs: Option<String>,
    pub job_group: Option<String>,
    pub job_tags: Vec<String>,
    /// Text of the statement that a client sent.
    pub statement: Option<String>,
    pub origin: Origin,
}

impl SqlRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::Sql, |row| {
            row.bigint("sql_id", self.sql_id)
                .string("status", self.status.as_str())
                .opt_string("description", Some(&self.description))
                .opt_string("plan_description", Some(&self.plan_description))
                .opt_timestamp_ms(
                    "submission_time",
                    Some(self.submission_time).filter(|time| *time > 0),
                )
                .opt_bigint("duration_ms", self.duration_ms)
                .bigint_array("running_job_ids", &self.running_job_ids)
                .bigint_array("success_job_ids", &self.success_job_ids)
                .bigint_array("failed_job_ids", &self.failed_job_ids)
                .opt_string("error_message", self.error_message.as_deref())
                .opt_bigint("root_execution_id", self.root_execution_id)
                .bigint_array("job_ids", &self.job_ids)
                .opt_bigint("num_nodes", Some(self.num_nodes))
                .opt_string("sql_raw_json", Some(&self.raw_json))
                .opt_boolean("is_adaptive", self.is_adaptive)
                .opt_bigint("num_plan_updates", self.num_plan_updates)
                .opt_string("query_id", self.query_id.as_deref())
                .opt_string("modified_configs", self.modified_configs.as_deref())
                .opt_string("job_group", self.job_group.as_deref())
                .string_array("job_tags", &self.job_tags)
                .opt_string("statement", self.statement.as_deref());
            append_origin(row, &self.origin);
        })
    }
}

/// One node of a plan.
#[derive(Debug, Clone)]
pub struct SqlNodeRow {
    pub sql_id: i64,
    pub node_id: i64,
    pub name: String,
    /// The plan's `simpleString`; REST does not tell it before Spark 4.2.
    pub description: Option<String>,
    pub whole_stage_codegen_id: Option<i64>,
    pub child_node_ids: Vec<i64>,
    pub stage_ids: Vec<i64>,
    pub time: NodeTime,
    pub rows_output: Option<i64>,
    pub bytes_output: Option<i64>,
    pub subtree: Subtree,
}

impl SqlNodeRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        let engine = Engine::of(&self.name);
        writer.append(FactTable::SqlNodes, |row| {
            row.bigint("sql_id", self.sql_id)
                .bigint("node_id", self.node_id)
                .string("node_name", &self.name)
                .opt_string("description", self.description.as_deref())
                .opt_bigint("whole_stage_codegen_id", self.whole_stage_codegen_id)
                .bigint_array("child_node_ids", &self.child_node_ids)
                .bigint_array("stage_ids", &self.stage_ids)
                .string("operator_kind", OperatorKind::of(&self.name).as_str())
                .string("engine", engine.as_str())
                .boolean("is_photon", engine == Engine::Photon)
                .opt_bigint("time_ms", whole(self.time.exclusive))
                .opt_bigint("inclusive_time_ms", whole(self.time.inclusive))
                .opt_bigint("driver_time_ms", whole(self.time.driver))
                .opt_bigint("rows_output", self.rows_output)
                .opt_bigint("bytes_output", self.bytes_output)
                .opt_bigint("work_hash", self.subtree.work_hash)
                .bigint("last_node_id", self.subtree.last_node_id);
        })
    }
}

/// Whole milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a saturating cast of milliseconds is wanted"
)]
fn whole(ms: Option<f64>) -> Option<i64> {
    ms.map(|ms| ms.round() as i64)
}

/// One metric of one plan node.
#[derive(Debug, Clone)]
pub struct SqlNodeMetricRow {
    pub sql_id: i64,
    pub node_id: i64,
    pub name: String,
    /// REST does not tell it.
    pub metric_type: Option<String>,
    pub unit: Option<&'static str>,
    /// REST does not tell it.
    pub accumulator_id: Option<i64>,
    /// REST's text.
    pub value: String,
    pub total: Option<f64>,
    pub min: Option<f64>,
    pub median: Option<f64>,
    pub max: Option<f64>,
    /// Where the maximum was seen; absent where the driver holds it.
    pub max_stage_id: Option<i64>,
    pub max_stage_attempt_id: Option<i64>,
    pub max_task_id: Option<i64>,
}

impl SqlNodeMetricRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::SqlNodeMetrics, |row| {
            row.bigint("sql_id", self.sql_id)
                .bigint("node_id", self.node_id)
                .string("metric_name", &self.name)
                .opt_string("metric_type", self.metric_type.as_deref())
                .opt_string("unit", self.unit)
                .opt_bigint("accumulator_id", self.accumulator_id)
                .opt_string("value", Some(&self.value))
                .opt_double("total", self.total)
                .opt_double("min", self.min)
                .opt_double("median", self.median)
                .opt_double("max", self.max)
                .opt_bigint("max_stage_id", self.max_stage_id)
                .opt_bigint("max_stage_attempt_id", self.max_stage_attempt_id)
                .opt_bigint("max_task_id", self.max_task_id);
        })
    }
}
