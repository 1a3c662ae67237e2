//! SQL executions as REST shows them: the numbers of their metrics are texts for people.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::extract::error::ExtractError;
use crate::extract::eventlog::event::Origin;
use crate::extract::eventlog::replay::settings::ApplicationSettings;
use crate::extract::plan::{
    self, NodeTime, NodeTimers, Subtree, SubtreeNode, TableAccess, is_stage_boundary, node_times,
};
use crate::extract::rows::{
    RowWriter, ScanCounts, SettingSubject, SqlNodeMetricRow, SqlNodeRow, SqlRow, SqlScanRow,
    SqlStatus, json_map,
};

use super::json::{SqlExecution, SqlMetric, SqlNode};

/// Metrics that tell how many bytes a node put out or read, the first that is there.
const OUTPUT_SIZES: [&str; 4] = [
    "written output",
    "shuffle bytes written",
    "data size",
    "size of files read",
];

/// What the rest of the walk needs to know of the SQL executions.
#[derive(Debug, Default)]
pub(super) struct SqlOverview {
    /// Executions by job.
    pub(super) sql_of_job: BTreeMap<i64, i64>,
    pub(super) first_id: Option<i64>,
    pub(super) last_id: Option<i64>,
    pub(super) executions: i64,
    pub(super) last_event: i64,
}

impl SqlOverview {
    /// Writes one execution with its nodes and metrics.
    pub(super) fn append(
        &mut self,
        raw: &RawValue,
        settings: &ApplicationSettings,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), ExtractError> {
        // The answer as a whole was JSON; what is no execution has an id of 0 and no nodes.
        let mut element: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        let mut execution: SqlExecution = serde_json::from_str(raw.get()).unwrap_or_default();
        let sql_id = execution.id.0;
        let job_ids = job_ids(&execution);
        for job_id in &job_ids {
            self.sql_of_job.insert(*job_id, sql_id);
        }
        self.first_id = Some(self.first_id.map_or(sql_id, |first| first.min(sql_id)));
        self.last_id = self.last_id.max(Some(sql_id));
        self.executions += 1;
        let is_running = execution.status == "RUNNING";
        if is_running {
            // Until now, by the server's clock.
            execution.duration = None;
        }
        let submitted = execution.submission_time.0.unwrap_or(0);
        let ran = execution.duration.unwrap_or_default().0;
        self.last_event = self.last_event.max(submitted.saturating_add(ran));
        let modified = execution.modified_configs.clone().unwrap_or_default();
        let differing = settings.differing(modified.into_iter().collect());
        settings.append(SettingSubject::Sql(sql_id), differing, writer)?;
        append_nodes(&execution, writer)?;
        normalise(&mut element, is_running);
        Ok(row(execution, job_ids, element.to_string()).append(writer)?)
    }
}

fn job_ids(execution: &SqlExecution) -> Vec<i64> {
    let ids: BTreeSet<i64> = [
        &execution.running_job_ids,
        &execution.success_job_ids,
        &execution.failed_job_ids,
    ]
    .into_iter()
    .flatten()
    .copied()
    .collect();
    ids.into_iter().collect()
}

/// Lists of jobs have no order in REST: give them one; and no duration by the server's clock.
fn normalise(element: &mut Value, is_running: bool) {
    let Value::Object(fields) = element else {
        return;
    };
    if is_running {
        fields.shift_remove("duration");
    }
    for name in ["runningJobIds", "successJobIds", "failedJobIds"] {
        if let Some(Value::Array(ids)) = fields.get_mut(name) {
            ids.sort_by_key(Value::as_i64);
        }
    }
}

fn row(execution: SqlExecution, job_ids: Vec<i64>, raw_json: String) -> SqlRow {
    let sorted = |mut ids: Vec<i64>| {
        ids.sort_unstable();
        ids
    };
    SqlRow {
        sql_id: execution.id.0,
        status: match execution.status.as_str() {
            "COMPLETED" => SqlStatus::Completed,
            "FAILED" => SqlStatus::Failed,
            _ => SqlStatus::Running,
        },
        description: execution.description,
        plan_description: execution.plan_description,
        submission_time: execution.submission_time.0.unwrap_or(0),
        duration_ms: execution.duration.map(|duration| duration.0),
        running_job_ids: sorted(execution.running_job_ids),
        success_job_ids: sorted(execution.success_job_ids),
        failed_job_ids: sorted(execution.failed_job_ids),
        error_message: execution.error_message.filter(|text| !text.is_empty()),
        root_execution_id: execution.root_execution_id.map(|id| id.0),
        job_ids,
        num_nodes: i64::try_from(execution.nodes.len()).unwrap_or(i64::MAX),
        raw_json,
        is_adaptive: (!execution.nodes.is_empty()).then(|| is_adaptive(&execution.nodes)),
        num_plan_updates: None,
        query_id: execution.query_id,
        modified_configs: execution
            .modified_configs
            .filter(|settings| !settings.is_empty())
            .map(|settings| json_map(&settings)),
        job_group: None,
        job_tags: Vec::new(),
        statement: None,
        origin: Origin::default(),
    }
}

fn is_adaptive(nodes: &[SqlNode]) -> bool {
    nodes
        .iter()
        .any(|node| node.node_name.trim().ends_with("AdaptiveSparkPlan"))
}

fn append_nodes(execution: &SqlExecution, writer: &mut RowWriter<'_>) -> Result<(), ExtractError> {
    let mut children: HashMap<i64, Vec<i64>> = HashMap::new();
    for edge in &execution.edges {
        children
            .entry(edge.to_id.0)
            .or_default()
            .push(edge.from_id.0);
    }
    // REST lists the last node first.
    let nodes: Vec<&SqlNode> = execution.nodes.iter().rev().collect();
    let mut inputs = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let mut child_node_ids = children.remove(&node.node_id.0).unwrap_or_default();
        child_node_ids.sort_unstable();
        inputs.push(child_node_ids);
    }
    let subtrees = subtrees(&nodes, &inputs);
    let rows = nodes.iter().zip(inputs);
    for (((node, inputs), time), subtree) in rows.zip(times(&nodes, execution)).zip(subtrees) {
        node_row(execution.id.0, node, inputs, time, subtree).append(writer)?;
        if let Some(scan) = scan_row(execution.id.0, node) {
            scan.append(writer)?;
        }
        let mut names = HashSet::new();
        for metric in &node.metrics {
            // A name is a key of the table.
            if names.insert(metric.name.trim()) {
                metric_row(execution.id.0, node, metric).append(writer)?;
            }
        }
    }
    Ok(())
}

/// What each node computes with all below it. Its place has to be its id, as it is in what Spark sends.
fn subtrees(nodes: &[&SqlNode], inputs: &[Vec<i64>]) -> Vec<Subtree> {
    let is_in_order = (0..)
        .zip(nodes)
        .all(|(place, node)| node.node_id.0 == place);
    let alone = |node: &&SqlNode| Subtree {
        work_hash: None,
        last_node_id: node.node_id.0,
    };
    if !is_in_order {
        return nodes.iter().map(alone).collect();
    }
    let nodes = nodes.iter().zip(inputs);
    let nodes: Vec<SubtreeNode<'_>> = nodes
        .map(|(node, children)| SubtreeNode {
            name: &node.node_name,
            description: node.desc.as_deref(),
            children,
        })
        .collect();
    plan::subtrees(&nodes)
}

/// How long each node worked, as exactly as the texts of its metrics are.
fn times(nodes: &[&SqlNode], execution: &SqlExecution) -> Vec<NodeTime> {
    let within = within(nodes, execution);
    let timers: Vec<_> = nodes
        .iter()
        .zip(within)
        .map(|(node, within)| {
            let metrics = node.metrics.iter().filter_map(|metric| {
                let ms = milliseconds(total_text(&metric.value))?;
                Some((metric.name.as_str(), ms))
            });
            (NodeTimers::read(&node.node_name, metrics), within)
        })
        .collect();
    node_times(&timers)
}

/// For each node the place of the one whose inclusive time holds its: the operator that pulls from
/// it, or the cluster that both are in; none where another stage pulls.
fn within(nodes: &[&SqlNode], execution: &SqlExecution) -> Vec<Option<usize>> {
    let places: HashMap<i64, usize> = (0..)
        .zip(nodes)
        .map(|(place, node)| (node.node_id.0, place))
        .collect();
    let mut readers: HashMap<i64, usize> = HashMap::new();
    for edge in &execution.edges {
        if let Some(reader) = places.get(&edge.to_id.0) {
            readers.entry(edge.from_id.0).or_insert(*reader);
        }
    }
    let clusters: HashMap<i64, usize> = (0..)
        .zip(nodes)
        .filter_map(|(place, node)| Some((cluster_id(&node.node_name)?, place)))
        .collect();
    let mut within = Vec::with_capacity(nodes.len());
    let mut of_clusters: Vec<(usize, Option<usize>)> = Vec::new();
    for node in nodes {
        let reader = readers.get(&node.node_id.0).copied();
        let reader_node = reader.and_then(|place| nodes.get(place));
        let is_boundary = reader_node.is_some_and(|reader| is_stage_boundary(&reader.node_name));
        let outer = reader.filter(|_| !is_boundary);
        let codegen_id = node.whole_stage_codegen_id.map(|id| id.0);
        let reader_id = reader_node.and_then(|reader| reader.whole_stage_codegen_id);
        let cluster = codegen_id
            .filter(|id| reader_id.map(|reader| reader.0) != Some(*id))
            .and_then(|id| clusters.get(&id).copied());
        if let Some(cluster) = cluster {
            of_clusters.push((cluster, outer));
        }
        within.push(cluster.or(outer));
    }
    for (cluster, outer) in of_clusters {
        if let Some(slot) = within.get_mut(cluster) {
            *slot = slot.or(outer);
        }
    }
    within
}

/// The number in `WholeStageCodegen (3)`.
fn cluster_id(name: &str) -> Option<i64> {
    let name = name.trim();
    let number = name.strip_prefix("WholeStageCodegen")?.split_once('(')?.1;
    number.split_once(')')?.0.parse().ok()
}

fn node_row(
    sql_id: i64,
    node: &SqlNode,
    child_node_ids: Vec<i64>,
    time: NodeTime,
    subtree: Subtree,
) -> SqlNodeRow {
    let places = node
        .metrics
        .iter()
        .filter_map(|metric| place(&metric.value));
    let stage_ids: BTreeSet<i64> = places.map(|place| place.stage_id).collect();
    SqlNodeRow {
        sql_id,
        node_id: node.node_id.0,
        name: node.node_name.trim().to_owned(),
        description: node.desc.clone(),
        whole_stage_codegen_id: node.whole_stage_codegen_id.map(|id| id.0),
        child_node_ids,
        stage_ids: stage_ids.into_iter().collect(),
        time,
        rows_output: metric_of(node, "number of output rows")
            .and_then(|metric| whole_number(&metric.value)),
        bytes_output: OUTPUT_SIZES
            .iter()
            .find_map(|name| metric_of(node, name))
            .and_then(|metric| exact_bytes(&metric.value)),
        subtree,
    }
}

/// What a scan or write node touches, as far as its name and metrics tell.
fn scan_row(sql_id: i64, node: &SqlNode) -> Option<SqlScanRow> {
    let description = node.desc.as_deref().unwrap_or_default();
    let access = TableAccess::of(&node.node_name, description, &[])?;
    let counts = ScanCounts::read(access.operation, |names| {
        let metric = names.iter().find_map(|name| metric_of(node, name))?;
        whole_number(&metric.value).or_else(|| exact_bytes(&metric.value))
    });
    let row = SqlScanRow {
        sql_id,
        node_id: node.node_id.0,
        node_name: node.node_name.trim().to_owned(),
        access,
        metadata: None,
        counts,
    };
    row.tells_anything().then_some(row)
}

fn metric_of<'n>(node: &'n SqlNode, name: &str) -> Option<&'n SqlMetric> {
    node.metrics
        .iter()
        .find(|metric| metric.name.trim() == name)
}

fn metric_row(sql_id: i64, node: &SqlNode, metric: &SqlMetric) -> SqlNodeMetricRow {
    let name = metric.name.trim();
    let place = place(&metric.value);
    let numbers = Numbers::read(name, &metric.value);
    SqlNodeMetricRow {
        sql_id,
        node_id: node.node_id.0,
        name: name.to_owned(),
        metric_type: None,
        unit: numbers.unit,
        accumulator_id: None,
        value: metric.value.clone(),
        total: numbers.total,
        min: numbers.min,
        median: numbers.median,
        max: numbers.max,
        max_stage_id: place.map(|place| place.stage_id),
        max_stage_attempt_id: place.map(|place| place.attempt_id),
        max_task_id: place.map(|place| place.task_id),
    }
}

/// The numbers of a metric that its text gives exactly. Most texts round.
#[derive(Debug, Default, PartialEq)]
struct Numbers {
    unit: Option<&'static str>,
    total: Option<f64>,
    min: Option<f64>,
    median: Option<f64>,
    max: Option<f64>,
}

impl Numbers {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the contract's columns are doubles"
    )]
    fn read(name: &str, text: &str) -> Self {
        let number = |value: i64| value as f64;
        // Averages and extremes show a bare number too, and have no total.
        let is_count = !["avg", "average", "max", "min"]
            .iter()
            .any(|word| name.split(' ').next() == Some(word));
        if let Some(total) = whole_number(text).filter(|_| is_count) {
            return Self {
                unit: Some("count"),
                total: Some(number(total)),
                ..Self::default()
            };
        }
        let total = bytes(total_text(text));
        let is_size = total_text(text).ends_with('B');
        let [min, median, max] = spread(text).map(|part| part.and_then(bytes).map(number));
        Self {
            unit: is_size.then_some("bytes"),
            total: total.map(number),
            min,
            median,
            max,
        }
    }
}

/// `1,234`, as sums are shown.
fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b',');
    is_number
        .then(|| text.replace(',', "").parse().ok())
        .flatten()
}

/// Bytes of a text such as `1598.0 B`; larger units round, and give `None`.
fn bytes(text: &str) -> Option<i64> {
    let number = text.trim().strip_suffix(" B")?;
    whole_number(number.strip_suffix(".0")?)
}

fn exact_bytes(text: &str) -> Option<i64> {
    bytes(total_text(text))
}

/// The total in `total (min, med, max (stageId: taskId))\n16.0 B (8.0 B, 8.0 B, 8.0 B (stage …))`, or
/// the whole of a text without a spread.
fn total_text(text: &str) -> &str {
    let values = match text.split_once('\n') {
        Some((heading, values)) if heading.starts_with("total") => values,
        Some(_) => return "",
        None => text,
    };
    values.split(" (").next().unwrap_or(values).trim()
}

/// Smallest, middle and largest value, as they are shown.
fn spread(text: &str) -> [Option<&str>; 3] {
    let inner = text
        .split_once('\n')
        .and_then(|(_, values)| values.split_once('('))
        .map_or("", |(_, inner)| inner);
    let mut parts = inner.split(", ");
    let [min, median, max] = [parts.next(), parts.next(), parts.next()];
    [min, median, max.and_then(|max| max.split(" (").next())]
}

/// Milliseconds of `999 ms`, `1.0 s`, `1.0 m`, `1.00 h`.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once(' ')?;
    let factor = match unit {
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        "h" => 3_600e3,
        _ => return None,
    };
    let number: f64 = number.replace(',', "").parse().ok()?;
    Some(number * factor)
}

/// The task that a metric's largest value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    stage_id: i64,
    attempt_id: i64,
    task_id: i64,
}

/// Reads `(stage 3.0: task 17)`.
fn place(text: &str) -> Option<Place> {
    let (_, rest) = text.rsplit_once("(stage ")?;
    let (stage, rest) = rest.split_once(": task ")?;
    let (stage_id, attempt_id) = stage.split_once('.')?;
    let (task_id, _) = rest.split_once(')')?;
    Some(Place {
        stage_id: stage_id.parse().ok()?,
        attempt_id: attempt_id.parse().ok()?,
        task_id: task_id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: &str = "total (min, med, max (stageId: taskId))\n2.0 KiB (0.0 B, 8.0 B, 1,598.0 B (stage 3.1: task 17))";
    const TIME: &str =
        "total (min, med, max (stageId: taskId))\n1.2 s (0 ms, 5 ms, 6 ms (stage 4.0: task 5))";
    const AVERAGE: &str = "(min, med, max (stageId: taskId)):\n(1, 1, 1.2 (stage 3.0: task 2))";

    #[test]
    fn counts_are_exact() {
        let numbers = Numbers::read("number of output rows", "1,234,567");
        assert_eq!(numbers.total, Some(1_234_567.0));
        assert_eq!(numbers.unit, Some("count"));
        assert_eq!(
            Numbers::read("avg hash probes per key", "3"),
            Numbers::default()
        );
    }

    #[test]
    fn rounded_sizes_stay_unknown() {
        let numbers = Numbers::read("data size", SIZE);
        assert_eq!(numbers.total, None);
        assert_eq!(numbers.min, Some(0.0));
        assert_eq!(numbers.median, Some(8.0));
        assert_eq!(numbers.max, Some(1_598.0));
        assert_eq!(numbers.unit, Some("bytes"));
    }

    #[test]
    fn times_have_no_numbers_as_their_unit_is_not_told() {
        assert_eq!(Numbers::read("sort time", TIME), Numbers::default());
        assert_eq!(
            Numbers::read("avg hash probes per key", AVERAGE),
            Numbers::default()
        );
        assert_eq!(milliseconds(total_text(TIME)), Some(1_200.0));
        assert_eq!(total_text(AVERAGE), "");
    }

    #[test]
    fn the_place_of_the_largest_value_is_read() {
        let expected = Place {
            stage_id: 3,
            attempt_id: 1,
            task_id: 17,
        };
        assert_eq!(place(SIZE), Some(expected));
        assert_eq!(place("2.0 KiB (0.0 B, 8.0 B, 9.0 B (driver))"), None);
    }

    #[test]
    fn times_are_exclusive_as_in_logs() {
        // As REST shows it: clusters have no edges, their operators name them.
        let execution: SqlExecution = serde_json::from_str(
            r#"{"nodes":[
                {"nodeId":4,"nodeName":"Scan parquet","metrics":[
                    {"name":"scan time","value":"500 ms"},{"name":"metadata time","value":"7 ms"}]},
                {"nodeId":3,"nodeName":"HashAggregate","wholeStageCodegenId":1,"metrics":[
                    {"name":"time in aggregation build","value":"900 ms"}]},
                {"nodeId":2,"nodeName":"WholeStageCodegen (1)","metrics":[
                    {"name":"duration","value":"total (min, med, max (stageId: taskId))\n1.0 s (1 ms, 2 ms, 3 ms (stage 1.0: task 2))"}]},
                {"nodeId":1,"nodeName":"Exchange","metrics":[
                    {"name":"shuffle write time","value":"20 ms"},{"name":"fetch wait time","value":"5 ms"}]},
                {"nodeId":0,"nodeName":"WholeStageCodegen (2)","metrics":[
                    {"name":"duration","value":"50 ms"}]}],
               "edges":[{"fromId":3,"toId":1},{"fromId":4,"toId":3}]}"#,
        )
        .unwrap();
        let nodes: Vec<&SqlNode> = execution.nodes.iter().rev().collect();
        assert_eq!(
            within(&nodes, &execution),
            [None, None, None, Some(2), Some(3)]
        );
        let exclusive: Vec<Option<f64>> = times(&nodes, &execution)
            .into_iter()
            .map(|time| time.exclusive)
            .collect();
        let expected = [50.0, 25.0, 100.0, 400.0, 500.0].map(Some);
        assert_eq!(exclusive, expected);
    }
}
