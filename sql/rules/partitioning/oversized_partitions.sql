-- id: oversized_partitions
-- title: Partitions are too large
-- category: partitioning
-- severity: medium
-- version: 1
-- description: Fires where the typical task of a stage read or wrote far more than a partition should
--   hold, or where one task was larger by far. Large partitions spill, run out of memory, are slow to
--   retry and leave cores without work. Only the last is counted as lost here, because the others
--   have rules of their own: the executors' cores beyond the number of tasks, for the wall time of
--   the stage. The cores are the application's average, so a stage that ran while there were fewer
--   can be overrated; hence medium confidence.
-- parameter: max_median_bytes bigint = 536870912 [bytes] largest of input, output, shuffle read and shuffle write of the median task, at least
-- parameter: max_task_bytes bigint = 2147483648 [bytes] the same of the largest task, at least
-- parameter: target_bytes bigint = 134217728 [bytes] what a partition should hold
-- parameter: min_stage_ms bigint = 10000 [ms] wall time of the stage, at least
-- reads: application_settings, applications, stage_facts
-- recommendation: Cut the data into more partitions.
WITH judged AS (
  SELECT
    f.*,
    GREATEST(f.input_bytes, f.output_bytes, f.shuffle_read_bytes, f.shuffle_write_bytes)
      AS data_bytes,
    CASE
      WHEN f.chunk_max = f.shuffle_read_max AND f.sql_id IS NULL THEN 'rdd'
      -- Fewer tasks than the partitions that were set: adaptive execution merges as far as this only
      -- where it was told to, else the code asked for that number.
      WHEN f.chunk_max = f.shuffle_read_max AND c.adaptive = 'true'
        AND f.num_tasks < TRY_CAST(c.shuffle_partitions AS BIGINT)
        AND c.advisory_partition_size <> '64MB' THEN 'coalesced'
      WHEN f.chunk_max = f.shuffle_read_max
        AND f.num_tasks <> TRY_CAST(c.shuffle_partitions AS BIGINT) THEN 'code'
      WHEN f.chunk_max = f.shuffle_read_max THEN 'shuffle'
      WHEN f.chunk_max = f.input_max AND f.sql_id IS NOT NULL THEN 'input'
      WHEN f.chunk_max = f.input_max THEN 'rdd'
      WHEN f.chunk_max = f.output_max THEN 'output'
      ELSE 'shuffle write'
    END AS cause,
    CAST(a.core_time_ms AS DOUBLE) / NULLIF(a.duration_ms, 0) AS average_cores,
    c.shuffle_partitions, c.default_parallelism, c.max_partition_bytes, c.advisory_partition_size
  FROM stage_facts AS f
  LEFT JOIN applications AS a
    ON a.platform = f.platform AND a.cluster_id = f.cluster_id
    AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
  LEFT JOIN application_settings AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id
  WHERE f.duration_ms >= $min_stage_ms
    AND (f.chunk_median >= $max_median_bytes OR f.chunk_max >= $max_task_bytes)
),
counted AS (
  SELECT
    j.*,
    CAST(GREATEST(COALESCE(j.average_cores, 0e0) - j.num_tasks, 0e0) * j.duration_ms AS BIGINT)
      AS lost_core_ms,
    GREATEST(CAST(CEIL(j.data_bytes / CAST($target_bytes AS DOUBLE)) AS BIGINT), j.num_tasks)
      AS partitions_needed
  FROM judged AS j
)
SELECT
  n.platform, n.cluster_id, n.application_id, n.attempt_id,
  'stage' AS subject_type,
  n.subject_id,
  -- Without lost cores the risk remains.
  CASE WHEN n.lost_core_ms = 0 THEN 'low' END AS severity,
  'medium' AS confidence,
  CONCAT(
    'The median of ', CAST(n.num_tasks AS STRING), ' tasks handled ',
    CAST(CAST(n.chunk_median / 1048576e0 AS DECIMAL(18, 1)) AS STRING), ' MiB and the largest ',
    CAST(CAST(n.chunk_max / 1048576e0 AS DECIMAL(18, 1)) AS STRING), ' MiB of ',
    CASE n.cause
      WHEN 'input' THEN 'input'
      WHEN 'output' THEN 'output'
      WHEN 'shuffle write' THEN 'shuffle output'
      WHEN 'rdd' THEN 'data'
      ELSE 'shuffle data'
    END,
    '; the ', CAST(CAST(n.data_bytes / 1073741824e0 AS DECIMAL(18, 1)) AS STRING),
    ' GiB of the stage would make ', CAST(n.partitions_needed AS STRING),
    ' partitions of good size.'
  ) AS evidence,
  CONCAT(
    '{"tasks":', CAST(n.num_tasks AS STRING),
    ',"task_median_bytes":', CAST(n.chunk_median AS STRING),
    ',"task_max_bytes":', CAST(n.chunk_max AS STRING),
    ',"data_bytes":', CAST(n.data_bytes AS STRING),
    ',"partitions_needed":', CAST(n.partitions_needed AS STRING),
    ',"cause":"', n.cause, '"}'
  ) AS evidence_json,
  n.lost_core_ms,
  -- The same work on all cores instead of one core a task.
  CASE
    WHEN n.lost_core_ms > 0 THEN CAST(n.lost_core_ms / n.average_cores AS BIGINT)
    ELSE 0
  END AS recoverable_ms,
  CASE n.cause
    WHEN 'input' THEN
      'Read smaller splits; where a single file is that large and cannot be split (gzip, one row group), write it in smaller files or a splittable format.'
    WHEN 'output' THEN
      'Repartition before the write, so that more tasks write smaller files.'
    WHEN 'shuffle write' THEN
      'The tasks expand their input (explode, join): repartition before that step.'
    WHEN 'coalesced' THEN
      'Let adaptive execution merge shuffle partitions less.'
    WHEN 'rdd' THEN
      'Give the operation before this stage more partitions.'
    WHEN 'code' THEN
      'The code sets the number of partitions (repartition, coalesce): ask for more there.'
    ELSE 'Use more shuffle partitions.'
  END AS recommendation,
  CASE n.cause
    WHEN 'input' THEN 'spark.sql.files.maxPartitionBytes'
    WHEN 'coalesced' THEN 'spark.sql.adaptive.advisoryPartitionSizeInBytes'
    WHEN 'rdd' THEN 'spark.default.parallelism'
    WHEN 'shuffle' THEN 'spark.sql.shuffle.partitions'
  END AS config_key,
  CASE n.cause
    WHEN 'input' THEN n.max_partition_bytes
    WHEN 'coalesced' THEN n.advisory_partition_size
    WHEN 'rdd' THEN n.default_parallelism
    WHEN 'shuffle' THEN n.shuffle_partitions
  END AS config_current,
  CASE
    WHEN n.cause IN ('input', 'coalesced')
      THEN CONCAT(CAST(CAST($target_bytes / 1048576e0 AS BIGINT) AS STRING), 'MB')
    WHEN n.cause IN ('rdd', 'shuffle') THEN CAST(n.partitions_needed AS STRING)
  END AS config_recommended
FROM counted AS n
