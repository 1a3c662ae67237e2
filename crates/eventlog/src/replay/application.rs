//! The application's own row: what the whole replay adds up to.

use crate::RowError;
use crate::event::{TaskEnd, TaskMetrics, TaskStart};
use crate::limits;
use crate::rows::{ApplicationActivity, ApplicationRow, JobRow, JobStatus};

use super::executors::{Executors, LifeEnd};
use super::job_key;
use super::shape::Shape;
use super::{LogSummary, Replay};

/// Sums over the whole application.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) jobs: i64,
    pub(super) stages: i64,
    pub(super) tasks: i64,
    pub(super) sql: i64,
    pub(super) failure: Failure,
    /// The Python file that the first job was called from.
    pub(super) script: Option<String>,
    pub(super) tasks_running_max: usize,
    /// Events that must have happened and are not in the log.
    pub(super) lost_events: i64,
    failed_tasks: i64,
    killed_tasks: i64,
    task_time_ms: i64,
    cores_busy_ms: i64,
    first_task: Option<i64>,
    metrics: TaskMetrics,
}

impl Totals {
    pub(super) fn task_started(&mut self, start: &TaskStart) {
        if let Some(launch) = limits::instant(start.info.launch_time) {
            self.first_task = Some(self.first_task.map_or(launch, |first| first.min(launch)));
        }
    }

    /// Counts a task that ended for the first time, on `cpus` cores.
    pub(super) fn task_ended(&mut self, end: &TaskEnd, cpus: i64) {
        // A clock that was set back makes it negative: then it is not known.
        let duration = end.info.duration().max(0);
        let status = end.info.status();
        self.tasks += 1;
        self.failed_tasks += i64::from(status == "FAILED");
        self.killed_tasks += i64::from(status == "KILLED");
        self.task_time_ms = self.task_time_ms.saturating_add(duration);
        let busy = duration.saturating_mul(cpus.max(1));
        self.cores_busy_ms = self.cores_busy_ms.saturating_add(busy);
        self.metrics.add(&end.metrics);
    }
}

/// The error that an application failed with: that of its first failed job since one succeeded. Jobs
/// that were canceled because of it, or because the application stopped, say less.
#[derive(Debug, Default)]
pub(super) struct Failure {
    error: Option<String>,
    cancellation: Option<String>,
    /// A job has succeeded since `error`.
    is_past: bool,
}

impl Failure {
    pub(super) fn job_ended(&mut self, job: &JobRow) {
        self.is_past |= job.status == JobStatus::Succeeded;
        let Some(reason) = &job.failure_reason else {
            return;
        };
        if is_cancellation(reason) {
            self.cancellation = Some(reason.clone());
        } else if self.error.is_none() || self.is_past {
            self.error = Some(reason.clone());
            self.is_past = false;
        }
    }

    fn reason(self) -> Option<String> {
        self.error.or(self.cancellation)
    }
}

/// Whether a job's failure is that somebody or something canceled it.
fn is_cancellation(reason: &str) -> bool {
    let first_line = reason.lines().next().unwrap_or_default();
    (first_line.contains(" cancelled") || first_line.contains(" canceled"))
        && !first_line.contains("aborted due to stage failure")
}

impl Replay<'_, '_> {
    pub(super) fn finish_application(
        &mut self,
        log: &LogSummary,
        complete: bool,
    ) -> Result<(), RowError> {
        let start_time = self.rows.context().start_time;
        let mut executors = std::mem::replace(&mut self.executors, Executors::new());
        let concurrency = executors.concurrency();
        let (num_unregistered, unregistered_reason) = executors.unregistered(self.end_time);
        let start = self.start.take();
        let has_start = start.is_some();
        let (name, user) = if let Some(start) = start {
            (start.name, start.user)
        } else {
            let name = self.environment.spark("spark.app.name").unwrap_or_default();
            (name.to_owned(), String::new())
        };
        let spark_version = self.spark_version.take();
        let platform = self.rows.context().platform.clone();
        let settings = Shape::new(&self.environment, &platform, spark_version.as_deref())
            .with_driver(executors.driver());
        let named = job_key::named(&name, self.totals.script.as_deref());
        let shown = settings.application(named, executors.any_cores(), executors.driver_cores());
        for row in executors.take_processes() {
            row.append(self.rows)?;
        }
        let life_end = LifeEnd {
            start_time,
            end_time: self.end_time,
            last_event: self.last_event,
        };
        let time = executors.finish(life_end, &settings, |row| row.append(self.rows))?;
        let gaps = std::mem::take(&mut self.gaps).finish(life_end.observed());
        let longest_gap = gaps.and_then(|(_, longest)| longest);
        let totals = std::mem::take(&mut self.totals);
        let metrics = &totals.metrics;
        let activity = ApplicationActivity {
            last_event_time: limits::instant(self.last_event),
            tasks_running_max: i64::try_from(totals.tasks_running_max).ok(),
            cores_busy_time_ms: Some(totals.cores_busy_ms),
            driver_only_time_ms: gaps.map(|(total, _)| total),
            longest_gap_ms: longest_gap.map(|gap| gap.length_ms),
            longest_gap_start_time: longest_gap.map(|gap| gap.start),
            first_task_time: totals.first_task,
            num_killed_tasks: totals.killed_tasks,
            num_lost_events: Some(totals.lost_events),
            exit_code: self.exit_code,
        };
        let row = ApplicationRow {
            start_time: has_start.then_some(start_time),
            end_time: self.end_time,
            last_updated: log.last_updated,
            spark_user: user,
            completed: self.ended,
            spark_version,
            name,
            settings: shown,
            activity,
            num_executors_max: concurrency.executors_max,
            num_executors_added: concurrency.executors_added,
            num_executors_unregistered: Some(num_unregistered),
            unregistered_reason,
            cores_max: concurrency.cores_max(),
            total_task_time_ms: totals.task_time_ms,
            core_time_ms: time.core_ms,
            memory_time_byte_ms: time.heap_byte_ms,
            container_memory_time_byte_ms: time.container_byte_ms,
            input_bytes: metrics.input.bytes_read,
            output_bytes: metrics.output.bytes_written,
            shuffle_read_bytes: metrics.shuffle_read.total_bytes_read(),
            shuffle_write_bytes: metrics.shuffle_write.bytes_written,
            memory_bytes_spilled: metrics.memory_bytes_spilled,
            disk_bytes_spilled: metrics.disk_bytes_spilled,
            num_jobs: totals.jobs,
            num_stages: totals.stages,
            num_tasks: totals.tasks,
            num_failed_tasks: totals.failed_tasks,
            num_sql: totals.sql + self.sql.emitted(),
            failure_reason: totals
                .failure
                .reason()
                .or_else(|| exit_reason(self.exit_code)),
            history: log.history,
            complete,
            source_uri: log.source_uri.clone(),
        };
        row.append(self.rows)
    }
}

/// Why an application failed, where its exit code says that it did.
pub fn exit_reason(exit_code: Option<i64>) -> Option<String> {
    let code = exit_code.filter(|code| *code != 0)?;
    Some(match code {
        137 => format!("exited with code {code} (killed, most often for lack of memory)"),
        143 => format!("exited with code {code} (terminated)"),
        52 => format!("exited with code {code} (out of memory)"),
        _ => format!("exited with code {code}"),
    })
}
