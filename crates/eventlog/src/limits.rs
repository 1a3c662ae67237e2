//! What a log may say at most: values that no cluster can reach are cut off where they enter, so that
//! no sum, product or cast over them can fail later.

use crate::event::{
    BlockUpdatedInfo, ExecutorMetrics, StageInfo, TaskEnd, TaskInfo, TaskMetrics, TaskStart,
};

/// Last instant that clocks of nanoseconds can tell (in the year 2262), in epoch milliseconds.
pub const LAST_INSTANT: i64 = i64::MAX / 1_000_000;
/// Longest time of one task, in milliseconds: four years.
const TASK_MS: i64 = 1 << 37;
/// Most CPU time of one task, in nanoseconds: 36 years.
const TASK_NS: i64 = 1 << 60;
/// Most bytes, records or blocks of one task, and memory of one executor: 2^50.
const AMOUNT: i64 = 1 << 50;
/// Most tasks of a stage and cores of an executor, as in Spark itself.
const COUNT: i64 = i32::MAX as i64;

/// An instant that a log gives, in epoch milliseconds; `None` for what is none: zero, negative, or
/// later than [`LAST_INSTANT`].
#[must_use]
pub fn instant(epoch_ms: i64) -> Option<i64> {
    (1..=LAST_INSTANT).contains(&epoch_ms).then_some(epoch_ms)
}

/// A number of tasks or cores.
#[must_use]
pub fn count(value: i64) -> i64 {
    value.clamp(0, COUNT)
}

/// A number of bytes.
#[must_use]
pub fn bytes(value: i64) -> i64 {
    value.clamp(0, AMOUNT)
}

/// Bounds the metrics of one task. Negative values stay within the same bounds: they come from
/// clocks that were set back, and Spark shows them.
pub fn bound_metrics(metrics: &mut TaskMetrics) {
    macro_rules! bound {
        ($limit:ident: $($($field:ident).+),* $(,)?) => {
            $(metrics.$($field).+ = metrics.$($field).+.clamp(-$limit, $limit);)*
        };
    }
    bound!(TASK_MS:
        executor_deserialize_time, executor_run_time, jvm_gc_time, result_serialization_time,
        shuffle_read.fetch_wait_time, shuffle_read.remote_reqs_duration,
        shuffle_read.push.remote_merged_reqs_duration,
    );
    bound!(TASK_NS:
        executor_deserialize_cpu_time, executor_cpu_time, shuffle_write.write_time,
    );
    bound!(AMOUNT:
        peak_execution_memory, peak_on_heap_execution_memory, peak_off_heap_execution_memory,
        result_size, memory_bytes_spilled, disk_bytes_spilled,
        shuffle_read.remote_blocks_fetched, shuffle_read.local_blocks_fetched,
        shuffle_read.remote_bytes_read, shuffle_read.remote_bytes_read_to_disk,
        shuffle_read.local_bytes_read, shuffle_read.records_read,
        shuffle_read.push.corrupt_merged_block_chunks,
        shuffle_read.push.merged_fetch_fallback_count,
        shuffle_read.push.remote_merged_blocks_fetched,
        shuffle_read.push.local_merged_blocks_fetched,
        shuffle_read.push.remote_merged_chunks_fetched,
        shuffle_read.push.local_merged_chunks_fetched,
        shuffle_read.push.remote_merged_bytes_read,
        shuffle_read.push.local_merged_bytes_read,
        shuffle_write.bytes_written, shuffle_write.records_written,
        input.bytes_read, input.records_read, output.bytes_written, output.records_written,
    );
}

/// Bounds the start of a task.
pub fn bound_task_start(start: &mut TaskStart) {
    bound_task_info(&mut start.info);
}

/// Bounds the end of a task.
pub fn bound_task_end(end: &mut TaskEnd) {
    bound_task_info(&mut end.info);
    bound_metrics(&mut end.metrics);
    bound_peaks(&mut end.executor_metrics);
}

/// Bounds a task's times. A launch that is no instant is taken for the finish; a finish that is none
/// becomes the nearest plausible one, since it also says that the task has ended.
pub fn bound_task_info(info: &mut TaskInfo) {
    info.launch_time = instant(info.launch_time)
        .or(instant(info.finish_time))
        .unwrap_or(0);
    for end in [&mut info.finish_time, &mut info.getting_result_time] {
        if *end != 0 {
            let longest = info.launch_time.saturating_add(TASK_MS).min(LAST_INSTANT);
            *end = (*end).clamp(1, longest.max(1));
        }
    }
}

/// Bounds a reading of executor metrics.
pub fn bound_peaks(metrics: &mut ExecutorMetrics) {
    for value in &mut metrics.0 {
        *value = (*value).clamp(-1, AMOUNT);
    }
}

/// Bounds what a stage says of itself.
pub fn bound_stage(info: &mut StageInfo) {
    info.submission_time = info.submission_time.and_then(instant);
    info.completion_time = info.completion_time.and_then(instant);
    info.num_tasks = count(info.num_tasks);
}

/// Bounds the sizes of a block.
pub fn bound_block(updated: &mut BlockUpdatedInfo) {
    updated.memory_size = bytes(updated.memory_size);
    updated.disk_size = bytes(updated.disk_size);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_end_where_nanoseconds_do() {
        assert_eq!(instant(1_720_000_000_000), Some(1_720_000_000_000));
        for none in [0, -1, i64::MIN, LAST_INSTANT + 1, i64::MAX] {
            assert_eq!(instant(none), None, "{none}");
        }
        assert!(LAST_INSTANT.checked_mul(1_000_000).is_some());
    }

    #[test]
    fn sums_over_bounded_tasks_fit_with_room_to_multiply() {
        let mut metrics = TaskMetrics {
            executor_run_time: i64::MAX,
            executor_cpu_time: i64::MIN,
            ..TaskMetrics::default()
        };
        metrics.input.bytes_read = i64::MAX;
        bound_metrics(&mut metrics);
        assert_eq!(metrics.executor_run_time, TASK_MS);
        assert_eq!(metrics.executor_cpu_time, -TASK_NS);
        assert_eq!(metrics.input.bytes_read, AMOUNT);
        // A thousand such tasks on a thousand cores, in microseconds.
        assert!(TASK_MS.checked_mul(1_000 * 1_000).is_some());
        let honest = TaskMetrics {
            executor_run_time: 30 * 86_400_000,
            executor_cpu_time: 30 * 86_400_000 * 1_000_000,
            ..TaskMetrics::default()
        };
        let mut bounded = honest.clone();
        bound_metrics(&mut bounded);
        assert_eq!(bounded, honest);
    }
}
