//! Distributions of task metrics within one stage attempt, by the History Server's index rule.
//!
//! The value at quantile `q` of `n` tasks is the element `min(floor(q·n), n−1)` of the ascending
//! values, each metric sorted on its own.

use serde_json::{Map, Value, json};

use crate::event::{TaskEnd, TaskInfo, TaskMetrics};
use crate::rows::{TaskQuantilesRow, TaskSummaryRow, getting_result_time, scheduler_delay};

use super::distribution::{Distribution, SortedValues};

/// Quantiles of column `raw_json`, those that the original notebooks asked REST for.
const SUMMARY_QUANTILES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// A metric: its column name, its unit, where REST's `taskSummary` shows it, and its value.
struct Metric {
    name: &'static str,
    unit: &'static str,
    /// Enclosing REST object, if any, and the key in it.
    group: Option<&'static str>,
    key: &'static str,
    value: fn(&TaskInfo, &TaskMetrics) -> i64,
}

macro_rules! metrics {
    ($($name:literal $unit:literal $group:expr, $key:literal => |$info:pat_param, $metrics:pat_param| $value:expr;)*) => {
        &[$(Metric { name: $name, unit: $unit, group: $group, key: $key, value: |$info, $metrics| $value }),*]
    };
}

const INPUT: Option<&str> = Some("inputMetrics");
const OUTPUT: Option<&str> = Some("outputMetrics");
const READ: Option<&str> = Some("shuffleReadMetrics");
const PUSH: Option<&str> = Some("shufflePushReadMetricsDist");
const WRITE: Option<&str> = Some("shuffleWriteMetrics");

/// All metrics in REST's order.
#[rustfmt::skip]
const METRICS: &[Metric] = metrics! {
    "duration" "ms" None, "duration" => |info, _| info.duration();
    "executor_deserialize_time" "ms" None, "executorDeserializeTime" => |_, m| m.executor_deserialize_time;
    "executor_deserialize_cpu_time" "ns" None, "executorDeserializeCpuTime" => |_, m| m.executor_deserialize_cpu_time;
    "executor_run_time" "ms" None, "executorRunTime" => |_, m| m.executor_run_time;
    "executor_cpu_time" "ns" None, "executorCpuTime" => |_, m| m.executor_cpu_time;
    "result_size" "bytes" None, "resultSize" => |_, m| m.result_size;
    "jvm_gc_time" "ms" None, "jvmGcTime" => |_, m| m.jvm_gc_time;
    "result_serialization_time" "ms" None, "resultSerializationTime" => |_, m| m.result_serialization_time;
    "getting_result_time" "ms" None, "gettingResultTime" => |info, _| getting_result_time(info);
    "scheduler_delay" "ms" None, "schedulerDelay" => |info, m| scheduler_delay(info, m);
    "peak_execution_memory" "bytes" None, "peakExecutionMemory" => |_, m| m.peak_execution_memory;
    "memory_bytes_spilled" "bytes" None, "memoryBytesSpilled" => |_, m| m.memory_bytes_spilled;
    "disk_bytes_spilled" "bytes" None, "diskBytesSpilled" => |_, m| m.disk_bytes_spilled;
    "input_bytes_read" "bytes" INPUT, "bytesRead" => |_, m| m.input.bytes_read;
    "input_records_read" "records" INPUT, "recordsRead" => |_, m| m.input.records_read;
    "output_bytes_written" "bytes" OUTPUT, "bytesWritten" => |_, m| m.output.bytes_written;
    "output_records_written" "records" OUTPUT, "recordsWritten" => |_, m| m.output.records_written;
    "shuffle_read_bytes" "bytes" READ, "readBytes" => |_, m| m.shuffle_read.total_bytes_read();
    "shuffle_read_records_read" "records" READ, "readRecords" => |_, m| m.shuffle_read.records_read;
    "shuffle_read_remote_blocks_fetched" "count" READ, "remoteBlocksFetched" => |_, m| m.shuffle_read.remote_blocks_fetched;
    "shuffle_read_local_blocks_fetched" "count" READ, "localBlocksFetched" => |_, m| m.shuffle_read.local_blocks_fetched;
    "shuffle_read_fetch_wait_time" "ms" READ, "fetchWaitTime" => |_, m| m.shuffle_read.fetch_wait_time;
    "shuffle_read_remote_bytes_read" "bytes" READ, "remoteBytesRead" => |_, m| m.shuffle_read.remote_bytes_read;
    "shuffle_read_remote_bytes_read_to_disk" "bytes" READ, "remoteBytesReadToDisk" => |_, m| m.shuffle_read.remote_bytes_read_to_disk;
    "shuffle_read_total_blocks_fetched" "count" READ, "totalBlocksFetched" => |_, m| m.shuffle_read.total_blocks_fetched();
    "shuffle_read_remote_reqs_duration" "ms" READ, "remoteReqsDuration" => |_, m| m.shuffle_read.remote_reqs_duration;
    "shuffle_push_read_corrupt_merged_block_chunks" "count" PUSH, "corruptMergedBlockChunks" => |_, m| m.shuffle_read.push.corrupt_merged_block_chunks;
    "shuffle_push_read_merged_fetch_fallback_count" "count" PUSH, "mergedFetchFallbackCount" => |_, m| m.shuffle_read.push.merged_fetch_fallback_count;
    "shuffle_push_read_remote_merged_blocks_fetched" "count" PUSH, "remoteMergedBlocksFetched" => |_, m| m.shuffle_read.push.remote_merged_blocks_fetched;
    "shuffle_push_read_local_merged_blocks_fetched" "count" PUSH, "localMergedBlocksFetched" => |_, m| m.shuffle_read.push.local_merged_blocks_fetched;
    "shuffle_push_read_remote_merged_chunks_fetched" "count" PUSH, "remoteMergedChunksFetched" => |_, m| m.shuffle_read.push.remote_merged_chunks_fetched;
    "shuffle_push_read_local_merged_chunks_fetched" "count" PUSH, "localMergedChunksFetched" => |_, m| m.shuffle_read.push.local_merged_chunks_fetched;
    "shuffle_push_read_remote_merged_bytes_read" "bytes" PUSH, "remoteMergedBytesRead" => |_, m| m.shuffle_read.push.remote_merged_bytes_read;
    "shuffle_push_read_local_merged_bytes_read" "bytes" PUSH, "localMergedBytesRead" => |_, m| m.shuffle_read.push.local_merged_bytes_read;
    "shuffle_push_read_remote_merged_reqs_duration" "ms" PUSH, "remoteMergedReqsDuration" => |_, m| m.shuffle_read.push.remote_merged_reqs_duration;
    "shuffle_write_bytes_written" "bytes" WRITE, "writeBytes" => |_, m| m.shuffle_write.bytes_written;
    "shuffle_write_records_written" "records" WRITE, "writeRecords" => |_, m| m.shuffle_write.records_written;
    "shuffle_write_write_time" "ns" WRITE, "writeTime" => |_, m| m.shuffle_write.write_time;
};

/// Collects the ended tasks of one stage attempt.
#[derive(Debug, Default)]
pub struct TaskDistributions {
    /// Successful tasks.
    tasks: usize,
    /// One entry a metric, over the successful tasks.
    values: Vec<Distribution>,
    /// REST counts tasks that did not succeed in these three, though not in `n`.
    unsuccessful: Unsuccessful,
}

#[derive(Debug, Default)]
struct Unsuccessful {
    durations: Vec<i64>,
    scheduler_delays: Vec<i64>,
    getting_result_times: Vec<i64>,
}

impl TaskDistributions {
    /// Counts an ended task.
    pub fn add(&mut self, end: &TaskEnd) {
        if !end.info.is_successful() {
            self.unsuccessful.durations.push(end.info.duration());
            self.unsuccessful
                .scheduler_delays
                .push(scheduler_delay(&end.info, &end.metrics));
            self.unsuccessful
                .getting_result_times
                .push(getting_result_time(&end.info));
            return;
        }
        if self.values.is_empty() {
            self.values
                .resize_with(METRICS.len(), Distribution::default);
        }
        self.tasks += 1;
        for (values, metric) in self.values.iter_mut().zip(METRICS) {
            values.push((metric.value)(&end.info, &end.metrics));
        }
    }

    /// The rows of both tables; none where no task succeeded.
    pub fn finish(
        self,
        stage_id: i64,
        stage_attempt_id: i64,
    ) -> Option<(TaskSummaryRow, Vec<TaskQuantilesRow>)> {
        if self.tasks == 0 {
            return None;
        }
        let tasks = self.tasks;
        let mut quantiles = Vec::with_capacity(METRICS.len());
        // REST's answer to `taskSummary`.
        let mut summary = Map::new();
        summary.insert("quantiles".to_owned(), json!(SUMMARY_QUANTILES));
        // One after the other: sorted values take far more memory than collected ones.
        for (metric, values) in METRICS.iter().zip(self.values) {
            let mut values = values.sorted(|_| true);
            quantiles.push(metric.row(&values, tasks, stage_id, stage_attempt_id));
            values.extend(self.unsuccessful.of(metric));
            let numbers: Vec<Value> = SUMMARY_QUANTILES
                .iter()
                .map(|q| number(values.at(index(*q, tasks))))
                .collect();
            group(&mut summary, metric.group).insert(metric.key.to_owned(), Value::Array(numbers));
        }
        let summary = TaskSummaryRow {
            stage_id,
            stage_attempt_id,
            num_tasks: count(tasks),
            raw_json: Value::Object(summary).to_string(),
        };
        Some((summary, quantiles))
    }
}

impl Unsuccessful {
    fn of(&self, metric: &Metric) -> &[i64] {
        match metric.name {
            "duration" => &self.durations,
            "scheduler_delay" => &self.scheduler_delays,
            "getting_result_time" => &self.getting_result_times,
            _ => &[],
        }
    }
}

impl Metric {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a mean; the exact total stands beside it"
    )]
    fn row(
        &self,
        values: &SortedValues,
        tasks: usize,
        stage_id: i64,
        stage_attempt_id: i64,
    ) -> TaskQuantilesRow {
        let at = |q: f64| values.at(index(q, tasks)).unwrap_or(0);
        TaskQuantilesRow {
            stage_id,
            stage_attempt_id,
            metric: self.name,
            unit: self.unit,
            num_tasks: count(tasks),
            min: at(0.0),
            p05: at(0.05),
            p25: at(0.25),
            median: at(0.5),
            p75: at(0.75),
            p95: at(0.95),
            p99: at(0.99),
            max: at(1.0),
            mean: values.total() as f64 / tasks as f64,
            total: values.total(),
        }
    }
}

/// The object that holds the metrics of `name`; push metrics stand within the shuffle read ones.
fn group<'v>(
    root: &'v mut Map<String, Value>,
    name: Option<&'static str>,
) -> &'v mut Map<String, Value> {
    match name {
        None => root,
        Some("shufflePushReadMetricsDist") => member(
            member(root, "shuffleReadMetrics"),
            "shufflePushReadMetricsDist",
        ),
        Some(name) => member(root, name),
    }
}

fn member<'v>(object: &'v mut Map<String, Value>, name: &str) -> &'v mut Map<String, Value> {
    let value = object
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(object) => object,
        _ => unreachable!("made an object above"),
    }
}

/// A quantile as REST writes it: a double, `"NaN"` where there are too few values.
#[expect(clippy::cast_precision_loss, reason = "REST shows doubles")]
fn number(value: Option<i64>) -> Value {
    value.map_or_else(|| Value::from("NaN"), |value| Value::from(value as f64))
}

/// Index of quantile `q` among `n` ascending values.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "task counts are far below 2^52, and q lies within 0 and 1"
)]
pub(super) fn index(q: f64, n: usize) -> usize {
    ((q * n as f64).floor() as usize).min(n.saturating_sub(1))
}

fn count(tasks: usize) -> i64 {
    i64::try_from(tasks).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_follows_the_history_server() {
        assert_eq!(index(0.5, 8), 4);
        assert_eq!(index(1.0, 8), 7);
        assert_eq!(index(0.05, 8), 0);
    }
}
