//! SQL executions: plans, jobs and metrics, as Spark's `SQLAppStatusListener` keeps them.

mod aggregate;
mod format;
mod plan_graph;
mod scala_set;
mod stage_metrics;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;
use serde_json::{Map, Value, json};

use crate::RowError as ExtractError;
use crate::event::{
    AdaptiveExecutionUpdate, AdaptiveMetricUpdates, DriverAccumulatorUpdates, JobStart, PlanInfo,
    PlanMetric, SqlExecutionEnd, SqlExecutionStart, TaskEnd,
};
use crate::rows::{
    JobRow, JobStatus, RowWriter, SqlNodeMetricRow, SqlNodeRow, SqlRow, SqlStatus, rest_time,
};

use super::distribution::Distribution;
use aggregate::MetricValue;
use plan_graph::{GraphNode, PlanGraph};
use scala_set::scala_set_order;
use stage_metrics::{KnownMetrics, MetricKind, Peak, StageMetrics};

/// One execution that has not ended, or whose jobs have not.
#[derive(Debug, Default)]
struct Execution {
    sql_id: i64,
    description: String,
    plan_description: String,
    root_execution_id: Option<i64>,
    submission_time: i64,
    completion_time: Option<i64>,
    error_message: Option<String>,
    graph: PlanGraph,
    /// Kinds of all metrics that any version of the plan named.
    known: KnownMetrics,
    jobs: BTreeMap<i64, JobStatus>,
    stages: Vec<i64>,
    driver_updates: Vec<(i64, i64)>,
    ended_jobs: usize,
    /// Computed when the execution ends: later tasks change nothing.
    values: Option<HashMap<i64, MetricValue>>,
    node_stages: HashMap<i64, Vec<i64>>,
}

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

    pub(super) fn on_start(&mut self, start: SqlExecutionStart) {
        let execution = self.get_or_create(start.execution_id);
        execution.description = start.description;
        execution.plan_description = start.physical_plan_description;
        execution.root_execution_id = start.root_execution_id;
        execution.submission_time = start.time;
        execution.set_plan(&start.spark_plan_info);
    }

    pub(super) fn on_adaptive_update(&mut self, update: AdaptiveExecutionUpdate) {
        if self.over.contains(&update.execution_id) {
            return;
        }
        let execution = self.get_or_create(update.execution_id);
        execution.plan_description = update.physical_plan_description;
        execution.set_plan(&update.spark_plan_info);
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

    pub(super) fn on_job_start(&mut self, start: &JobStart) {
        let Some(sql_id) = start.properties.sql_execution_id else {
            return;
        };
        if self.over.contains(&sql_id) && !self.reopen(sql_id) {
            return;
        }
        let execution = self.get_or_create(sql_id);
        execution.jobs.insert(start.job_id, JobStatus::Running);
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

    pub(super) fn on_stage_submitted(&mut self, stage_id: i64, attempt_id: i64, num_tasks: i64) {
        if !self.stage_users.contains_key(&stage_id) {
            return;
        }
        if let Some(metrics) = self.stages.get_mut(&stage_id)
            && let Some(restarted) = metrics.restarted(attempt_id, num_tasks)
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
        writer: &mut RowWriter<'_>,
    ) -> Result<(), ExtractError> {
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
        self.write_if_over(sql_id, writer)
    }

    pub(super) fn on_end(
        &mut self,
        end: &SqlExecutionEnd,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), ExtractError> {
        let sql_id = end.execution_id;
        let Some(execution) = self.live.get_mut(&sql_id) else {
            return Ok(());
        };
        execution.completion_time = Some(end.time);
        execution.error_message.clone_from(&end.error_message);
        self.aggregate(sql_id);
        self.drop_stage_metrics(sql_id);
        self.write_if_over(sql_id, writer)
    }

    /// Writes what is not yet written; how many executions the log leaves unfinished.
    pub(super) fn finish(&mut self, writer: &mut RowWriter<'_>) -> Result<i64, ExtractError> {
        for execution in std::mem::take(&mut self.ended) {
            execution.write(writer)?;
        }
        let left: Vec<i64> = self.live.keys().copied().collect();
        for sql_id in &left {
            self.aggregate(*sql_id);
            if let Some(execution) = self.live.remove(sql_id) {
                execution.write(writer)?;
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
        writer: &mut RowWriter<'_>,
    ) -> Result<(), ExtractError> {
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
                oldest.write(writer)?;
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
        let Some(execution) = self.live.get_mut(&sql_id) else {
            return;
        };
        if execution.values.is_some() {
            return;
        }
        let order = scala_set_order(&execution.stages);
        let stages: Vec<(i64, &StageMetrics)> = order
            .iter()
            .filter_map(|stage_id| Some((*stage_id, self.stages.get(stage_id)?)))
            .collect();
        let mut driver: HashMap<i64, Vec<i64>> = HashMap::new();
        for (accumulator_id, value) in &execution.driver_updates {
            driver.entry(*accumulator_id).or_default().push(*value);
        }
        let values = execution
            .known
            .iter()
            .filter_map(|(id, kind)| {
                Some((*id, metric_value(*id, *kind, &stages, driver.get(id))?))
            })
            .collect();
        execution.node_stages = execution
            .graph
            .nodes
            .iter()
            .map(|node| (node.id, stages_of(node, &stages)))
            .collect();
        execution.values = Some(values);
    }
}

/// One metric over the given stages and driver updates; `None` where nothing was reported.
fn metric_value(
    accumulator_id: i64,
    kind: MetricKind,
    stages: &[(i64, &StageMetrics)],
    driver: Option<&Vec<i64>>,
) -> Option<MetricValue> {
    let mut values = Distribution::default();
    let mut reported = false;
    let mut peak: Option<Peak> = None;
    for (stage_id, metrics) in stages {
        reported |= metrics.add_to(accumulator_id, &mut values);
        if let Some(candidate) = metrics.peak(*stage_id, accumulator_id)
            && peak.is_none_or(|peak| candidate.value > peak.value)
        {
            peak = Some(candidate);
        }
    }
    for value in driver.into_iter().flatten() {
        reported = true;
        values.push(*value);
        if peak.is_some_and(|peak| *value > peak.value) {
            peak = None;
        }
    }
    reported.then(|| MetricValue::new(kind, values, peak))
}

/// Stages whose tasks reported a metric of `node`, ascending.
fn stages_of(node: &GraphNode, stages: &[(i64, &StageMetrics)]) -> Vec<i64> {
    let mut ids: Vec<i64> = stages
        .iter()
        .filter(|(_, metrics)| {
            node.metrics
                .iter()
                .any(|metric| metrics.reports(metric.accumulator_id))
        })
        .map(|(stage_id, _)| *stage_id)
        .collect();
    ids.sort_unstable();
    ids
}

impl Execution {
    fn set_plan(&mut self, plan: &PlanInfo) {
        self.graph = PlanGraph::new(plan);
        let graph = std::mem::take(&mut self.graph);
        self.add_metrics(graph.nodes.iter().flat_map(|node| &node.metrics));
        self.graph = graph;
    }

    fn add_metrics<'m>(&mut self, metrics: impl Iterator<Item = &'m PlanMetric>) {
        let known = Arc::make_mut(&mut self.known);
        for metric in metrics {
            known.insert(metric.accumulator_id, MetricKind::new(&metric.metric_type));
        }
    }

    fn status(&self) -> SqlStatus {
        let job_failed = self
            .jobs
            .values()
            .any(|status| *status == JobStatus::Failed);
        match (&self.error_message, self.completion_time) {
            (Some(message), _) if message.is_empty() => SqlStatus::Completed,
            (Some(_), _) => SqlStatus::Failed,
            (None, None) => SqlStatus::Running,
            (None, Some(_)) if job_failed => SqlStatus::Failed,
            (None, Some(_)) => SqlStatus::Completed,
        }
    }

    fn jobs_with(&self, status: JobStatus) -> Vec<i64> {
        self.jobs
            .iter()
            .filter(|(_, of)| **of == status)
            .map(|(job_id, _)| *job_id)
            .collect()
    }

    fn value(&self, metric: &PlanMetric) -> Option<&MetricValue> {
        self.values.as_ref()?.get(&metric.accumulator_id)
    }

    fn write(&self, writer: &mut RowWriter<'_>) -> Result<(), ExtractError> {
        for node in &self.graph.nodes {
            self.node_row(node).append(writer)?;
            for (metric, value) in node
                .metrics
                .iter()
                .filter_map(|metric| Some((metric, self.value(metric)?)))
            {
                self.metric_row(node, metric, value).append(writer)?;
            }
        }
        let row = SqlRow {
            sql_id: self.sql_id,
            status: self.status(),
            description: self.description.clone(),
            plan_description: self.plan_description.clone(),
            submission_time: self.submission_time,
            duration_ms: self
                .completion_time
                .map(|end| end.saturating_sub(self.submission_time)),
            running_job_ids: self.jobs_with(JobStatus::Running),
            success_job_ids: self.jobs_with(JobStatus::Succeeded),
            failed_job_ids: self.jobs_with(JobStatus::Failed),
            error_message: self
                .error_message
                .clone()
                .filter(|message| !message.is_empty()),
            root_execution_id: self.root_execution_id,
            job_ids: self.jobs.keys().copied().collect(),
            num_nodes: i64::try_from(self.graph.nodes.len()).unwrap_or(i64::MAX),
            raw_json: self.rest_element().to_string(),
        };
        row.append(writer)
    }

    fn node_row(&self, node: &GraphNode) -> SqlNodeRow {
        let name = node.name.trim();
        let mut child_node_ids: Vec<i64> = self
            .graph
            .edges
            .iter()
            .filter(|edge| edge.to == node.id)
            .map(|edge| edge.from)
            .collect();
        child_node_ids.sort_unstable();
        SqlNodeRow {
            sql_id: self.sql_id,
            node_id: node.id,
            name: name.to_owned(),
            description: Some(node.description.clone()),
            whole_stage_codegen_id: node.whole_stage_codegen_id,
            child_node_ids,
            stage_ids: self.node_stages.get(&node.id).cloned().unwrap_or_default(),
            is_photon: name.starts_with("Photon"),
            time_ms: self.time_ms(node),
            rows_output: self.total_of(node, &["number of output rows"]),
            bytes_output: self.total_of(
                node,
                &[
                    "written output",
                    "shuffle bytes written",
                    "data size",
                    "size of files read",
                ],
            ),
        }
    }

    /// The node's own timing metrics together.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a saturating cast of milliseconds is wanted"
    )]
    fn time_ms(&self, node: &GraphNode) -> Option<i64> {
        let times: Vec<f64> = node
            .metrics
            .iter()
            .filter_map(|metric| {
                let total = self.value(metric)?.total?;
                match MetricKind::new(&metric.metric_type) {
                    MetricKind::Timing => Some(total),
                    MetricKind::NanoTiming => Some(total / 1e6),
                    _ => None,
                }
            })
            .collect();
        (!times.is_empty()).then(|| times.iter().sum::<f64>() as i64)
    }

    /// Total of the first metric of `names` that the node reports.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a saturating cast of counts is wanted"
    )]
    fn total_of(&self, node: &GraphNode, names: &[&str]) -> Option<i64> {
        names.iter().find_map(|name| {
            let metric = node
                .metrics
                .iter()
                .find(|metric| metric.name.trim() == *name)?;
            self.value(metric)?.total.map(|total| total as i64)
        })
    }

    fn metric_row(
        &self,
        node: &GraphNode,
        metric: &PlanMetric,
        value: &MetricValue,
    ) -> SqlNodeMetricRow {
        SqlNodeMetricRow {
            sql_id: self.sql_id,
            node_id: node.id,
            name: metric.name.trim().to_owned(),
            metric_type: Some(metric.metric_type.clone()),
            unit: MetricKind::new(&metric.metric_type).unit(),
            accumulator_id: Some(metric.accumulator_id),
            value: shown(value).to_owned(),
            total: value.total,
            min: value.min,
            median: value.median,
            max: value.max,
            max_stage_id: value.peak.map(|peak| peak.stage_id),
            max_stage_attempt_id: value.peak.map(|peak| peak.attempt_id),
            max_task_id: value.peak.map(|peak| peak.task_id),
        }
    }

    /// The element that REST's `sql` answers for this execution.
    fn rest_element(&self) -> Value {
        let mut element = Map::new();
        element.insert("id".to_owned(), json!(self.sql_id));
        element.insert("status".to_owned(), json!(self.status().as_str()));
        element.insert("description".to_owned(), json!(self.description));
        element.insert("planDescription".to_owned(), json!(self.plan_description));
        element.insert(
            "submissionTime".to_owned(),
            json!(rest_time(self.submission_time)),
        );
        if let Some(end) = self.completion_time {
            element.insert(
                "duration".to_owned(),
                json!(end.saturating_sub(self.submission_time)),
            );
        }
        element.insert(
            "runningJobIds".to_owned(),
            json!(self.jobs_with(JobStatus::Running)),
        );
        element.insert(
            "successJobIds".to_owned(),
            json!(self.jobs_with(JobStatus::Succeeded)),
        );
        element.insert(
            "failedJobIds".to_owned(),
            json!(self.jobs_with(JobStatus::Failed)),
        );
        let nodes: Vec<Value> = self
            .graph
            .nodes
            .iter()
            .rev()
            .map(|node| self.rest_node(node))
            .collect();
        element.insert("nodes".to_owned(), Value::Array(nodes));
        let edges: Vec<Value> = self
            .graph
            .edges
            .iter()
            .map(|edge| json!({"fromId": edge.from, "toId": edge.to}))
            .collect();
        element.insert("edges".to_owned(), Value::Array(edges));
        Value::Object(element)
    }

    fn rest_node(&self, node: &GraphNode) -> Value {
        let mut shown_node = Map::new();
        shown_node.insert("nodeId".to_owned(), json!(node.id));
        shown_node.insert("nodeName".to_owned(), json!(node.name.trim()));
        if let Some(id) = node.whole_stage_codegen_id {
            shown_node.insert("wholeStageCodegenId".to_owned(), json!(id));
        }
        let metrics: Vec<Value> = node
            .metrics
            .iter()
            .filter_map(|metric| {
                Some(json!({"name": metric.name.trim(), "value": shown(self.value(metric)?)}))
            })
            .collect();
        shown_node.insert("metrics".to_owned(), Value::Array(metrics));
        Value::Object(shown_node)
    }
}

/// REST drops one leading newline.
fn shown(value: &MetricValue) -> &str {
    value.text.strip_prefix('\n').unwrap_or(&value.text)
}
