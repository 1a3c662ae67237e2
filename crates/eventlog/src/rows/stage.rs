//! Tables `stages` and `stage_executors`.

use std::collections::BTreeMap;

use crate::RowError;
use crate::event::{Accumulable, ExecutorMetrics, StageInfo, TaskMetrics};

use super::job::{duration, percent, rounded};
use super::text::{json_accumulables, json_map};
use super::{Depth, FactTable, RowWriter, append_peaks};

/// How a stage attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StageStatus {
    #[default]
    Pending,
    Active,
    Complete,
    Failed,
    Skipped,
}

impl StageStatus {
    /// REST's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Complete => "COMPLETE",
            Self::Failed => "FAILED",
            Self::Skipped => "SKIPPED",
        }
    }
}

/// Counts over the speculative tasks of a stage attempt.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpeculationSummary {
    pub num_tasks: i64,
    pub num_active_tasks: i64,
    pub num_completed_tasks: i64,
    pub num_failed_tasks: i64,
    pub num_killed_tasks: i64,
}

/// One stage attempt.
#[derive(Debug, Clone)]
pub struct StageRow {
    pub info: StageInfo,
    pub status: StageStatus,
    pub num_active_tasks: i64,
    pub num_complete_tasks: i64,
    pub num_failed_tasks: i64,
    pub num_killed_tasks: i64,
    pub num_completed_indices: i64,
    /// Epoch milliseconds of the first task's launch.
    pub first_task_launched_time: Option<i64>,
    /// Sums over the ended tasks, `peak_execution_memory` included.
    pub metrics: TaskMetrics,
    pub description: Option<String>,
    pub scheduling_pool: String,
    pub killed_tasks_summary: BTreeMap<String, i64>,
    /// Absent where no task was speculative.
    pub speculation: Option<SpeculationSummary>,
    /// Absent where no task ended.
    pub peaks: Option<ExecutorMetrics>,
    pub job_ids: Vec<i64>,
    pub sql_id: Option<i64>,
    /// Milliseconds that the stage waited for its longest task alone.
    pub tail_ms: Option<i64>,
    pub depth: Depth,
}

impl StageRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::Stages, |row| {
            let info = &self.info;
            let m = &self.metrics;
            let read = &m.shuffle_read;
            let shuffle_read_bytes = read.local_bytes_read.saturating_add(read.remote_bytes_read);
            row.bigint("stage_id", info.stage_id)
                .bigint("stage_attempt_id", info.attempt_id)
                .string("status", self.status.as_str())
                .bigint("num_tasks", info.num_tasks)
                .bigint("num_active_tasks", self.num_active_tasks)
                .bigint("num_complete_tasks", self.num_complete_tasks)
                .bigint("num_failed_tasks", self.num_failed_tasks)
                .bigint("num_killed_tasks", self.num_killed_tasks)
                .opt_bigint("num_completed_indices", Some(self.num_completed_indices))
                .opt_timestamp_ms("submission_time", info.submission_time)
                .opt_timestamp_ms("first_task_launched_time", self.first_task_launched_time)
                .opt_timestamp_ms("completion_time", info.completion_time)
                .opt_string("failure_reason", info.failure_reason.as_deref())
                .opt_bigint(
                    "executor_deserialize_time",
                    Some(m.executor_deserialize_time),
                )
                .opt_bigint(
                    "executor_deserialize_cpu_time",
                    Some(m.executor_deserialize_cpu_time),
                )
                .bigint("executor_run_time", m.executor_run_time)
                .bigint("executor_cpu_time", m.executor_cpu_time)
                .opt_bigint("result_size", Some(m.result_size))
                .opt_bigint("jvm_gc_time", Some(m.jvm_gc_time))
                .opt_bigint(
                    "result_serialization_time",
                    Some(m.result_serialization_time),
                )
                .bigint("memory_bytes_spilled", m.memory_bytes_spilled)
                .bigint("disk_bytes_spilled", m.disk_bytes_spilled)
                .opt_bigint("peak_execution_memory", Some(m.peak_execution_memory))
                .opt_bigint(
                    "peak_execution_memory_on_heap",
                    self.depth.of_log(m.peak_on_heap_execution_memory),
                )
                .opt_bigint(
                    "peak_execution_memory_off_heap",
                    self.depth.of_log(m.peak_off_heap_execution_memory),
                )
                .bigint("input_bytes", m.input.bytes_read)
                .bigint("input_records", m.input.records_read)
                .bigint("output_bytes", m.output.bytes_written)
                .bigint("output_records", m.output.records_written)
                .opt_bigint(
                    "shuffle_remote_blocks_fetched",
                    Some(read.remote_blocks_fetched),
                )
                .opt_bigint(
                    "shuffle_local_blocks_fetched",
                    Some(read.local_blocks_fetched),
                )
                .opt_bigint("shuffle_fetch_wait_time", Some(read.fetch_wait_time))
                .opt_bigint("shuffle_remote_bytes_read", Some(read.remote_bytes_read))
                .opt_bigint(
                    "shuffle_remote_bytes_read_to_disk",
                    Some(read.remote_bytes_read_to_disk),
                )
                .opt_bigint("shuffle_local_bytes_read", Some(read.local_bytes_read))
                .bigint("shuffle_read_bytes", shuffle_read_bytes)
                .bigint("shuffle_read_records", read.records_read)
                .opt_bigint(
                    "shuffle_corrupt_merged_block_chunks",
                    Some(read.push.corrupt_merged_block_chunks),
                )
                .opt_bigint(
                    "shuffle_merged_fetch_fallback_count",
                    Some(read.push.merged_fetch_fallback_count),
                )
                .opt_bigint(
                    "shuffle_merged_remote_blocks_fetched",
                    Some(read.push.remote_merged_blocks_fetched),
                )
                .opt_bigint(
                    "shuffle_merged_local_blocks_fetched",
                    Some(read.push.local_merged_blocks_fetched),
                )
                .opt_bigint(
                    "shuffle_merged_remote_chunks_fetched",
                    Some(read.push.remote_merged_chunks_fetched),
                )
                .opt_bigint(
                    "shuffle_merged_local_chunks_fetched",
                    Some(read.push.local_merged_chunks_fetched),
                )
                .opt_bigint(
                    "shuffle_merged_remote_bytes_read",
                    Some(read.push.remote_merged_bytes_read),
                )
                .opt_bigint(
                    "shuffle_merged_local_bytes_read",
                    Some(read.push.local_merged_bytes_read),
                )
                .opt_bigint(
                    "shuffle_remote_reqs_duration",
                    Some(read.remote_reqs_duration),
                )
                .opt_bigint(
                    "shuffle_merged_remote_reqs_duration",
                    Some(read.push.remote_merged_reqs_duration),
                )
                .bigint("shuffle_write_bytes", m.shuffle_write.bytes_written)
                .opt_bigint("shuffle_write_time", Some(m.shuffle_write.write_time))
                .bigint("shuffle_write_records", m.shuffle_write.records_written)
                .opt_string("stage_name", Some(&info.name))
                .opt_string("description", self.description.as_deref())
                .opt_string("details", Some(&info.details))
                .opt_string("scheduling_pool", Some(&self.scheduling_pool));
            let rdd_ids: Vec<i64> = info.rdd_infos.iter().map(|rdd| rdd.rdd_id).collect();
            row.bigint_array("rdd_ids", &rdd_ids)
                .opt_string("accumulator_updates", Some(&self.accumulators()))
                .opt_bigint(
                    "speculation_num_tasks",
                    self.speculation.map(|s| s.num_tasks),
                )
                .opt_bigint(
                    "speculation_num_active_tasks",
                    self.speculation.map(|s| s.num_active_tasks),
                )
                .opt_bigint(
                    "speculation_num_completed_tasks",
                    self.speculation.map(|s| s.num_completed_tasks),
                )
                .opt_bigint(
                    "speculation_num_failed_tasks",
                    self.speculation.map(|s| s.num_failed_tasks),
                )
                .opt_bigint(
                    "speculation_num_killed_tasks",
                    self.speculation.map(|s| s.num_killed_tasks),
                )
                .opt_string(
                    "killed_tasks_summary",
                    Some(&json_map(&self.killed_tasks_summary)),
                )
                .opt_bigint("resource_profile_id", Some(info.resource_profile_id));
            append_peaks(row, self.peaks.as_ref());
            row.opt_boolean("is_shuffle_push_enabled", Some(info.shuffle_push_enabled))
                .opt_bigint(
                    "shuffle_mergers_count",
                    Some(info.shuffle_push_mergers_count),
                )
                .bigint_array("job_ids", &self.job_ids)
                .opt_bigint("sql_id", self.sql_id)
                .opt_bigint_array("parent_ids", self.depth.of_log(info.parent_ids.as_slice()))
                .opt_bigint("duration_ms", self.duration())
                .opt_double("task_completion_rate", self.completion_rate())
                .opt_double("avg_executor_run_time_per_task", self.average_run_time())
                .opt_double(
                    "total_data_processed_mb",
                    Some(megabytes(&[
                        m.input.bytes_read,
                        m.output.bytes_written,
                        shuffle_read_bytes,
                        m.shuffle_write.bytes_written,
                    ])),
                )
                .opt_double(
                    "shuffle_data_mb",
                    Some(megabytes(&[
                        shuffle_read_bytes,
                        m.shuffle_write.bytes_written,
                    ])),
                )
                .opt_bigint("tail_ms", self.tail_ms)
                .opt_bigint("scheduling_delay_ms", self.scheduling_delay());
        })
    }

    fn accumulators(&self) -> String {
        let users: Vec<&Accumulable> = self.info.accumulables.iter().collect();
        json_accumulables(users.into_iter())
    }

    fn duration(&self) -> Option<i64> {
        duration(self.info.submission_time?, self.info.completion_time?)
    }

    /// From the submission to the first task: the time that the stage waited for a core.
    fn scheduling_delay(&self) -> Option<i64> {
        duration(self.info.submission_time?, self.first_task_launched_time?)
    }

    fn completion_rate(&self) -> Option<f64> {
        (self.info.num_tasks > 0).then(|| percent(self.num_complete_tasks, self.info.num_tasks))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds and counts are far below 2^52"
    )]
    fn average_run_time(&self) -> Option<f64> {
        (self.num_complete_tasks > 0)
            .then(|| self.metrics.executor_run_time as f64 / self.num_complete_tasks as f64)
    }
}

/// The sum of `bytes` in binary megabytes to two decimals, as the original notebooks have it.
#[expect(
    clippy::cast_precision_loss,
    reason = "a column for people; the exact bytes stand beside it"
)]
fn megabytes(bytes: &[i64]) -> f64 {
    rounded(bytes.iter().map(|bytes| *bytes as f64).sum::<f64>() / (1024.0 * 1024.0))
}

/// What one executor did in one stage attempt.
#[derive(Debug, Clone, Default)]
pub struct StageExecutorRow {
    pub executor_id: String,
    /// Milliseconds: sum of its tasks' wall times.
    pub task_time: i64,
    pub failed_tasks: i64,
    pub succeeded_tasks: i64,
    pub killed_tasks: i64,
    pub input_bytes: i64,
    pub input_records: i64,
    pub output_bytes: i64,
    pub output_records: i64,
    pub shuffle_read: i64,
    pub shuffle_read_records: i64,
    pub shuffle_write: i64,
    pub shuffle_write_records: i64,
    pub memory_bytes_spilled: i64,
    pub disk_bytes_spilled: i64,
    pub is_excluded_for_stage: bool,
    pub peaks: Option<ExecutorMetrics>,
}

impl StageExecutorRow {
    /// Appends the row for the given stage attempt.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(
        &self,
        stage_id: i64,
        attempt_id: i64,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), RowError> {
        writer.append(FactTable::StageExecutors, |row| {
            row.bigint("stage_id", stage_id)
                .bigint("stage_attempt_id", attempt_id)
                .string("executor_id", &self.executor_id)
                .bigint("task_time", self.task_time)
                .bigint("failed_tasks", self.failed_tasks)
                .bigint("succeeded_tasks", self.succeeded_tasks)
                .bigint("killed_tasks", self.killed_tasks)
                .bigint("input_bytes", self.input_bytes)
                .bigint("input_records", self.input_records)
                .bigint("output_bytes", self.output_bytes)
                .bigint("output_records", self.output_records)
                .bigint("shuffle_read", self.shuffle_read)
                .bigint("shuffle_read_records", self.shuffle_read_records)
                .bigint("shuffle_write", self.shuffle_write)
                .bigint("shuffle_write_records", self.shuffle_write_records)
                .bigint("memory_bytes_spilled", self.memory_bytes_spilled)
                .bigint("disk_bytes_spilled", self.disk_bytes_spilled)
                .boolean("is_blacklisted_for_stage", self.is_excluded_for_stage);
            append_peaks(row, self.peaks.as_ref());
            row.boolean("is_excluded_for_stage", self.is_excluded_for_stage);
        })
    }
}
