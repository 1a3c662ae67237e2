-- id: executor_churn
-- title: Executors come and go too fast
-- category: driver
-- severity: low
-- version: 6
-- description: Fires where dynamic allocation gave many executors back soon after they had come, and started others again. Each
--   costs its start, an empty cache and shuffle data that may be lost. Of few executors it is told where idle ones go sooner than by default.
-- parameter: min_executors bigint = 10 [count] executors that were started, at least
-- parameter: min_hasty_executors bigint = 5 [count] executors that were started, at least, where the time that idle ones stay is short
-- parameter: hasty_ms bigint = 30000 [ms] such a time, below
-- parameter: min_turnover double = 2.0 [ratio] executors that were started over the most at one time, at least
-- parameter: short_ms bigint = 120000 [ms] life of an executor that is short
-- parameter: min_short_share double = 0.3 [ratio] short-lived executors over those started, at least
-- evidence: {num_workers:executor was|executors were} started where {num_executors_max:int} ran at most; {num_short:int} of them lived for less than
--   two minutes before they were given back[, as idle ones may after {idle_timeout_ms:s}][; {num_missed:stage|stages} then missed
--   shuffle data that had gone with them].
-- advice: cached_timeout_ms < $short_ms | spark.dynamicAllocation.cachedExecutorIdleTimeout | '1800s' | Executors that hold cached data are given back after
--   {cached_timeout_ms:s} without work: let them stay longer, and the others too (spark.dynamicAllocation.executorIdleTimeout, with
--   spark.dynamicAllocation.shuffleTracking.timeout where it is set), so that the next stage finds them.
-- advice: idle_timeout_ms < $hasty_ms AND spark_minor >= 102 AND num_missed IS NULL | spark.dynamicAllocation.executorIdleTimeout | '60s' | Executors go after {idle_timeout_ms:s} without work, and the next query
--   waits for new ones: let them stay as long as by default, longer than the pauses of the program, and those with shuffle data or caches too where timeouts of their own are set
--   (spark.dynamicAllocation.shuffleTracking.timeout, spark.dynamicAllocation.cachedExecutorIdleTimeout).
-- advice: shuffle_timeout_ms < $short_ms | spark.dynamicAllocation.shuffleTracking.timeout | '1800s' | Executors that hold shuffle data are given back after
--   {shuffle_timeout_ms:s} without work: let them stay longer, and the others too (spark.dynamicAllocation.executorIdleTimeout).
-- advice: spark_minor >= 102 AND COALESCE(set_timeout_ms < 120000, TRUE) | spark.dynamicAllocation.executorIdleTimeout | '120s' | Let idle executors stay longer, so that the next stage
--   finds them.
-- recommendation: Let idle executors stay longer, so that the next stage finds them.
WITH missed AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_missed
  FROM stages
  WHERE failure_reason LIKE '%MetadataFetchFailedException%' OR failure_reason LIKE '%FetchFailed%' OR failure_reason LIKE '%missing an output location%'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
lives AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN loss_kind = 'idle' AND lifetime_ms < $short_ms THEN 1 ELSE 0 END) AS num_short
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  a.num_workers, a.num_executors_max, l.num_short, a.spark_minor,
  -- These hold for executors with cached and with shuffle data, whatever executorIdleTimeout says.
  c.cached_timeout_ms, c.shuffle_timeout_ms, CASE WHEN c.idle_timeout_ms < $hasty_ms THEN c.idle_timeout_ms END AS idle_timeout_ms, c.idle_timeout_ms AS set_timeout_ms, m.num_missed
FROM application_facts AS a
INNER JOIN lives AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
LEFT JOIN application_settings AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
LEFT JOIN missed AS m
  ON m.platform = a.platform AND m.cluster_id = a.cluster_id
  AND m.application_id = a.application_id AND m.attempt_id = a.attempt_id
WHERE a.dynamic_allocation AND NOT COALESCE(a.is_databricks, FALSE) AND NOT a.is_interactive
  AND (a.num_workers >= $min_executors OR (a.num_workers >= $min_hasty_executors AND c.idle_timeout_ms < $hasty_ms))
  AND a.num_workers >= $min_turnover * a.num_executors_max AND l.num_short >= $min_short_share * a.num_workers
  -- Where much of the core time is idle, executors go too late rather than too soon (idle_executors).
  AND ((c.idle_timeout_ms < $hasty_ms AND a.core_time_ms < 600000) OR CAST(a.total_task_time_ms AS DOUBLE) * a.task_cpus >= 0.75e0 * a.core_time_ms
    OR (a.core_time_ms < 36000000 AND CAST(a.total_task_time_ms AS DOUBLE) * a.task_cpus > 0.5e0 * a.core_time_ms))
