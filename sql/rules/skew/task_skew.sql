-- id: task_skew
-- title: A few tasks run much longer than the rest of their stage
-- category: skew
-- severity: medium
-- version: 2
-- description: Fires where the longest successful task ran many times as long as the median one and
--   the stage waited for it after all ordinary tasks had ended. What could be won is the smallest of
--   that wait, longest less median task, and the stage's wall time less the same work spread evenly.
--   The lost core time is that gain times the cores that worked on the stage. Where the long task also
--   had much more data it is data skew, else a straggler.
-- subject: stage
-- group_by: stage_name
-- parameter: min_ratio double = 3.0 [ratio] longest over median run time of a task, at least
-- parameter: min_tasks bigint = 4 [count] successful tasks that the stage needs for a median to mean something
-- parameter: min_longest_ms bigint = 10000 [ms] run time of the longest task, at least
-- parameter: min_recoverable_ms bigint = 5000 [ms] wall time to win, at least
-- parameter: min_data_ratio double = 2.0 [ratio] largest over median bytes of a task from which it is data skew
-- parameter: min_data_bytes bigint = 16777216 [bytes] bytes of the largest task from which it is data skew
-- evidence: The longest of {succeeded_tasks:int} tasks ran {run_time_max:s}, {time_ratio:1} times the median of
--   {run_time_median:s}[, and read {shuffle_ratio:1} times the median shuffle data][, and read {input_ratio:1} times
--   the median input]; the stage of {duration_ms:s} waited {tail_ms:s} for its long tasks alone.
-- advice: cause = 'shuffle' AND has_join AND spark_minor >= 300 AND NOT adaptive | spark.sql.adaptive.enabled | 'true' |
--   Turn adaptive execution on: it splits skewed join partitions by itself.
-- advice: cause = 'shuffle' AND has_join AND adaptive AND NOT skew_join | spark.sql.adaptive.skewJoin.enabled | 'true' |
--   Let adaptive execution split skewed join partitions.
-- advice: cause = 'shuffle' AND has_join AND adaptive AND shuffle_ratio > 5 AND shuffle_read_max > 134217728
--   AND shuffle_read_max <= skew_threshold_bytes | spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes |
--   '64MB' | The skewed partition of {shuffle_read_max:bytes} is below the size from which adaptive execution splits it:
--   lower that size.
-- advice: cause = 'shuffle' | - | - | Spread the hot key: filter it out first if it is NULL or a default, aggregate before
--   the shuffle, or salt it. Adaptive execution splits skewed partitions of joins only, and only large ones.
-- advice: cause = 'input' | - | - | Make the input files even and splittable (no single large gzip file), or repartition
--   right after reading.
-- advice: NOT is_local AND NOT speculation | spark.speculation | 'true' | The long task had no more data than the others:
--   look at its executor (garbage collection, slow disk or node), and let Spark run a second copy of stragglers.
-- recommendation: The long task had no more data than the others. Look at its executor (garbage collection, slow disk or
--   node) and at what its rows cost to compute.
WITH measured AS (
  SELECT
    f.*,
    CAST(run_time_max AS DOUBLE) / GREATEST(run_time_median, 1) AS time_ratio,
    CAST(shuffle_read_max AS DOUBLE) / GREATEST(shuffle_read_median, 1) AS shuffle_factor,
    CAST(input_max AS DOUBLE) / GREATEST(input_median, 1) AS input_factor,
    TRY_CAST(LEAST(
      run_time_max - run_time_median,
      -- A lake without tasks does not tell how long the stage waited.
      COALESCE(tail_ms, duration_ms),
      -- Wall time with the same work spread evenly: full waves of average tasks.
      duration_ms - CEIL(CAST(succeeded_tasks AS DOUBLE) / task_slots) * run_time_mean
    ) AS BIGINT) AS recoverable_ms
  FROM stage_facts AS f
  WHERE succeeded_tasks >= $min_tasks AND run_time_max >= $min_longest_ms
    AND duration_ms IS NOT NULL AND NOT is_listing
),
judged AS (
  SELECT
    m.*,
    CASE
      WHEN shuffle_factor >= $min_data_ratio AND shuffle_read_max >= $min_data_bytes THEN 'shuffle'
      WHEN input_factor >= $min_data_ratio AND input_max >= $min_data_bytes THEN 'input'
      ELSE 'straggler'
    END AS cause
  FROM measured AS m
  WHERE time_ratio >= $min_ratio AND recoverable_ms >= $min_recoverable_ms
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  CASE cause
    WHEN 'shuffle' THEN 'Skewed shuffle data: a few tasks run much longer than the rest'
    WHEN 'input' THEN 'Skewed input: a few tasks run much longer than the rest'
    ELSE 'Stragglers: a few tasks run much longer than the rest on as much data'
  END AS title,
  CASE WHEN tail_ms IS NULL THEN 'low' WHEN cause = 'straggler' THEN 'medium' ELSE 'high' END AS confidence,
  recoverable_ms,
  TRY_CAST(recoverable_ms * CAST(task_slots AS DOUBLE) AS BIGINT) AS lost_core_ms,
  stage_name, cause, succeeded_tasks, run_time_max, run_time_median, time_ratio, duration_ms, tail_ms,
  long_tasks, task_slots, shuffle_read_max, shuffle_read_median, input_max, input_median,
  CASE WHEN cause = 'shuffle' THEN shuffle_factor END AS shuffle_ratio,
  CASE WHEN cause = 'input' THEN input_factor END AS input_ratio,
  spark_minor, has_join, adaptive, skew_join, skew_threshold_bytes, speculation, is_local
FROM judged
