//! Table `tasks`.

use crate::RowError;
use crate::event::{ExecutorMetrics, TaskInfo, TaskMetrics};

use super::text::json_accumulables;
use super::{Depth, FactTable, RowWriter, append_peaks};

/// One task attempt.
#[derive(Debug)]
pub struct TaskRow<'a> {
    pub stage_id: i64,
    pub stage_attempt_id: i64,
    pub info: &'a TaskInfo,
    /// NULL columns for a task that never ended.
    pub metrics: Option<&'a TaskMetrics>,
    pub peaks: Option<&'a ExecutorMetrics>,
    pub error_message: Option<&'a str>,
    /// JSON object of log name to URL.
    pub executor_logs: &'a str,
    pub task_type: Option<&'a str>,
    pub end_reason: Option<&'a str>,
    pub kill_reason: Option<&'a str>,
    /// Where a shuffle block could not be fetched from.
    pub fetch_failure: Option<FetchFailure<'a>>,
    pub depth: Depth,
}

/// The block manager and the shuffle of a fetch that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchFailure<'a> {
    pub host: Option<&'a str>,
    pub executor_id: Option<&'a str>,
    pub shuffle_id: Option<i64>,
}

impl<'a> FetchFailure<'a> {
    /// Reads REST's message of a task that failed to fetch:
    /// `FetchFailed(BlockManagerId(<executor>, <host>, <port>, …), shuffleId=<shuffle>, …`.
    #[must_use]
    pub fn of_message(message: &'a str) -> Option<Self> {
        let rest = message.strip_prefix("FetchFailed(")?;
        let mut address = rest
            .strip_prefix("BlockManagerId(")
            .map(|rest| rest.split(", "))
            .into_iter()
            .flatten();
        let shuffle = rest
            .split_once("shuffleId=")
            .and_then(|(_, rest)| rest.split(',').next());
        Some(Self {
            executor_id: address.next(),
            host: address.next(),
            shuffle_id: shuffle.and_then(|id| id.parse().ok()),
        })
    }
}

impl TaskRow<'_> {
    /// Wall time in milliseconds; REST omits what is not positive, and so do we.
    fn duration(&self) -> Option<i64> {
        Some(self.info.duration()).filter(|duration| *duration > 0)
    }

    /// Milliseconds between the result being ready and its arrival at the driver.
    fn getting_result_time(&self) -> i64 {
        getting_result_time(self.info)
    }

    /// Milliseconds that the task was neither running nor (de)serialising nor fetched.
    fn scheduler_delay(&self) -> i64 {
        match (self.metrics, self.duration()) {
            (Some(metrics), Some(_)) => scheduler_delay(self.info, metrics),
            _ => 0,
        }
    }

    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::Tasks, |row| {
            let info = self.info;
            let metrics = self.metrics;
            row.bigint("stage_id", self.stage_id)
                .bigint("stage_attempt_id", self.stage_attempt_id)
                .bigint("task_id", info.task_id)
                .bigint("index", info.index)
                .bigint("attempt", info.attempt)
                .bigint("partition_id", info.partition_id)
                .opt_timestamp_ms(
                    "launch_time",
                    Some(info.launch_time).filter(|time| *time > 0),
                )
                .opt_timestamp_ms(
                    "result_fetch_start",
                    Some(info.getting_result_time).filter(|time| *time != 0),
                )
                .opt_bigint("duration", self.duration())
                .opt_string("executor_id", Some(&info.executor_id))
                .opt_string("host", Some(&info.host))
                .string("status", info.status())
                .opt_string("task_locality", Some(&info.locality))
                .boolean("speculative", info.speculative);
            if info.accumulables.is_empty() {
                row.opt_string("accumulator_updates", Some("[]"));
            } else {
                row.opt_string(
                    "accumulator_updates",
                    Some(&json_accumulables(info.accumulables.iter())),
                );
            }
            row.opt_string("error_message", self.error_message)
                .opt_bigint(
                    "executor_deserialize_time",
                    metrics.map(|m| m.executor_deserialize_time),
                )
                .opt_bigint(
                    "executor_deserialize_cpu_time",
                    metrics.map(|m| m.executor_deserialize_cpu_time),
                )
                .opt_bigint("executor_run_time", metrics.map(|m| m.executor_run_time))
                .opt_bigint("executor_cpu_time", metrics.map(|m| m.executor_cpu_time))
                .opt_bigint("result_size", metrics.map(|m| m.result_size))
                .opt_bigint("jvm_gc_time", metrics.map(|m| m.jvm_gc_time))
                .opt_bigint(
                    "result_serialization_time",
                    metrics.map(|m| m.result_serialization_time),
                )
                .opt_bigint(
                    "memory_bytes_spilled",
                    metrics.map(|m| m.memory_bytes_spilled),
                )
                .opt_bigint("disk_bytes_spilled", metrics.map(|m| m.disk_bytes_spilled))
                .opt_bigint(
                    "peak_execution_memory",
                    metrics.map(|m| m.peak_execution_memory),
                )
                .opt_bigint(
                    "peak_execution_memory_on_heap",
                    metrics.and_then(|m| self.depth.of_log(m.peak_on_heap_execution_memory)),
                )
                .opt_bigint(
                    "peak_execution_memory_off_heap",
                    metrics.and_then(|m| self.depth.of_log(m.peak_off_heap_execution_memory)),
                )
                .opt_bigint("input_bytes_read", metrics.map(|m| m.input.bytes_read))
                .opt_bigint("input_records_read", metrics.map(|m| m.input.records_read))
                .opt_bigint(
                    "output_bytes_written",
                    metrics.map(|m| m.output.bytes_written),
                )
                .opt_bigint(
                    "output_records_written",
                    metrics.map(|m| m.output.records_written),
                )
                .opt_bigint(
                    "shuffle_read_remote_blocks_fetched",
                    metrics.map(|m| m.shuffle_read.remote_blocks_fetched),
                )
                .opt_bigint(
                    "shuffle_read_local_blocks_fetched",
                    metrics.map(|m| m.shuffle_read.local_blocks_fetched),
                )
                .opt_bigint(
                    "shuffle_read_fetch_wait_time",
                    metrics.map(|m| m.shuffle_read.fetch_wait_time),
                )
                .opt_bigint(
                    "shuffle_read_remote_bytes_read",
                    metrics.map(|m| m.shuffle_read.remote_bytes_read),
                )
                .opt_bigint(
                    "shuffle_read_remote_bytes_read_to_disk",
                    metrics.map(|m| m.shuffle_read.remote_bytes_read_to_disk),
                )
                .opt_bigint(
                    "shuffle_read_local_bytes_read",
                    metrics.map(|m| m.shuffle_read.local_bytes_read),
                )
                .opt_bigint(
                    "shuffle_read_records_read",
                    metrics.map(|m| m.shuffle_read.records_read),
                )
                .opt_bigint(
                    "shuffle_read_remote_reqs_duration",
                    metrics.map(|m| m.shuffle_read.remote_reqs_duration),
                );
            let push = metrics.map(|m| &m.shuffle_read.push);
            row.opt_bigint(
                "shuffle_push_read_corrupt_merged_block_chunks",
                push.map(|p| p.corrupt_merged_block_chunks),
            )
            .opt_bigint(
                "shuffle_push_read_merged_fetch_fallback_count",
                push.map(|p| p.merged_fetch_fallback_count),
            )
            .opt_bigint(
                "shuffle_push_read_remote_merged_blocks_fetched",
                push.map(|p| p.remote_merged_blocks_fetched),
            )
            .opt_bigint(
                "shuffle_push_read_local_merged_blocks_fetched",
                push.map(|p| p.local_merged_blocks_fetched),
            )
            .opt_bigint(
                "shuffle_push_read_remote_merged_chunks_fetched",
                push.map(|p| p.remote_merged_chunks_fetched),
            )
            .opt_bigint(
                "shuffle_push_read_local_merged_chunks_fetched",
                push.map(|p| p.local_merged_chunks_fetched),
            )
            .opt_bigint(
                "shuffle_push_read_remote_merged_bytes_read",
                push.map(|p| p.remote_merged_bytes_read),
            )
            .opt_bigint(
                "shuffle_push_read_local_merged_bytes_read",
                push.map(|p| p.local_merged_bytes_read),
            )
            .opt_bigint(
                "shuffle_push_read_remote_merged_reqs_duration",
                push.map(|p| p.remote_merged_reqs_duration),
            )
            .opt_bigint(
                "shuffle_write_bytes_written",
                metrics.map(|m| m.shuffle_write.bytes_written),
            )
            .opt_bigint(
                "shuffle_write_write_time",
                metrics.map(|m| m.shuffle_write.write_time),
            )
            .opt_bigint(
                "shuffle_write_records_written",
                metrics.map(|m| m.shuffle_write.records_written),
            )
            .opt_string("executor_logs", Some(self.executor_logs))
            .opt_bigint("scheduler_delay", Some(self.scheduler_delay()))
            .opt_bigint("getting_result_time", Some(self.getting_result_time()))
            .opt_string("task_type", self.task_type)
            .opt_string("end_reason", self.end_reason)
            .opt_string("kill_reason", self.kill_reason);
            let fetch = self.fetch_failure.as_ref();
            row.opt_string("fetch_failed_host", fetch.and_then(|fetch| fetch.host))
                .opt_string(
                    "fetch_failed_executor_id",
                    fetch.and_then(|fetch| fetch.executor_id),
                )
                .opt_bigint(
                    "fetch_failed_shuffle_id",
                    fetch.and_then(|fetch| fetch.shuffle_id),
                );
            append_peaks(row, self.peaks);
        })
    }
}

/// Milliseconds that fetching the result took; 0 for a task whose result came with its status.
pub fn getting_result_time(info: &TaskInfo) -> i64 {
    if info.getting_result_time == 0 || info.finish_time == 0 {
        0
    } else {
        info.finish_time.saturating_sub(info.getting_result_time)
    }
}

/// Milliseconds of a task's wall time that nothing accounts for, never negative.
pub fn scheduler_delay(info: &TaskInfo, metrics: &TaskMetrics) -> i64 {
    info.duration()
        .saturating_sub(metrics.executor_run_time)
        .saturating_sub(metrics.executor_deserialize_time)
        .saturating_sub(metrics.result_serialization_time)
        .saturating_sub(getting_result_time(info))
        .max(0)
}
