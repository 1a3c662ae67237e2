//! The replay: a deterministic state machine from typed events to rows.
//!
//! It follows Spark's `AppStatusListener` and `SQLAppStatusListener`, event by event, so that its
//! rows agree field by field with what the Spark History Server answers for the same log; and it
//! keeps what that server drops by retention. A row leaves as soon as nothing can change it, so
//! memory follows what is running, not the length of the log.

mod distribution;
pub mod environment;
pub mod executors;
mod index_set;
mod jobs;
mod operations;
pub mod quantiles;
mod rdds;
mod settings;
mod sql;
mod stages;
mod storage;

use hashbrown::HashMap;

use crate::RowError as ExtractError;
use crate::rows::{
    ApplicationRow, Depth, HistoryKind, JobRow, RowCounts, RowWriter, SettingSubject, StageRow,
    StageStatus, StreamingProgressRow, TaskRow,
};

use super::event::{
    ApplicationStart, EnvironmentUpdate, Event, Exclusion, ExecutorMetricsUpdate, JobEnd, JobStart,
    NodeExclusion, SqlExecutionStart, StageExecutorMetrics, StageInfo, StageSubmitted, TaskEnd,
    TaskInfo, TaskMetrics, TaskStart,
};
use environment::Environment;
use executors::{Executors, LifeEnd};
use jobs::{EndingJob, LiveJob};
use operations::{Operations, origin_of};
use rdds::Rdds;
use settings::ApplicationSettings;
use sql::SqlExecutions;
use stages::{LiveStage, StageKey};
use storage::Storage;

/// What the reader of the log knows when it ends, which no event says.
#[derive(Debug, Clone)]
pub struct LogSummary {
    pub history: HistoryKind,
    pub source_uri: String,
    /// Epoch milliseconds of the log's newest modification.
    pub last_updated: Option<i64>,
    /// Nothing was cut off and no line was lost.
    pub is_intact: bool,
}

/// What a replay found, for the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplaySummary {
    pub rows: RowCounts,
    /// The application ended and the log is intact.
    pub complete: bool,
    /// The log says how the application ended.
    pub ended: bool,
}

/// Sums over the whole application.
#[derive(Debug, Default)]
struct Totals {
    jobs: i64,
    stages: i64,
    tasks: i64,
    failed_tasks: i64,
    task_time_ms: i64,
    sql: i64,
    metrics: TaskMetrics,
    failure_reason: Option<String>,
}

/// Replays one application attempt.
pub struct Replay<'w, 's> {
    rows: &'w mut RowWriter<'s>,
    spark_version: Option<String>,
    start: Option<ApplicationStart>,
    end_time: Option<i64>,
    exit_code: Option<i64>,
    /// Epoch milliseconds of the newest event that says when it happened.
    last_event: i64,
    environment: Environment,
    executors: Executors,
    jobs: HashMap<i64, LiveJob>,
    /// Jobs that ended while tasks of theirs still ran.
    ending_jobs: HashMap<i64, EndingJob>,
    stages: HashMap<StageKey, LiveStage>,
    /// Final stages that a running job mentions: a later job may yet replace them.
    finished_stages: HashMap<StageKey, StageRow>,
    tasks: HashMap<i64, TaskStart>,
    sql: SqlExecutions,
    settings: ApplicationSettings,
    operations: Operations,
    storage: Storage,
    rdds: Rdds,
    totals: Totals,
}

impl<'w, 's> Replay<'w, 's> {
    /// A replay whose rows go to `rows`.
    #[must_use]
    pub fn new(rows: &'w mut RowWriter<'s>) -> Self {
        Self {
            rows,
            spark_version: None,
            start: None,
            end_time: None,
            exit_code: None,
            last_event: 0,
            environment: Environment::default(),
            executors: Executors::new(),
            jobs: HashMap::new(),
            ending_jobs: HashMap::new(),
            stages: HashMap::new(),
            finished_stages: HashMap::new(),
            tasks: HashMap::new(),
            sql: SqlExecutions::default(),
            settings: ApplicationSettings::default(),
            operations: Operations::default(),
            storage: Storage::default(),
            rdds: Rdds::default(),
            totals: Totals::default(),
        }
    }

    /// Applies the next event of the log.
    ///
    /// # Errors
    /// When a row does not reach its table; what events say is never an error.
    pub fn apply(&mut self, event: Event) -> Result<(), ExtractError> {
        match event {
            Event::TaskStart(start) => self.on_task_start(start),
            Event::TaskEnd(end) => return self.on_task_end(&end),
            Event::JobStart(start) => return self.on_job_start(*start),
            Event::JobEnd(end) => return self.on_job_end(&end),
            Event::StageSubmitted(submitted) => self.on_stage_submitted(*submitted),
            Event::StageCompleted(info) => return self.on_stage_completed(*info),
            Event::SqlExecutionStart(start) => {
                self.saw(start.time);
                self.on_sql_start(*start);
            }
            Event::SqlExecutionEnd(end) => {
                self.saw(end.time);
                return self.sql.on_end(&end, &self.settings, self.rows);
            }
            Event::AdaptiveExecutionUpdate(update) => self.sql.on_adaptive_update(*update),
            Event::AdaptiveMetricUpdates(update) => self.sql.on_adaptive_metrics(&update),
            Event::DriverAccumulatorUpdates(update) => self.sql.on_driver_updates(&update),
            Event::EffectiveSqlConf(conf) => {
                let settings = self.settings.differing(conf.settings);
                self.sql.on_settings(conf.execution_id, settings);
            }
            Event::OperationStarted(started) => self.operations.on_started(*started),
            Event::StreamingProgress(event) => {
                return StreamingProgressRow {
                    progress: &event.progress,
                }
                .append(self.rows);
            }
            Event::LogStart { spark_version } => self.spark_version = Some(spark_version),
            Event::DatabricksMetadata(metadata) => {
                if let Some(version) = metadata.spark_version {
                    self.spark_version.get_or_insert(version);
                }
            }
            Event::ApplicationStart(start) => {
                self.saw(start.timestamp);
                self.executors.on_application_start(&start);
                self.start = Some(*start);
            }
            Event::ApplicationEnd(end) => {
                self.saw(end.timestamp);
                self.end_time = Some(end.timestamp);
                self.exit_code = end.exit_code;
            }
            Event::EnvironmentUpdate(update) => self.on_environment(*update),
            Event::ResourceProfileAdded(profile) => {
                self.executors.on_resource_profile(&profile);
                self.environment.on_resource_profile(*profile);
            }
            Event::BlockManagerAdded(added) => {
                self.saw(added.timestamp);
                self.executors.on_block_manager_added(added);
            }
            Event::BlockUpdated(updated) => {
                self.executors.on_block_updated(&updated);
                self.storage.on_block_updated(&updated);
                self.rdds.on_block_updated(&updated);
            }
            Event::ExecutorAdded(added) => {
                self.saw(added.timestamp);
                self.executors.on_added(*added);
            }
            Event::ExecutorRemoved(removed) => {
                self.saw(removed.timestamp);
                self.storage.on_executor_removed(&removed.executor_id);
                self.rdds.on_executor_removed(&removed.executor_id);
                self.executors.on_removed(removed);
            }
            Event::ExecutorExcluded(exclusion) => self.on_executor_excluded(&exclusion),
            Event::ExecutorUnexcluded(exclusion) => {
                self.executors.set_excluded(&exclusion.executor_id, false)
            }
            Event::NodeExcluded(exclusion) => self.on_node_excluded(&exclusion),
            Event::NodeUnexcluded(exclusion) => {
                self.executors.set_node_excluded(&exclusion.host, false)
            }
            Event::ExecutorMetricsUpdate(update) => self.on_executor_metrics(&update),
            Event::StageExecutorMetrics(metrics) => self.on_stage_executor_metrics(&metrics),
            Event::MiscellaneousProcessAdded(added) => self.executors.on_process_added(*added),
            Event::UnpersistRdd { rdd_id } => {
                self.executors.on_unpersist(rdd_id);
                self.storage.on_unpersist(rdd_id);
                self.rdds.on_unpersist(rdd_id);
            }
        }
        Ok(())
    }

    /// Ends the replay: what is still live becomes rows as it stands.
    ///
    /// # Errors
    /// When a row does not reach its table.
    pub fn finish(mut self, log: &LogSummary) -> Result<ReplaySummary, ExtractError> {
        self.finish_tasks()?;
        self.finish_jobs_and_stages()?;
        self.totals.sql += self.sql.finish(&self.settings, self.rows)?;
        self.environment.append(self.rows)?;
        for row in std::mem::take(&mut self.storage).finish() {
            row.append(self.rows)?;
        }
        for row in std::mem::take(&mut self.rdds).finish() {
            row.append(self.rows)?;
        }
        let complete = self.end_time.is_some() && log.is_intact;
        self.finish_application(log, complete)?;
        self.rows.flush()?;
        Ok(ReplaySummary {
            rows: self.rows.counts(),
            complete,
            ended: self.end_time.is_some(),
        })
    }

    fn saw(&mut self, time: i64) {
        self.last_event = self.last_event.max(time);
    }

    fn on_environment(&mut self, update: EnvironmentUpdate) {
        self.settings.on_environment(&update.spark);
        self.environment.on_update(update);
        if let Some(cpus) = self.environment.spark_number("spark.task.cpus") {
            self.executors.set_default_task_cpus(cpus);
        }
    }

    fn on_sql_start(&mut self, mut start: SqlExecutionStart) {
        start.modified_configs = self.settings.differing(start.modified_configs);
        let tags = start.job_tags.iter().map(String::as_str);
        let operation = self.operations.of(start.job_group_id.as_deref(), tags);
        self.sql.on_start(start, operation);
    }

    fn on_job_start(&mut self, mut start: JobStart) -> Result<(), ExtractError> {
        self.saw(start.submission_time);
        self.totals.jobs += 1;
        let properties = &mut start.properties;
        let tags = properties.job_tags.as_deref().unwrap_or_default();
        let operation = self
            .operations
            .of(properties.job_group.as_deref(), tags.split(','));
        if let Some(operation) = operation {
            properties.origin.complete(&origin_of(operation));
        }
        let settings = self
            .settings
            .differing(std::mem::take(&mut properties.settings));
        self.sql.on_job_start(&start, operation);
        match start.properties.sql_execution_id {
            Some(sql_id) => self.sql.on_settings(sql_id, settings),
            None => {
                let subject = SettingSubject::Job(start.job_id);
                self.settings.append(subject, settings, self.rows)?;
            }
        }
        let job = LiveJob::new(&start);
        for info in start.stage_infos {
            let key = (info.stage_id, info.attempt_id);
            // As in the History Server, a stage that a later job lists again starts anew.
            if self.finished_stages.remove(&key).is_some() {
                self.totals.stages -= 1;
            }
            let stage = get_or_create(&mut self.stages, info);
            stage.add_job(start.job_id);
            stage.row.sql_id = start.properties.sql_execution_id.or(stage.row.sql_id);
        }
        self.jobs.insert(start.job_id, job);
        Ok(())
    }

    fn on_job_end(&mut self, end: &JobEnd) -> Result<(), ExtractError> {
        self.saw(end.completion_time);
        let Some(mut job) = self.jobs.remove(&end.job_id) else {
            return Ok(());
        };
        self.skip_pending_stages(&mut job)?;
        job.end(end);
        let row = job.row();
        if row.failure_reason.is_some() {
            self.totals.failure_reason.clone_from(&row.failure_reason);
        }
        self.release_stages(&row.stage_ids)?;
        self.sql.on_job_end(&row, &self.settings, self.rows)?;
        if self
            .stages
            .values()
            .any(|stage| stage.jobs.contains(&end.job_id))
        {
            self.ending_jobs
                .insert(end.job_id, EndingJob { job, written: row });
            return Ok(());
        }
        row.append(self.rows)
    }

    /// A stage is gone: jobs that had ended before it and wait for no other are final. The History
    /// Server writes such a job anew when the stage's last task ended late (`after_task`).
    fn release_ending_jobs(&mut self, jobs: &[i64], after_task: bool) -> Result<(), ExtractError> {
        for job_id in jobs {
            let Some(ending) = self.ending_jobs.get_mut(job_id) else {
                continue;
            };
            if after_task {
                ending.written = ending.job.row();
            }
            if !self
                .stages
                .values()
                .any(|stage| stage.jobs.contains(job_id))
                && let Some(ending) = self.ending_jobs.remove(job_id)
            {
                ending.written.append(self.rows)?;
            }
        }
        Ok(())
    }

    /// Stages of an ended job that never ran: their output was there already.
    fn skip_pending_stages(&mut self, job: &mut LiveJob) -> Result<(), ExtractError> {
        let mut pending: Vec<StageKey> = self
            .stages
            .iter()
            .filter(|(key, stage)| stage.row.status == StageStatus::Pending && job.mentions(key.0))
            .map(|(key, _)| *key)
            .collect();
        pending.sort_unstable();
        for key in pending {
            if let Some(mut stage) = self.stages.remove(&key) {
                stage.row.status = StageStatus::Skipped;
                job.skip_stage(key.0, stage.row.info.num_tasks);
                self.finish_stage(stage)?;
            }
        }
        Ok(())
    }

    /// Writes the final stages that no running job mentions any more.
    fn release_stages(&mut self, stage_ids: &[i64]) -> Result<(), ExtractError> {
        if self.finished_stages.is_empty() {
            return Ok(());
        }
        let mut free: Vec<StageKey> = self
            .finished_stages
            .keys()
            .filter(|(stage_id, _)| stage_ids.contains(stage_id) && !self.is_mentioned(*stage_id))
            .copied()
            .collect();
        free.sort_unstable();
        for key in free {
            if let Some(row) = self.finished_stages.remove(&key) {
                row.append(self.rows)?;
            }
        }
        Ok(())
    }

    fn is_mentioned(&self, stage_id: i64) -> bool {
        self.jobs.values().any(|job| job.mentions(stage_id))
    }

    fn on_stage_submitted(&mut self, submitted: StageSubmitted) {
        let StageSubmitted {
            stage_info,
            properties,
        } = submitted;
        self.saw(stage_info.submission_time.unwrap_or(0));
        self.storage.on_stage_submitted(&stage_info.rdd_infos);
        let (stage_id, attempt_id, num_tasks) = (
            stage_info.stage_id,
            stage_info.attempt_id,
            stage_info.num_tasks,
        );
        self.sql.on_stage_submitted(stage_id, attempt_id, num_tasks);
        let mut jobs: Vec<i64> = self
            .jobs
            .iter_mut()
            .filter(|(_, job)| job.mentions(stage_id))
            .map(|(job_id, _)| *job_id)
            .collect();
        jobs.sort_unstable();
        for job_id in &jobs {
            if let Some(job) = self.jobs.get_mut(job_id) {
                job.on_stage_submitted(stage_id);
            }
        }
        let stage = get_or_create(&mut self.stages, stage_info);
        stage.row.status = StageStatus::Active;
        stage.row.description = properties.description;
        stage.row.scheduling_pool = properties
            .scheduler_pool
            .unwrap_or_else(|| "default".to_owned());
        stage.row.sql_id = properties.sql_execution_id.or(stage.row.sql_id);
        stage.row.job_ids.clone_from(&jobs);
        stage.jobs = jobs;
    }

    fn on_stage_completed(&mut self, info: StageInfo) -> Result<(), ExtractError> {
        self.saw(info.completion_time.unwrap_or(0));
        let key = (info.stage_id, info.attempt_id);
        let Some(stage) = self.stages.get_mut(&key) else {
            return Ok(());
        };
        stage.row.status = match (&info.failure_reason, info.submission_time) {
            (Some(_), _) => StageStatus::Failed,
            (None, Some(_)) => StageStatus::Complete,
            (None, None) => StageStatus::Skipped,
        };
        if stage.row.status == StageStatus::Complete {
            self.rdds.on_stage_ran(&info);
        }
        stage.row.info = info;
        let (status, num_tasks) = (stage.row.status, stage.row.info.num_tasks);
        let (jobs, excluded) = (stage.jobs.clone(), std::mem::take(&mut stage.excluded));
        for job_id in jobs {
            let Some(job) = job_of(&mut self.jobs, &mut self.ending_jobs, job_id) else {
                continue;
            };
            match status {
                StageStatus::Complete => job.on_stage_complete(key.0),
                StageStatus::Failed => job.on_stage_failed(),
                _ => job.on_stage_completed_unsubmitted(key.0, num_tasks),
            }
        }
        for executor_id in excluded {
            self.executors.include_in_stage(&executor_id, key.0);
        }
        self.finish_stage_if_final(key, false)
    }

    fn finish_stage_if_final(
        &mut self,
        key: StageKey,
        after_task: bool,
    ) -> Result<(), ExtractError> {
        if self.stages.get(&key).is_some_and(LiveStage::is_final)
            && let Some(stage) = self.stages.remove(&key)
        {
            let jobs = stage.jobs.clone();
            self.finish_stage(stage)?;
            self.release_ending_jobs(&jobs, after_task)?;
        }
        Ok(())
    }

    /// Writes what a final stage leaves; its own row waits while a running job mentions it.
    fn finish_stage(&mut self, stage: LiveStage) -> Result<(), ExtractError> {
        let key = stage.key();
        let (row, details) = stage.finish();
        for executor in &details.executors {
            executor.append(key.0, key.1, self.rows)?;
        }
        if let Some((summary, quantiles)) = details.distributions.finish(key.0, key.1) {
            summary.append(self.rows)?;
            for row in &quantiles {
                row.append(self.rows)?;
            }
        }
        self.totals.stages += 1;
        if self.is_mentioned(key.0) {
            self.finished_stages.insert(key, row);
            Ok(())
        } else {
            row.append(self.rows)
        }
    }

    fn on_task_start(&mut self, start: TaskStart) {
        self.saw(start.info.launch_time);
        let key = (start.stage_id, start.stage_attempt_id);
        if let Some(stage) = self.stages.get_mut(&key) {
            stage.on_task_start(&start);
            for job_id in &stage.jobs {
                if let Some(job) = job_of(&mut self.jobs, &mut self.ending_jobs, *job_id) {
                    job.on_task_start();
                }
            }
        }
        self.executors.on_task_start(&start.info.executor_id);
        self.tasks.insert(start.info.task_id, start);
    }

    fn on_task_end(&mut self, end: &TaskEnd) -> Result<(), ExtractError> {
        self.saw(end.info.finish_time);
        // A second end of the same task (its output was lost) changes counters, never the row.
        let was_started = self.tasks.remove(&end.info.task_id).is_some();
        if was_started {
            self.append_task(end)?;
        }
        self.sql.on_task_end(end);
        self.executors.on_task_end(end);
        let key = (end.stage_id, end.stage_attempt_id);
        let Some(stage) = self.stages.get_mut(&key) else {
            return Ok(());
        };
        let kill_reason = end.reason.kill_summary_key();
        stage.on_task_end(end, was_started, kill_reason.as_deref());
        for job_id in &stage.jobs {
            if let Some(job) = job_of(&mut self.jobs, &mut self.ending_jobs, *job_id) {
                job.on_task_end(end, kill_reason.as_deref());
            }
        }
        self.finish_stage_if_final(key, true)
    }

    fn append_task(&mut self, end: &TaskEnd) -> Result<(), ExtractError> {
        self.totals.tasks += 1;
        self.totals.failed_tasks += i64::from(end.info.status() == "FAILED");
        self.totals.task_time_ms = self.totals.task_time_ms.saturating_add(end.info.duration());
        self.totals.metrics.add(&end.metrics);
        let error_message = end.reason.error_message();
        let was_killed = end.reason.reason == "TaskKilled";
        TaskRow {
            stage_id: end.stage_id,
            stage_attempt_id: end.stage_attempt_id,
            info: &end.info,
            metrics: Some(&end.metrics),
            peaks: Some(&end.executor_metrics).filter(|metrics| metrics.is_set()),
            error_message: error_message.as_deref(),
            executor_logs: self.executors.logs_json(&end.info.executor_id),
            task_type: Some(&end.task_type),
            end_reason: Some(&end.reason.reason),
            kill_reason: was_killed.then(|| end.reason.kill_reason()),
            depth: Depth::Log,
        }
        .append(self.rows)
    }

    fn on_executor_excluded(&mut self, exclusion: &Exclusion) {
        let Some(stage_id) = exclusion.stage_id else {
            self.executors.set_excluded(&exclusion.executor_id, true);
            return;
        };
        let key = (stage_id, exclusion.stage_attempt_id.unwrap_or(0));
        if let Some(stage) = self.stages.get_mut(&key) {
            stage.exclude(&exclusion.executor_id);
        }
        self.executors
            .exclude_in_stage(&exclusion.executor_id, stage_id);
    }

    fn on_node_excluded(&mut self, exclusion: &NodeExclusion) {
        let Some(stage_id) = exclusion.stage_id else {
            self.executors.set_node_excluded(&exclusion.host, true);
            return;
        };
        let key = (stage_id, exclusion.stage_attempt_id.unwrap_or(0));
        for executor_id in self.executors.on_host(&exclusion.host) {
            if let Some(stage) = self.stages.get_mut(&key) {
                stage.exclude(&executor_id);
            }
            self.executors.exclude_in_stage(&executor_id, stage_id);
        }
    }

    fn on_executor_metrics(&mut self, update: &ExecutorMetricsUpdate) {
        for peaks in &update.updates {
            self.executors
                .raise_peaks(&update.executor_id, &peaks.metrics);
            if let Some(stage) = self
                .stages
                .get_mut(&(peaks.stage_id, peaks.stage_attempt_id))
            {
                stage.raise_peaks(&update.executor_id, &peaks.metrics);
            }
        }
    }

    fn on_stage_executor_metrics(&mut self, event: &StageExecutorMetrics) {
        self.executors
            .raise_peaks(&event.executor_id, &event.metrics);
        if let Some(stage) = self
            .stages
            .get_mut(&(event.stage_id, event.stage_attempt_id))
        {
            stage.raise_peaks(&event.executor_id, &event.metrics);
        }
    }

    /// Tasks that never ended.
    fn finish_tasks(&mut self) -> Result<(), ExtractError> {
        let mut tasks: Vec<TaskStart> = std::mem::take(&mut self.tasks).into_values().collect();
        tasks.sort_unstable_by_key(|task| task.info.task_id);
        for task in tasks {
            self.totals.tasks += 1;
            // A start that was logged late may carry the end already; without an end event it runs.
            let info = TaskInfo {
                finish_time: 0,
                ..task.info
            };
            TaskRow {
                stage_id: task.stage_id,
                stage_attempt_id: task.stage_attempt_id,
                info: &info,
                metrics: None,
                peaks: None,
                error_message: None,
                executor_logs: self.executors.logs_json(&info.executor_id),
                task_type: None,
                end_reason: None,
                kill_reason: None,
                depth: Depth::Log,
            }
            .append(self.rows)?;
        }
        Ok(())
    }

    fn finish_jobs_and_stages(&mut self) -> Result<(), ExtractError> {
        let jobs: Vec<LiveJob> = std::mem::take(&mut self.jobs).into_values().collect();
        let mut rows: Vec<JobRow> = jobs.iter().map(LiveJob::row).collect();
        // Later counts of an ended job never reached the History Server's store.
        rows.extend(
            std::mem::take(&mut self.ending_jobs)
                .into_values()
                .map(|ending| ending.written),
        );
        rows.sort_unstable_by_key(|row| row.job_id);
        for row in rows {
            row.append(self.rows)?;
        }
        let mut stages: Vec<LiveStage> = std::mem::take(&mut self.stages).into_values().collect();
        stages.sort_unstable_by_key(LiveStage::key);
        for stage in stages {
            self.finish_stage(stage)?;
        }
        let mut finished: Vec<_> = std::mem::take(&mut self.finished_stages)
            .into_iter()
            .collect();
        finished.sort_unstable_by_key(|(key, _)| *key);
        finished
            .into_iter()
            .try_for_each(|(_, row)| row.append(self.rows))
    }

    fn finish_application(&mut self, log: &LogSummary, complete: bool) -> Result<(), ExtractError> {
        let start_time = self.rows.context().start_time;
        let executor_memory_bytes = self.environment.spark_memory("spark.executor.memory");
        let executors = std::mem::replace(&mut self.executors, Executors::new());
        let concurrency = executors.concurrency();
        let executor_cores = self
            .environment
            .spark_number("spark.executor.cores")
            .or_else(|| executors.any_cores());
        let life_end = LifeEnd {
            start_time,
            end_time: self.end_time,
            last_event: self.last_event,
        };
        let (executor_rows, process_rows, time) = executors.finish(life_end, executor_memory_bytes);
        for row in &executor_rows {
            row.append(self.rows)?;
        }
        for row in &process_rows {
            row.append(self.rows)?;
        }
        let start = self.start.take();
        let name = start
            .as_ref()
            .map(|start| start.name.clone())
            .or_else(|| self.environment.spark("spark.app.name").map(str::to_owned))
            .unwrap_or_default();
        let totals = std::mem::take(&mut self.totals);
        let metrics = &totals.metrics;
        let property = |key: &str| self.environment.spark(key).map(str::to_owned);
        let row = ApplicationRow {
            start_time: start.as_ref().map(|_| start_time),
            end_time: self.end_time,
            last_updated: log.last_updated,
            spark_user: start.map(|start| start.user).unwrap_or_default(),
            completed: self.end_time.is_some(),
            spark_version: self.spark_version.take(),
            job_key: Some(environment::job_key(&name)),
            name,
            job_run_id: property("spark.databricks.job.runId"),
            team: None,
            deploy_mode: property("spark.submit.deployMode"),
            queue: property("spark.yarn.queue"),
            executor_cores,
            executor_memory_bytes,
            num_executors_max: concurrency.executors_max,
            num_executors_added: concurrency.executors_added,
            cores_max: concurrency.cores_max,
            total_task_time_ms: totals.task_time_ms,
            core_time_ms: time.core_ms,
            memory_time_byte_ms: time.byte_ms,
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
                .failure_reason
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
    exit_code
        .filter(|code| *code != 0)
        .map(|code| format!("exited with code {code}"))
}

/// The job, whether it runs or has ended while tasks of its stages still run.
fn job_of<'j>(
    jobs: &'j mut HashMap<i64, LiveJob>,
    ending_jobs: &'j mut HashMap<i64, EndingJob>,
    job_id: i64,
) -> Option<&'j mut LiveJob> {
    match jobs.get_mut(&job_id) {
        Some(job) => Some(job),
        None => ending_jobs.get_mut(&job_id).map(|ending| &mut ending.job),
    }
}

/// The live stage of `info`, which is its newest info either way.
fn get_or_create(stages: &mut HashMap<StageKey, LiveStage>, info: StageInfo) -> &mut LiveStage {
    let key = (info.stage_id, info.attempt_id);
    match stages.entry(key) {
        hashbrown::hash_map::Entry::Occupied(entry) => {
            let stage = entry.into_mut();
            stage.row.info = info;
            stage
        }
        hashbrown::hash_map::Entry::Vacant(entry) => entry.insert(LiveStage::new(info)),
    }
}
