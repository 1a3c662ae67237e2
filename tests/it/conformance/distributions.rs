//! Quantiles as the History Server computes them: the value at `floor(quantile × count)`, no
//! interpolation, every metric sorted on its own.

use serde_json::{Map, Value, json};

use super::executor_metrics;
use super::lake::Row;
use super::rest::{number, stage_executor, text};

/// Fields of a task summary and the columns of `tasks` that add up to them.
const TASK_METRICS: &[(&str, &[&str])] = &[
    ("duration", &["duration"]),
    ("executorDeserializeTime", &["executor_deserialize_time"]),
    (
        "executorDeserializeCpuTime",
        &["executor_deserialize_cpu_time"],
    ),
    ("executorRunTime", &["executor_run_time"]),
    ("executorCpuTime", &["executor_cpu_time"]),
    ("resultSize", &["result_size"]),
    ("jvmGcTime", &["jvm_gc_time"]),
    ("resultSerializationTime", &["result_serialization_time"]),
    ("gettingResultTime", &["getting_result_time"]),
    ("schedulerDelay", &["scheduler_delay"]),
    ("peakExecutionMemory", &["peak_execution_memory"]),
    ("memoryBytesSpilled", &["memory_bytes_spilled"]),
    ("diskBytesSpilled", &["disk_bytes_spilled"]),
    ("inputMetrics/bytesRead", &["input_bytes_read"]),
    ("inputMetrics/recordsRead", &["input_records_read"]),
    ("outputMetrics/bytesWritten", &["output_bytes_written"]),
    ("outputMetrics/recordsWritten", &["output_records_written"]),
    (
        "shuffleReadMetrics/readBytes",
        &[
            "shuffle_read_local_bytes_read",
            "shuffle_read_remote_bytes_read",
        ],
    ),
    (
        "shuffleReadMetrics/readRecords",
        &["shuffle_read_records_read"],
    ),
    (
        "shuffleReadMetrics/remoteBlocksFetched",
        &["shuffle_read_remote_blocks_fetched"],
    ),
    (
        "shuffleReadMetrics/localBlocksFetched",
        &["shuffle_read_local_blocks_fetched"],
    ),
    (
        "shuffleReadMetrics/fetchWaitTime",
        &["shuffle_read_fetch_wait_time"],
    ),
    (
        "shuffleReadMetrics/remoteBytesRead",
        &["shuffle_read_remote_bytes_read"],
    ),
    (
        "shuffleReadMetrics/remoteBytesReadToDisk",
        &["shuffle_read_remote_bytes_read_to_disk"],
    ),
    (
        "shuffleReadMetrics/totalBlocksFetched",
        &[
            "shuffle_read_local_blocks_fetched",
            "shuffle_read_remote_blocks_fetched",
        ],
    ),
    (
        "shuffleReadMetrics/remoteReqsDuration",
        &["shuffle_read_remote_reqs_duration"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/corruptMergedBlockChunks",
        &["shuffle_push_read_corrupt_merged_block_chunks"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/mergedFetchFallbackCount",
        &["shuffle_push_read_merged_fetch_fallback_count"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/remoteMergedBlocksFetched",
        &["shuffle_push_read_remote_merged_blocks_fetched"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/localMergedBlocksFetched",
        &["shuffle_push_read_local_merged_blocks_fetched"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/remoteMergedChunksFetched",
        &["shuffle_push_read_remote_merged_chunks_fetched"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/localMergedChunksFetched",
        &["shuffle_push_read_local_merged_chunks_fetched"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/remoteMergedBytesRead",
        &["shuffle_push_read_remote_merged_bytes_read"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/localMergedBytesRead",
        &["shuffle_push_read_local_merged_bytes_read"],
    ),
    (
        "shuffleReadMetrics/shufflePushReadMetricsDist/remoteMergedReqsDuration",
        &["shuffle_push_read_remote_merged_reqs_duration"],
    ),
    (
        "shuffleWriteMetrics/writeBytes",
        &["shuffle_write_bytes_written"],
    ),
    (
        "shuffleWriteMetrics/writeRecords",
        &["shuffle_write_records_written"],
    ),
    (
        "shuffleWriteMetrics/writeTime",
        &["shuffle_write_write_time"],
    ),
];

/// Metrics for which the server looks at tasks that did not succeed too.
const OF_ALL_TASKS: &[&str] = &["duration", "gettingResultTime", "schedulerDelay"];

/// `TaskMetricDistributions` of the tasks of one stage attempt.
pub(super) fn of_tasks(tasks: &[Row], quantiles: &[f64]) -> Value {
    let succeeded: Vec<&Row> = tasks
        .iter()
        .filter(|task| text(task, "status") == "SUCCESS")
        .collect();
    let mut summary = json!({ "quantiles": quantiles });
    for (field, columns) in TASK_METRICS {
        let sum = |task: &&Row| {
            columns
                .iter()
                .map(|column| number(task, column))
                .sum::<Option<i64>>()
        };
        let values = if OF_ALL_TASKS.contains(field) {
            tasks.iter().filter_map(|task| sum(&task)).collect()
        } else {
            succeeded.iter().filter_map(sum).collect()
        };
        insert(
            &mut summary,
            field,
            at_quantiles(values, succeeded.len(), quantiles),
        );
    }
    summary
}

/// Puts `value` at the place that `field` names, with the objects around it.
fn insert(summary: &mut Value, field: &str, value: Value) {
    let mut place = summary;
    for name in field.split('/') {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = place
            .as_object_mut()
            .expect("an object")
            .entry(name)
            .or_insert(Value::Null);
    }
    *place = value;
}

/// `ExecutorMetricsDistributions` of the executors of one stage attempt.
pub(super) fn of_executors(rows: &[Row], quantiles: &[f64]) -> Value {
    let executors: Vec<Value> = rows.iter().map(stage_executor).collect();
    let mut distributions = Map::new();
    distributions.insert("quantiles".to_owned(), json!(quantiles));
    let names = executors
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::keys);
    for name in names {
        let values = executors
            .iter()
            .filter_map(|executor| executor.get(name)?.as_i64())
            .collect::<Vec<_>>();
        if !values.is_empty() {
            distributions.insert(name.clone(), at_quantiles(values, rows.len(), quantiles));
        }
    }
    let peaks: Vec<Value> = rows.iter().filter_map(executor_metrics::of).collect();
    let names = peaks
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::keys);
    let at = |name: &String| {
        let values = peaks
            .iter()
            .filter_map(|executor| executor.get(name)?.as_i64())
            .collect();
        (name.clone(), at_quantiles(values, rows.len(), quantiles))
    };
    distributions.insert(
        "peakMemoryMetrics".to_owned(),
        Value::Object(names.map(at).collect()),
    );
    Value::Object(distributions)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the server computes in doubles too, with counts of tasks"
)]
fn at_quantiles(mut values: Vec<i64>, count: usize, quantiles: &[f64]) -> Value {
    values.sort_unstable();
    let at = |quantile: &f64| {
        let index = ((quantile * count as f64) as usize).min(count.saturating_sub(1));
        values
            .get(index)
            .map_or(json!("NaN"), |value| json!(*value as f64))
    };
    quantiles.iter().map(at).collect()
}
