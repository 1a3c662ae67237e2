//! Table `applications`.

use crate::RowError;

use super::job::{duration, rounded};
use super::{ExecutorMemory, FactTable, RowWriter};

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

/// What tells when an application ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndTimeSource {
    /// Its end event.
    ApplicationEnd,
    /// Its history's last event.
    LastEvent,
}

impl EndTimeSource {
    /// The word of column `end_time_source`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApplicationEnd => "application_end",
            Self::LastEvent => "last_event",
        }
    }
}

/// What an application was given, by its settings and Spark's defaults.
#[derive(Debug, Clone, Default)]
pub struct ApplicationShape {
    pub master: Option<String>,
    pub deploy_mode: Option<String>,
    pub queue: Option<String>,
    /// Absent for interactive applications.
    pub job_key: Option<String>,
    pub job_run_id: Option<String>,
    pub team: Option<String>,
    pub is_local: Option<bool>,
    pub is_interactive: bool,
    pub dynamic_allocation: Option<bool>,
    pub shuffle_service: Option<bool>,
    pub driver_memory_bytes: Option<i64>,
    pub driver_cores: Option<i64>,
    pub executor_cores: Option<i64>,
    pub executor_memory: Option<ExecutorMemory>,
}

/// When an application worked. Times are epoch milliseconds, durations milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApplicationActivity {
    /// The history's newest event.
    pub last_event_time: Option<i64>,
    /// Most tasks at one time.
    pub tasks_running_max: Option<i64>,
    /// Task time times the cores of a task.
    pub cores_busy_time_ms: Option<i64>,
    /// Time without a job.
    pub driver_only_time_ms: Option<i64>,
    pub longest_gap_ms: Option<i64>,
    pub longest_gap_start_time: Option<i64>,
    pub first_task_time: Option<i64>,
    pub num_killed_tasks: i64,
    /// Ends of tasks, stages and jobs that happened and are not in the log, at least.
    pub num_lost_events: Option<i64>,
    pub exit_code: Option<i64>,
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
    pub settings: ApplicationShape,
    pub activity: ApplicationActivity,
    pub num_executors_max: i64,
    pub num_executors_added: i64,
    /// Executors that ended before they registered; `None` from REST.
    pub num_executors_unregistered: Option<i64>,
    pub unregistered_reason: Option<String>,
    pub cores_max: i64,
    pub total_task_time_ms: i64,
    pub core_time_ms: Option<i64>,
    pub memory_time_byte_ms: Option<i64>,
    pub container_memory_time_byte_ms: Option<i64>,
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

    /// When it ended, and what tells that.
    fn observed_end(&self) -> Option<(i64, EndTimeSource)> {
        match self.end_time {
            Some(end) => Some((end, EndTimeSource::ApplicationEnd)),
            None => self
                .activity
                .last_event_time
                .map(|time| (time, EndTimeSource::LastEvent)),
        }
    }

    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    #[expect(
        clippy::cast_precision_loss,
        reason = "minutes for people; the exact milliseconds stand beside them"
    )]
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        let platform = writer.context().job_run.clone();
        let team_source = writer.context().team.clone();
        let job_key = platform.as_ref().and_then(|run| run.job_key.as_deref());
        let job_run_id = platform.as_ref().map(|run| run.job_run_id.as_str());
        let settings = &self.settings;
        let activity = &self.activity;
        let queue = settings.queue.as_deref();
        let team = team_source.team(settings.team.as_deref(), queue, &self.spark_user);
        let memory = settings.executor_memory;
        let observed_end = self.observed_end();
        let observed_duration = observed_end.and_then(|(end, _)| duration(self.start_time?, end));
        let first_task_delay = activity
            .first_task_time
            .and_then(|time| duration(self.start_time?, time));
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
                .double(
                    "duration_minutes",
                    rounded(self.duration_ms() as f64 / 60_000.0),
                )
                .opt_string("job_key", job_key.or(settings.job_key.as_deref()))
                .opt_string("job_run_id", job_run_id.or(settings.job_run_id.as_deref()))
                .opt_string("team", team)
                .opt_string("deploy_mode", settings.deploy_mode.as_deref())
                .opt_string("queue", settings.queue.as_deref())
                .opt_bigint("executor_cores", settings.executor_cores)
                .opt_bigint("executor_memory_bytes", memory.map(|m| m.heap))
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
                .string("source_uri", &self.source_uri)
                .opt_timestamp_ms("observed_end_time", observed_end.map(|(end, _)| end))
                .opt_string(
                    "end_time_source",
                    observed_end.map(|(_, source)| source.as_str()),
                )
                .opt_bigint("observed_duration_ms", observed_duration)
                .opt_string("master", settings.master.as_deref())
                .opt_boolean("is_local", settings.is_local)
                .opt_boolean("is_interactive", Some(settings.is_interactive))
                .opt_boolean("dynamic_allocation", settings.dynamic_allocation)
                .opt_boolean("shuffle_service", settings.shuffle_service)
                .opt_bigint("driver_memory_bytes", settings.driver_memory_bytes)
                .opt_bigint("driver_cores", settings.driver_cores)
                .opt_bigint("memory_overhead_bytes", memory.map(|m| m.overhead))
                .opt_bigint("off_heap_memory_bytes", memory.map(|m| m.off_heap))
                .opt_bigint("pyspark_memory_bytes", memory.map(|m| m.pyspark))
                .opt_bigint("container_memory_bytes", memory.map(|m| m.container()))
                .opt_bigint(
                    "container_memory_time_byte_ms",
                    self.container_memory_time_byte_ms,
                )
                .opt_bigint("tasks_running_max", activity.tasks_running_max)
                .opt_bigint("cores_busy_time_ms", activity.cores_busy_time_ms)
                .opt_bigint("driver_only_time_ms", activity.driver_only_time_ms)
                .opt_bigint("longest_gap_ms", activity.longest_gap_ms)
                .opt_timestamp_ms("longest_gap_start_time", activity.longest_gap_start_time)
                .opt_bigint("first_task_delay_ms", first_task_delay)
                .opt_bigint("num_killed_tasks", Some(activity.num_killed_tasks))
                .opt_bigint("num_lost_events", activity.num_lost_events)
                .opt_bigint("exit_code", activity.exit_code)
                .opt_bigint(
                    "num_executors_unregistered",
                    self.num_executors_unregistered,
                )
                .opt_string("unregistered_reason", self.unregistered_reason.as_deref());
        })
    }
}
