//! Table `applications`.

use crate::RowError as ExtractError;

use super::{FactTable, RowWriter};

/// How an application's history was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryKind {
    EventLog,
    EventLogZip,
    Rest,
}

impl HistoryKind {
    /// The word of column `history`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventLog => "event_log",
            Self::EventLogZip => "event_log_zip",
            Self::Rest => "rest",
        }
    }
}

/// One application attempt. Times are epoch milliseconds.
#[derive(Debug, Clone)]
pub struct ApplicationRow {
    pub name: String,
    /// `None` where the log's beginning is lost.
    pub start_time: Option<i64>,
    pub end_time: Option<i64>,
    /// Epoch milliseconds of the newest file of the log.
    pub last_updated: Option<i64>,
    pub spark_user: String,
    pub completed: bool,
    pub spark_version: Option<String>,
    pub job_key: Option<String>,
    pub job_run_id: Option<String>,
    pub team: Option<String>,
    pub deploy_mode: Option<String>,
    pub queue: Option<String>,
    pub executor_cores: Option<i64>,
    pub executor_memory_bytes: Option<i64>,
    pub num_executors_max: i64,
    pub num_executors_added: i64,
    pub cores_max: i64,
    pub total_task_time_ms: i64,
    pub core_time_ms: Option<i64>,
    pub memory_time_byte_ms: Option<i64>,
    pub input_bytes: i64,
    pub output_bytes: i64,
    pub shuffle_read_bytes: i64,
    pub shuffle_write_bytes: i64,
    pub memory_bytes_spilled: i64,
    pub disk_bytes_spilled: i64,
    pub num_jobs: i64,
    pub num_stages: i64,
    pub num_tasks: i64,
    pub num_failed_tasks: i64,
    pub num_sql: i64,
    pub failure_reason: Option<String>,
    pub history: HistoryKind,
    /// False for an unfinished or truncated log.
    pub complete: bool,
    pub source_uri: String,
}

impl ApplicationRow {
    /// Milliseconds from start to end; 0 while it runs, as REST has it.
    fn duration_ms(&self) -> i64 {
        self.end_time
            .zip(self.start_time)
            .map_or(0, |(end, start)| end.saturating_sub(start))
    }

    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    #[expect(
        clippy::cast_precision_loss,
        reason = "minutes for people; the exact milliseconds stand beside them"
    )]
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), ExtractError> {
        let platform = writer.context().job_run.clone();
        let job_key = platform.as_ref().and_then(|run| run.job_key.as_deref());
        let job_run_id = platform.as_ref().map(|run| run.job_run_id.as_str());
        writer.append(FactTable::Applications, |row| {
            row.opt_string("application_name", Some(&self.name))
                .opt_timestamp_ms("start_time", self.start_time)
                .opt_timestamp_ms("end_time", self.end_time)
                .opt_timestamp_ms("last_updated", self.last_updated)
                .bigint("duration_ms", self.duration_ms())
                .opt_string("spark_user", Some(&self.spark_user))
                .boolean("completed", self.completed)
                .opt_string(
                    "app_spark_version",
                    Some(self.spark_version.as_deref().unwrap_or("")),
                )
                .opt_string("spark_version", self.spark_version.as_deref())
                .double("duration_minutes", self.duration_ms() as f64 / 60_000.0)
                .opt_string("job_key", job_key.or(self.job_key.as_deref()))
                .opt_string("job_run_id", job_run_id.or(self.job_run_id.as_deref()))
                .opt_string("team", self.team.as_deref())
                .opt_string("deploy_mode", self.deploy_mode.as_deref())
                .opt_string("queue", self.queue.as_deref())
                .opt_bigint("executor_cores", self.executor_cores)
                .opt_bigint("executor_memory_bytes", self.executor_memory_bytes)
                .opt_bigint("num_executors_max", Some(self.num_executors_max))
                .opt_bigint("num_executors_added", Some(self.num_executors_added))
                .opt_bigint("cores_max", Some(self.cores_max))
                .opt_bigint("total_task_time_ms", Some(self.total_task_time_ms))
                .opt_bigint("core_time_ms", self.core_time_ms)
                .opt_bigint("memory_time_byte_ms", self.memory_time_byte_ms)
                .opt_bigint("input_bytes", Some(self.input_bytes))
                .opt_bigint("output_bytes", Some(self.output_bytes))
                .opt_bigint("shuffle_read_bytes", Some(self.shuffle_read_bytes))
                .opt_bigint("shuffle_write_bytes", Some(self.shuffle_write_bytes))
                .opt_bigint("memory_bytes_spilled", Some(self.memory_bytes_spilled))
                .opt_bigint("disk_bytes_spilled", Some(self.disk_bytes_spilled))
                .opt_bigint("num_jobs", Some(self.num_jobs))
                .opt_bigint("num_stages", Some(self.num_stages))
                .opt_bigint("num_tasks", Some(self.num_tasks))
                .opt_bigint("num_failed_tasks", Some(self.num_failed_tasks))
                .opt_bigint("num_sql", Some(self.num_sql))
                .opt_string("failure_reason", self.failure_reason.as_deref())
                .string("history", self.history.as_str())
                .boolean("complete", self.complete)
                .string("source_uri", &self.source_uri);
        })
    }
}
