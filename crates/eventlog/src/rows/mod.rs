//! Rows: what every history becomes, whether it was replayed from a log or walked over REST.
//!
//! Each fact table has one row type and one `append` that names the table's columns in the order
//! of its contract. [`RowWriter`] puts the key and bookkeeping columns around them and hands
//! record batches to a [`RowSink`] as they fill, so that memory does not follow a history's size.

mod application;
mod counts;
mod environment;
mod executor;
mod job;
mod log_finding;
mod origin;
mod rdd;
mod session_setting;
mod sink;
mod sql;
mod sql_plan_change;
mod sql_scan;
mod stage;
mod storage;
mod streaming;
mod summary;
mod task;
mod text;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use sparklake_schema::{self as schema, RowBuilder, TableBuilder};

use crate::RowError;
use crate::event::{EXECUTOR_METRIC_COUNT, ExecutorMetrics};

pub use application::{
    ApplicationActivity, ApplicationRow, ApplicationShape, EndTimeSource, HistoryKind,
};
pub use counts::RowCounts;
pub use environment::EnvironmentRow;
pub use executor::{ExecutorMemory, ExecutorRow, MemoryMetrics, ProcessRow};
pub use job::{JobRow, JobStatus};
pub use log_finding::LogFindingRow;
pub use rdd::{RddBlocks, RddRow, TaskTime};
pub use session_setting::{SessionSettingRow, SettingSubject};
pub use sink::{RowSink, SinkError};
pub use sql::{SqlNodeMetricRow, SqlNodeRow, SqlRow, SqlStatus};
pub use sql_plan_change::{PlanChange, SqlPlanChangeRow};
pub use sql_scan::{ScanCounts, SqlScanRow};
pub use stage::{SpeculationSummary, StageExecutorRow, StageRow, StageStatus};
pub use storage::RddStorageRow;
pub use streaming::StreamingProgressRow;
pub use summary::{TaskQuantilesRow, TaskSummaryRow};
pub use task::{FetchFailure, TaskRow};
pub use task::{getting_result_time, scheduler_delay};
pub use text::{json_map, json_text, rest_time};

/// How much a history tells: REST leaves out a few things that an event log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All that Spark logged.
    Log,
    /// What Spark's REST interface shows.
    Rest,
}

impl Depth {
    /// A value that only a log tells.
    fn of_log<T>(self, value: T) -> Option<T> {
        match self {
            Self::Log => Some(value),
            Self::Rest => None,
        }
    }
}

/// The run that an application belongs to, for `applications.job_run_id` and `job_key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRunLink {
    /// The platform's id of the run.
    pub job_run_id: String,
    /// What recurs, by a name that stays from run to run; `None` leaves it to the log.
    pub job_key: Option<String>,
}

/// Whose an application is, as far as whoever loads it knows: by its tags, its own properties, and what
/// is configured about queues and users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TeamSource {
    /// Value of a tag of the run or the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// YARN queue → team.
    pub by_queue: BTreeMap<String, String>,
    /// Spark user → team.
    pub by_user: BTreeMap<String, String>,
}

impl TeamSource {
    /// The same for an application whose run or cluster has the tag.
    #[must_use]
    pub fn tagged(&self, tag: Option<String>) -> Self {
        Self {
            tag,
            ..self.clone()
        }
    }

    /// The team of an application whose own properties name `property`, in this queue, started by
    /// this user: the first that is known, in this order, after the tag.
    #[must_use]
    pub fn team<'t>(
        &'t self,
        property: Option<&'t str>,
        queue: Option<&str>,
        user: &str,
    ) -> Option<&'t str> {
        let by_queue = || self.by_queue.get(queue?).map(String::as_str);
        let by_user = || self.by_user.get(user).map(String::as_str);
        let own = self.tag.as_deref().or(property);
        own.or_else(by_queue).or_else(by_user)
    }
}

/// What every row of one history says around its own columns.
#[derive(Debug, Clone)]
pub struct HistoryContext {
    pub platform: String,
    pub cluster_id: String,
    pub cluster_name: String,
    pub application_id: String,
    /// Spark's attempt id, `0` where Spark gives none.
    pub attempt_id: String,
    /// Start of the application, epoch milliseconds: its UTC date partitions every table.
    pub start_time: i64,
    /// What the platform says of the run; goes before what the history says itself.
    pub job_run: Option<JobRunLink>,
    /// Whose the application is.
    pub team: TeamSource,
    pub batch_id: String,
    pub ingested_at: DateTime<Utc>,
}

/// The fact tables that a history fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactTable {
    Applications,
    Jobs,
    Stages,
    Tasks,
    TaskSummaries,
    TaskQuantiles,
    StageExecutors,
    Sql,
    SqlNodes,
    SqlNodeMetrics,
    SqlScans,
    SqlPlanChanges,
    SessionSettings,
    Rdds,
    Executors,
    Environment,
    StreamingProgress,
    Processes,
    RddStorage,
    LogFindings,
}

impl FactTable {
    /// All fact tables, in the order in which their rows are flushed.
    pub const ALL: [Self; 20] = [
        Self::Applications,
        Self::Jobs,
        Self::Stages,
        Self::Tasks,
        Self::TaskSummaries,
        Self::TaskQuantiles,
        Self::StageExecutors,
        Self::Sql,
        Self::SqlNodes,
        Self::SqlNodeMetrics,
        Self::SqlScans,
        Self::SqlPlanChanges,
        Self::SessionSettings,
        Self::Rdds,
        Self::Executors,
        Self::Environment,
        Self::StreamingProgress,
        Self::Processes,
        Self::RddStorage,
        Self::LogFindings,
    ];

    /// The table's name in the lake.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::Jobs => "jobs",
            Self::Stages => "stages",
            Self::Tasks => "tasks",
            Self::TaskSummaries => "task_summaries",
            Self::TaskQuantiles => "task_quantiles",
            Self::StageExecutors => "stage_executors",
            Self::Sql => "sql",
            Self::SqlNodes => "sql_nodes",
            Self::SqlNodeMetrics => "sql_node_metrics",
            Self::SqlScans => "sql_scans",
            Self::SqlPlanChanges => "sql_plan_changes",
            Self::SessionSettings => "session_settings",
            Self::Rdds => "rdds",
            Self::Executors => "executors",
            Self::Environment => "environment",
            Self::StreamingProgress => "streaming_progress",
            Self::Processes => "processes",
            Self::RddStorage => "rdd_storage",
            Self::LogFindings => "log_findings",
        }
    }

    /// Rows a batch holds before it goes to the sink; rows with plans and stack texts are large.
    const fn batch_rows(self) -> usize {
        match self {
            Self::Tasks => 8_192,
            Self::Sql => 64,
            Self::Stages => 1_024,
            _ => 4_096,
        }
    }
}

/// Bytes of text that make a batch go to the sink before it has its rows: a plan alone can have
/// tens of megabytes.
const BATCH_BYTES: usize = 16 << 20;

/// Writes the rows of one history.
pub struct RowWriter<'s> {
    context: HistoryContext,
    sink: &'s mut dyn RowSink,
    builders: [Option<TableBuilder>; FactTable::ALL.len()],
    counts: RowCounts,
}

impl<'s> RowWriter<'s> {
    /// A writer for the history that `context` describes.
    pub fn new(context: HistoryContext, sink: &'s mut dyn RowSink) -> Self {
        Self {
            context,
            sink,
            builders: Default::default(),
            counts: RowCounts::default(),
        }
    }

    /// What every row says around its own columns.
    #[must_use]
    pub fn context(&self) -> &HistoryContext {
        &self.context
    }

    /// Rows written so far.
    #[must_use]
    pub fn counts(&self) -> RowCounts {
        self.counts
    }

    /// Appends one row of `table`, whose own columns `fill` gives in contract order.
    ///
    /// # Errors
    /// When the row does not fit the table's contract, or the sink refuses a full batch.
    pub fn append(
        &mut self,
        table: FactTable,
        fill: impl FnOnce(&mut RowBuilder<'_>),
    ) -> Result<(), RowError> {
        let Some(slot) = self.builders.get_mut(table as usize) else {
            return Ok(());
        };
        let builder = match slot {
            Some(builder) => builder,
            None => slot.insert(new_builder(table)?),
        };
        let context = &self.context;
        let mut row = builder.row();
        row.string("platform", &context.platform)
            .string("cluster_id", &context.cluster_id)
            .string("cluster_name", &context.cluster_name)
            .string("application_id", &context.application_id)
            .string("attempt_id", &context.attempt_id);
        fill(&mut row);
        row.date_from_ms("app_date", context.start_time)
            .string("batch_id", &context.batch_id)
            .timestamp_ms("ingested_at", context.ingested_at.timestamp_millis());
        row.end();
        self.counts.add_one(table);
        if builder.len() >= table.batch_rows() || builder.buffered_bytes() >= BATCH_BYTES {
            let batch = builder.finish()?;
            self.sink.write(table.name(), batch)?;
        }
        Ok(())
    }

    /// Tells the sink the application's settings: they say what is secret in the rows that follow.
    pub fn hear_settings(&mut self, settings: &[(&str, &str)]) {
        self.sink.hear_settings(settings);
    }

    /// Hands the last, partly filled batches to the sink.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn flush(&mut self) -> Result<(), RowError> {
        for table in FactTable::ALL {
            if let Some(Some(builder)) = self.builders.get_mut(table as usize)
                && !builder.is_empty()
            {
                let batch = builder.finish()?;
                self.sink.write(table.name(), batch)?;
            }
        }
        Ok(())
    }
}

fn new_builder(table: FactTable) -> Result<TableBuilder, RowError> {
    let contract = schema::table(table.name()).ok_or_else(|| RowError::NoContract {
        table: table.name(),
    })?;
    Ok(TableBuilder::new(contract))
}

/// Columns of the executor metrics, in the order of [`super::eventlog::event::EXECUTOR_METRICS`].
const PEAK_COLUMNS: [&str; EXECUTOR_METRIC_COUNT] = [
    "peak_jvm_heap_memory",
    "peak_jvm_off_heap_memory",
    "peak_on_heap_execution_memory",
    "peak_off_heap_execution_memory",
    "peak_on_heap_storage_memory",
    "peak_off_heap_storage_memory",
    "peak_on_heap_unified_memory",
    "peak_off_heap_unified_memory",
    "peak_direct_pool_memory",
    "peak_mapped_pool_memory",
    "peak_process_tree_jvm_v_memory",
    "peak_process_tree_jvm_rss_memory",
    "peak_process_tree_python_v_memory",
    "peak_process_tree_python_rss_memory",
    "peak_process_tree_other_v_memory",
    "peak_process_tree_other_rss_memory",
    "peak_minor_gc_count",
    "peak_minor_gc_time",
    "peak_major_gc_count",
    "peak_major_gc_time",
    "peak_total_gc_time",
    "peak_concurrent_gc_count",
    "peak_concurrent_gc_time",
];

/// Appends the peak columns, all NULL where nothing was measured.
fn append_peaks(row: &mut RowBuilder<'_>, peaks: Option<&ExecutorMetrics>) {
    for (at, column) in PEAK_COLUMNS.into_iter().enumerate() {
        row.opt_bigint(column, peaks.and_then(|peaks| peaks.0.get(at).copied()));
    }
}
