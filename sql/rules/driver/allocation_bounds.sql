-- id: allocation_bounds
-- title: Bounds of dynamic allocation
-- category: driver
-- severity: info
-- version: 2
-- description: A note where dynamic allocation reached its upper bound and kept all executors busy, so that more would end the run sooner
--   at about the same core time; and where it has no bound at all and took very many executors, so that one
--   query can take the cluster.
-- parameter: min_busy_ratio double = 0.85 [ratio] task time over core time from which the executors count as busy
-- parameter: min_run_ms bigint = 600000 [ms] wall time, at least
-- parameter: large_executors bigint = 100 [count] executors at one time without a bound, from which it is worth a word
-- evidence: {num_executors_max:executor|executors} ran at most[, as many as spark.dynamicAllocation.maxExecutors allows; their cores worked for
--   {busy_ratio:pct} of {core_time_ms:h} of core time]{unbounded}.
-- advice: is_bound | - | - | Where the run should end sooner, raise the bound: the work is there, and the core time stays about the same.
-- recommendation: Set spark.dynamicAllocation.maxExecutors to what one run may take of the cluster.
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'info' AS severity, 'medium' AS confidence,
  a.num_executors_max, a.core_time_ms,
  CASE WHEN a.max_executors < 2147483647 THEN CAST(a.total_task_time_ms AS DOUBLE) * a.task_cpus / NULLIF(a.core_time_ms, 0) END AS busy_ratio,
  CASE WHEN a.max_executors < 2147483647 THEN '' ELSE ' and spark.dynamicAllocation.maxExecutors sets no bound' END AS unbounded,
  COALESCE(a.max_executors < 2147483647, FALSE) AS is_bound
FROM application_facts AS a
WHERE a.dynamic_allocation AND NOT a.is_interactive AND NOT COALESCE(a.is_databricks, FALSE) AND a.core_time_ms > 0
  AND ((a.max_executors < 2147483647 AND a.num_executors_max >= a.max_executors AND a.app_duration_ms >= $min_run_ms
      AND CAST(a.total_task_time_ms AS DOUBLE) * a.task_cpus >= $min_busy_ratio * a.core_time_ms)
    OR (COALESCE(a.max_executors, 2147483647) >= 2147483647 AND a.num_executors_max >= $large_executors))
