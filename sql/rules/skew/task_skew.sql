-- id: task_skew
-- title: A few tasks run much longer than the rest of their stage
-- category: skew
-- severity: medium
-- version: 1
-- description: Fires where the longest successful task ran many times as long as the median one and
--   the stage waited for it. What could be won is the smaller of (longest - median task) and (wall
--   time of the stage - its wall time with the same work spread evenly), so overlap with full waves
--   of tasks is not counted. The lost core time is that gain times the cores that stood idle in the
--   meantime. Where the long task also had much more data it is data skew, else a straggler.
-- parameter: min_ratio double = 3.0 [ratio] longest over median run time of a task, at least
-- parameter: min_tasks bigint = 4 [count] successful tasks that the stage needs for a median to mean something
-- parameter: min_longest_ms bigint = 10000 [ms] run time of the longest task, at least
-- parameter: min_recoverable_ms bigint = 5000 [ms] wall time to win, at least
-- parameter: min_data_ratio double = 2.0 [ratio] largest over median bytes of a task from which it is data skew
-- parameter: min_data_bytes bigint = 16777216 [bytes] bytes of the largest task from which it is data skew
-- reads: application_settings, stage_facts
-- recommendation: Spread the data evenly: let adaptive execution split skewed partitions, salt the
--   key, or broadcast the small side of the join.
WITH measured AS (
  SELECT
    f.*,
    CAST(f.run_time_max AS DOUBLE) / GREATEST(f.run_time_median, 1) AS time_ratio,
    CAST(f.shuffle_read_max AS DOUBLE) / GREATEST(f.shuffle_read_median, 1) AS shuffle_ratio,
    CAST(f.input_max AS DOUBLE) / GREATEST(f.input_median, 1) AS input_ratio,
    -- Wall time if the same work were spread evenly: full waves of average tasks.
    CEIL(CAST(f.succeeded_tasks AS DOUBLE) / f.task_slots) * f.run_time_mean AS even_ms
  FROM stage_facts AS f
  WHERE f.succeeded_tasks >= $min_tasks AND f.run_time_max >= $min_longest_ms
),
judged AS (
  SELECT
    m.*,
    CAST(LEAST(m.run_time_max - m.run_time_median, m.duration_ms - m.even_ms) AS BIGINT)
      AS recoverable_ms,
    CASE
      WHEN m.shuffle_ratio >= $min_data_ratio AND m.shuffle_read_max >= $min_data_bytes
        THEN 'shuffle'
      WHEN m.input_ratio >= $min_data_ratio AND m.input_max >= $min_data_bytes THEN 'input'
      ELSE 'straggler'
    END AS cause
  FROM measured AS m
  WHERE m.time_ratio >= $min_ratio AND m.duration_ms IS NOT NULL
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  'stage' AS subject_type,
  j.subject_id,
  CASE WHEN j.cause = 'straggler' THEN 'medium' ELSE 'high' END AS confidence,
  CASE j.cause
    WHEN 'shuffle' THEN 'Skewed shuffle data: a few tasks run much longer than the rest'
    WHEN 'input' THEN 'Skewed input: a few tasks run much longer than the rest'
    ELSE 'Stragglers: a few tasks run much longer than the rest on as much data'
  END AS title,
  CONCAT(
    'The longest of ', CAST(j.succeeded_tasks AS STRING), ' tasks ran ',
    CAST(CAST(j.run_time_max / 1e3 AS DECIMAL(18, 1)) AS STRING), ' s, ',
    CAST(CAST(j.time_ratio AS DECIMAL(18, 1)) AS STRING), ' times the median of ',
    CAST(CAST(j.run_time_median / 1e3 AS DECIMAL(18, 1)) AS STRING), ' s',
    CASE j.cause
      WHEN 'shuffle' THEN CONCAT(
        ', and read ', CAST(CAST(j.shuffle_ratio AS DECIMAL(18, 1)) AS STRING),
        ' times the median shuffle data')
      WHEN 'input' THEN CONCAT(
        ', and read ', CAST(CAST(j.input_ratio AS DECIMAL(18, 1)) AS STRING),
        ' times the median input')
      ELSE ', without more data than the others'
    END,
    '; the stage took ', CAST(CAST(j.duration_ms / 1e3 AS DECIMAL(18, 1)) AS STRING),
    ' s and would take about ',
    CAST(CAST((j.duration_ms - j.recoverable_ms) / 1e3 AS DECIMAL(18, 1)) AS STRING),
    ' s with even tasks.'
  ) AS evidence,
  CONCAT(
    '{"tasks":', CAST(j.succeeded_tasks AS STRING),
    ',"longest_ms":', CAST(j.run_time_max AS STRING),
    ',"median_ms":', CAST(j.run_time_median AS STRING),
    ',"stage_ms":', CAST(j.duration_ms AS STRING),
    ',"task_slots":', CAST(j.task_slots AS STRING),
    ',"shuffle_read_max_bytes":', COALESCE(CAST(j.shuffle_read_max AS STRING), 'null'),
    ',"shuffle_read_median_bytes":', COALESCE(CAST(j.shuffle_read_median AS STRING), 'null'),
    ',"input_max_bytes":', COALESCE(CAST(j.input_max AS STRING), 'null'),
    ',"input_median_bytes":', COALESCE(CAST(j.input_median AS STRING), 'null'),
    ',"cause":"', j.cause, '"}'
  ) AS evidence_json,
  j.recoverable_ms * j.task_slots AS lost_core_ms,
  j.recoverable_ms,
  CASE
    WHEN j.cause = 'shuffle' AND j.sql_id IS NOT NULL AND c.adaptive = 'false' THEN
      'Turn adaptive execution on: it splits skewed join partitions by itself. For an aggregation, salt the key.'
    WHEN j.cause = 'shuffle' AND j.sql_id IS NOT NULL THEN
      'Lower the size from which adaptive execution splits a skewed join partition; if the stage is an aggregation or window, salt the key or filter the hot key (often NULL) out first.'
    WHEN j.cause = 'shuffle' THEN
      'Salt the hot key or use a partitioner that spreads it; aggregate before the shuffle.'
    WHEN j.cause = 'input' THEN
      'Make the input files even and splittable (no gzip of single large files), or repartition right after reading.'
    ELSE
      'Same data but longer time: look at the executor of the long task (garbage collection, slow disk or node, cold cache), and let Spark run a second copy of stragglers.'
  END AS recommendation,
  CASE
    WHEN j.cause = 'shuffle' AND j.sql_id IS NOT NULL AND c.adaptive = 'false'
      THEN 'spark.sql.adaptive.enabled'
    WHEN j.cause = 'shuffle' AND j.sql_id IS NOT NULL
      THEN 'spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes'
    WHEN j.cause = 'straggler' AND COALESCE(c.speculation, 'false') = 'false'
      THEN 'spark.speculation'
  END AS config_key,
  CASE
    WHEN j.cause = 'shuffle' AND j.sql_id IS NOT NULL AND c.adaptive = 'false' THEN c.adaptive
    WHEN j.cause = 'shuffle' AND j.sql_id IS NOT NULL THEN c.skew_threshold
    WHEN j.cause = 'straggler' AND COALESCE(c.speculation, 'false') = 'false' THEN c.speculation
  END AS config_current,
  CASE
    WHEN j.cause = 'shuffle' AND j.sql_id IS NOT NULL AND c.adaptive = 'false' THEN 'true'
    WHEN j.cause = 'shuffle' AND j.sql_id IS NOT NULL THEN '64MB'
    WHEN j.cause = 'straggler' AND COALESCE(c.speculation, 'false') = 'false' THEN 'true'
  END AS config_recommended
FROM judged AS j
LEFT JOIN application_settings AS c
  ON c.platform = j.platform AND c.cluster_id = j.cluster_id
  AND c.application_id = j.application_id AND c.attempt_id = j.attempt_id
WHERE j.recoverable_ms >= $min_recoverable_ms
