//! SQL executions as REST shows them: the numbers of their metrics are texts for people.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::extract::error::ExtractError;
use crate::extract::rows::{RowWriter, SqlNodeMetricRow, SqlNodeRow, SqlRow, SqlStatus};

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
    }
}

fn append_nodes(execution: &SqlExecution, writer: &mut RowWriter<'_>) -> Result<(), ExtractError> {
    let mut children: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for edge in &execution.edges {
        children
            .entry(edge.to_id.0)
            .or_default()
            .push(edge.from_id.0);
    }
    // REST lists the last node first.
    for node in execution.nodes.iter().rev() {
        let mut child_node_ids = children.remove(&node.node_id.0).unwrap_or_default();
        child_node_ids.sort_unstable();
        node_row(execution.id.0, node, child_node_ids).append(writer)?;
        for metric in &node.metrics {
            metric_row(execution.id.0, node, metric).append(writer)?;
        }
    }
    Ok(())
}

fn node_row(sql_id: i64, node: &SqlNode, child_node_ids: Vec<i64>) -> SqlNodeRow {
    let name = node.node_name.trim();
    let places = node
        .metrics
        .iter()
        .filter_map(|metric| place(&metric.value));
    let stage_ids: BTreeSet<i64> = places.map(|place| place.stage_id).collect();
    SqlNodeRow {
        sql_id,
        node_id: node.node_id.0,
        name: name.to_owned(),
        description: None,
        whole_stage_codegen_id: node.whole_stage_codegen_id.map(|id| id.0),
        child_node_ids,
        stage_ids: stage_ids.into_iter().collect(),
        is_photon: name.starts_with("Photon"),
        time_ms: time_ms(node),
        rows_output: metric_of(node, "number of output rows")
            .and_then(|metric| whole_number(&metric.value)),
        bytes_output: OUTPUT_SIZES
            .iter()
            .find_map(|name| metric_of(node, name))
            .and_then(|metric| exact_bytes(&metric.value)),
    }
}

fn metric_of<'n>(node: &'n SqlNode, name: &str) -> Option<&'n SqlMetric> {
    node.metrics
        .iter()
        .find(|metric| metric.name.trim() == name)
}

/// The node's timing metrics together, as exactly as their texts are.
fn time_ms(node: &SqlNode) -> Option<i64> {
    let times: Vec<f64> = node
        .metrics
        .iter()
        .filter_map(|metric| milliseconds(total_text(&metric.value)))
        .collect();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a saturating cast of milliseconds is wanted"
    )]
    (!times.is_empty()).then(|| times.iter().sum::<f64>().round() as i64)
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
}
