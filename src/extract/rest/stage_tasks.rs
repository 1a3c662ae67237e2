//! The tasks of one stage attempt, from answers to rows.

use super::json;
use super::map::{self, ShownTask};
use super::stage_requests::{StageKey, key};
use crate::extract::error::ExtractError;
use crate::extract::eventlog::event::TaskMetrics;
use crate::extract::eventlog::replay::quantiles::TaskDistributions;
use crate::extract::eventlog::replay::stages::Tail;
use crate::extract::rows::{Depth, FetchFailure, RowWriter, TaskRow, json_map};

/// The tasks of one stage attempt on their way to rows.
pub(super) struct StageTasks {
    key: StageKey,
    /// Tasks that succeeded, by the stage's counters.
    succeeded: i64,
    sums: TaskMetrics,
    distributions: TaskDistributions,
    /// Tasks that ended without success: whether their metrics stand where they belong shows only
    /// when all tasks are there.
    unsuccessful: Vec<ShownTask>,
    /// Sums over the tasks that succeeded.
    successful: TaskMetrics,
    seen_successful: i64,
    last_task_id: Option<i64>,
    ended: EndedTasks,
    /// A request failed.
    pub(super) failed: bool,
}

/// What the tasks of a stage attempt add up to.
#[derive(Debug, Default)]
pub(super) struct EndedTasks {
    pub(super) tasks: i64,
    pub(super) failed_tasks: i64,
    pub(super) killed_tasks: i64,
    pub(super) task_time_ms: i64,
    pub(super) last_event: i64,
    pub(super) tail: Tail,
    /// The server has dropped tasks, and keeps so many.
    pub(super) dropped_at: Option<i64>,
}

impl StageTasks {
    pub(super) fn new(stage: &json::Stage) -> Self {
        Self {
            key: key(stage),
            succeeded: stage.num_complete_tasks.0,
            sums: map::stage_metrics(stage),
            distributions: TaskDistributions::default(),
            unsuccessful: Vec::new(),
            successful: TaskMetrics::default(),
            seen_successful: 0,
            last_task_id: None,
            ended: EndedTasks::default(),
            failed: false,
        }
    }

    /// Takes the next tasks; those that come again are passed over.
    pub(super) fn add(
        &mut self,
        mut tasks: Vec<json::Task>,
        rows: &mut RowWriter<'_>,
    ) -> Result<(), ExtractError> {
        tasks.sort_by_key(|task| task.task_id);
        for task in tasks {
            let task_id = task.task_id.0;
            if self.last_task_id.is_some_and(|last| task_id <= last) {
                continue;
            }
            self.last_task_id = Some(task_id);
            let task = ShownTask::new(task, self.key.0, self.key.1);
            let info = &task.end.info;
            let ended = &mut self.ended;
            ended.tasks += 1;
            ended.failed_tasks += i64::from(info.failed);
            ended.killed_tasks += i64::from(info.killed);
            ended.tail.add(info);
            ended.task_time_ms = ended.task_time_ms.saturating_add(info.duration().max(0));
            ended.last_event = ended.last_event.max(info.launch_time).max(info.finish_time);
            if task.has_ended() && !info.is_successful() {
                self.unsuccessful.push(task);
                continue;
            }
            if task.has_ended() {
                self.seen_successful += 1;
                self.successful.add(&task.end.metrics);
                self.distributions.add(&task.end);
            }
            append_task(&task, rows)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, rows: &mut RowWriter<'_>) -> Result<EndedTasks, ExtractError> {
        if self.is_permuted() {
            for task in &mut self.unsuccessful {
                task.end.metrics = map::without_permutation(&task.end.metrics);
            }
        }
        for task in &self.unsuccessful {
            self.distributions.add(&task.end);
            append_task(task, rows)?;
        }
        if let Some((summary, quantiles)) = self.distributions.finish(self.key.0, self.key.1) {
            summary.append(rows)?;
            quantiles.iter().try_for_each(|row| row.append(rows))?;
        }
        // The counter of failed tasks counts one that ended twice for two, that of successes does not.
        if self.seen_successful < self.succeeded && !self.failed {
            self.ended.dropped_at = Some(self.ended.tasks);
        }
        Ok(self.ended)
    }

    /// Whether the metrics of unsuccessful tasks stand in each other's places: the stage's sums,
    /// which are right in every version, come out only when they are put back.
    fn is_permuted(&self) -> bool {
        let sum_with = |repair: fn(&TaskMetrics) -> TaskMetrics| {
            let mut sum = self.successful.clone();
            for task in &self.unsuccessful {
                sum.add(&repair(&task.end.metrics));
            }
            sum
        };
        let misfit = |sum: TaskMetrics| {
            [
                (sum.output.bytes_written, self.sums.output.bytes_written),
                (sum.output.records_written, self.sums.output.records_written),
                (
                    sum.shuffle_read.total_bytes_read(),
                    self.sums.shuffle_read.total_bytes_read(),
                ),
                (
                    sum.shuffle_read.records_read,
                    self.sums.shuffle_read.records_read,
                ),
                (
                    sum.shuffle_read.fetch_wait_time,
                    self.sums.shuffle_read.fetch_wait_time,
                ),
                (
                    sum.shuffle_read.total_blocks_fetched(),
                    self.sums.shuffle_read.total_blocks_fetched(),
                ),
            ]
            .into_iter()
            .filter(|(sum, shown)| sum != shown)
            .count()
        };
        !self.unsuccessful.is_empty()
            && misfit(sum_with(map::without_permutation)) < misfit(sum_with(TaskMetrics::clone))
    }
}

fn append_task(task: &ShownTask, rows: &mut RowWriter<'_>) -> Result<(), ExtractError> {
    let end = &task.end;
    TaskRow {
        stage_id: end.stage_id,
        stage_attempt_id: end.stage_attempt_id,
        info: &end.info,
        metrics: Some(&end.metrics).filter(|_| task.has_metrics),
        peaks: None,
        error_message: task.error_message.as_deref(),
        executor_logs: &json_map(&task.executor_logs),
        task_type: None,
        end_reason: Some(end.reason.reason.as_str()).filter(|reason| !reason.is_empty()),
        kill_reason: task.kill_reason(),
        fetch_failure: task
            .error_message
            .as_deref()
            .and_then(FetchFailure::of_message),
        depth: Depth::Rest,
    }
    .append(rows)?;
    Ok(())
}
