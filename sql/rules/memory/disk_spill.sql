-- id: disk_spill
-- title: Spilled data is written to and read back from disk
-- category: memory
-- severity: medium
-- version: 17
-- description: Fires where the spill of a stage put much data on the executors' disks. Counts the
--   waiting for the disk only; the computing part of the same spill is counted by the
--   memory_spill rule, and each is at most half of the stage's task time (view spill_costs). It is what a disk takes whose cache holds the data, and more where tasks were off the
--   processor for longer than those of the application's stages without spill: then that excess, up to what a slow disk takes; where Photon measured how long it merged what a shuffle spilled, it is that and the writing. Medium confidence at best. Where a useless distinct or sort works in the stage the evidence says so, and what useless_distinct counts is not lost again. The memory recommended is what
--   the worst task needed at once over what it got, and stays below 32 GiB, above which the pointers of
--   the JVM double; from there on fewer tasks at once give each of them more. Smaller partitions come
--   first where they are large, for they cost nothing; how many, view stage_sizes says for all rules about the stage. Where a setting
--   of the application leaves execution less memory than the default (view scarce_memory), that comes before all.
-- subject: stage
-- group_by: place
-- parameter: min_spilled_bytes bigint = 268435456 [bytes] on-disk size of the spilled data of the stage, at least
-- parameter: min_spill_ratio double = 0.05 [ratio] the same over the largest of input, output, shuffle read and shuffle write, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] task time of the stage, at least
-- parameter: small_bytes bigint = 16777216 [bytes] data of the median task below which more partitions do not help
-- parameter: max_memory_factor double = 4.0 [ratio] most by which to raise the memory of executors
-- evidence: Spilled {disk_bytes_spilled:bytes} to disk[, {times_moved:2} times the {data_bytes:bytes} that the stage moved];
--   the worst task wrote {disk_spilled_max:bytes}[; Photon merged the spilled files for {merge_ms:s}][; {falls_away}].
-- advice: scarce_key = 'spark.memory.fraction' | spark.memory.fraction | '0.6' | spark.memory.fraction leaves sorts, joins, aggregates and caches {scarce_value:pct} of the heap[, {unified_bytes:bytes} of an
--   executor]: give them the 60 % that they have by default. Smaller partitions come second.
-- advice: scarce_key = 'spark.memory.offHeap.enabled' | spark.memory.offHeap.enabled | 'false' | Sorts, joins and aggregates take their memory off the heap alone, where an executor has {off_heap_bytes:bytes}, while
--   {unified_bytes:bytes} of its heap are set aside for them: turn that off, or raise spark.memory.offHeap.size. Smaller partitions come second.
-- advice: scarce_key = 'spark.memory.storageFraction' | spark.memory.storageFraction | '0.5' | Cached blocks took {storage_bytes:bytes} of the {unified_bytes:bytes} that caches share with sorts, joins and
--   aggregates, and may keep {scarce_value:pct} of it: let them keep half, as by default, or persist less. Smaller partitions come second.
-- advice: is_skewed | - | - | The spill sits in a few tasks: fix the skew first; more memory for every task would be
--   paid for by all of them.
-- advice: scarce_heap_mib * 1048576e0 > executor_memory_bytes | spark.executor.memory | CONCAT(CAST(scarce_heap_mib AS STRING), 'm') | Executors have {executor_memory_bytes:bytes} of heap for
--   {executor_cores:core|cores}, so that a task got no more than {peak_memory_max:bytes} to sort and aggregate in: raise it first.
-- advice: is_told_too AND chunk_median >= $small_bytes AND partitions_fit > num_tasks | - | - | Do what the memory_spill finding of this
--   stage advises: it counts the computing, this one the disk.
-- advice: chunk_median >= $small_bytes AND partitions_fit > num_tasks AND input_bytes > shuffle_read_bytes AND sql_id IS NOT NULL AND is_row_group_bound AND is_shuffled | - | - |
--   A task reads whole row groups of these files (128 MB, unless their writer set less), so that smaller splits would be empty: give the tasks more
--   memory, or carry fewer columns into this step. The stage ends in a shuffle of its rows, so that to repartition them before it would move them twice.
-- advice: chunk_median >= $small_bytes AND partitions_fit > num_tasks AND input_bytes > shuffle_read_bytes AND sql_id IS NOT NULL AND is_row_group_bound | - | - |
--   A task reads whole row groups of these files (128 MB, unless their writer set less), so that smaller splits would be empty: repartition
--   right after reading, into about {partitions_needed:int} partitions, which hold the data of this stage without spilling.
-- advice: chunk_median >= $small_bytes AND partitions_fit > num_tasks AND input_bytes > shuffle_read_bytes AND is_uncut AND is_shuffled | - | - |
--   A task reads a whole file, which cannot be split (gzip, multi-line CSV or JSON, one row group): write the files smaller or in a format that can be split, or give
--   the tasks more memory. The stage ends in a shuffle of its rows, so that to repartition them before it would move them twice.
-- advice: chunk_median >= $small_bytes AND partitions_fit > num_tasks AND input_bytes > shuffle_read_bytes AND is_uncut | - | - |
--   A task reads a whole file, which cannot be split (gzip, multi-line CSV or JSON, one row group): repartition right after reading, into about {partitions_needed:int} partitions,
--   or write the files smaller or in a format that can be split.
-- advice: chunk_median >= $small_bytes AND partitions_fit > num_tasks AND input_bytes > shuffle_read_bytes AND sql_id IS NOT NULL AND has_scan
--   AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | CONCAT(CAST(split_mib AS STRING), 'MB') |
--   Read smaller splits, about {split_tasks:int} of them{holds}. More memory comes second: it costs money.
-- advice: chunk_median >= $small_bytes AND partitions_fit > num_tasks | - | - | Make the partitions smaller: about
--   {partitions_needed:int} of them hold the data of this stage without spilling. More memory comes second: it costs money.
-- advice: is_local | - | - | Make the partitions smaller, or give the driver, which runs the tasks in local mode, more memory.
-- advice: is_databricks | - | - | Make the partitions smaller, or choose instances with more memory for each core.
-- advice: memory_needed_gib <= 31 | spark.executor.memory | CONCAT(CAST(memory_needed_gib AS STRING), 'g') |
--   Give the tasks more memory, or make their partitions smaller as the memory_spill finding of this stage says.
-- advice: has_all_cores AND executor_cores > 1 | - | - | Run fewer tasks at once in an executor, which has all {executor_cores:int} cores of its worker (spark.executor.cores={cores_halved:int} on
--   the same memory), which gives each of them more memory, or make their partitions smaller.
-- advice: executor_cores > 1 | spark.executor.cores | cores_halved | Run fewer tasks at once in
--   an executor, which gives each of them more memory, or make their partitions smaller.
-- recommendation: Give the tasks more memory (more memory an executor, or fewer cores on the same
--   memory), or make their partitions smaller.
WITH whole_workers AS (
  -- An executor of a standalone cluster has all cores of its worker unless spark.executor.cores says otherwise.
  SELECT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key IN ('spark.master', 'spark.executor.cores')
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING MAX(CASE WHEN key = 'spark.executor.cores' THEN 1 ELSE 0 END) = 0
    AND MAX(CASE WHEN key = 'spark.master' AND (LOWER(value) LIKE 'spark:%' OR LOWER(value) LIKE 'mesos:%') THEN 1 ELSE 0 END) = 1
),
measured AS (
  SELECT
    f.*, k.scarce_key, k.scarce_value, k.unified_bytes, k.off_heap_bytes, k.storage_bytes, z.split_mib, z.split_tasks, COALESCE(z.partitions_wanted, f.partitions_fit) AS partitions_needed,
    CASE
      WHEN u.step IS NULL THEN CAST(NULL AS STRING)
      WHEN has_join OR has_window OR COALESCE(has_python, FALSE) OR COALESCE(u.is_part, FALSE) THEN CONCAT('a part of it may fall away with ', u.step)
      ELSE CONCAT('it falls away with ', u.step)
    END AS falls_away,
    -- useless_distinct counts all that such a stage does.
    COALESCE(u.is_distinct AND NOT has_join AND NOT has_window AND NOT COALESCE(has_python, FALSE)
      AND executor_run_time >= 0.05e0 * total_task_time_ms, FALSE) AS is_counted,
    CAST(disk_bytes_spilled AS DOUBLE) / NULLIF(data_bytes, 0) AS spill_ratio,
    TRY_CAST(c.disk_ms AS BIGINT) AS lost_core_ms, TRY_CAST(c.merge_ms AS BIGINT) AS merge_ms,
    -- Where tasks like the median one spilled half of it or more, it is the rule, not the exception.
    disk_spilled_max >= 5 * GREATEST(disk_spilled_median, 1)
      AND CAST(disk_spilled_median AS DOUBLE) * succeeded_tasks < 0.5e0 * disk_bytes_spilled AS is_skewed,
    c.is_told AS is_told_too,
    TRY_CAST(CEIL(executor_memory_bytes / 1073741824e0 * LEAST(
      1e0 + COALESCE(CAST(memory_spilled_max AS DOUBLE) / NULLIF(peak_memory_max, 0), 1e0), $max_memory_factor
    )) AS BIGINT) AS memory_needed_gib
  FROM stage_facts AS f
  INNER JOIN spill_costs AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id
    AND c.subject_id = f.subject_id
  LEFT JOIN stage_sizes AS z
    ON z.platform = f.platform AND z.cluster_id = f.cluster_id
    AND z.application_id = f.application_id AND z.attempt_id = f.attempt_id
    AND z.subject_id = f.subject_id
  LEFT JOIN useless_steps AS u
    ON u.platform = f.platform AND u.cluster_id = f.cluster_id
    AND u.application_id = f.application_id AND u.attempt_id = f.attempt_id AND u.stage_id = f.stage_id
  LEFT JOIN scarce_memory AS k
    ON k.platform = f.platform AND k.cluster_id = f.cluster_id
    AND k.application_id = f.application_id AND k.attempt_id = f.attempt_id
  WHERE disk_bytes_spilled >= $min_spilled_bytes AND executor_run_time >= $min_run_time_ms
)
SELECT
  m.platform, m.cluster_id, m.application_id, m.attempt_id, subject_id,
  CASE WHEN succeeded_tasks > 0 THEN 'medium' ELSE 'low' END AS confidence,
  CASE WHEN is_counted THEN 'low' END AS severity,
  CASE WHEN is_counted THEN 0 ELSE lost_core_ms END AS lost_core_ms,
  TRY_CAST(CASE WHEN is_counted THEN 0e0 ELSE 1e0 END * LEAST(CAST(lost_core_ms AS DOUBLE) / NULLIF(task_slots, 0), duration_ms) AS BIGINT) AS recoverable_ms,
  -- One setting is one finding.
  stage_name, COALESCE(scarce_key, stage_name) AS place, falls_away, merge_ms, disk_bytes_spilled, data_bytes, CASE WHEN spill_ratio <= 100 THEN spill_ratio END AS times_moved, disk_spilled_max, disk_spilled_median,
  is_told_too, peak_memory_max, num_tasks, executor_memory_bytes, executor_cores, memory_needed_gib, is_skewed, is_local,
  is_databricks, chunk_median, partitions_fit, partitions_needed, split_tasks,
  CASE WHEN split_tasks >= partitions_fit THEN ', which hold the data of this stage without spilling' ELSE '' END AS holds, input_bytes, shuffle_read_bytes,
  split_bytes, sql_id, has_scan, COALESCE(is_uncut, FALSE) AS is_uncut, is_row_group_bound, shuffle_write_bytes >= 0.3e0 * input_bytes AS is_shuffled, scarce_heap_mib,
  max_partition_bytes, split_mib, scarce_key, scarce_value, unified_bytes, off_heap_bytes, storage_bytes,
  TRY_CAST(CEIL(executor_cores / 2e0) AS BIGINT) AS cores_halved, COALESCE(w.platform IS NOT NULL AND NOT is_databricks, FALSE) AS has_all_cores
FROM measured AS m
LEFT JOIN whole_workers AS w
  ON w.platform = m.platform AND w.cluster_id = m.cluster_id
  AND w.application_id = m.application_id AND w.attempt_id = m.attempt_id
WHERE spill_ratio >= $min_spill_ratio
