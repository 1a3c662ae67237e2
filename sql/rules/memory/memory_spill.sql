-- id: memory_spill
-- title: Tasks run out of execution memory and spill
-- category: memory
-- severity: medium
-- version: 1
-- description: Fires where a stage had to write much of the data that it sorts, joins or aggregates
--   out of memory. This rule counts the computing part (serializing and compressing on the way out,
--   the reverse on the way back) from the in-memory size of the spilled data; the disk_spill rule
--   counts the disk part of the same spill. Each is at most half of the stage's task time, so the
--   two never count a core twice. The rates are assumptions, hence medium confidence at best.
-- parameter: min_spilled_bytes bigint = 1073741824 [bytes] in-memory size of the spilled data of the stage, at least
-- parameter: min_spill_ratio double = 0.1 [ratio] the same over the largest of input, output, shuffle read and shuffle write, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] task time of the stage, at least
-- parameter: serialize_bytes_per_ms double = 250000.0 [bytes_per_ms] in-memory bytes that a core serializes and reads back in a millisecond
-- parameter: skew_ratio double = 5.0 [ratio] largest over median spill of a task from which the spill is skew and more partitions do not help
-- parameter: merged_bytes bigint = 134217728 [bytes] shuffle data of the median task up to which adaptive execution can have merged partitions at its default target of 64 MB
-- reads: application_settings, stage_facts
-- recommendation: Give each task less data or more memory.
WITH measured AS (
  SELECT
    f.*,
    GREATEST(f.input_bytes, f.output_bytes, f.shuffle_read_bytes, f.shuffle_write_bytes, 1)
      AS data_bytes,
    CAST(LEAST(
      f.memory_bytes_spilled / CAST($serialize_bytes_per_ms AS DOUBLE),
      f.executor_run_time * 0.5e0
    ) AS BIGINT) AS lost_core_ms,
    f.memory_spilled_max >= $skew_ratio * GREATEST(f.memory_spilled_median, 1) AS is_skewed,
    -- A task that spilled s and peaked at p needed s + p at once: that many times the partitions.
    CAST(CEIL(f.num_tasks * (1e0 + CASE
      WHEN f.peak_memory_max > 0 THEN CAST(f.memory_spilled_max AS DOUBLE) / f.peak_memory_max
      ELSE 1e0
    END)) AS BIGINT) AS partitions_needed
  FROM stage_facts AS f
  WHERE f.memory_bytes_spilled >= $min_spilled_bytes AND f.executor_run_time >= $min_run_time_ms
),
judged AS (
  SELECT
    m.*,
    CAST(m.memory_bytes_spilled AS DOUBLE) / m.data_bytes AS spill_ratio,
    CASE
      WHEN m.is_skewed THEN 'skew'
      WHEN m.shuffle_read_bytes < m.input_bytes THEN 'input'
      WHEN m.sql_id IS NULL THEN 'rdd'
      -- Fewer tasks than the partitions that were set: either adaptive execution merged them up to
      -- its target size, or the code asked for that number.
      WHEN m.num_tasks = TRY_CAST(c.shuffle_partitions AS BIGINT) THEN 'shuffle'
      WHEN c.adaptive = 'true' AND m.num_tasks < TRY_CAST(c.shuffle_partitions AS BIGINT)
        AND (c.advisory_partition_size <> '64MB' OR m.shuffle_read_median <= $merged_bytes)
        THEN 'coalesced'
      WHEN TRY_CAST(c.shuffle_partitions AS BIGINT) IS NOT NULL THEN 'code'
      ELSE 'shuffle'
    END AS cause,
    c.max_partition_bytes, c.default_parallelism, c.shuffle_partitions, c.advisory_partition_size
  FROM measured AS m
  LEFT JOIN application_settings AS c
    ON c.platform = m.platform AND c.cluster_id = m.cluster_id
    AND c.application_id = m.application_id AND c.attempt_id = m.attempt_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  'stage' AS subject_type,
  j.subject_id,
  CASE WHEN j.succeeded_tasks > 0 THEN 'medium' ELSE 'low' END AS confidence,
  CONCAT(
    'Spilled ', CAST(CAST(j.memory_bytes_spilled / 1073741824e0 AS DECIMAL(18, 1)) AS STRING),
    ' GiB out of memory, ', CAST(CAST(j.spill_ratio AS DECIMAL(18, 1)) AS STRING),
    ' times the ', CAST(CAST(j.data_bytes / 1073741824e0 AS DECIMAL(18, 1)) AS STRING),
    ' GiB that the stage moved; the worst task spilled ',
    CAST(CAST(COALESCE(j.memory_spilled_max, 0) / 1048576e0 AS DECIMAL(18, 1)) AS STRING),
    ' MiB with a peak of ',
    CAST(CAST(COALESCE(j.peak_memory_max, 0) / 1048576e0 AS DECIMAL(18, 1)) AS STRING),
    ' MiB of execution memory.'
  ) AS evidence,
  CONCAT(
    '{"memory_bytes_spilled":', CAST(j.memory_bytes_spilled AS STRING),
    ',"data_bytes":', CAST(j.data_bytes AS STRING),
    ',"task_max_bytes":', COALESCE(CAST(j.memory_spilled_max AS STRING), 'null'),
    ',"task_median_bytes":', COALESCE(CAST(j.memory_spilled_median AS STRING), 'null'),
    ',"peak_execution_memory_max_bytes":', COALESCE(CAST(j.peak_memory_max AS STRING), 'null'),
    ',"tasks":', CAST(j.num_tasks AS STRING),
    ',"cause":"', j.cause, '"}'
  ) AS evidence_json,
  j.lost_core_ms,
  LEAST(CAST(j.lost_core_ms / CAST(j.task_slots AS DOUBLE) AS BIGINT), j.duration_ms)
    AS recoverable_ms,
  CASE j.cause
    WHEN 'skew' THEN
      'The spill sits in a few tasks: mend the skew first; more partitions would not split them.'
    WHEN 'input' THEN
      'Read smaller partitions, so that what a task sorts or aggregates fits into its memory.'
    WHEN 'rdd' THEN
      'Use more partitions in the operation before this stage, so that the data of a task fits into its memory.'
    WHEN 'coalesced' THEN
      'Let adaptive execution merge shuffle partitions less, so that the data of a task fits into its memory.'
    WHEN 'code' THEN
      'The code sets the number of partitions (repartition, coalesce): ask for more there, so that the data of a task fits into its memory.'
    ELSE 'Use more shuffle partitions, so that the data of a task fits into its memory.'
  END AS recommendation,
  CASE j.cause
    WHEN 'input' THEN 'spark.sql.files.maxPartitionBytes'
    WHEN 'rdd' THEN 'spark.default.parallelism'
    WHEN 'coalesced' THEN 'spark.sql.adaptive.advisoryPartitionSizeInBytes'
    WHEN 'shuffle' THEN 'spark.sql.shuffle.partitions'
  END AS config_key,
  CASE j.cause
    WHEN 'input' THEN j.max_partition_bytes
    WHEN 'rdd' THEN j.default_parallelism
    WHEN 'coalesced' THEN j.advisory_partition_size
    WHEN 'shuffle' THEN j.shuffle_partitions
  END AS config_current,
  CASE j.cause
    -- The size that each of the partitions needed gets of the data, in whole MiB.
    WHEN 'input' THEN CONCAT(CAST(GREATEST(
      CAST(j.input_bytes / 1048576e0 / j.partitions_needed AS BIGINT), 1) AS STRING), 'MB')
    WHEN 'coalesced' THEN CONCAT(CAST(GREATEST(
      CAST(j.shuffle_read_bytes / 1048576e0 / j.partitions_needed AS BIGINT), 1) AS STRING), 'MB')
    WHEN 'rdd' THEN CAST(j.partitions_needed AS STRING)
    WHEN 'shuffle' THEN CAST(j.partitions_needed AS STRING)
  END AS config_recommended
FROM judged AS j
WHERE j.spill_ratio >= $min_spill_ratio
