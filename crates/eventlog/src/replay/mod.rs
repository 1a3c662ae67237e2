//! The replay: a deterministic state machine from typed events to rows.
//!
//! It follows Spark's `AppStatusListener` and `SQLAppStatusListener`, event by event, so that its
//! rows agree field by field with what the Spark History Server answers for the same log; and it
//! keeps what that server drops by retention. A row leaves as soon as nothing can change it, so
//! memory follows what is running, not the length of the log.

pub mod activity;
mod application;
mod cache;
mod distribution;
pub mod environment;
pub mod executors;
mod index_set;
mod job_key;
mod jobs;
mod keys;
mod loss;
mod operations;
pub mod quantiles;
mod rdds;
pub mod settings;
pub mod shape;
mod sql;
pub mod stages;
mod storage;
mod tasks;
#[cfg(test)]
mod tests;

use hashbrown::HashMap;

use crate::RowError;
use crate::limits;
use crate::rows::{
    HistoryKind, JobRow, RowCounts, RowWriter, SettingSubject, StageRow, StageStatus,
    StreamingProgressRow,
};

use super::event::{
    ApplicationStart, EnvironmentUpdate, Event, Exclusion, ExecutorMetricsUpdate, ExecutorRemoved,
    JobEnd, JobStart, NodeExclusion, SqlExecutionStart, StageExecutorMetrics, StageInfo,
    StageSubmitted, StreamingProgress, TaskStart,
};
use activity::Gaps;
use application::Totals;
pub use application::exit_reason;
use environment::Environment;
use executors::Executors;
use jobs::{EndingJob, LiveJob};
use keys::{StageKey, TakenKeys};
use operations::{Operations, origin_of};
use rdds::Rdds;
use settings::ApplicationSettings;
use shape::Shape;
use sql::SqlExecutions;
use stages::{LiveStage, Stages};
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
    /// Events that repeated what earlier ones had said, and were left out.
    pub duplicate_events: u64,
}

/// Replays one application attempt.
pub struct Replay<'w, 's> {
    rows: &'w mut RowWriter<'s>,
    spark_version: Option<String>,
    start: Option<ApplicationStart>,
    /// The application's end was logged.
    ended: bool,
    end_time: Option<i64>,
    exit_code: Option<i64>,
    /// Epoch milliseconds of the newest event that says when it happened.
    last_event: i64,
    environment: Environment,
    executors: Executors,
    jobs: HashMap<i64, LiveJob>,
    /// Jobs that ended while tasks of theirs still ran.
    ending_jobs: HashMap<i64, EndingJob>,
    stages: Stages,
    tasks: HashMap<i64, TaskStart>,
    taken: TakenKeys,
    sql: SqlExecutions,
    settings: ApplicationSettings,
    operations: Operations,
    storage: Storage,
    rdds: Rdds,
    totals: Totals,
    /// Times without a job.
    gaps: Gaps,
}

impl<'w, 's> Replay<'w, 's> {
    /// A replay whose rows go to `rows`.
    #[must_use]
    pub fn new(rows: &'w mut RowWriter<'s>) -> Self {
        let gaps = Gaps::new(rows.context().start_time);
        Self {
            rows,
            spark_version: None,
            start: None,
            ended: false,
            end_time: None,
            exit_code: None,
            last_event: 0,
            environment: Environment::default(),
            executors: Executors::new(),
            jobs: HashMap::new(),
            ending_jobs: HashMap::new(),
            stages: Stages::default(),
            tasks: HashMap::new(),
            taken: TakenKeys::default(),
            sql: SqlExecutions::default(),
            settings: ApplicationSettings::default(),
            operations: Operations::default(),
            storage: Storage::default(),
            rdds: Rdds::default(),
            totals: Totals::default(),
            gaps,
        }
    }

    /// Applies the next event of the log.
    ///
    /// # Errors
    /// When a row does not reach its table; what events say is never an error.
    pub fn apply(&mut self, event: Event) -> Result<(), RowError> {
        match event {
            Event::TaskStart(mut start) => {
                limits::bound_task_start(&mut start);
                self.on_task_start(start);
            }
            Event::TaskEnd(mut end) => {
                limits::bound_task_end(&mut end);
                return self.on_task_end(&end);
            }
            Event::JobStart(start) => return self.on_job_start(*start),
            Event::JobEnd(end) => return self.on_job_end(&end),
            Event::StageSubmitted(submitted) => self.on_stage_submitted(*submitted),
            Event::StageCompleted(info) => return self.on_stage_completed(*info),
            Event::SqlExecutionStart(start) => {
                self.saw(start.time);
                if self.taken.sql.insert(start.execution_id) {
                    self.on_sql_start(*start);
                } else {
                    self.taken.count_duplicate();
                }
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
            Event::StreamingProgress(event) => return self.on_streaming_progress(&event),
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
                self.ended = true;
                self.end_time = Some(end.timestamp).filter(|time| *time <= limits::LAST_INSTANT);
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
            Event::BlockUpdated(mut updated) => {
                limits::bound_block(&mut updated);
                self.executors.on_block_updated(&updated);
                self.storage.on_block_updated(&updated);
                self.rdds.on_block_updated(&updated);
            }
            Event::ExecutorAdded(added) => {
                self.saw(added.timestamp);
                if !self.executors.on_added(*added) {
                    self.taken.count_duplicate();
                }
            }
            Event::ExecutorRemoved(removed) => return self.on_executor_removed(removed),
            Event::ExecutorExcluded(exclusion) => self.on_executor_excluded(&exclusion),
            Event::ExecutorUnexcluded(exclusion) => {
                self.executors.set_excluded(&exclusion.executor_id, false);
            }
            Event::NodeExcluded(exclusion) => self.on_node_excluded(&exclusion),
            Event::NodeUnexcluded(exclusion) => {
                self.executors.set_node_excluded(&exclusion.host, false);
            }
            Event::ExecutorMetricsUpdate(mut update) => {
                let readings = update.updates.iter_mut();
                readings.for_each(|reading| limits::bound_peaks(&mut reading.metrics));
                self.on_executor_metrics(&update);
            }
            Event::StageExecutorMetrics(mut metrics) => {
                limits::bound_peaks(&mut metrics.metrics);
                self.on_stage_executor_metrics(&metrics);
            }
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
    pub fn finish(mut self, log: &LogSummary) -> Result<ReplaySummary, RowError> {
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
        let complete = self.ended && log.is_intact && self.totals.lost_events == 0;
        self.finish_application(log, complete)?;
        self.rows.flush()?;
        Ok(ReplaySummary {
            rows: self.rows.counts(),
            complete,
            ended: self.ended,
            duplicate_events: self.taken.duplicates(),
        })
    }

    fn saw(&mut self, time: i64) {
        if let Some(time) = limits::instant(time) {
            self.last_event = self.last_event.max(time);
        }
    }

    fn on_streaming_progress(&mut self, event: &StreamingProgress) -> Result<(), RowError> {
        let row = StreamingProgressRow {
            progress: &event.progress,
        };
        if self.taken.progress(row.key()) {
            row.append(self.rows)
        } else {
            Ok(())
        }
    }

    fn on_executor_removed(&mut self, removed: ExecutorRemoved) -> Result<(), RowError> {
        self.saw(removed.timestamp);
        self.storage.on_executor_removed(&removed.executor_id);
        self.rdds.on_executor_removed(&removed.executor_id);
        if !self.executors.on_removed(removed) {
            self.taken.count_duplicate();
        }
        let shape = Shape::new(
            &self.environment,
            &self.rows.context().platform,
            self.spark_version.as_deref(),
        );
        match self.executors.take_final(&shape) {
            Some(row) => row.append(self.rows),
            None => Ok(()),
        }
    }

    fn on_environment(&mut self, update: EnvironmentUpdate) {
        self.settings.on_environment(&update.spark);
        self.environment.on_update(update);
        self.rows.hear_settings(&self.environment.settings());
        if let Some(cpus) = self.environment.spark_number("spark.task.cpus") {
            self.executors.set_default_task_cpus(cpus);
        }
    }

    fn on_sql_start(&mut self, start: SqlExecutionStart) {
        let differing = self.settings.differing(start.modified_configs.clone());
        let tags = start.job_tags.iter().map(String::as_str);
        let operation = self.operations.of(start.job_group_id.as_deref(), tags);
        self.sql.on_start(start, differing, operation);
    }

    fn on_job_start(&mut self, mut start: JobStart) -> Result<(), RowError> {
        self.saw(start.submission_time);
        if !self.taken.jobs.insert(start.job_id) {
            self.taken.count_duplicate();
            return Ok(());
        }
        self.totals.jobs += 1;
        self.gaps.job_started(start.submission_time);
        start.stage_infos.iter_mut().for_each(limits::bound_stage);
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
        if let Some(sql_id) = start.properties.sql_execution_id {
            self.sql.on_settings(sql_id, settings);
        } else {
            let subject = SettingSubject::Job(start.job_id);
            self.settings.append(subject, settings, self.rows)?;
        }
        let job = LiveJob::new(&start);
        for info in start.stage_infos {
            let key = (info.stage_id, info.attempt_id);
            // As in the History Server, a stage that a later job lists again starts over; not one
            // whose row is written, which no running job had listed.
            if self.taken.stages.contains(key) {
                continue;
            }
            if self.stages.drop_finished(key) {
                self.totals.stages -= 1;
            }
            let stage = self.stages.get_or_create(info);
            stage.add_job(start.job_id);
            stage.row.sql_id = start.properties.sql_execution_id.or(stage.row.sql_id);
        }
        self.stages.job_started(start.job_id, job.stage_ids());
        self.jobs.insert(start.job_id, job);
        Ok(())
    }

    fn on_job_end(&mut self, end: &JobEnd) -> Result<(), RowError> {
        self.saw(end.completion_time);
        let Some(mut job) = self.jobs.remove(&end.job_id) else {
            if self.taken.jobs.contains(end.job_id) {
                self.taken.count_duplicate();
            }
            return Ok(());
        };
        self.gaps.job_ended(end.completion_time);
        self.totals.lost_events += i64::from(self.has_lost_its_stages_end(&job, end));
        self.skip_pending_stages(&mut job)?;
        job.end(end);
        self.stages.job_ended(end.job_id, job.stage_ids());
        let row = job.row();
        self.totals.failure.job_ended(&row);
        if self.totals.script.is_none() {
            self.totals.script = job_key::script(&row.name).map(str::to_owned);
        }
        for stage in self.stages.take_unmentioned(&row.stage_ids) {
            self.append_stage(&stage)?;
        }
        self.sql.on_job_end(&row, &self.settings, self.rows)?;
        let mut waits_for = self.stages.live_of(&row.stage_ids);
        waits_for.retain(|key| {
            let stage = self.stages.get(*key);
            stage.is_some_and(|stage| stage.jobs.contains(&end.job_id))
        });
        if waits_for.is_empty() {
            return row.append(self.rows);
        }
        let ending = EndingJob {
            job,
            written: row,
            waits_for,
        };
        self.ending_jobs.insert(end.job_id, ending);
        Ok(())
    }

    /// A stage is gone: jobs that had ended before it and wait for no other are final. The History
    /// Server writes such a job again when the stage's last task ended late (`after_task`).
    fn release_ending_jobs(
        &mut self,
        stage: StageKey,
        jobs: &[i64],
        after_task: bool,
    ) -> Result<(), RowError> {
        for job_id in jobs {
            let Some(ending) = self.ending_jobs.get_mut(job_id) else {
                continue;
            };
            if after_task {
                ending.written = ending.job.row();
            }
            ending.waits_for.remove(&stage);
            if ending.waits_for.is_empty()
                && let Some(ending) = self.ending_jobs.remove(job_id)
            {
                ending.written.append(self.rows)?;
            }
        }
        Ok(())
    }

    /// A job that succeeded while its last stage still runs: the driver dropped the stage's end.
    fn has_lost_its_stages_end(&self, job: &LiveJob, end: &JobEnd) -> bool {
        let Some(stage_id) = job.last_stage_id() else {
            return false;
        };
        let is_active = |key: &StageKey| {
            let stage = self.stages.get(*key);
            stage.is_some_and(|stage| stage.row.status == StageStatus::Active)
        };
        end.result.result == "JobSucceeded"
            && self.stages.live_of(&[stage_id]).iter().all(is_active)
            && !self.stages.live_of(&[stage_id]).is_empty()
    }

    /// Stages of an ended job that never ran: their output was there already.
    fn skip_pending_stages(&mut self, job: &mut LiveJob) -> Result<(), RowError> {
        for key in self.stages.live_of(job.stage_ids()) {
            let is_pending = |stage: &LiveStage| stage.row.status == StageStatus::Pending;
            if self.stages.get(key).is_some_and(is_pending)
                && let Some(mut stage) = self.stages.remove(key)
            {
                stage.row.status = StageStatus::Skipped;
                job.skip_stage(key.0, stage.row.info.num_tasks);
                self.finish_stage(stage)?;
            }
        }
        Ok(())
    }

    fn on_stage_submitted(&mut self, submitted: StageSubmitted) {
        let StageSubmitted {
            mut stage_info,
            properties,
        } = submitted;
        limits::bound_stage(&mut stage_info);
        self.saw(stage_info.submission_time.unwrap_or(0));
        let key = (stage_info.stage_id, stage_info.attempt_id);
        let was_submitted = |stage: &LiveStage| stage.row.status != StageStatus::Pending;
        if self.taken.stages.contains(key)
            || self.stages.is_finished(key)
            || self.stages.get(key).is_some_and(was_submitted)
        {
            self.taken.count_duplicate();
            return;
        }
        self.storage.on_stage_submitted(&stage_info.rdd_infos);
        self.sql.on_stage_submitted(key.0, key.1);
        let jobs = self.stages.jobs_of(key.0);
        for job_id in &jobs {
            if let Some(job) = self.jobs.get_mut(job_id) {
                job.on_stage_submitted(key.0);
            }
        }
        let stage = self.stages.get_or_create(stage_info);
        stage.row.status = StageStatus::Active;
        stage.row.description = properties.description;
        stage.row.scheduling_pool = properties
            .scheduler_pool
            .unwrap_or_else(|| "default".to_owned());
        stage.row.sql_id = properties.sql_execution_id.or(stage.row.sql_id);
        stage.row.job_ids.clone_from(&jobs);
        stage.jobs = jobs;
    }

    fn on_stage_completed(&mut self, mut info: StageInfo) -> Result<(), RowError> {
        let had_submission = info.submission_time.is_some();
        limits::bound_stage(&mut info);
        self.saw(info.completion_time.unwrap_or(0));
        let key = (info.stage_id, info.attempt_id);
        let Some(stage) = self.stages.get_mut(key) else {
            if self.taken.stages.contains(key) || self.stages.is_finished(key) {
                self.taken.count_duplicate();
            }
            return Ok(());
        };
        if stage.has_completed() {
            self.taken.count_duplicate();
            return Ok(());
        }
        stage.row.status = match (&info.failure_reason, had_submission) {
            (Some(_), _) => StageStatus::Failed,
            (None, true) => StageStatus::Complete,
            (None, false) => StageStatus::Skipped,
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

    fn finish_stage_if_final(&mut self, key: StageKey, after_task: bool) -> Result<(), RowError> {
        if self.stages.get(key).is_some_and(LiveStage::is_final)
            && let Some(stage) = self.stages.remove(key)
        {
            let jobs = stage.jobs.clone();
            self.finish_stage(stage)?;
            self.release_ending_jobs(key, &jobs, after_task)?;
        }
        Ok(())
    }

    /// Writes what a final stage leaves; its own row waits while a running job mentions it.
    fn finish_stage(&mut self, stage: LiveStage) -> Result<(), RowError> {
        let key = stage.key();
        let (row, details) = stage.finish();
        if self.taken.stage_details.insert(key) {
            for executor in &details.executors {
                executor.append(key.0, key.1, self.rows)?;
            }
            if let Some((summary, quantiles)) = details.distributions.finish(key.0, key.1) {
                summary.append(self.rows)?;
                for row in &quantiles {
                    row.append(self.rows)?;
                }
            }
        }
        self.totals.stages += 1;
        self.totals.lost_events = self.totals.lost_events.saturating_add(lost_ends(&row));
        if self.stages.is_mentioned(key.0) {
            self.stages.keep_finished(row);
            Ok(())
        } else {
            self.append_stage(&row)
        }
    }

    fn append_stage(&mut self, row: &StageRow) -> Result<(), RowError> {
        let key = (row.info.stage_id, row.info.attempt_id);
        if self.taken.stages.insert(key) {
            row.append(self.rows)
        } else {
            Ok(())
        }
    }

    fn on_executor_excluded(&mut self, exclusion: &Exclusion) {
        let Some(stage_id) = exclusion.stage_id else {
            self.executors.set_excluded(&exclusion.executor_id, true);
            return;
        };
        let key = (stage_id, exclusion.stage_attempt_id.unwrap_or(0));
        if let Some(stage) = self.stages.get_mut(key) {
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
            if let Some(stage) = self.stages.get_mut(key) {
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
                .get_mut((peaks.stage_id, peaks.stage_attempt_id))
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
            .get_mut((event.stage_id, event.stage_attempt_id))
        {
            stage.raise_peaks(&event.executor_id, &event.metrics);
        }
    }

    fn finish_jobs_and_stages(&mut self) -> Result<(), RowError> {
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
        for stage in self.stages.take_live() {
            self.finish_stage(stage)?;
        }
        for row in self.stages.take_finished() {
            self.append_stage(&row)?;
        }
        Ok(())
    }
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

/// Ends of tasks that a stage must have had and the log has not: a first attempt completes when each
/// of its tasks has succeeded. Later ones may owe successes to tasks of earlier ones.
fn lost_ends(row: &StageRow) -> i64 {
    if row.status == StageStatus::Complete && row.info.attempt_id == 0 {
        row.info
            .num_tasks
            .saturating_sub(row.num_completed_indices)
            .max(0)
    } else {
        0
    }
}
