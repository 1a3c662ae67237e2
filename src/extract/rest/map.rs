//! From REST's classes to rows.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::extract::eventlog::event::{
    Accumulable, EndReason, EnvironmentUpdate, ExecutorResourceRequest, InputMetrics, Origin,
    OutputMetrics, RddInfo, ResourceProfileAdded, ShufflePushReadMetrics, ShuffleReadMetrics,
    ShuffleWriteMetrics, StageInfo, StorageLevel, TaskEnd, TaskInfo, TaskMetrics,
    TaskResourceRequest,
};
use crate::extract::eventlog::replay::environment::Environment;
use crate::extract::rows::{
    Depth, ExecutorRow, JobRow, JobStatus, MemoryMetrics, ProcessRow, RddStorageRow,
    SpeculationSummary, StageExecutorRow, StageRow, StageStatus, json_text,
};
use sparklake_eventlog::limits;

use super::json::{self, Time};

/// A job; `sql_id` is known from the SQL executions.
pub(super) fn job(job: json::Job, sql_id: Option<i64>) -> JobRow {
    let num_skipped_stages = job.num_skipped_stages.0;
    // Servers before 3.4 subtract the skipped stages (SPARK-41683).
    let num_active_stages = match job.num_active_stages.0 {
        negative @ ..0 => negative.saturating_add(num_skipped_stages),
        count => count,
    };
    JobRow {
        job_id: job.job_id.0,
        name: job.name,
        description: job.description,
        submission_time: job.submission_time.0,
        completion_time: job.completion_time.0,
        stage_ids: job.stage_ids,
        job_group: job.job_group,
        job_tags: job.job_tags,
        status: match job.status.as_str() {
            "SUCCEEDED" => JobStatus::Succeeded,
            "FAILED" => JobStatus::Failed,
            _ => JobStatus::Running,
        },
        num_tasks: job.num_tasks.0,
        num_active_tasks: job.num_active_tasks.0,
        num_completed_tasks: job.num_completed_tasks.0,
        num_skipped_tasks: job.num_skipped_tasks.0,
        num_failed_tasks: job.num_failed_tasks.0,
        num_killed_tasks: job.num_killed_tasks.0,
        num_completed_indices: job.num_completed_indices.0,
        num_active_stages,
        num_completed_stages: job.num_completed_stages.0,
        num_skipped_stages,
        num_failed_stages: job.num_failed_stages.0,
        killed_tasks_summary: job.killed_tasks_summary,
        sql_id,
        failure_reason: None,
        origin: Origin::default(),
    }
}

/// A stage attempt; `job_ids` and `sql_id` are known from the jobs.
pub(super) fn stage(stage: json::Stage, job_ids: Vec<i64>, sql_id: Option<i64>) -> StageRow {
    let metrics = stage_metrics(&stage);
    let mut info = StageInfo {
        stage_id: stage.stage_id.0,
        attempt_id: stage.attempt_id.0,
        name: stage.name,
        num_tasks: stage.num_tasks.0,
        rdd_infos: stage.rdd_ids.into_iter().map(rdd_info).collect(),
        parent_ids: Vec::new(),
        details: stage.details,
        submission_time: stage.submission_time.0,
        completion_time: stage.completion_time.0,
        failure_reason: stage.failure_reason,
        accumulables: accumulables(stage.accumulator_updates),
        resource_profile_id: stage.resource_profile_id.0,
        shuffle_push_enabled: stage.is_shuffle_push_enabled,
        shuffle_push_mergers_count: stage.shuffle_mergers_count.0,
    };
    limits::bound_stage(&mut info);
    StageRow {
        info,
        status: match stage.status.as_str() {
            "ACTIVE" => StageStatus::Active,
            "COMPLETE" => StageStatus::Complete,
            "FAILED" => StageStatus::Failed,
            "SKIPPED" => StageStatus::Skipped,
            _ => StageStatus::Pending,
        },
        num_active_tasks: stage.num_active_tasks.0,
        num_complete_tasks: stage.num_complete_tasks.0,
        num_failed_tasks: stage.num_failed_tasks.0,
        num_killed_tasks: stage.num_killed_tasks.0,
        num_completed_indices: stage.num_completed_indices.0,
        first_task_launched_time: stage.first_task_launched_time.0,
        metrics,
        description: stage.description,
        scheduling_pool: stage.scheduling_pool,
        killed_tasks_summary: stage.killed_tasks_summary,
        speculation: stage.speculation_summary.map(speculation),
        peaks: stage.peak_executor_metrics,
        job_ids,
        sql_id,
        tail_ms: None,
        depth: Depth::Rest,
    }
}

/// The sums of a stage attempt over its tasks, as those of one task.
pub(super) fn stage_metrics(stage: &json::Stage) -> TaskMetrics {
    let remote_bytes_read = stage.shuffle_remote_bytes_read.0;
    // Servers before 3.0 give the sum of both and not its parts.
    let local_bytes_read = stage
        .shuffle_local_bytes_read
        .0
        .max(stage.shuffle_read_bytes.0.saturating_sub(remote_bytes_read));
    TaskMetrics {
        executor_deserialize_time: stage.executor_deserialize_time.0,
        executor_deserialize_cpu_time: stage.executor_deserialize_cpu_time.0,
        executor_run_time: stage.executor_run_time.0,
        executor_cpu_time: stage.executor_cpu_time.0,
        peak_execution_memory: stage.peak_execution_memory.0,
        peak_on_heap_execution_memory: 0,
        peak_off_heap_execution_memory: 0,
        result_size: stage.result_size.0,
        jvm_gc_time: stage.jvm_gc_time.0,
        result_serialization_time: stage.result_serialization_time.0,
        memory_bytes_spilled: stage.memory_bytes_spilled.0,
        disk_bytes_spilled: stage.disk_bytes_spilled.0,
        updated_blocks: Vec::new(),
        shuffle_read: ShuffleReadMetrics {
            remote_blocks_fetched: stage.shuffle_remote_blocks_fetched.0,
            local_blocks_fetched: stage.shuffle_local_blocks_fetched.0,
            fetch_wait_time: stage.shuffle_fetch_wait_time.0,
            remote_bytes_read,
            remote_bytes_read_to_disk: stage.shuffle_remote_bytes_read_to_disk.0,
            local_bytes_read,
            records_read: stage.shuffle_read_records.0,
            remote_reqs_duration: stage.shuffle_remote_reqs_duration.0,
            push: ShufflePushReadMetrics {
                corrupt_merged_block_chunks: stage.shuffle_corrupt_merged_block_chunks.0,
                merged_fetch_fallback_count: stage.shuffle_merged_fetch_fallback_count.0,
                remote_merged_blocks_fetched: stage.shuffle_merged_remote_blocks_fetched.0,
                local_merged_blocks_fetched: stage.shuffle_merged_local_blocks_fetched.0,
                remote_merged_chunks_fetched: stage.shuffle_merged_remote_chunks_fetched.0,
                local_merged_chunks_fetched: stage.shuffle_merged_local_chunks_fetched.0,
                remote_merged_bytes_read: stage.shuffle_merged_remote_bytes_read.0,
                local_merged_bytes_read: stage.shuffle_merged_local_bytes_read.0,
                remote_merged_reqs_duration: stage.shuffle_merged_remote_reqs_duration.0,
            },
        },
        shuffle_write: ShuffleWriteMetrics {
            bytes_written: stage.shuffle_write_bytes.0,
            write_time: stage.shuffle_write_time.0,
            records_written: stage.shuffle_write_records.0,
        },
        input: InputMetrics {
            bytes_read: stage.input_bytes.0,
            records_read: stage.input_records.0,
        },
        output: OutputMetrics {
            bytes_written: stage.output_bytes.0,
            records_written: stage.output_records.0,
        },
    }
}

/// An RDD of which nothing but the id is known.
fn rdd_info(rdd_id: i64) -> RddInfo {
    RddInfo {
        rdd_id,
        name: String::new(),
        scope: None,
        call_site: String::new(),
        parent_ids: Vec::new(),
        storage_level: StorageLevel::default(),
        num_partitions: 0,
    }
}

fn accumulables(accumulators: Vec<json::Accumulator>) -> Vec<Accumulable> {
    accumulators
        .into_iter()
        .map(|accumulator| Accumulable {
            id: accumulator.id.0,
            name: accumulator.name,
            update: accumulator.update,
            value: accumulator.value,
            internal: false,
            metadata: None,
        })
        .collect()
}

fn speculation(speculation: json::Speculation) -> SpeculationSummary {
    SpeculationSummary {
        num_tasks: speculation.num_tasks.0,
        num_active_tasks: speculation.num_active_tasks.0,
        num_completed_tasks: speculation.num_completed_tasks.0,
        num_failed_tasks: speculation.num_failed_tasks.0,
        num_killed_tasks: speculation.num_killed_tasks.0,
    }
}

/// What an executor did in a stage attempt.
pub(super) fn stage_executor(executor_id: &str, summary: &json::StageExecutor) -> StageExecutorRow {
    StageExecutorRow {
        executor_id: executor_id.to_owned(),
        task_time: summary.task_time.0,
        failed_tasks: summary.failed_tasks.0,
        succeeded_tasks: summary.succeeded_tasks.0,
        killed_tasks: summary.killed_tasks.0,
        input_bytes: summary.input_bytes.0,
        input_records: summary.input_records.0,
        output_bytes: summary.output_bytes.0,
        output_records: summary.output_records.0,
        shuffle_read: summary.shuffle_read.0,
        shuffle_read_records: summary.shuffle_read_records.0,
        shuffle_write: summary.shuffle_write.0,
        shuffle_write_records: summary.shuffle_write_records.0,
        memory_bytes_spilled: summary.memory_bytes_spilled.0,
        disk_bytes_spilled: summary.disk_bytes_spilled.0,
        is_excluded_for_stage: summary.is_excluded_for_stage || summary.is_blacklisted_for_stage,
        peaks: summary.peak_memory_metrics,
    }
}

/// A task that REST shows.
#[derive(Debug)]
pub(super) struct ShownTask {
    /// As its end event would have been; for a task that runs, without an end.
    pub(super) end: TaskEnd,
    pub(super) has_metrics: bool,
    pub(super) error_message: Option<String>,
    pub(super) executor_logs: BTreeMap<String, String>,
}

impl ShownTask {
    pub(super) fn new(task: json::Task, stage_id: i64, stage_attempt_id: i64) -> Self {
        let launch_time = task.launch_time.0.unwrap_or(0);
        let has_ended = matches!(task.status.as_str(), "SUCCESS" | "FAILED" | "KILLED");
        let duration = task.duration.unwrap_or_default().0;
        let reason = end_reason(&task.status, task.error_message.as_deref());
        let info = TaskInfo {
            task_id: task.task_id.0,
            index: task.index.0,
            attempt: task.attempt.0,
            partition_id: task.partition_id.0,
            launch_time,
            executor_id: task.executor_id,
            host: task.host,
            locality: task.task_locality,
            speculative: task.speculative,
            getting_result_time: task.result_fetch_start.0.unwrap_or(0),
            finish_time: if has_ended {
                launch_time.saturating_add(duration)
            } else {
                0
            },
            failed: task.status == "FAILED",
            killed: task.status == "KILLED",
            sql_updates: Vec::new(),
            accumulables: accumulables(task.accumulator_updates),
        };
        let mut shown = Self {
            has_metrics: has_ended && task.task_metrics.is_some(),
            end: TaskEnd {
                stage_id,
                stage_attempt_id,
                task_type: CompactString::default(),
                reason: EndReason {
                    reason: CompactString::const_new(reason),
                    detail: None,
                },
                info,
                executor_metrics: Default::default(),
                metrics: task.task_metrics.map(task_metrics).unwrap_or_default(),
            },
            error_message: task.error_message,
            executor_logs: task.executor_logs,
        };
        limits::bound_task_end(&mut shown.end);
        shown
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.info.finish_time != 0
    }

    /// Why it was killed: the whole of REST's message then.
    pub(super) fn kill_reason(&self) -> Option<&str> {
        self.error_message
            .as_deref()
            .filter(|_| self.end.reason.reason == "TaskKilled")
    }
}

/// The kind of end, which REST shows only through its message. Spark composes the messages, and each
/// kind begins with words of its own; what begins otherwise is a stack trace.
fn end_reason(status: &str, error_message: Option<&str>) -> &'static str {
    let message = error_message.unwrap_or_default();
    match status {
        "SUCCESS" => "Success",
        "KILLED" | "FAILED" if message.starts_with("TaskCommitDenied (") => "TaskCommitDenied",
        "KILLED" => "TaskKilled",
        "FAILED" if message.starts_with("FetchFailed(") => "FetchFailed",
        "FAILED" if message.starts_with("ExecutorLostFailure (") => "ExecutorLostFailure",
        "FAILED" if message.starts_with("TaskResultLost (") => "TaskResultLost",
        "FAILED" if message == "UnknownReason" => "UnknownReason",
        "FAILED" if message.is_empty() => "",
        "FAILED" => "ExceptionFailure",
        _ => "",
    }
}

fn task_metrics(metrics: json::TaskMetrics) -> TaskMetrics {
    let read = metrics.shuffle_read_metrics;
    let push = read.shuffle_push_read_metrics;
    TaskMetrics {
        executor_deserialize_time: metrics.executor_deserialize_time.0,
        executor_deserialize_cpu_time: metrics.executor_deserialize_cpu_time.0,
        executor_run_time: metrics.executor_run_time.0,
        executor_cpu_time: metrics.executor_cpu_time.0,
        peak_execution_memory: metrics.peak_execution_memory.0,
        peak_on_heap_execution_memory: 0,
        peak_off_heap_execution_memory: 0,
        result_size: metrics.result_size.0,
        jvm_gc_time: metrics.jvm_gc_time.0,
        result_serialization_time: metrics.result_serialization_time.0,
        memory_bytes_spilled: metrics.memory_bytes_spilled.0,
        disk_bytes_spilled: metrics.disk_bytes_spilled.0,
        updated_blocks: Vec::new(),
        shuffle_read: ShuffleReadMetrics {
            remote_blocks_fetched: read.remote_blocks_fetched.0,
            local_blocks_fetched: read.local_blocks_fetched.0,
            fetch_wait_time: read.fetch_wait_time.0,
            remote_bytes_read: read.remote_bytes_read.0,
            remote_bytes_read_to_disk: read.remote_bytes_read_to_disk.0,
            local_bytes_read: read.local_bytes_read.0,
            records_read: read.records_read.0,
            remote_reqs_duration: read.remote_reqs_duration.0,
            push: ShufflePushReadMetrics {
                corrupt_merged_block_chunks: push.corrupt_merged_block_chunks.0,
                merged_fetch_fallback_count: push.merged_fetch_fallback_count.0,
                remote_merged_blocks_fetched: push.remote_merged_blocks_fetched.0,
                local_merged_blocks_fetched: push.local_merged_blocks_fetched.0,
                remote_merged_chunks_fetched: push.remote_merged_chunks_fetched.0,
                local_merged_chunks_fetched: push.local_merged_chunks_fetched.0,
                remote_merged_bytes_read: push.remote_merged_bytes_read.0,
                local_merged_bytes_read: push.local_merged_bytes_read.0,
                remote_merged_reqs_duration: push.remote_merged_reqs_duration.0,
            },
        },
        shuffle_write: ShuffleWriteMetrics {
            bytes_written: metrics.shuffle_write_metrics.bytes_written.0,
            write_time: metrics.shuffle_write_metrics.write_time.0,
            records_written: metrics.shuffle_write_metrics.records_written.0,
        },
        input: InputMetrics {
            bytes_read: metrics.input_metrics.bytes_read.0,
            records_read: metrics.input_metrics.records_read.0,
        },
        output: OutputMetrics {
            bytes_written: metrics.output_metrics.bytes_written.0,
            records_written: metrics.output_metrics.records_written.0,
        },
    }
}

/// Puts the metrics of a task that did not succeed back to their places: servers from 3.4 to 4.0
/// show each of these in the place of another (SPARK-54505).
pub(super) fn without_permutation(shown: &TaskMetrics) -> TaskMetrics {
    let read = &shown.shuffle_read;
    let push = &read.push;
    TaskMetrics {
        output: OutputMetrics {
            bytes_written: push.merged_fetch_fallback_count,
            records_written: push.remote_merged_blocks_fetched,
        },
        shuffle_read: ShuffleReadMetrics {
            remote_blocks_fetched: push.local_merged_blocks_fetched,
            local_blocks_fetched: push.remote_merged_chunks_fetched,
            fetch_wait_time: push.local_merged_chunks_fetched,
            remote_bytes_read: push.remote_merged_bytes_read,
            remote_bytes_read_to_disk: push.local_merged_bytes_read,
            local_bytes_read: read.remote_reqs_duration,
            records_read: push.remote_merged_reqs_duration,
            remote_reqs_duration: read.records_read,
            push: ShufflePushReadMetrics {
                corrupt_merged_block_chunks: shown.output.bytes_written,
                merged_fetch_fallback_count: shown.output.records_written,
                remote_merged_blocks_fetched: read.remote_blocks_fetched,
                local_merged_blocks_fetched: read.local_blocks_fetched,
                remote_merged_chunks_fetched: read.fetch_wait_time,
                local_merged_chunks_fetched: read.remote_bytes_read,
                remote_merged_bytes_read: read.remote_bytes_read_to_disk,
                local_merged_bytes_read: read.local_bytes_read,
                remote_merged_reqs_duration: push.corrupt_merged_block_chunks,
            },
        },
        ..shown.clone()
    }
}

/// An executor; its lifetime is for [`end_lives`](crate::extract::eventlog::replay::executors) to
/// end.
pub(super) fn executor(executor: json::Executor) -> ExecutorRow {
    let excluded_in_stages = if executor.excluded_in_stages.is_empty() {
        executor.blacklisted_in_stages
    } else {
        executor.excluded_in_stages
    };
    ExecutorRow {
        executor_id: executor.id.into(),
        host_port: executor.host_port.map(Into::into),
        is_active: executor.is_active,
        rdd_blocks: executor.rdd_blocks.0,
        memory_used: executor.memory_used.0,
        disk_used: executor.disk_used.0,
        total_cores: limits::count(executor.total_cores.0),
        max_tasks: executor.max_tasks.0,
        active_tasks: executor.active_tasks.0,
        failed_tasks: executor.failed_tasks.0,
        completed_tasks: executor.completed_tasks.0,
        total_tasks: executor.total_tasks.0,
        total_duration: executor.total_duration.0,
        total_gc_time: executor.total_gc_time.0,
        total_input_bytes: executor.total_input_bytes.0,
        total_shuffle_read: executor.total_shuffle_read.0,
        total_shuffle_write: executor.total_shuffle_write.0,
        is_excluded: executor.is_excluded || executor.is_blacklisted,
        max_memory: executor.max_memory.0,
        add_time: executor.add_time.0.unwrap_or(0),
        remove_time: executor.remove_time.0,
        remove_reason: executor.remove_reason.map(Into::into),
        executor_logs: json_text(&executor.executor_logs),
        memory_metrics: executor.memory_metrics.map(|memory| MemoryMetrics {
            used_on_heap: memory.used_on_heap_storage_memory.0,
            used_off_heap: memory.used_off_heap_storage_memory.0,
            total_on_heap: memory.total_on_heap_storage_memory.0,
            total_off_heap: memory.total_off_heap_storage_memory.0,
        }),
        excluded_in_stages,
        peaks: executor.peak_memory_metrics.map(Box::new),
        attributes: json_text(&executor.attributes),
        resources: json_text(&executor.resources),
        resource_profile_id: executor.resource_profile_id.0,
        // A driver that runs no tasks was never added.
        num_registrations: i64::from(executor.total_cores.0 > 0),
        ..ExecutorRow::default()
    }
}

/// A process that is no executor.
pub(super) fn process(process: json::Process) -> ProcessRow {
    ProcessRow {
        process_id: process.id,
        host_port: process.host_port,
        is_active: process.is_active,
        total_cores: process.total_cores.0,
        add_time: process.add_time.0.unwrap_or(0),
        remove_time: process.remove_time.0,
        process_logs: process.process_logs,
    }
}

/// What is cached of an RDD.
pub(super) fn rdd(rdd: json::Rdd) -> RddStorageRow {
    RddStorageRow {
        rdd_id: rdd.id.0,
        name: rdd.name,
        num_partitions: rdd.num_partitions.0,
        num_cached_partitions: rdd.num_cached_partitions.0,
        storage_level: rdd.storage_level,
        memory_used: rdd.memory_used.0,
        disk_used: rdd.disk_used.0,
    }
}

/// The environment, as the log's events would have told it.
pub(super) fn environment(shown: json::Environment) -> Environment {
    let jvm = [
        ("javaHome", "Java Home"),
        ("javaVersion", "Java Version"),
        ("scalaVersion", "Scala Version"),
    ];
    let mut runtime = shown.runtime;
    let mut environment = Environment::default();
    environment.on_update(EnvironmentUpdate {
        jvm: jvm
            .into_iter()
            .filter_map(|(key, name)| Some((name.to_owned(), runtime.remove(key)?)))
            .collect(),
        spark: shown.spark_properties,
        hadoop: shown.hadoop_properties,
        system: shown.system_properties,
        metrics: shown.metrics_properties,
    });
    for profile in shown.resource_profiles {
        environment.on_resource_profile(resource_profile(profile));
    }
    environment
}

fn resource_profile(profile: json::ResourceProfile) -> ResourceProfileAdded {
    let executor_resources = profile
        .executor_resources
        .into_iter()
        .map(|(name, resource)| {
            let request = ExecutorResourceRequest {
                amount: resource.amount.0,
                discovery_script: resource.discovery_script,
                vendor: resource.vendor,
            };
            (name, request)
        });
    let task_resources = profile.task_resources.into_iter().map(|(name, resource)| {
        let request = TaskResourceRequest {
            amount: resource.amount,
        };
        (name, request)
    });
    ResourceProfileAdded {
        id: profile.id.0,
        executor_resources: executor_resources.collect(),
        task_resources: task_resources.collect(),
    }
}

/// The newest of some times; 0 where there is none.
pub(super) fn newest<const N: usize>(times: [Time; N]) -> i64 {
    times
        .into_iter()
        .filter_map(|Time(time)| time)
        .max()
        .unwrap_or(0)
}
