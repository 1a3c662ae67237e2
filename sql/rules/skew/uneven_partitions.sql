-- id: uneven_partitions
-- title: A few partitions hold far more data than the rest
-- category: skew
-- severity: low
-- version: 1
-- description: Fires where the largest shuffle partition of a stage is large and many times the median one,
--   and already costs something: its task spilled while the median one did not, or ran several times as
--   long. Where the stage had to wait for that task, task_skew tells it instead; here other tasks hid it,
--   and it will show when the data grows or more cores work.
-- subject: stage
-- group_by: stage_name
-- parameter: min_ratio double = 5.0 [ratio] largest over median shuffle data of a task, at least
-- parameter: min_bytes bigint = 268435456 [bytes] shuffle data of the largest task, at least
-- parameter: min_tasks bigint = 10 [count] successful tasks, at least
-- parameter: min_time_ratio double = 2.0 [ratio] longest over median run time of a task that shows the cost
-- parameter: min_longest_ms bigint = 30000 [ms] run time of the longest task, at least
-- evidence: The largest of {succeeded_tasks:partition|partitions} holds {shuffle_read_max:bytes}, the median one
--   {shuffle_read_median:bytes}; the longest task ran {run_time_max:s} against {run_time_median:s}[, and spilled
--   {spilled:bytes}].
-- advice: has_join AND spark_minor >= 300 AND NOT adaptive | spark.sql.adaptive.enabled | 'true' |
--   Turn adaptive execution on: it splits skewed join partitions by itself.
-- advice: has_join AND adaptive AND NOT skew_join | spark.sql.adaptive.skewJoin.enabled | 'true' | Let adaptive execution
--   split skewed join partitions.
-- recommendation: Spread the hot key: filter it out first if it is NULL or a default, aggregate before the shuffle, or salt
--   it.
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'low' AS severity, 'medium' AS confidence,
  stage_name, sql_id, succeeded_tasks, shuffle_read_max, shuffle_read_median, run_time_max, run_time_median, tail_ms,
  CASE WHEN memory_spilled_median = 0 AND memory_spilled_max > 0 THEN memory_spilled_max END AS spilled,
  has_join, adaptive, skew_join, spark_minor
FROM stage_facts
WHERE status = 'COMPLETE' AND succeeded_tasks >= $min_tasks
  AND shuffle_read_max >= $min_bytes AND shuffle_read_max >= $min_ratio * GREATEST(shuffle_read_median, 1)
  AND run_time_max >= $min_longest_ms
  AND (run_time_max >= $min_time_ratio * run_time_median
    OR (memory_spilled_median = 0 AND memory_spilled_max > 0))
  -- What waited for its longest task is task_skew.
  AND NOT (COALESCE(tail_ms, 0) >= 5000 AND run_time_max >= 3 * GREATEST(run_time_median, 1))
