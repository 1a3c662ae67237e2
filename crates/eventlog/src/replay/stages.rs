//! Stage attempts, from pending to final.

use std::collections::BTreeSet;

use compact_str::CompactString;
use hashbrown::HashMap;

use crate::event::{ExecutorMetrics, StageInfo, TaskEnd, TaskMetrics, TaskStart};
use crate::rows::{Depth, SpeculationSummary, StageExecutorRow, StageRow, StageStatus};

use super::index_set::IndexSet;
use super::jobs::count_kill;
use super::quantiles::TaskDistributions;

/// Stage id and attempt id.
pub(super) type StageKey = (i64, i64);

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
            killed_tasks_summary: std::collections::BTreeMap::new(),
            speculation: None,
            peaks: None,
            job_ids: Vec::new(),
            sql_id: None,
            depth: Depth::Log,
        };
        Self {
            row,
            jobs: Vec::new(),
            excluded: BTreeSet::new(),
            completed_indices: IndexSet::default(),
            executors: HashMap::new(),
            distributions: TaskDistributions::default(),
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
        }
        let executor = self.executor(&end.info.executor_id);
        executor.task_time = executor.task_time.saturating_add(end.info.duration());
        executor.succeeded_tasks += completed;
        executor.failed_tasks += failed;
        executor.killed_tasks += killed;
        raise_peaks(&mut executor.peaks, &end.executor_metrics);
        if was_started {
            add_metrics(executor, &end.metrics);
        }
    }

    /// Completed, and no task is left to end.
    pub(super) fn is_final(&self) -> bool {
        self.row.num_active_tasks == 0
            && matches!(
                self.row.status,
                StageStatus::Complete | StageStatus::Failed | StageStatus::Skipped
            )
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
