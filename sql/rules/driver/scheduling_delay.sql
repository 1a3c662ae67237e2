-- id: scheduling_delay
-- title: Stages wait for executors before their first task
-- category: driver
-- severity: low
-- version: 7
-- description: Fires where stages that ran alone waited long between their submission and their first task, as they do while
--   executors are asked for again after dynamic allocation gave them back, or while a cluster scales up. A
--   stage that waits because another one has the cores is in a queue and not counted; nor is the first stage of
--   the application (slow_start). Where executors come and go too fast, or went with cached data that were computed again, executor_churn tells these waits.
-- parameter: min_total_ms bigint = 30000 [ms] all such waits together, at least
-- parameter: min_share double = 0.1 [ratio] the same over the wall time, at least
-- evidence: {num_stages:stage|stages} waited {delay_ms:s} in all for a first task, {delay_ratio:pct} of the run of {app_duration_ms:s}; the longest
--   waited {longest_ms:s}[, and {num_added:int} executors were started where {num_executors_max:int} ran at most].
-- advice: is_databricks AND num_added > 0 | - | - | Workers are given back and asked for again: raise the minimum of the autoscaling workers, or let the cluster scale down later.
-- advice: is_databricks | - | - | Find out what the stages waited for: workers that were added first (the minimum of the autoscaling workers), other work on the cluster, or a busy driver.
-- advice: dynamic_allocation AND num_added > 0 AND idle_timeout_ms < 60000 | spark.dynamicAllocation.executorIdleTimeout | '60s' | Executors are removed after {idle_timeout_ms:s} without work and requested again[ only after tasks have waited for {backlog_ms:s} (spark.dynamicAllocation.schedulerBacklogTimeout; by default it is 1 s)]: keep them longer than the pauses of the program (the default is 60 s), or keep some (spark.dynamicAllocation.minExecutors).
-- advice: dynamic_allocation AND (num_executors_max > 1 OR num_added > 0) | - | - | Executors are given back and asked for again: keep some of them through the
--   pauses (spark.dynamicAllocation.minExecutors), or let them stay a little longer.
-- recommendation: Find out what the stages waited for: room in the queue, nodes that were added first, or a busy driver.
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'medium' AS confidence,
  s.delay_ms AS recoverable_ms,
  s.num_stages, s.delay_ms, s.longest_ms, CAST(s.delay_ms AS DOUBLE) / NULLIF(a.app_duration_ms, 0) AS delay_ratio, a.app_duration_ms,
  CASE WHEN a.num_workers > a.num_executors_max THEN a.num_workers END AS num_added,
  a.num_executors_max, a.dynamic_allocation, c.idle_timeout_ms, CASE WHEN c.backlog_timeout_ms >= 3000 THEN c.backlog_timeout_ms END AS backlog_ms, COALESCE(a.is_databricks, FALSE) AS is_databricks
FROM application_facts AS a
INNER JOIN first_task_waits AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
LEFT JOIN application_settings AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
LEFT JOIN executor_turnover AS t
  ON t.platform = a.platform AND t.cluster_id = a.cluster_id
  AND t.application_id = a.application_id AND t.attempt_id = a.attempt_id
LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM lost_caches WHERE is_told) AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
WHERE t.platform IS NULL AND l.platform IS NULL AND NOT a.is_interactive AND NOT a.is_local
  AND s.delay_ms >= $min_total_ms AND s.delay_ms >= $min_share * a.app_duration_ms
