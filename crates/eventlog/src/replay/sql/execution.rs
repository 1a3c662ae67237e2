//! One SQL execution and the rows it becomes.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashSet;

use crate::RowError;
use crate::event::{JobProperties, OperationStarted, Origin, PhysicalPlan, PlanMetric};
use crate::plan::{NodeTime, NodeTimers, Subtree, SubtreeNode, TableAccess, node_times, subtrees};
use crate::rows::{
    JobStatus, RowWriter, ScanCounts, SettingSubject, SqlNodeMetricRow, SqlNodeRow, SqlRow,
    SqlScanRow, SqlStatus, json_map,
};

use super::super::environment::redact;
use super::super::jobs::job_tags;
use super::super::operations::origin_of;
use super::super::settings::ApplicationSettings;
use super::adaptive::{FirstPlan, is_adaptive, plan_changes};
use super::aggregate::MetricValue;
use super::plan_graph::{GraphNode, PlanGraph};
use super::stage_metrics::{KnownMetrics, MetricKind};
use super::values::ExecutionValues;
use super::{rest_element, work};

/// One execution that has not ended, or whose jobs have not.
#[derive(Debug, Default)]
pub(super) struct Execution {
    pub(super) sql_id: i64,
    pub(super) description: String,
    pub(super) plan_description: String,
    pub(super) root_execution_id: Option<i64>,
    pub(super) submission_time: i64,
    pub(super) completion_time: Option<i64>,
    pub(super) error_message: Option<String>,
    pub(super) graph: PlanGraph,
    /// Kinds of all metrics that any version of the plan named.
    pub(super) known: KnownMetrics,
    pub(super) jobs: BTreeMap<i64, JobStatus>,
    pub(super) stages: Vec<i64>,
    pub(super) driver_updates: Vec<(i64, i64)>,
    pub(super) ended_jobs: usize,
    /// Settings that differ from the application's.
    pub(super) settings: BTreeMap<String, String>,
    /// All settings that its session changed, as the event has them.
    pub(super) modified_configs: Vec<(String, String)>,
    pub(super) job_group: Option<String>,
    pub(super) job_tags: Vec<String>,
    pub(super) query_id: Option<String>,
    pub(super) statement: Option<String>,
    pub(super) origin: Origin,
    /// The plan before anything was known about the data.
    pub(super) first_plan: FirstPlan,
    pub(super) num_plan_updates: i64,
    /// Computed when the execution ends: later tasks change nothing.
    pub(super) values: Option<ExecutionValues>,
}

/// JSON of settings; `None` where there are none.
fn modified_configs(settings: &[(String, String)]) -> Option<String> {
    let settings: BTreeMap<&str, &str> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), redact(key, value)))
        .collect();
    (!settings.is_empty()).then(|| json_map(&settings))
}

impl Execution {
    pub(super) fn set_plan(&mut self, plan: PhysicalPlan) {
        let graph = PlanGraph::new(plan);
        self.add_metrics(graph.nodes.iter().flat_map(|node| &node.metrics));
        if self.graph.nodes.is_empty() && is_adaptive(&graph) {
            self.first_plan = FirstPlan::new(&graph);
        }
        self.graph = graph;
    }

    /// What a client asked for.
    pub(super) fn take_operation(&mut self, operation: Option<&OperationStarted>) {
        if let Some(operation) = operation {
            self.origin.complete(&origin_of(operation));
            if self.statement.is_none() {
                self.statement.clone_from(&operation.statement);
            }
        }
    }

    /// What the properties of its jobs say, which logs before Spark 4 say nowhere else.
    pub(super) fn take_properties(&mut self, properties: &JobProperties) {
        self.origin.complete(&properties.origin);
        if self.job_group.is_none() {
            self.job_group.clone_from(&properties.job_group);
        }
        if self.job_tags.is_empty() {
            self.job_tags = job_tags(properties.job_tags.as_deref());
        }
    }

    pub(super) fn add_metrics<'m>(&mut self, metrics: impl Iterator<Item = &'m PlanMetric>) {
        for metric in metrics {
            work::count(1);
            let kind = MetricKind::new(&metric.metric_type);
            // Running stages share the map: it is copied only for a metric that is new.
            if self.known.get(&metric.accumulator_id) != Some(&kind) {
                Arc::make_mut(&mut self.known).insert(metric.accumulator_id, kind);
            }
        }
    }

    pub(super) fn duration_ms(&self) -> Option<i64> {
        let end = self.completion_time?;
        Some(end.saturating_sub(self.submission_time))
    }

    pub(super) fn status(&self) -> SqlStatus {
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

    pub(super) fn jobs_with(&self, status: JobStatus) -> Vec<i64> {
        self.jobs
            .iter()
            .filter(|(_, of)| **of == status)
            .map(|(job_id, _)| *job_id)
            .collect()
    }

    pub(super) fn value(&self, metric: &PlanMetric) -> Option<&MetricValue> {
        self.values.as_ref()?.metric(metric.accumulator_id)
    }

    /// Writes the execution, its plan's nodes and their metrics.
    pub(super) fn write(
        mut self,
        settings: &ApplicationSettings,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), RowError> {
        let differing = std::mem::take(&mut self.settings).into_iter().collect();
        settings.append(SettingSubject::Sql(self.sql_id), differing, writer)?;
        let mut inputs = self.graph.inputs();
        let is_adaptive = is_adaptive(&self.graph);
        if is_adaptive {
            for change in plan_changes(&self, &inputs) {
                change.append(writer)?;
            }
        }
        let times = self.node_times();
        let subtrees = self.subtrees(&inputs);
        let nodes = self.graph.nodes.iter().zip(&mut inputs);
        for (((node, inputs), time), subtree) in nodes.zip(times).zip(subtrees) {
            work::count(1);
            let child_node_ids = std::mem::take(inputs);
            self.node_row(node, child_node_ids, time, subtree)
                .append(writer)?;
            if let Some(scan) = self.scan_row(node) {
                scan.append(writer)?;
            }
            let mut names = HashSet::new();
            for (metric, value) in node
                .metrics
                .iter()
                .filter_map(|metric| Some((metric, self.value(metric)?)))
            {
                work::count(1);
                // A name is a key of the table.
                if names.insert(metric.name.trim()) {
                    self.metric_row(node, metric, value).append(writer)?;
                }
            }
        }
        let row = SqlRow {
            sql_id: self.sql_id,
            status: self.status(),
            raw_json: rest_element::rest_element(&self),
            submission_time: self.submission_time,
            duration_ms: self.duration_ms(),
            running_job_ids: self.jobs_with(JobStatus::Running),
            success_job_ids: self.jobs_with(JobStatus::Succeeded),
            failed_job_ids: self.jobs_with(JobStatus::Failed),
            error_message: self.error_message.take().filter(|text| !text.is_empty()),
            root_execution_id: self.root_execution_id,
            job_ids: self.jobs.keys().copied().collect(),
            num_nodes: i64::try_from(self.graph.nodes.len()).unwrap_or(i64::MAX),
            description: self.description,
            plan_description: self.plan_description,
            is_adaptive: Some(is_adaptive),
            num_plan_updates: Some(self.num_plan_updates),
            query_id: self.query_id,
            modified_configs: modified_configs(&self.modified_configs),
            job_group: self.job_group,
            job_tags: self.job_tags,
            statement: self.statement,
            origin: self.origin,
        };
        row.append(writer)
    }

    fn node_row(
        &self,
        node: &GraphNode,
        child_node_ids: Vec<i64>,
        time: NodeTime,
        subtree: Subtree,
    ) -> SqlNodeRow {
        let name = node.name.trim();
        let stage_ids = self.values.as_ref().map(|values| values.stages_of(node));
        SqlNodeRow {
            sql_id: self.sql_id,
            node_id: node.id,
            name: name.to_owned(),
            description: Some(node.description.clone()),
            whole_stage_codegen_id: node.whole_stage_codegen_id,
            child_node_ids,
            stage_ids: stage_ids.unwrap_or_default().to_vec(),
            time,
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
            subtree,
        }
    }

    /// What each node computes with all below it, in order of the nodes.
    fn subtrees(&self, inputs: &[Vec<i64>]) -> Vec<Subtree> {
        let nodes = self.graph.nodes.iter().zip(inputs);
        let nodes: Vec<SubtreeNode<'_>> = nodes
            .map(|(node, children)| SubtreeNode {
                name: &node.name,
                description: Some(&node.description),
                children,
            })
            .collect();
        subtrees(&nodes)
    }

    /// How long each node worked, in order of the nodes.
    fn node_times(&self) -> Vec<NodeTime> {
        let timers: Vec<_> = self
            .graph
            .nodes
            .iter()
            .map(|node| {
                let times = node.metrics.iter().filter_map(|metric| {
                    let name: &str = &metric.name;
                    let total = self.value(metric)?.total?;
                    match MetricKind::new(&metric.metric_type) {
                        MetricKind::Timing => Some((name, total)),
                        MetricKind::NanoTiming => Some((name, total / 1e6)),
                        // Spark 2 said so in the name.
                        MetricKind::Sum if name.ends_with(" (ms)") => Some((name, total)),
                        _ => None,
                    }
                });
                (NodeTimers::read(&node.name, times), node.within)
            })
            .collect();
        node_times(&timers)
    }

    /// What a scan or write node touches, and how much of it.
    fn scan_row(&self, node: &GraphNode) -> Option<SqlScanRow> {
        let access = TableAccess::in_plan(
            &node.name,
            &node.description,
            &node.metadata,
            &self.plan_description,
        )?;
        let counts = ScanCounts::read(access.operation, |names| self.total_of(node, names));
        let metadata: BTreeMap<&str, &str> = node
            .metadata
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let row = SqlScanRow {
            sql_id: self.sql_id,
            node_id: node.id,
            node_name: node.name.trim().to_owned(),
            access,
            metadata: (!metadata.is_empty()).then(|| json_map(&metadata)),
            counts,
        };
        row.tells_anything().then_some(row)
    }

    /// Total of the first metric of `names` that the node reports.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a saturating cast of counts is wanted"
    )]
    pub(super) fn total_of(&self, node: &GraphNode, names: &[&str]) -> Option<i64> {
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
            metric_type: Some(metric.metric_type.to_string()),
            unit: MetricKind::new(&metric.metric_type).unit(),
            accumulator_id: Some(metric.accumulator_id),
            value: rest_element::shown(value).to_owned(),
            total: value.total,
            min: value.min,
            median: value.median,
            max: value.max,
            max_stage_id: value.peak.map(|peak| peak.stage_id),
            max_stage_attempt_id: value.peak.map(|peak| peak.attempt_id),
            max_task_id: value.peak.map(|peak| peak.task_id),
        }
    }
}
