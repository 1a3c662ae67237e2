-- id: tiny_tasks
-- title: The stage is cut into far too many tiny tasks
-- category: partitioning
-- severity: medium
-- version: 1
-- description: Fires where a stage has many more tasks than cores and the typical task is so short
--   that starting it (scheduling, sending and unpacking the task, sending the result) is a good part
--   of its time. That overhead is measured, not assumed. What fewer tasks would save is the overhead
--   of those that would not be there. The number recommended keeps several waves a core, tasks of
--   the target run time, and partitions of the target size.
-- parameter: min_tasks bigint = 500 [count] successful tasks, at least
-- parameter: min_tasks_per_slot double = 8.0 [ratio] successful tasks for each core that worked on the stage, at least
-- parameter: max_median_ms bigint = 200 [ms] run time of the median task, at most
-- parameter: min_overhead_ratio double = 0.1 [ratio] overhead over the time of all tasks, at least
-- parameter: min_overhead_ms bigint = 30000 [ms] overhead of all tasks together, at least
-- parameter: waves double = 4.0 [ratio] tasks to keep for each core
-- parameter: target_run_time_ms bigint = 2000 [ms] run time that a task should have
-- parameter: target_bytes bigint = 134217728 [bytes] what a partition should hold at most
-- reads: application_settings, stage_facts
-- recommendation: Use fewer, larger partitions.
WITH measured AS (
  SELECT
    f.*,
    COALESCE(f.scheduler_delay_total, 0) + COALESCE(f.deserialize_time_total, 0)
      + COALESCE(f.serialize_time_total, 0) AS overhead_ms,
    LEAST(
      GREATEST(
        CAST(CEIL(f.task_slots * $waves) AS BIGINT),
        CAST(CEIL(CAST(f.run_time_total AS DOUBLE) / $target_run_time_ms) AS BIGINT),
        CAST(CEIL(
          CAST(GREATEST(f.input_bytes, f.output_bytes, f.shuffle_read_bytes, f.shuffle_write_bytes)
            AS DOUBLE) / $target_bytes
        ) AS BIGINT)
      ),
      f.num_tasks
    ) AS tasks_needed
  FROM stage_facts AS f
  WHERE f.succeeded_tasks >= $min_tasks
    AND f.succeeded_tasks >= $min_tasks_per_slot * f.task_slots
    AND f.run_time_median <= $max_median_ms
),
judged AS (
  SELECT
    m.*,
    CAST(m.overhead_ms AS DOUBLE) / GREATEST(m.duration_total, 1) AS overhead_ratio,
    CAST(ROUND(m.overhead_ms * (1e0 - CAST(m.tasks_needed AS DOUBLE) / m.num_tasks)) AS BIGINT)
      AS lost_core_ms,
    CASE
      WHEN m.input_bytes > m.shuffle_read_bytes THEN 'input'
      WHEN m.shuffle_read_bytes = 0 THEN 'other'
      WHEN m.sql_id IS NULL THEN 'rdd'
      WHEN c.adaptive = 'false' THEN 'adaptive off'
      WHEN c.coalesce_partitions = 'false' THEN 'coalesce off'
      ELSE 'shuffle'
    END AS cause,
    c.adaptive, c.coalesce_partitions, c.shuffle_partitions, c.default_parallelism
  FROM measured AS m
  LEFT JOIN application_settings AS c
    ON c.platform = m.platform AND c.cluster_id = m.cluster_id
    AND c.application_id = m.application_id AND c.attempt_id = m.attempt_id
  WHERE m.overhead_ms >= $min_overhead_ms AND m.tasks_needed < m.num_tasks
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  'stage' AS subject_type,
  j.subject_id,
  'high' AS confidence,
  CONCAT(
    CAST(j.succeeded_tasks AS STRING), ' tasks on ', CAST(j.task_slots AS STRING),
    ' cores, the median one running ', CAST(j.run_time_median AS STRING),
    ' ms; starting and ending them took ',
    CAST(CAST(j.overhead_ms / 1e3 AS DECIMAL(18, 1)) AS STRING), ' s, ',
    CAST(CAST(100e0 * j.overhead_ratio AS DECIMAL(18, 1)) AS STRING),
    ' percent of their time; ', CAST(j.tasks_needed AS STRING), ' tasks would do.'
  ) AS evidence,
  CONCAT(
    '{"tasks":', CAST(j.succeeded_tasks AS STRING),
    ',"task_slots":', CAST(j.task_slots AS STRING),
    ',"median_ms":', CAST(j.run_time_median AS STRING),
    ',"overhead_ms":', CAST(j.overhead_ms AS STRING),
    ',"task_time_ms":', CAST(j.duration_total AS STRING),
    ',"tasks_needed":', CAST(j.tasks_needed AS STRING),
    ',"cause":"', j.cause, '"}'
  ) AS evidence_json,
  j.lost_core_ms,
  LEAST(CAST(j.lost_core_ms / CAST(j.task_slots AS DOUBLE) AS BIGINT), j.duration_ms)
    AS recoverable_ms,
  CASE j.cause
    WHEN 'input' THEN
      'The input lies in many small files or partitions: compact it, or coalesce after reading.'
    WHEN 'rdd' THEN 'Give the operation before this stage fewer partitions, or coalesce.'
    WHEN 'adaptive off' THEN 'Turn adaptive execution on: it merges small shuffle partitions by itself.'
    WHEN 'coalesce off' THEN 'Let adaptive execution merge small shuffle partitions.'
    WHEN 'other' THEN 'Make the data with fewer partitions (for example a smaller numSlices or range).'
    ELSE 'Use fewer shuffle partitions.'
  END AS recommendation,
  CASE j.cause
    WHEN 'rdd' THEN 'spark.default.parallelism'
    WHEN 'adaptive off' THEN 'spark.sql.adaptive.enabled'
    WHEN 'coalesce off' THEN 'spark.sql.adaptive.coalescePartitions.enabled'
    WHEN 'shuffle' THEN 'spark.sql.shuffle.partitions'
  END AS config_key,
  CASE j.cause
    WHEN 'rdd' THEN j.default_parallelism
    WHEN 'adaptive off' THEN j.adaptive
    WHEN 'coalesce off' THEN j.coalesce_partitions
    WHEN 'shuffle' THEN j.shuffle_partitions
  END AS config_current,
  CASE
    WHEN j.cause IN ('rdd', 'shuffle') THEN CAST(j.tasks_needed AS STRING)
    WHEN j.cause IN ('adaptive off', 'coalesce off') THEN 'true'
  END AS config_recommended
FROM judged AS j
WHERE j.overhead_ratio >= $min_overhead_ratio
