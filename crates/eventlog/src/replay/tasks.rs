//! Tasks: a row when one ends, counters of its stage, its jobs and its executor.

use crate::RowError;
use crate::event::{EndReasonDetail, TaskEnd, TaskInfo, TaskStart};
use crate::rows::{Depth, FetchFailure, TaskRow};

use super::{Replay, job_of};

impl Replay<'_, '_> {
    pub(super) fn on_task_start(&mut self, start: TaskStart) {
        self.saw(start.info.launch_time);
        if !self.taken.task_starts(start.info.task_id) {
            return;
        }
        let key = (start.stage_id, start.stage_attempt_id);
        if let Some(stage) = self.stages.get_mut(key) {
            stage.on_task_start(&start);
            self.rdds.on_task_start(&start, &stage.row.info);
            for job_id in &stage.jobs {
                if let Some(job) = job_of(&mut self.jobs, &mut self.ending_jobs, *job_id) {
                    job.on_task_start();
                }
            }
        }
        self.executors.on_task_start(&start.info.executor_id);
        self.totals.task_started(&start);
        self.tasks.insert(start.info.task_id, start);
        self.totals.tasks_running_max = self.totals.tasks_running_max.max(self.tasks.len());
    }

    pub(super) fn on_task_end(&mut self, end: &TaskEnd) -> Result<(), RowError> {
        self.saw(end.info.finish_time);
        let task_id = end.info.task_id;
        // A second end of the same task (its output was lost) changes counters, never the row.
        let was_started = self.tasks.remove(&task_id).is_some();
        let resubmitted = end.reason.is_resubmitted();
        if was_started {
            let stage = self.stages.get((end.stage_id, end.stage_attempt_id));
            let profile = stage.map_or(0, |stage| stage.row.info.resource_profile_id);
            self.totals
                .task_ended(end, self.executors.task_cpus(profile));
            self.append_task(end)?;
        } else if !self.taken.task_ends_again(task_id, resubmitted) {
            return Ok(());
        }
        self.sql.on_task_end(end);
        self.rdds.on_task_end(end);
        self.executors.on_task_end(end);
        let key = (end.stage_id, end.stage_attempt_id);
        let Some(stage) = self.stages.get_mut(key) else {
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

    fn append_task(&mut self, end: &TaskEnd) -> Result<(), RowError> {
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
            fetch_failure: end.reason.fetch_failure().map(fetch_failure),
            depth: Depth::Log,
        }
        .append(self.rows)
    }

    /// Tasks that never ended.
    pub(super) fn finish_tasks(&mut self) -> Result<(), RowError> {
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
                fetch_failure: None,
                depth: Depth::Log,
            }
            .append(self.rows)?;
        }
        Ok(())
    }
}

fn fetch_failure(detail: &EndReasonDetail) -> FetchFailure<'_> {
    let address = detail.block_manager_address.as_ref();
    FetchFailure {
        host: address.map(|address| address.host.as_str()),
        executor_id: address.map(|address| address.executor_id.as_str()),
        shuffle_id: detail.shuffle_id,
    }
}
