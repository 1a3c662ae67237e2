//! SQL executions: plans, jobs and metrics, as Spark's `SQLAppStatusListener` keeps them.

mod adaptive;
mod aggregate;
mod execution;
mod format;
mod plan_graph;
mod rest_element;
mod scala_set;
mod stage_metrics;
#[cfg(test)]
mod test_plans;
#[cfg(test)]
mod tests;
mod values;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::RowError;
use crate::event::{
    AdaptiveExecutionUpdate, AdaptiveMetricUpdates, DriverAccumulatorUpdates, JobStart,
    OperationStarted, SqlExecutionEnd, SqlExecutionStart, TaskEnd,
};
use crate::rows::{JobRow, JobStatus, RowWriter};

use super::settings::ApplicationSettings;
use execution::Execution;
use stage_metrics::StageMetrics;
use values::ExecutionValues;

/// All SQL executions of an application.
#[derive(Debug, Default)]
pub(super) struct SqlExecutions {
    live: BTreeMap<i64, Execution>,
    stages: HashMap<i64, StageMetrics>,
    /// Live executions by stage: tasks of other stages are no business of SQL's.
    stage_users: HashMap<i64, BTreeSet<i64>>,
    /// Executions that are over, written or about to be.
    over: BTreeSet<i64>,
    /// Executions that ended last, oldest first: a job of theirs may yet start.
    ended: VecDeque<Execution>,
}

/// How many executions are waited for before one that is over is written. The start of a job and
/// the end of its execution come from different threads of the driver, so that an interrupted
/// execution's job may start after its end, if only by a few events.
const ENDED_EXECUTIONS: usize = 8;

impl SqlExecutions {
    /// How many executions were over when the log ended.
    pub(super) fn emitted(&self) -> i64 {
        i64::try_from(self.over.len()).unwrap_or(i64::MAX)
    }

    /// `differing` are its settings that differ from the application's; `operation` is what a client
    /// asked for, where the execution is known to belong to one.
    pub(super) fn on_start(
        &mut self,
        start: SqlExecutionStart,
        differing: Vec<(String, String)>,
        operation: Option<&OperationStarted>,
    ) {
        // A job of it had started and ended before: its row may have left already.
        if self.over.contains(&start.execution_id) {
            return;
        }
        let execution = self.get_or_create(start.execution_id);
        execution.settings.extend(differing);
        execution.modified_configs = start.modified_configs;
        execution.job_group = start.job_group_id.or(execution.job_group.take());
        execution.job_tags = start.job_tags;
        execution.query_id = start.query_id;
        execution.take_operation(operation);
        execution.description = start.description;
        execution.plan_description = start.physical_plan_description;
        execution.root_execution_id = start.root_execution_id;
        execution.submission_time = start.time;
        execution.set_plan(start.spark_plan_info);
    }

    pub(super) fn on_adaptive_update(&mut self, update: AdaptiveExecutionUpdate) {
        if self.over.contains(&update.execution_id) {
            return;
        }
        let execution = self.get_or_create(update.execution_id);
        execution.plan_description = update.physical_plan_description;
        execution.num_plan_updates += 1;
        execution.set_plan(update.spark_plan_info);
    }

    /// Settings that differ from the application's.
    pub(super) fn on_settings(&mut self, sql_id: i64, settings: Vec<(String, String)>) {
        if let Some(execution) = self.live.get_mut(&sql_id) {
            execution.settings.extend(settings);
        }
    }

    pub(super) fn on_adaptive_metrics(&mut self, update: &AdaptiveMetricUpdates) {
        if let Some(execution) = self.live.get_mut(&update.execution_id) {
            execution.add_metrics(update.metrics.iter());
        }
    }

    pub(super) fn on_driver_updates(&mut self, update: &DriverAccumulatorUpdates) {
        if let Some(execution) = self.live.get_mut(&update.execution_id) {
            execution.driver_updates.extend_from_slice(&update.updates);
        }
    }

    pub(super) fn on_job_start(&mut self, start: &JobStart, operation: Option<&OperationStarted>) {
        let Some(sql_id) = start.properties.sql_execution_id else {
            return;
        };
        if self.over.contains(&sql_id) && !self.reopen(sql_id) {
            return;
        }
        let execution = self.get_or_create(sql_id);
        execution.jobs.insert(start.job_id, JobStatus::Running);
        execution.take_properties(&start.properties);
        execution.take_operation(operation);
        execution.stages.extend_from_slice(&start.stage_ids);
        let known = Arc::clone(&execution.known);
        for stage_id in &start.stage_ids {
            self.stage_users
                .entry(*stage_id)
                .or_default()
                .insert(sql_id);
        }
        if !known.is_empty() {
            for info in &start.stage_infos {
                let metrics = StageMetrics::new(0, info.num_tasks, Arc::clone(&known));
                self.stages.insert(info.stage_id, metrics);
            }
        }
    }

    pub(super) fn on_stage_submitted(&mut self, stage_id: i64, attempt_id: i64) {
        if !self.stage_users.contains_key(&stage_id) {
            return;
        }
        if let Some(metrics) = self.stages.get_mut(&stage_id)
            && let Some(restarted) = metrics.restarted(attempt_id)
        {
            *metrics = restarted;
        }
    }

    pub(super) fn on_task_end(&mut self, end: &TaskEnd) {
        if end.info.sql_updates.is_empty() && !end.info.is_successful() {
            return;
        }
        if let Some(metrics) = self.stages.get_mut(&end.stage_id)
            && self.stage_users.contains_key(&end.stage_id)
        {
            metrics.on_task_end(end);
        }
    }

    pub(super) fn on_job_end(
        &mut self,
        job: &JobRow,
        settings: &ApplicationSettings,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), RowError> {
        let Some(sql_id) = job.sql_id else {
            return Ok(());
        };
        let Some(execution) = self.live.get_mut(&sql_id) else {
            return Ok(());
        };
        if let Some(status) = execution.jobs.get_mut(&job.job_id) {
            *status = job.status;
            execution.ended_jobs += 1;
        }
        self.write_if_over(sql_id, settings, writer)
    }

    pub(super) fn on_end(
        &mut self,
        end: &SqlExecutionEnd,
        settings: &ApplicationSettings,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), RowError> {
        let sql_id = end.execution_id;
        let Some(execution) = self.live.get_mut(&sql_id) else {
            return Ok(());
        };
        execution.completion_time = Some(end.time);
        execution.error_message.clone_from(&end.error_message);
        self.aggregate(sql_id);
        self.drop_stage_metrics(sql_id);
        self.write_if_over(sql_id, settings, writer)
    }

    /// Writes what is not yet written; how many executions the log leaves unfinished.
    pub(super) fn finish(
        &mut self,
        settings: &ApplicationSettings,
        writer: &mut RowWriter<'_>,
    ) -> Result<i64, RowError> {
        for execution in std::mem::take(&mut self.ended) {
            execution.write(settings, writer)?;
        }
        let left: Vec<i64> = self.live.keys().copied().collect();
        for sql_id in &left {
            self.aggregate(*sql_id);
            if let Some(execution) = self.live.remove(sql_id) {
                execution.write(settings, writer)?;
            }
        }
        Ok(i64::try_from(left.len()).unwrap_or(i64::MAX))
    }

    fn get_or_create(&mut self, sql_id: i64) -> &mut Execution {
        self.live.entry(sql_id).or_insert_with(|| Execution {
            sql_id,
            ..Execution::default()
        })
    }

    /// An execution is over when it and all its jobs have ended.
    fn write_if_over(
        &mut self,
        sql_id: i64,
        settings: &ApplicationSettings,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), RowError> {
        let is_over = self.live.get(&sql_id).is_some_and(|execution| {
            execution.completion_time.is_some() && execution.ended_jobs >= execution.jobs.len()
        });
        if is_over && let Some(execution) = self.live.remove(&sql_id) {
            self.release_stages(sql_id, &execution.stages);
            self.over.insert(sql_id);
            self.ended.push_back(execution);
            if self.ended.len() > ENDED_EXECUTIONS
                && let Some(oldest) = self.ended.pop_front()
            {
                oldest.write(settings, writer)?;
            }
        }
        Ok(())
    }

    /// An execution that is over lives again, with its metrics as they were; false where its row
    /// has left already.
    fn reopen(&mut self, sql_id: i64) -> bool {
        let at = self.ended.iter().position(|ended| ended.sql_id == sql_id);
        let Some(execution) = at.and_then(|at| self.ended.remove(at)) else {
            return false;
        };
        self.over.remove(&sql_id);
        self.live.insert(sql_id, execution);
        true
    }

    fn release_stages(&mut self, sql_id: i64, stages: &[i64]) {
        for stage_id in stages {
            if let Some(users) = self.stage_users.get_mut(stage_id) {
                users.remove(&sql_id);
                if users.is_empty() {
                    self.stage_users.remove(stage_id);
                    self.stages.remove(stage_id);
                }
            }
        }
    }

    /// Drops metrics of stages that no other live execution uses.
    fn drop_stage_metrics(&mut self, sql_id: i64) {
        let users = &self.stage_users;
        let used = |stage_id: &i64| {
            users
                .get(stage_id)
                .is_some_and(|users| users.iter().any(|user| *user != sql_id))
        };
        let stages = self
            .live
            .get(&sql_id)
            .map(|execution| execution.stages.as_slice())
            .unwrap_or_default();
        for stage_id in stages.iter().filter(|stage_id| !used(stage_id)) {
            self.stages.remove(stage_id);
        }
    }

    /// Sums up the metrics of an execution over its stages and the driver.
    fn aggregate(&mut self, sql_id: i64) {
        if let Some(execution) = self.live.get_mut(&sql_id)
            && execution.values.is_none()
        {
            execution.values = Some(ExecutionValues::new(execution, &self.stages));
        }
    }
}
