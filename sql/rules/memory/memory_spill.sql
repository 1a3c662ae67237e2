-- id: memory_spill
-- title: Tasks run out of execution memory and spill
-- category: memory
-- severity: medium
-- version: 20
-- description: Fires where a stage had to write much of the data that it sorts, joins or aggregates
--   out of memory. This rule counts the computing part (serializing, sorting and merging on the way out and back) from the in-memory size of the spilled data, by what spilled; the disk_spill rule
--   counts the waiting for the disk. Both are what view spill_costs says, as is the spill in core_time_parts, and each is at most half of the stage's task time, so the
--   two never count a core twice. In a small application less is told, as a note of low severity, where the stage takes much of
--   it and spilled more than all that it moved. Stages of the same query that spilled too, but are not told by themselves, count with the costliest of the query. The rates are means of measurements, hence medium confidence at best. Where a useless distinct or sort works in the stage the evidence says so, and what useless_distinct counts is not lost again. The number
--   of partitions recommended avoids the spill: none above 128 MiB, each with the memory that the worst
--   task needed, in whole waves of the cores. Where a setting of the application leaves execution less memory than the default (view scarce_memory), that comes first.
-- subject: stage
-- group_by: place
-- parameter: min_more_bytes bigint = 67108864 [bytes] in-memory size of what another stage of the query spilled, from which it counts
-- parameter: skew_ratio double = 5.0 [ratio] largest over median spill of a task from which the spill is skew and more partitions do not help
-- parameter: min_data_ratio double = 2.0 [ratio] largest over median data of a task, below which it is not skew
-- parameter: merged_bytes bigint = 134217728 [bytes] shuffle data of the median task up to which adaptive execution can have merged partitions at its default target of 64 MB
-- parameter: small_bytes bigint = 4194304 [bytes] data of the median task below which more partitions do not help
-- parameter: min_merged_bytes bigint = 16777216 [bytes] size of merged partitions below which adaptive execution is not asked to merge less: it holds for all shuffles
-- parameter: grown_ratio double = 20.0 [ratio] spilled memory over the data moved from which the tasks made more than they read
-- evidence: Spilled {memory_bytes_spilled:bytes} out of memory[, {times_moved:1} times the {data_bytes:bytes} that the
--   stage moved]; the worst task spilled {memory_spilled_max:bytes}[; tasks held up to {peak_memory_max:bytes} of execution
--   memory][; {falls_away}][; {more_stages:more stage|more stages} of the query spilled {more_bytes:bytes}, which the loss includes].
-- advice: has_gpu | - | - | Batches did not fit into the memory of the GPU: run fewer tasks on it at once (spark.rapids.sql.concurrentGpuTasks),
--   or read smaller splits.
-- advice: scarce_key = 'spark.memory.fraction' | spark.memory.fraction | '0.6' | spark.memory.fraction leaves sorts, joins, aggregates and caches {scarce_value:pct} of the heap[, {unified_bytes:bytes} of an
--   executor]: give them the 60 % that they have by default. Smaller partitions come second.
-- advice: scarce_key = 'spark.memory.offHeap.enabled' | spark.memory.offHeap.enabled | 'false' | Sorts, joins and aggregates take their memory off the heap alone, where an executor has {off_heap_bytes:bytes}, while
--   {unified_bytes:bytes} of its heap are set aside for them: turn that off, or raise spark.memory.offHeap.size. Smaller partitions come second.
-- advice: scarce_key = 'spark.memory.storageFraction' | spark.memory.storageFraction | '0.5' | Cached blocks took {storage_bytes:bytes} of the {unified_bytes:bytes} that caches share with sorts, joins and
--   aggregates, and may keep {scarce_value:pct} of it: let them keep half, as by default, or persist less. Smaller partitions come second.
-- advice: cause = 'row_group' | - | - | One task reads nearly all rows, since they lie in one row group: repartition right after reading, or have the writer make smaller
--   row groups (parquet.block.size) or more files. More memory comes second.
-- advice: cause = 'skew' | - | - | The spill sits in a few tasks: fix the skew first; more partitions would not split them.
-- advice: scarce_heap_mib * 1048576e0 > executor_memory_bytes | spark.executor.memory | CONCAT(CAST(scarce_heap_mib AS STRING), 'm') | Executors have {executor_memory_bytes:bytes} of heap for
--   {executor_cores:core|cores}, of which a task got no more than {peak_memory_max:bytes} to sort and aggregate in: raise it first. More partitions come second.
-- advice: cause = 'grown' | - | - | Rows grow or are made in the tasks (explode, joins, a range, a source whose bytes are not counted), so that each holds far
--   more than it read: split its input into more partitions (repartition before that step), carry fewer columns through it, or
--   give the tasks more memory.
-- advice: cause = 'memory' AND is_local | - | - | The partitions are small, but their rows take much memory (sorts, explode, collect_list, wide
--   objects): give the driver, which runs the tasks in local mode, more memory, or sort and carry fewer columns.
-- advice: cause = 'memory' | - | - | The partitions are small, but rows grow in the task (explode, collect_list, wide
--   objects) or many tasks share an executor's memory: give the tasks more memory (fewer cores an executor, then more memory).
-- advice: cause = 'input' AND is_row_group_bound AND is_shuffled | - | - | A task reads whole row groups of these files (128 MB, unless their writer set
--   less), so that smaller splits would be empty: give the tasks more memory, or carry fewer columns into this step. The stage ends in a shuffle of
--   its rows, so that to repartition them before it would move them twice.
-- advice: cause = 'input' AND is_row_group_bound | - | - | A task reads whole row groups of these files (128 MB, unless their writer set less), so that smaller splits
--   would be empty: repartition right after reading, into about {partitions_needed:partition|partitions}, or carry fewer columns into this step.
-- advice: cause = 'input' AND is_uncut AND is_shuffled | - | - | A task reads a whole file, which cannot be split (gzip, multi-line CSV or JSON, one row group): write the files smaller or in a
--   format that can be split, or give the tasks more memory. The stage ends in a shuffle of its rows, so that to repartition them before it would move them twice.
-- advice: cause = 'input' AND is_uncut | - | - | A task reads a whole file, which cannot be split (gzip, multi-line CSV or JSON, one row group): repartition right after reading, into about
--   {partitions_needed:partition|partitions}, or write the files smaller or in a format that can be split.
-- advice: cause = 'input' AND sql_id IS NULL | - | - | Ask for about {partitions_needed:partition|partitions} where the data are read (minPartitions) or repartition right after it, so that
--   what a task sorts or aggregates fits into its memory.
-- advice: cause = 'input' AND has_scan AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes |
--   CONCAT(CAST(split_mib AS STRING), 'MB') | Read smaller partitions, so that what a task sorts or aggregates fits into its memory.
-- advice: cause = 'input' | - | - | Repartition right after reading, into about {partitions_needed:partition|partitions}, so that what a task sorts or
--   aggregates fits into its memory, or carry fewer columns into this step.
-- advice: cause = 'rdd' | - | - | Use about {partitions_needed:partition|partitions} in the operation before this stage, so that
--   the data of a task fits into its memory.
-- advice: cause = 'coalesced' AND partitions_needed > shuffle_partitions AND advisory_mib * 1048576e0 < advisory_bytes | spark.sql.adaptive.advisoryPartitionSizeInBytes |
--   CONCAT(CAST(advisory_mib AS STRING), 'MB') | Let adaptive execution merge shuffle partitions less, so that the data of a task fits into its memory, and cut the shuffle into
--   {partitions_needed:int} (spark.sql.shuffle.partitions). More partitions alone do not help: it would merge them to the same size again.
-- advice: cause = 'shuffle' AND adaptive AND coalesce_partitions AND partitions_needed > shuffle_partitions AND advisory_mib * 1048576e0 < advisory_bytes | spark.sql.shuffle.partitions |
--   partitions_needed | Use more shuffle partitions, and let adaptive execution merge them less
--   (spark.sql.adaptive.advisoryPartitionSizeInBytes={advisory_mib:int}MB), so that the data of a task fits into its memory.
-- advice: cause = 'coalesced' AND partitions_needed > shuffle_partitions | spark.sql.shuffle.partitions | partitions_needed | Use more shuffle partitions, so that
--   the data of a task fits into its memory.
-- advice: cause = 'coalesced' AND COALESCE(advisory_mib * 1048576e0 < advisory_bytes, TRUE) | spark.sql.adaptive.advisoryPartitionSizeInBytes |
--   CONCAT(CAST(advisory_mib AS STRING), 'MB') |
--   Let adaptive execution merge shuffle partitions less, so that the data of a task fits into its memory.
-- advice: cause = 'coalesced' | - | - | Adaptive execution merged shuffle partitions: ask for about {partitions_needed:int} in the code
--   (repartition), which it keeps, so that the data of a task fits into its memory.
-- advice: cause = 'single' | - | - | All rows come to one task (a window without PARTITION BY, a limit, a coalesce): partition the
--   window, reduce the rows before that step, or repartition behind it; more memory comes second.
-- advice: cause = 'code' | - | - | The code sets the number of partitions (repartition, coalesce): ask for about
--   {partitions_needed:int} there, so that the data of a task fits into its memory.
-- advice: NOT adaptive AND spark_minor >= 300 AND COALESCE(partitions_needed > shuffle_partitions, TRUE) | spark.sql.shuffle.partitions | partitions_needed | Use more shuffle partitions, so that the data of a
--   task fits into its memory, and turn adaptive execution on (spark.sql.adaptive.enabled), which merges those of small shuffles; else repartition
--   before this step only, since the number holds for all shuffles.
-- advice: COALESCE(partitions_needed > shuffle_partitions, TRUE) | spark.sql.shuffle.partitions | partitions_needed | Use more shuffle partitions, so that the data of a
--   task fits into its memory.
-- recommendation: Give each task less data or more memory.
WITH measured AS (
  SELECT
    f.*,
    CASE
      WHEN u.step IS NULL THEN CAST(NULL AS STRING)
      WHEN has_join OR has_window OR COALESCE(has_python, FALSE) OR COALESCE(u.is_part, FALSE) THEN CONCAT('a part of it may fall away with ', u.step)
      ELSE CONCAT('it falls away with ', u.step)
    END AS falls_away,
    -- useless_distinct counts all that such a stage does.
    COALESCE(u.is_distinct AND NOT has_join AND NOT has_window AND NOT COALESCE(has_python, FALSE)
      AND executor_run_time >= 0.05e0 * total_task_time_ms, FALSE) AS is_counted,
    CAST(memory_bytes_spilled AS DOUBLE) / NULLIF(data_bytes, 0) AS spill_ratio,
    c.compute_ms, c.is_small,
    k.scarce_key, k.scarce_value, k.unified_bytes, k.off_heap_bytes, k.storage_bytes,
    COALESCE(z.partitions_wanted, partitions_fit) AS partitions_needed, z.split_mib, z.advisory_mib,
    CASE
      WHEN is_one_row_group THEN 'row_group'
      -- Where tasks like the median one spilled half of it or more, it is the rule, not the exception.
      WHEN memory_spilled_max >= $skew_ratio * GREATEST(memory_spilled_median, 1)
        AND CAST(memory_spilled_median AS DOUBLE) * succeeded_tasks < 0.5e0 * memory_bytes_spilled
        -- Of even tasks some can find the memory taken by the others.
        AND COALESCE(CAST(chunk_max AS DOUBLE) >= $min_data_ratio * chunk_median, TRUE) THEN 'skew'
      -- Small partitions that spill need memory: rows grow in the task, or too many tasks share it.
      WHEN (partitions_fit <= num_tasks OR chunk_median < $small_bytes) AND memory_bytes_spilled >= $grown_ratio * data_bytes THEN 'grown'
      WHEN partitions_fit <= num_tasks OR chunk_median < $small_bytes THEN 'memory'
      -- Those that fit would be that small.
      WHEN num_tasks * (1e0 + CAST(memory_spilled_max AS DOUBLE) / NULLIF(peak_memory_max, 0)) * $small_bytes > 1.1e0 * data_bytes
        AND data_bytes < $small_bytes * 4 * num_tasks THEN 'memory'
      WHEN shuffle_read_bytes < input_bytes THEN 'input'
      WHEN f.sql_id IS NULL THEN 'rdd'
      WHEN is_repartitioned THEN 'code'
      -- Fewer tasks than the partitions that were set: either adaptive execution merged them up to
      -- its target size, or the code asked for that number.
      WHEN shuffle_partitions IS NULL OR num_tasks = shuffle_partitions THEN 'shuffle'
      WHEN adaptive AND num_tasks < shuffle_partitions
        AND (advisory_bytes <> 67108864 OR shuffle_read_median <= $merged_bytes)
        THEN CASE WHEN shuffle_read_bytes < CAST($min_merged_bytes AS DOUBLE) * partitions_fit THEN 'memory' ELSE 'coalesced' END
      WHEN num_tasks = 1 THEN 'single'
      ELSE 'code'
    END AS cause
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
  WHERE c.is_told
),
-- Stages of the queries that are not told by themselves.
more AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, COUNT(*) AS more_stages, SUM(c.memory_bytes) AS more_bytes,
    SUM(c.compute_ms) AS compute_ms, SUM(LEAST(c.compute_ms / NULLIF(f.task_slots, 0), f.duration_ms)) AS wall_ms
  FROM spill_costs AS c
  INNER JOIN stage_facts AS f
    ON f.platform = c.platform AND f.cluster_id = c.cluster_id
    AND f.application_id = c.application_id AND f.attempt_id = c.attempt_id
    AND f.subject_id = c.subject_id
  LEFT JOIN useless_steps AS u
    ON u.platform = f.platform AND u.cluster_id = f.cluster_id
    AND u.application_id = f.application_id AND u.attempt_id = f.attempt_id AND u.stage_id = f.stage_id
  WHERE NOT c.is_told AND c.memory_bytes >= $min_more_bytes AND c.sql_id IS NOT NULL AND u.step IS NULL
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id
),
told AS (
  SELECT
    m.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id ORDER BY is_counted, compute_ms DESC, subject_id
    ) AS place_in_query
  FROM measured AS m
),
summed AS (
  SELECT
    t.*, o.more_stages, TRY_CAST(o.more_bytes AS BIGINT) AS more_bytes,
    CASE WHEN is_counted THEN 0e0 ELSE t.compute_ms END + COALESCE(o.compute_ms, 0e0) AS lost_ms,
    CASE WHEN is_counted THEN 0e0 ELSE LEAST(t.compute_ms / NULLIF(task_slots, 0), duration_ms) END + COALESCE(o.wall_ms, 0e0) AS wall_ms
  FROM told AS t
  LEFT JOIN more AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND t.place_in_query = 1
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  CASE WHEN succeeded_tasks > 0 THEN 'medium' ELSE 'low' END AS confidence,
  CASE WHEN is_small OR is_counted THEN 'low' END AS severity,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(wall_ms AS BIGINT) AS recoverable_ms,
  -- One setting is one finding.
  stage_name, COALESCE(scarce_key, stage_name) AS place, falls_away, cause, memory_bytes_spilled, data_bytes, CASE WHEN spill_ratio <= 100 THEN spill_ratio END AS times_moved, memory_spilled_max,
  memory_spilled_median, peak_memory_max, num_tasks, partitions_needed, input_bytes,
  shuffle_read_bytes,
  split_bytes, sql_id, COALESCE(has_gpu, FALSE) AS has_gpu, is_local, is_row_group_bound, has_scan,
  COALESCE(is_uncut, FALSE) AS is_uncut,
  shuffle_write_bytes >= 0.3e0 * input_bytes AS is_shuffled, scarce_heap_mib, executor_memory_bytes, executor_cores, adaptive, spark_minor,
  shuffle_partitions, max_partition_bytes, advisory_bytes,
  split_mib, advisory_mib, coalesce_partitions, scarce_key, scarce_value, unified_bytes, off_heap_bytes, storage_bytes, more_stages, more_bytes
FROM summed
