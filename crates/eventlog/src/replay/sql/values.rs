//! What the tasks and the driver reported for the operators of an execution, summed up.

use hashbrown::HashMap;

use super::super::distribution::Distribution;
use super::aggregate::MetricValue;
use super::execution::Execution;
use super::plan_graph::GraphNode;
use super::scala_set::scala_set_order;
use super::stage_metrics::{MetricKind, Peak, StageMetrics};
use super::work;

/// Values of the metrics of the last plan.
#[derive(Debug, Default)]
pub(super) struct ExecutionValues {
    metrics: HashMap<i64, MetricValue>,
    /// By node, ascending: stages whose tasks reported a metric of it.
    node_stages: Vec<Vec<i64>>,
}

impl ExecutionValues {
    /// The values as they stand: `stages` holds what was reported so far.
    pub(super) fn new(execution: &Execution, stages: &HashMap<i64, StageMetrics>) -> Self {
        let order = scala_set_order(&execution.stages);
        let stages: Vec<(i64, &StageMetrics)> = order
            .iter()
            .filter_map(|stage_id| Some((*stage_id, stages.get(stage_id)?)))
            .collect();
        let mut reporters: HashMap<i64, Vec<(i64, &StageMetrics)>> = HashMap::new();
        for (stage_id, metrics) in stages {
            for accumulator_id in metrics.reported() {
                work::count(1);
                let of = reporters.entry(accumulator_id).or_default();
                of.push((stage_id, metrics));
            }
        }
        let mut driver: HashMap<i64, Vec<i64>> = HashMap::new();
        for (accumulator_id, value) in &execution.driver_updates {
            driver.entry(*accumulator_id).or_default().push(*value);
        }
        let mut values = Self::default();
        for node in &execution.graph.nodes {
            values.node_stages.push(stages_of(node, &reporters));
            for metric in &node.metrics {
                work::count(1);
                let id = metric.accumulator_id;
                let of = reporters.get(&id).map(Vec::as_slice).unwrap_or_default();
                let Some(kind) = execution.known.get(&id) else {
                    continue;
                };
                if !values.metrics.contains_key(&id)
                    && let Some(value) = metric_value(id, *kind, of, driver.get(&id))
                {
                    values.metrics.insert(id, value);
                }
            }
        }
        values
    }

    pub(super) fn metric(&self, accumulator_id: i64) -> Option<&MetricValue> {
        self.metrics.get(&accumulator_id)
    }

    pub(super) fn stages_of(&self, node: &GraphNode) -> &[i64] {
        usize::try_from(node.id)
            .ok()
            .and_then(|place| self.node_stages.get(place))
            .map(Vec::as_slice)
            .unwrap_or_default()
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
        work::count(1);
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
fn stages_of(node: &GraphNode, reporters: &HashMap<i64, Vec<(i64, &StageMetrics)>>) -> Vec<i64> {
    let mut ids: Vec<i64> = node
        .metrics
        .iter()
        .filter_map(|metric| reporters.get(&metric.accumulator_id))
        .flatten()
        .map(|(stage_id, _)| *stage_id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
