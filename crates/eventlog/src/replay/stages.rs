//! Stage attempts, from pending to final.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use hashbrown::HashMap;

use crate::event::{ExecutorMetrics, StageInfo, TaskEnd, TaskInfo, TaskMetrics, TaskStart};
use crate::rows::{Depth, SpeculationSummary, StageExecutorRow, StageRow, StageStatus};

use super::index_set::IndexSet;
use super::jobs::count_kill;
use super::keys::StageKey;
use super::quantiles::TaskDistributions;

/// One stage attempt that is pending, active, or completed with tasks still to end.
#[derive(Debug)]
pub(super) struct LiveStage {
    pub(super) row: StageRow,
    /// Running jobs that count this stage's tasks.
    pub(super) jobs: Vec<i64>,
    /// Executors excluded for this stage, released when it completes.
    pub(super) excluded: BTreeSet<String>,
    completed_indices: IndexSet,
    executors: HashMap<CompactString, StageExecutorRow>,
    distributions: TaskDistributions,
    tail: Tail,
}

/// The stage attempts that are not final, and the running jobs that mention them, each to be found
/// without looking at all the others.
#[derive(Debug, Default)]
pub(super) struct Stages {
    live: HashMap<StageKey, LiveStage>,
    /// Attempts of each stage in `live`.
    attempts: HashMap<i64, BTreeSet<i64>>,
    /// Running jobs by stage.
    jobs: HashMap<i64, BTreeSet<i64>>,
    /// Final attempts of stages that a running job mentions: a later job may yet replace them.
    finished: HashMap<i64, BTreeMap<i64, StageRow>>,
}

impl Stages {
    pub(super) fn get(&self, key: StageKey) -> Option<&LiveStage> {
        self.live.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: StageKey) -> Option<&mut LiveStage> {
        self.live.get_mut(&key)
    }

    /// The live attempt of `info`, which is its newest info either way.
    pub(super) fn get_or_create(&mut self, info: StageInfo) -> &mut LiveStage {
        let key = (info.stage_id, info.attempt_id);
        match self.live.entry(key) {
            hashbrown::hash_map::Entry::Occupied(entry) => {
                let stage = entry.into_mut();
                stage.row.info = info;
                stage
            }
            hashbrown::hash_map::Entry::Vacant(entry) => {
                self.attempts.entry(key.0).or_default().insert(key.1);
                entry.insert(LiveStage::new(info))
            }
        }
    }

    pub(super) fn remove(&mut self, key: StageKey) -> Option<LiveStage> {
        let stage = self.live.remove(&key)?;
        if let Some(attempts) = self.attempts.get_mut(&key.0) {
            attempts.remove(&key.1);
            if attempts.is_empty() {
                self.attempts.remove(&key.0);
            }
        }
        Some(stage)
    }

    /// Live attempts of the given stages, in order.
    pub(super) fn live_of(&self, stage_ids: &[i64]) -> BTreeSet<StageKey> {
        stage_ids
            .iter()
            .filter_map(|stage_id| Some((*stage_id, self.attempts.get(stage_id)?)))
            .flat_map(|(stage_id, attempts)| {
                attempts.iter().map(move |attempt| (stage_id, *attempt))
            })
            .collect()
    }

    /// A job that mentions stages runs.
    pub(super) fn job_started(&mut self, job_id: i64, stage_ids: &[i64]) {
        for stage_id in stage_ids {
            self.jobs.entry(*stage_id).or_default().insert(job_id);
        }
    }

    /// The job runs no more.
    pub(super) fn job_ended(&mut self, job_id: i64, stage_ids: &[i64]) {
        for stage_id in stage_ids {
            if let Some(jobs) = self.jobs.get_mut(stage_id) {
                jobs.remove(&job_id);
                if jobs.is_empty() {
                    self.jobs.remove(stage_id);
                }
            }
        }
    }

    /// Running jobs that mention a stage, ascending.
    pub(super) fn jobs_of(&self, stage_id: i64) -> Vec<i64> {
        let jobs = self.jobs.get(&stage_id);
        jobs.map(|jobs| jobs.iter().copied().collect())
            .unwrap_or_default()
    }

    pub(super) fn is_mentioned(&self, stage_id: i64) -> bool {
        self.jobs.contains_key(&stage_id)
    }

    /// Keeps the row of a final attempt.
    pub(super) fn keep_finished(&mut self, row: StageRow) {
        let attempts = self.finished.entry(row.info.stage_id).or_default();
        attempts.insert(row.info.attempt_id, row);
    }

    pub(super) fn is_finished(&self, key: StageKey) -> bool {
        let attempts = self.finished.get(&key.0);
        attempts.is_some_and(|attempts| attempts.contains_key(&key.1))
    }

    /// Drops the row of a final attempt; false where there is none.
    pub(super) fn drop_finished(&mut self, key: StageKey) -> bool {
        let Some(attempts) = self.finished.get_mut(&key.0) else {
            return false;
        };
        let dropped = attempts.remove(&key.1).is_some();
        if attempts.is_empty() {
            self.finished.remove(&key.0);
        }
        dropped
    }

    /// Takes the final attempts of those stages that no running job mentions any more, in order.
    pub(super) fn take_unmentioned(&mut self, stage_ids: &[i64]) -> Vec<StageRow> {
        let mut rows = BTreeMap::new();
        for stage_id in stage_ids {
            if !self.is_mentioned(*stage_id)
                && let Some(attempts) = self.finished.remove(stage_id)
            {
                rows.insert(*stage_id, attempts);
            }
        }
        rows.into_values().flat_map(BTreeMap::into_values).collect()
    }

    /// Takes all live attempts, in order.
    pub(super) fn take_live(&mut self) -> Vec<LiveStage> {
        self.attempts.clear();
        let mut stages: Vec<LiveStage> = std::mem::take(&mut self.live).into_values().collect();
        stages.sort_unstable_by_key(LiveStage::key);
        stages
    }

    /// Takes all final attempts, in order.
    pub(super) fn take_finished(&mut self) -> Vec<StageRow> {
        let finished: BTreeMap<i64, BTreeMap<i64, StageRow>> =
            std::mem::take(&mut self.finished).into_iter().collect();
        finished
            .into_values()
            .flat_map(BTreeMap::into_values)
            .collect()
    }
}

/// What a final stage attempt leaves besides its own row.
#[derive(Debug)]
pub(super) struct StageDetails {
    pub(super) executors: Vec<StageExecutorRow>,
    pub(super) distributions: TaskDistributions,
}

impl LiveStage {
    pub(super) fn new(info: StageInfo) -> Self {
        let row = StageRow {
            info,
            status: StageStatus::Pending,
            num_active_tasks: 0,
            num_complete_tasks: 0,
            num_failed_tasks: 0,
            num_killed_tasks: 0,
            num_completed_indices: 0,
            first_task_launched_time: None,
            metrics: TaskMetrics::default(),
            description: None,
            scheduling_pool: "default".to_owned(),
            killed_tasks_summary: BTreeMap::new(),
            speculation: None,
            peaks: None,
            job_ids: Vec::new(),
            sql_id: None,
            tail_ms: None,
            depth: Depth::Log,
        };
        Self {
            row,
            jobs: Vec::new(),
            excluded: BTreeSet::new(),
            completed_indices: IndexSet::default(),
            executors: HashMap::new(),
            distributions: TaskDistributions::default(),
            tail: Tail::default(),
        }
    }

    pub(super) fn key(&self) -> StageKey {
        (self.row.info.stage_id, self.row.info.attempt_id)
    }

    /// Remembers a job that mentions the stage.
    pub(super) fn add_job(&mut self, job_id: i64) {
        self.jobs.push(job_id);
        if !self.row.job_ids.contains(&job_id) {
            self.row.job_ids.push(job_id);
        }
    }

    pub(super) fn on_task_start(&mut self, start: &TaskStart) {
        self.row.num_active_tasks += 1;
        let launch = start.info.launch_time;
        self.row.first_task_launched_time = Some(
            self.row
                .first_task_launched_time
                .map_or(launch, |first| first.min(launch)),
        );
        if start.info.speculative {
            let speculation = self.row.speculation.get_or_insert_default();
            speculation.num_active_tasks += 1;
            speculation.num_tasks += 1;
        }
    }

    /// Counts an ended task. `was_started`: its start was seen and this is its first end; only
    /// then do its metrics count.
    pub(super) fn on_task_end(
        &mut self,
        end: &TaskEnd,
        was_started: bool,
        kill_reason: Option<&str>,
    ) {
        let (completed, failed, killed) = end.reason.deltas();
        let active = i64::from(!end.reason.is_resubmitted());
        let row = &mut self.row;
        row.num_active_tasks -= active;
        row.num_complete_tasks += completed;
        row.num_failed_tasks += failed;
        row.num_killed_tasks += killed;
        if completed > 0 {
            self.completed_indices.insert(end.info.index);
        }
        count_kill(&mut row.killed_tasks_summary, kill_reason);
        raise_peaks(&mut row.peaks, &end.executor_metrics);
        if end.info.speculative {
            count_speculative(row.speculation.get_or_insert_default(), end);
        }
        if was_started {
            row.metrics.add(&end.metrics);
            self.distributions.add(end);
            self.tail.add(&end.info);
        }
        let executor = self.executor(&end.info.executor_id);
        // The second end of a task repeats the time of its first: servers before 4.3 count it twice.
        if !end.reason.is_resubmitted() {
            executor.task_time = executor.task_time.saturating_add(end.info.duration());
        }
        executor.succeeded_tasks += completed;
        executor.failed_tasks += failed;
        executor.killed_tasks += killed;
        raise_peaks(&mut executor.peaks, &end.executor_metrics);
        if was_started {
            add_metrics(executor, &end.metrics);
        }
    }

    /// Completed, though tasks may be left to end.
    pub(super) fn has_completed(&self) -> bool {
        matches!(
            self.row.status,
            StageStatus::Complete | StageStatus::Failed | StageStatus::Skipped
        )
    }

    /// Completed, and no task is left to end.
    pub(super) fn is_final(&self) -> bool {
        self.row.num_active_tasks == 0 && self.has_completed()
    }

    pub(super) fn exclude(&mut self, executor_id: &str) {
        self.executor(executor_id).is_excluded_for_stage = true;
        self.excluded.insert(executor_id.to_owned());
    }

    pub(super) fn raise_peaks(&mut self, executor_id: &str, metrics: &ExecutorMetrics) {
        raise_peaks(&mut self.row.peaks, metrics);
        raise_peaks(&mut self.executor(executor_id).peaks, metrics);
    }

    fn executor(&mut self, executor_id: &str) -> &mut StageExecutorRow {
        self.executors
            .entry_ref(executor_id)
            .or_insert_with(|| StageExecutorRow {
                executor_id: executor_id.to_owned(),
                ..StageExecutorRow::default()
            })
    }

    /// The stage's row, and what else it leaves.
    pub(super) fn finish(self) -> (StageRow, StageDetails) {
        let mut row = self.row;
        row.num_completed_indices = self.completed_indices.len();
        row.job_ids.sort_unstable();
        row.tail_ms = self.tail.until(row.info.completion_time);
        let mut executors: Vec<StageExecutorRow> = self.executors.into_values().collect();
        executors.sort_unstable_by(|a, b| a.executor_id.cmp(&b.executor_id));
        (
            row,
            StageDetails {
                executors,
                distributions: self.distributions,
            },
        )
    }
}

/// What a stage's longest task alone cost: the time from the end of all other tasks to the stage's.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tail {
    /// Duration and finish of the longest task that succeeded.
    longest: Option<(i64, i64)>,
    /// When the last of the others finished.
    others_end: Option<i64>,
}

impl Tail {
    /// Counts an ended task.
    pub fn add(&mut self, info: &TaskInfo) {
        if !info.is_successful() {
            return;
        }
        let task = (info.duration(), info.finish_time);
        let other = match self.longest {
            Some(longest) if longest >= task => Some(task),
            longest => {
                self.longest = Some(task);
                longest
            }
        };
        self.others_end = self.others_end.max(other.map(|(_, finish)| finish));
    }

    /// Milliseconds until the stage ended; `None` where there is no other task or no end.
    pub fn until(&self, completion_time: Option<i64>) -> Option<i64> {
        Some(completion_time?.saturating_sub(self.others_end?).max(0))
    }
}

/// Raises peaks to a reading; what has had none stays without.
pub(super) fn raise_peaks(peaks: &mut Option<ExecutorMetrics>, reading: &ExecutorMetrics) {
    if reading.is_set() || peaks.is_some() {
        peaks
            .get_or_insert(ExecutorMetrics::UNSET)
            .raise_to(reading);
    }
}

fn count_speculative(speculation: &mut SpeculationSummary, end: &TaskEnd) {
    let (completed, failed, killed) = end.reason.deltas();
    speculation.num_active_tasks -= i64::from(!end.reason.is_resubmitted());
    speculation.num_completed_tasks += completed;
    speculation.num_failed_tasks += failed;
    speculation.num_killed_tasks += killed;
}

fn add_metrics(executor: &mut StageExecutorRow, metrics: &TaskMetrics) {
    let add = |sum: &mut i64, value: i64| *sum = sum.saturating_add(value);
    add(&mut executor.input_bytes, metrics.input.bytes_read);
    add(&mut executor.input_records, metrics.input.records_read);
    add(&mut executor.output_bytes, metrics.output.bytes_written);
    add(&mut executor.output_records, metrics.output.records_written);
    add(
        &mut executor.shuffle_read,
        metrics.shuffle_read.total_bytes_read(),
    );
    add(
        &mut executor.shuffle_read_records,
        metrics.shuffle_read.records_read,
    );
    add(
        &mut executor.shuffle_write,
        metrics.shuffle_write.bytes_written,
    );
    add(
        &mut executor.shuffle_write_records,
        metrics.shuffle_write.records_written,
    );
    add(
        &mut executor.memory_bytes_spilled,
        metrics.memory_bytes_spilled,
    );
    add(&mut executor.disk_bytes_spilled, metrics.disk_bytes_spilled);
}
