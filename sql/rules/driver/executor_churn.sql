-- id: executor_churn
-- title: Executors come and go too fast
-- category: driver
-- severity: low
-- version: 7
-- description: Fires where dynamic allocation gave many executors back soon after they had come, and started others again. Each
--   costs its start, an empty cache and shuffle data that may be lost (view executor_turnover). Stages that waited for their first task meanwhile are told with it (view first_task_waits).
-- parameter: short_ms bigint = 120000 [ms] time that executors with cached or shuffle data stay below which it is short
-- evidence: {num_workers:executor was|executors were} started where {num_executors_max:int} ran at most; {num_short:int} of them lived for less than
--   two minutes before they were given back[, as idle ones may after {idle_timeout_ms:s}][; {num_missed:stage|stages} then missed
--   shuffle data that had gone with them][; {num_waits:stage|stages} waited {delay_ms:s} in all for a first task].
-- advice: cached_timeout_ms < $short_ms | spark.dynamicAllocation.cachedExecutorIdleTimeout | '1800s' | Executors that hold cached data are given back after
--   {cached_timeout_ms:s} without work: let them stay longer, and the others too (spark.dynamicAllocation.executorIdleTimeout, with
--   spark.dynamicAllocation.shuffleTracking.timeout where it is set), so that the next stage finds them.[ New ones are requested only after tasks have
--   waited for {backlog_ms:s} (spark.dynamicAllocation.schedulerBacklogTimeout; the default is 1 s).]
-- advice: idle_timeout_ms IS NOT NULL AND spark_minor >= 102 AND num_missed IS NULL | spark.dynamicAllocation.executorIdleTimeout | '60s' | Executors go after {idle_timeout_ms:s} without work, and the next query
--   waits for new ones: let them stay as long as by default, longer than the pauses of the program, and those with shuffle data or caches too where timeouts of their own are set
--   (spark.dynamicAllocation.shuffleTracking.timeout, spark.dynamicAllocation.cachedExecutorIdleTimeout).[ New ones are requested only after tasks have
--   waited for {backlog_ms:s} (spark.dynamicAllocation.schedulerBacklogTimeout; the default is 1 s).]
-- advice: shuffle_timeout_ms < $short_ms | spark.dynamicAllocation.shuffleTracking.timeout | '1800s' | Executors that hold shuffle data are given back after
--   {shuffle_timeout_ms:s} without work: let them stay longer, and the others too (spark.dynamicAllocation.executorIdleTimeout).[ New ones are requested only after tasks have
--   waited for {backlog_ms:s} (spark.dynamicAllocation.schedulerBacklogTimeout; the default is 1 s).]
-- advice: spark_minor >= 102 AND COALESCE(set_timeout_ms < 120000, TRUE) | spark.dynamicAllocation.executorIdleTimeout | '120s' | Let idle executors stay longer, so that the next stage
--   finds them.
-- recommendation: Let idle executors stay longer, so that the next stage finds them.
WITH missed AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_missed
  FROM stages
  WHERE failure_reason LIKE '%MetadataFetchFailedException%' OR failure_reason LIKE '%FetchFailed%' OR failure_reason LIKE '%missing an output location%'
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'medium' AS confidence, CASE WHEN w.delay_ms >= 0.01e0 * a.app_duration_ms THEN w.delay_ms END AS recoverable_ms, w.delay_ms, w.num_stages AS num_waits,
  t.num_workers, t.num_executors_max, t.num_short, a.spark_minor,
  -- These hold for executors with cached and with shuffle data, whatever executorIdleTimeout says.
  c.cached_timeout_ms, c.shuffle_timeout_ms, CASE WHEN t.is_hasty THEN c.idle_timeout_ms END AS idle_timeout_ms, c.idle_timeout_ms AS set_timeout_ms,
  CASE WHEN c.backlog_timeout_ms >= 3000 THEN c.backlog_timeout_ms END AS backlog_ms, m.num_missed
FROM executor_turnover AS t
INNER JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
LEFT JOIN application_settings AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
LEFT JOIN first_task_waits AS w
  ON w.platform = t.platform AND w.cluster_id = t.cluster_id
  AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id
LEFT JOIN missed AS m
  ON m.platform = t.platform AND m.cluster_id = t.cluster_id
  AND m.application_id = t.application_id AND m.attempt_id = t.attempt_id
