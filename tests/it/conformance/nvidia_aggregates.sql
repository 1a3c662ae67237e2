-- NVIDIA's aggregates of tasks. Where it is used, `members` names the stage attempts of each id
-- (a stage, a job, a query), `spans` the milliseconds that each id took.
WITH application AS (
    SELECT * FROM tasks WHERE cluster_id = '{source}' AND end_reason IS NOT NULL
),
members AS (
    {members}
),
spans AS (
    {spans}
),
-- Nanoseconds become milliseconds per stage attempt, rounded down, before they are added up.
attempts AS (
    SELECT
        stage_id,
        stage_attempt_id,
        count(*) AS tasks,
        sum(disk_bytes_spilled) AS disk_bytes_spilled,
        sum(coalesce(duration, 0)) AS duration_sum,
        max(coalesce(duration, 0)) AS duration_max,
        min(coalesce(duration, 0)) AS duration_min,
        sum(executor_cpu_time) / 1000000 AS cpu_ms,
        sum(executor_deserialize_cpu_time) / 1000000 AS deserialize_cpu_ms,
        sum(executor_deserialize_time) AS deserialize_ms,
        sum(executor_run_time) AS run_ms,
        sum(input_bytes_read) AS input_bytes_sum,
        max(input_bytes_read) AS input_bytes_max,
        sum(input_records_read) AS input_records,
        sum(jvm_gc_time) AS gc_ms,
        sum(memory_bytes_spilled) AS memory_bytes_spilled,
        sum(output_bytes_written) AS output_bytes,
        sum(output_records_written) AS output_records,
        max(peak_execution_memory) AS peak_execution_memory,
        sum(result_serialization_time) AS result_serialization_ms,
        max(result_size) AS result_size,
        sum(shuffle_read_fetch_wait_time) AS fetch_wait_ms,
        sum(shuffle_read_local_blocks_fetched) AS local_blocks,
        sum(shuffle_read_local_bytes_read) AS local_bytes,
        sum(shuffle_read_remote_blocks_fetched) AS remote_blocks,
        sum(shuffle_read_remote_bytes_read) AS remote_bytes,
        sum(shuffle_read_remote_bytes_read_to_disk) AS remote_bytes_to_disk,
        sum(shuffle_write_bytes_written) AS written_bytes,
        sum(shuffle_write_records_written) AS written_records,
        sum(shuffle_write_write_time) / 1000000 AS write_ms
    FROM application
    GROUP BY stage_id, stage_attempt_id
)
SELECT
    members.id,
    max(spans.duration) AS "duration",
    sum(tasks) AS "numTasks",
    sum(disk_bytes_spilled) AS "diskBytesSpilledSum",
    sum(duration_sum) AS "durationSum",
    max(duration_max) AS "durationMax",
    min(duration_min) AS "durationMin",
    round(CAST(sum(duration_sum) AS DOUBLE) / sum(tasks), 1) AS "durationAvg",
    sum(cpu_ms) AS "executorCPUTimeSum",
    sum(deserialize_cpu_ms) AS "executorDeserializeCpuTimeSum",
    sum(deserialize_ms) AS "executorDeserializeTimeSum",
    sum(run_ms) AS "executorRunTimeSum",
    round(least(100.0, 100.0 * sum(cpu_ms) / sum(run_ms)), 2) AS "executorCpuRatio",
    sum(input_bytes_sum) AS "inputBytesReadSum",
    max(input_bytes_max) AS "inputBytesReadMax",
    sum(input_records) AS "inputRecordsReadSum",
    sum(gc_ms) AS "jvmGCTimeSum",
    sum(memory_bytes_spilled) AS "memoryBytesSpilledSum",
    sum(output_bytes) AS "outputBytesWrittenSum",
    sum(output_records) AS "outputRecordsWrittenSum",
    max(peak_execution_memory) AS "peakExecutionMemoryMax",
    sum(result_serialization_ms) AS "resultSerializationTimeSum",
    max(result_size) AS "resultSizeMax",
    sum(fetch_wait_ms) AS "srFetchWaitTimeSum",
    sum(local_blocks) AS "srLocalBlocksFetchedSum",
    sum(local_bytes) AS "srcLocalBytesReadSum",
    sum(remote_blocks) AS "srRemoteBlocksFetchSum",
    sum(remote_bytes) AS "srRemoteBytesReadSum",
    sum(remote_bytes_to_disk) AS "srRemoteBytesReadToDiskSum",
    sum(local_bytes + remote_bytes) AS "srTotalBytesReadSum",
    sum(written_bytes) AS "swBytesWrittenSum",
    sum(written_records) AS "swRecordsWrittenSum",
    sum(write_ms) AS "swWriteTimeSum"
FROM members
JOIN spans ON spans.id = members.id
JOIN attempts
    ON attempts.stage_id = members.stage_id AND attempts.stage_attempt_id = members.stage_attempt_id
GROUP BY members.id
ORDER BY members.id
