//! The History Server's objects from rows of tables, by the mechanical rule of the tables'
//! contract: `camelCase` is `snake_case`, groups of metrics are prefixes, NULL is a missing field.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::executor_metrics;
use super::lake::Row;

/// Keys and bookkeeping that every table has.
const FRAME: &[&str] = &[
    "platform",
    "cluster_id",
    "cluster_name",
    "application_id",
    "attempt_id",
    "app_date",
    "batch_id",
    "ingested_at",
];

/// Metrics that Spark shows since 4.1, after the goldens were written.
const SINCE_SPARK_4_1: &[&str] = &[
    "peak_execution_memory_on_heap",
    "peak_execution_memory_off_heap",
];

/// Columns whose text is JSON.
const JSON_TEXT: &[&str] = &[
    "accumulator_updates",
    "attributes",
    "executor_logs",
    "killed_tasks_summary",
    "process_logs",
    "resources",
];

/// How a table's columns become fields of a REST class.
struct Mapping {
    /// Columns that the table has beyond the class.
    beyond: &'static [&'static str],
    /// Columns whose field has another name than the rule gives.
    renamed: &'static [(&'static str, &'static str)],
    /// Prefix of columns → object that holds them; the longest prefix first.
    groups: &'static [(&'static str, &'static str)],
    /// Object of the executor metrics.
    peaks: Option<&'static str>,
}

/// The rule without exceptions.
const PLAIN: Mapping = Mapping {
    beyond: &[],
    renamed: &[],
    groups: &[],
    peaks: None,
};

const APPLICATION_ATTEMPT: Mapping = Mapping {
    renamed: &[("duration_ms", "duration")],
    ..PLAIN
};

/// What `applications` has of `ApplicationAttemptInfo`; the rest goes far beyond it. `last_updated`
/// is the log's modification time, which depends on when it was copied: the goldens leave it empty.
const ATTEMPT_COLUMNS: &[&str] = &[
    "start_time",
    "end_time",
    "duration_ms",
    "spark_user",
    "completed",
    "app_spark_version",
];

const JOB: Mapping = Mapping {
    beyond: &[
        "sql_id",
        "duration_ms",
        "failure_reason",
        "task_success_rate",
    ],
    renamed: &[("job_name", "name")],
    ..PLAIN
};

const STAGE: Mapping = Mapping {
    beyond: &[
        "job_ids",
        "sql_id",
        "parent_ids",
        "duration_ms",
        "task_completion_rate",
        "avg_executor_run_time_per_task",
        "total_data_processed_mb",
        "shuffle_data_mb",
        "tail_ms",
        "scheduling_delay_ms",
    ],
    renamed: &[("stage_attempt_id", "attemptId"), ("stage_name", "name")],
    groups: &[("speculation_", "speculationSummary")],
    peaks: Some("peakExecutorMetrics"),
};

const STAGE_EXECUTOR: Mapping = Mapping {
    beyond: &["stage_id", "stage_attempt_id", "executor_id"],
    peaks: Some("peakMemoryMetrics"),
    ..PLAIN
};

const EXECUTOR: Mapping = Mapping {
    beyond: &[
        "lifetime_ms",
        "loss_kind",
        "exit_code",
        "num_registrations",
        "core_time_ms",
        "executor_memory_bytes",
        "memory_overhead_bytes",
        "off_heap_memory_bytes",
        "pyspark_memory_bytes",
        "container_memory_bytes",
        "container_memory_time_byte_ms",
    ],
    renamed: &[("executor_id", "id"), ("total_gc_time", "totalGCTime")],
    groups: &[
        ("used_on_heap_storage_memory", "memoryMetrics"),
        ("used_off_heap_storage_memory", "memoryMetrics"),
        ("total_on_heap_storage_memory", "memoryMetrics"),
        ("total_off_heap_storage_memory", "memoryMetrics"),
    ],
    peaks: Some("peakMemoryMetrics"),
};

const PROCESS: Mapping = Mapping {
    renamed: &[("process_id", "id")],
    ..PLAIN
};

const RDD: Mapping = Mapping {
    renamed: &[("rdd_id", "id"), ("rdd_name", "name")],
    ..PLAIN
};

/// `TaskData` without its metrics.
const TASK: Mapping = Mapping {
    beyond: &[
        "stage_id",
        "stage_attempt_id",
        "task_type",
        "end_reason",
        "kill_reason",
        "fetch_failed_host",
        "fetch_failed_executor_id",
        "fetch_failed_shuffle_id",
    ],
    ..PLAIN
};

/// `TaskMetrics`.
const TASK_METRICS: Mapping = Mapping {
    groups: &[
        ("shuffle_push_read_", "shufflePushReadMetrics"),
        ("shuffle_read_", "shuffleReadMetrics"),
        ("shuffle_write_", "shuffleWriteMetrics"),
        ("input_", "inputMetrics"),
        ("output_", "outputMetrics"),
    ],
    ..PLAIN
};

/// Metrics of a task that stand in `TaskMetrics` itself.
const UNGROUPED_TASK_METRICS: &[&str] = &[
    "executor_deserialize_time",
    "executor_deserialize_cpu_time",
    "executor_run_time",
    "executor_cpu_time",
    "result_size",
    "jvm_gc_time",
    "result_serialization_time",
    "memory_bytes_spilled",
    "disk_bytes_spilled",
    "peak_execution_memory",
];

/// An application with all its attempts, the last first.
pub(super) fn application(mut attempts: Vec<Row>) -> Value {
    attempts.sort_by_key(|attempt| std::cmp::Reverse(text(attempt, "start_time").to_owned()));
    let first = attempts.first().expect("an attempt");
    json!({
        "id": first.get("application_id"),
        "name": first.get("application_name"),
        "attempts": attempts.iter().map(application_attempt).collect::<Vec<_>>(),
    })
}

fn application_attempt(row: &Row) -> Value {
    let shown = row
        .iter()
        .filter(|(column, _)| ATTEMPT_COLUMNS.contains(&column.as_str()));
    let mut attempt = APPLICATION_ATTEMPT.object(shown);
    for (column, field) in [
        ("start_time", "startTimeEpoch"),
        ("end_time", "endTimeEpoch"),
    ] {
        attempt.insert(
            field.to_owned(),
            json!(instant(text(row, column)).timestamp_millis()),
        );
    }
    if text(row, "attempt_id") != "0" {
        attempt.insert("attemptId".to_owned(), json!(text(row, "attempt_id")));
    }
    Value::Object(attempt)
}

/// `JobData`.
pub(super) fn job(row: &Row) -> Value {
    Value::Object(JOB.object(row))
}

/// `StageData` without tasks and executors.
pub(super) fn stage(row: &Row) -> Map<String, Value> {
    STAGE.object(row)
}

/// `ExecutorStageSummary`.
pub(super) fn stage_executor(row: &Row) -> Value {
    Value::Object(STAGE_EXECUTOR.object(row))
}

/// `ExecutorSummary`.
pub(super) fn executor(row: &Row) -> Value {
    Value::Object(EXECUTOR.object(row))
}

/// `ProcessSummary`.
pub(super) fn process(row: &Row) -> Value {
    Value::Object(PROCESS.object(row))
}

/// `RDDStorageInfo`. Its partitions are blocks in memory, which event logs of these versions do not
/// name; asked for by id, the server gives an empty list.
pub(super) fn rdd(row: &Row) -> Value {
    let mut rdd = RDD.object(row);
    rdd.insert("partitions".to_owned(), json!([]));
    Value::Object(rdd)
}

/// `TaskData`.
pub(super) fn task(row: &Row) -> Value {
    let is_metric = |column: &str| {
        UNGROUPED_TASK_METRICS.contains(&column)
            || TASK_METRICS
                .groups
                .iter()
                .any(|(prefix, _)| column.starts_with(prefix))
    };
    let (metrics, own): (Vec<_>, Vec<_>) = row.iter().partition(|(column, _)| is_metric(column));
    let mut task = TASK.object(
        own.into_iter()
            .filter(|(column, _)| executor_metrics::name(column).is_none()),
    );
    let mut metrics = TASK_METRICS.object(metrics);
    if !metrics.is_empty() {
        if let Some(push) = metrics.remove("shufflePushReadMetrics") {
            let read = metrics
                .get_mut("shuffleReadMetrics")
                .and_then(Value::as_object_mut);
            read.expect("shuffle metrics")
                .insert("shufflePushReadMetrics".to_owned(), push);
        }
        if text(row, "status") != "SUCCESS" {
            metrics = permuted(&Value::Object(metrics));
        }
        task.insert("taskMetrics".to_owned(), Value::Object(metrics));
    }
    Value::Object(task)
}

/// Field in which servers of Spark 3.4 to 4.0 show a metric of a task that did not succeed, and the
/// metric (SPARK-54505); the others stand where they belong.
const PERMUTATION: &[(&str, &str)] = &[
    (
        "/outputMetrics/bytesWritten",
        "/shuffleReadMetrics/shufflePushReadMetrics/corruptMergedBlockChunks",
    ),
    (
        "/outputMetrics/recordsWritten",
        "/shuffleReadMetrics/shufflePushReadMetrics/mergedFetchFallbackCount",
    ),
    (
        "/shuffleReadMetrics/remoteBlocksFetched",
        "/shuffleReadMetrics/shufflePushReadMetrics/remoteMergedBlocksFetched",
    ),
    (
        "/shuffleReadMetrics/localBlocksFetched",
        "/shuffleReadMetrics/shufflePushReadMetrics/localMergedBlocksFetched",
    ),
    (
        "/shuffleReadMetrics/fetchWaitTime",
        "/shuffleReadMetrics/shufflePushReadMetrics/remoteMergedChunksFetched",
    ),
    (
        "/shuffleReadMetrics/remoteBytesRead",
        "/shuffleReadMetrics/shufflePushReadMetrics/localMergedChunksFetched",
    ),
    (
        "/shuffleReadMetrics/remoteBytesReadToDisk",
        "/shuffleReadMetrics/shufflePushReadMetrics/remoteMergedBytesRead",
    ),
    (
        "/shuffleReadMetrics/localBytesRead",
        "/shuffleReadMetrics/shufflePushReadMetrics/localMergedBytesRead",
    ),
    (
        "/shuffleReadMetrics/recordsRead",
        "/shuffleReadMetrics/remoteReqsDuration",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/corruptMergedBlockChunks",
        "/shuffleReadMetrics/shufflePushReadMetrics/remoteMergedReqsDuration",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/mergedFetchFallbackCount",
        "/outputMetrics/bytesWritten",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/remoteMergedBlocksFetched",
        "/outputMetrics/recordsWritten",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/localMergedBlocksFetched",
        "/shuffleReadMetrics/remoteBlocksFetched",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/remoteMergedChunksFetched",
        "/shuffleReadMetrics/localBlocksFetched",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/localMergedChunksFetched",
        "/shuffleReadMetrics/fetchWaitTime",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/remoteMergedBytesRead",
        "/shuffleReadMetrics/remoteBytesRead",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/localMergedBytesRead",
        "/shuffleReadMetrics/remoteBytesReadToDisk",
    ),
    (
        "/shuffleReadMetrics/remoteReqsDuration",
        "/shuffleReadMetrics/localBytesRead",
    ),
    (
        "/shuffleReadMetrics/shufflePushReadMetrics/remoteMergedReqsDuration",
        "/shuffleReadMetrics/recordsRead",
    ),
];

fn permuted(metrics: &Value) -> Map<String, Value> {
    let mut shown = metrics.clone();
    for (field, metric) in PERMUTATION {
        let value = metrics.pointer(metric).expect("a metric").clone();
        *shown.pointer_mut(field).expect("a metric") = value;
    }
    shown.as_object().cloned().unwrap_or_default()
}

impl Mapping {
    /// The object that `columns` make up.
    fn object<'a>(
        &self,
        columns: impl IntoIterator<Item = (&'a String, &'a Value)>,
    ) -> Map<String, Value> {
        let mut object = Map::new();
        let mut peaks = Row::new();
        let mut groups: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for (column, value) in columns {
            let left_out = [FRAME, SINCE_SPARK_4_1, self.beyond]
                .iter()
                .any(|list| list.contains(&column.as_str()));
            if left_out || value.is_null() {
                continue;
            }
            if self.peaks.is_some() && executor_metrics::name(column).is_some() {
                peaks.insert(column.clone(), value.clone());
                continue;
            }
            let value = shown(column, value);
            if let Some((prefix, group)) = self
                .groups
                .iter()
                .find(|(prefix, _)| column.starts_with(prefix))
            {
                // A group of one column is named after it.
                let rest = column
                    .strip_prefix(prefix)
                    .filter(|rest| !rest.is_empty())
                    .unwrap_or(column);
                groups
                    .entry(group)
                    .or_default()
                    .insert(camel_case(rest), value);
            } else {
                let renamed = self.renamed.iter().find(|(from, _)| from == column);
                let name =
                    renamed.map_or_else(|| camel_case(column), |(_, name)| (*name).to_owned());
                object.insert(name, value);
            }
        }
        object.extend(
            groups
                .into_iter()
                .map(|(name, group)| (name.to_owned(), Value::Object(group))),
        );
        object.extend(
            self.peaks
                .and_then(|name| Some((name.to_owned(), executor_metrics::of(&peaks)?))),
        );
        object
    }
}

/// A column's value as REST writes it.
fn shown(column: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if JSON_TEXT.contains(&column) => {
            serde_json::from_str(text).expect("JSON")
        }
        Value::String(text) if is_time(column) => {
            Value::from(instant(text).format("%Y-%m-%dT%H:%M:%S%.3fGMT").to_string())
        }
        value => value.clone(),
    }
}

fn is_time(column: &str) -> bool {
    column.ends_with("_time") || column == "result_fetch_start"
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn camel_case(snake_case: &str) -> String {
    let mut words = snake_case.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
        name
    })
}

/// The text in `column`.
pub(super) fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// The number in `column`.
pub(super) fn number(row: &Row, column: &str) -> Option<i64> {
    row.get(column).and_then(Value::as_i64)
}
