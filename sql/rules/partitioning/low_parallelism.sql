-- id: low_parallelism
-- title: A stage has too few tasks for the cores that are held
-- category: partitioning
-- severity: medium
-- version: 1
-- description: Fires for a long stage with fewer tasks than half of the cores that the application held
--   on average, where the tasks have data or work to share. Lost are the cores without a task for the
--   wall time of the stage; where other stages ran at the same time some of them worked, hence medium
--   confidence. What could be won is what even tasks on all cores would save. Stages that oversized
--   partitions explain are told by that rule.
-- subject: stage
-- group_by: stage_name
-- parameter: min_stage_ms bigint = 30000 [ms] wall time of the stage, at least
-- parameter: max_core_share double = 0.5 [ratio] tasks over held cores, at most
-- parameter: min_lost_ms bigint = 600000 [core_ms] lost core time, at least
-- evidence: {num_tasks:int} tasks ran for {duration_ms:s} while {average_cores:1} cores were held; they moved {data_bytes:bytes}.
-- advice: num_tasks = 1 AND has_window | - | - | A window without PARTITION BY, or over one value, runs in a single task: give it
--   a partition key, or compute it from partial results.
-- advice: num_tasks = 1 AND output_bytes > 0 | - | - | A single task writes everything (coalesce(1) or repartition(1)): write several
--   files, or join them afterwards.
-- advice: input_bytes >= shuffle_read_bytes AND has_scan AND files_read <= num_tasks | - | - | Each file is read by one task: it
--   cannot be split (gzip, one row group), or it is small. Write the input as several files, or repartition after reading.
-- advice: input_bytes >= shuffle_read_bytes AND has_scan AND max_partition_bytes > 2 * 134217728 |
--   spark.sql.files.maxPartitionBytes | '128MB' | Read smaller splits.
-- advice: sql_id IS NOT NULL AND num_tasks = shuffle_partitions | spark.sql.shuffle.partitions | TRY_CAST(CEIL(average_cores) AS BIGINT) |
--   Use as many shuffle partitions as there are cores.
-- advice: sql_id IS NOT NULL AND adaptive AND shuffle_read_bytes > 0 AND num_tasks < shuffle_partitions |
--   spark.sql.adaptive.coalescePartitions.minPartitionSize | '1MB' | Adaptive execution merged the partitions, though each takes
--   long: let it merge less, or ask for a number of partitions in the code.
-- recommendation: Ask for more partitions before this stage (repartition, numSlices), at least one for each core.
WITH judged AS (
  SELECT
    f.*,
    TRY_CAST((average_cores - num_tasks) * duration_ms AS BIGINT) AS lost_core_ms
  FROM stage_facts AS f
  WHERE status = 'COMPLETE' AND NOT is_listing AND NOT is_local AND NOT is_interactive
    AND duration_ms >= $min_stage_ms AND num_tasks <= $max_core_share * average_cores
    -- Tasks that wait for something else than their data do not gain from company.
    AND executor_run_time >= duration_ms / 2e0 AND COALESCE(chunk_median, 0) < 536870912
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'medium' AS confidence,
  lost_core_ms,
  TRY_CAST(duration_ms * (1e0 - num_tasks / average_cores) AS BIGINT) AS recoverable_ms,
  stage_name, num_tasks, duration_ms, average_cores, data_bytes, input_bytes, output_bytes, shuffle_read_bytes,
  files_read, has_window, has_scan, sql_id, adaptive, shuffle_partitions, max_partition_bytes
FROM judged
WHERE lost_core_ms >= $min_lost_ms
