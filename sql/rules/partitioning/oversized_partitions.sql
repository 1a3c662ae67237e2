-- id: oversized_partitions
-- title: Partitions are too large
-- category: partitioning
-- severity: medium
-- version: 19
-- description: Fires where the typical task of a stage read or wrote far more than a partition should
--   hold, and that had a price: cores stood without work, or tasks spilled. Spill has rules of its own,
--   so lost here are the cores beyond the number of tasks, for the wall time of the stage, never more than
--   what stood idle in the whole application, nor, of all such stages that ran side by side, than what did from the first to the last. Where dynamic allocation held no more cores
--   than the stage had tasks, though it had held more before, none stood idle, but with more tasks it would have asked for them: then the wall time that those would save can be won. The number of partitions recommended
--   is that of the memory_spill rule: none above 128 MiB, enough not to spill, in whole waves of the cores. A stage
--   that failed is not judged, for it did not move all of its data, nor one that works on a GPU, which wants large batches.
-- subject: stage
-- group_by: stage_name
-- parameter: max_median_bytes bigint = 536870912 [bytes] largest of input, output, shuffle read and shuffle write of the median task, at least
-- parameter: target_bytes bigint = 134217728 [bytes] what a split or merged partition should hold
-- parameter: min_files_ratio double = 4.0 [ratio] files that a write made over the tasks of its stage, from which its partitions are not too large
-- parameter: min_stage_ms bigint = 10000 [ms] wall time of the stage, at least
-- evidence: The median of {num_tasks:task|tasks} handled {chunk_median:bytes} of {cause} and the largest {chunk_max:bytes};
--   the {data_bytes:bytes} of the stage would make {partitions_needed:partition|partitions} of good size[ on
--   {on_cores:core|cores}][; dynamic allocation held {few_cores:1} cores for so few tasks, where the application had up to {more_cores:int}][; of the {held_cores:1} cores that were held meanwhile, {idle_cores:1}
--   had no task of it].
-- advice: cause = 'input' AND is_cached AND is_list | - | - | The tasks read a cache of few partitions, which parallelize (a list) made: ask there for about {partitions_needed:int} (numSlices), or
--   repartition before the cache is filled.
-- advice: cause = 'input' AND is_cached | - | - | The tasks read a cache, whose partitions are too large: repartition to about {partitions_needed:int} before it is filled.
-- advice: cause = 'input' AND sql_id IS NOT NULL AND max_partition_bytes >= 2 * $target_bytes |
--   spark.sql.files.maxPartitionBytes | '128MB' | Read smaller splits.
-- advice: cause = 'input' | - | - | The tasks read more than a split should hold: the files cannot be split (gzip, one row
--   group, a custom reader). Write them smaller or in a format that can be split, or repartition right after reading.
-- advice: cause = 'output' | - | - | Repartition before the write, so that more tasks write smaller files.
-- advice: cause = 'shuffle output' AND input_bytes = 0 AND shuffle_read_bytes = 0 | - | - | The tasks make their data themselves (a range, a list,
--   a source whose bytes are not counted): make it with about {partitions_needed:partition|partitions} (numSlices, the source's own
--   option, or a repartition right after it).
-- advice: cause = 'shuffle output' AND is_compressed_text | - | - | The files are compressed text, which one task each reads and unpacks: repartition right after reading, or write
--   them once as Parquet or a table.
-- advice: cause = 'shuffle output' | - | - | The tasks expand their input (explode, join): repartition before that step.
-- advice: sql_id IS NULL | - | - | Give the operation before this stage about {partitions_needed:partition|partitions}.
-- advice: adaptive AND num_tasks < shuffle_partitions AND advisory_bytes >= 2 * $target_bytes |
--   spark.sql.adaptive.advisoryPartitionSizeInBytes | '128MB' | Let adaptive execution merge shuffle partitions less.
-- advice: num_tasks = shuffle_partitions AND NOT is_repartitioned AND NOT adaptive AND spark_minor >= 300 AND partitions_needed > shuffle_partitions | spark.sql.shuffle.partitions | partitions_needed |
--   Use more shuffle partitions, and turn adaptive execution on (spark.sql.adaptive.enabled), which merges those of small shuffles; else repartition
--   before this step only, since the number holds for all shuffles.
-- advice: num_tasks = shuffle_partitions AND NOT is_repartitioned AND partitions_needed > shuffle_partitions | spark.sql.shuffle.partitions | partitions_needed | Use more shuffle partitions.
-- advice: output_bytes > 0 | - | - | The code sets the number of partitions (repartition, coalesce): ask for about {partitions_needed:int} there, or
--   for fewer, but more than now, where that many files would be too small: each partition is written as a file.
-- advice: TRUE | - | - | The code sets the number of partitions (repartition, coalesce): ask for about
--   {partitions_needed:int} there.
-- recommendation: The code sets the number of partitions (repartition, coalesce): ask for more there.
WITH writes AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, MAX(files_written) AS files_written
  FROM sql_scans
  WHERE operation = 'write'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
judged AS (
  SELECT
    f.*,
    CASE
      WHEN chunk_max = shuffle_read_max THEN 'shuffle data'
      WHEN chunk_max = input_max THEN 'input'
      WHEN chunk_max = output_max THEN 'output'
      ELSE 'shuffle output'
    END AS cause,
    COALESCE(has_scan AND file_format IN ('csv', 'json', 'text', 'xml') AND shuffle_write_bytes >= 2 * input_bytes, FALSE) AS is_compressed_text,
    CASE WHEN held_cores > num_tasks THEN held_cores - num_tasks END AS idle_cores,
    CASE WHEN held_cores <= num_tasks AND dynamic_allocation AND NOT is_local AND cores_max > num_tasks THEN cores_max END AS more_cores
  FROM stage_cores AS f
  LEFT JOIN writes AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.sql_id = f.sql_id
  WHERE num_tasks > 1 AND status = 'COMPLETE' AND NOT COALESCE(has_gpu, FALSE) AND duration_ms >= $min_stage_ms AND chunk_median >= $max_median_bytes
    -- Tasks of a partitioned write that each write many files: more tasks would write more and smaller ones.
    AND NOT (output_bytes > 0 AND chunk_max = output_max AND COALESCE(w.files_written >= $min_files_ratio * num_tasks, FALSE))
),
-- Where the input comes from: a cache that an earlier stage filled, a list of the driver.
inputs AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id,
    MAX(CASE WHEN r.is_persisted AND r.first_stage_id < s.stage_id THEN 1 ELSE 0 END) = 1 AS is_cached,
    MAX(CASE WHEN r.scope = 'parallelize' OR r.rdd_name = 'ParallelCollectionRDD' THEN 1 ELSE 0 END) = 1 AS is_list
  FROM judged AS j
  INNER JOIN stages AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id
    AND s.stage_id = j.stage_id AND s.stage_attempt_id = j.stage_attempt_id
  INNER JOIN rdds AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE j.cause = 'input' AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id,
  -- Without lost cores the risk remains.
  CASE WHEN idle_cores IS NULL AND more_cores IS NULL THEN 'low' END AS severity,
  TRY_CAST(CASE
    WHEN idle_cores IS NULL THEN 0e0
    ELSE LEAST(COALESCE(p.idle_part, 1e0) * idle_cores * running_ms, GREATEST(core_time_ms - CAST(total_task_time_ms AS DOUBLE), 0e0))
  END AS BIGINT) AS lost_core_ms,
  -- The same work on all cores instead of one core a task.
  TRY_CAST(COALESCE(running_ms * (1e0 - CAST(num_tasks AS DOUBLE) / CASE WHEN more_cores > 0 THEN LEAST(more_cores, GREATEST(COALESCE(z.partitions_wanted, partitions_fit), num_tasks)) END), COALESCE(p.idle_part, 1e0) * idle_cores * running_ms / NULLIF(held_cores, 0), 0e0) AS BIGINT) AS recoverable_ms,
  stage_name, cause, num_tasks, chunk_median, chunk_max, data_bytes,
  -- One value with the other rules that advise the setting.
  COALESCE(z.partitions_wanted, partitions_fit) AS partitions_needed, CASE WHEN more_cores IS NULL THEN stage_slots END AS on_cores, stage_slots, idle_cores, more_cores, CASE WHEN more_cores IS NOT NULL THEN held_cores END AS few_cores, CASE WHEN idle_cores IS NOT NULL THEN held_cores END AS held_cores, output_bytes,
  memory_bytes_spilled, input_bytes, shuffle_read_bytes, sql_id, COALESCE(is_repartitioned, FALSE) AS is_repartitioned, adaptive, spark_minor, shuffle_partitions, advisory_bytes, max_partition_bytes, is_compressed_text,
  COALESCE(i.is_cached, FALSE) AS is_cached, COALESCE(i.is_list, FALSE) AS is_list
FROM judged AS j
LEFT JOIN stage_sizes AS z
  ON z.platform = j.platform AND z.cluster_id = j.cluster_id
  AND z.application_id = j.application_id AND z.attempt_id = j.attempt_id AND z.subject_id = j.subject_id
LEFT JOIN shared_idle AS p
  ON p.platform = j.platform AND p.cluster_id = j.cluster_id
  AND p.application_id = j.application_id AND p.attempt_id = j.attempt_id AND p.subject_id = j.subject_id
LEFT JOIN inputs AS i
  ON i.platform = j.platform AND i.cluster_id = j.cluster_id
  AND i.application_id = j.application_id AND i.attempt_id = j.attempt_id AND i.subject_id = j.subject_id
WHERE idle_cores IS NOT NULL OR memory_bytes_spilled > 0
