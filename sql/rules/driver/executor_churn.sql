-- id: executor_churn
-- title: Executors come and go too fast
-- category: driver
-- severity: low
-- version: 9
-- description: Fires where dynamic allocation gave many executors back soon after they had come, and started others again. Each
--   costs its start, an empty cache and shuffle data that may be lost (view executor_turnover). Stages that waited for their first task meanwhile are told with it (view first_task_waits).
--   Where cached data were computed again after the executors that held them had been given back as idle, that is told too, however few these were: lost is what the stages took that computed them again, less what reading them takes (view lost_caches), and
--   what can be won adds the waits for a first task to their part of the run.
-- parameter: short_ms bigint = 120000 [ms] time that executors with cached or shuffle data stay below which it is short
-- evidence: {num_workers:executor was|executors were} started where {num_executors_max:int} ran at most[; {num_short:int} of them were given back within two minutes of their start][ (executorIdleTimeout is
--   {idle_timeout_ms:s})][; {num_gone:executor was|executors were} removed as idle while holding cached data][, and {lost_cache} was computed {lost_times:time|times} instead of
--   once][; the stages that computed it again took {again_ms:s} of task time][, where reading it takes {read_ms:s}, as a stage shows that found it][, which took {all_ms:s} of
--   task time, {part_ms:s} of it without the most expensive time][; {num_missed:stage|stages} then missed
--   shuffle data that had gone with them][; {num_waits:stage|stages} waited {delay_ms:s} in all for a first task].
-- advice: lost_ms > 0 AND cached_timeout_ms < 1800000 | spark.dynamicAllocation.cachedExecutorIdleTimeout | '1800s' | Executors that hold cached data are given back after
--   {cached_timeout_ms:s} without work, and what they held is computed again: let them stay longer than the pauses of the program (by default they stay), and those with shuffle data too
--   where spark.dynamicAllocation.shuffleTracking.timeout is set; or write the result to a table and read that.
-- advice: lost_ms > 0 | - | - | Executors that held cached data were given back, and these were computed again: keep some (spark.dynamicAllocation.minExecutors), set no short
--   spark.dynamicAllocation.cachedExecutorIdleTimeout, or write the result to a table and read that.
-- advice: cached_timeout_ms < $short_ms | spark.dynamicAllocation.cachedExecutorIdleTimeout | '1800s' | Executors that hold cached data are given back after
--   {cached_timeout_ms:s} without work: let them stay longer, and the others too (spark.dynamicAllocation.executorIdleTimeout, with
--   spark.dynamicAllocation.shuffleTracking.timeout where it is set), so that the next stage finds them.[ New ones are requested only after tasks have
--   waited for {backlog_ms:s} (spark.dynamicAllocation.schedulerBacklogTimeout; the default is 1 s).]
-- advice: idle_timeout_ms IS NOT NULL AND spark_minor >= 102 AND num_missed IS NULL | spark.dynamicAllocation.executorIdleTimeout | '60s' | Executors are removed after {idle_timeout_ms:s} without work, and the next query
--   waits for new ones: keep them longer than the pauses of the program (the default is 60 s), those with shuffle data or caches too where they have timeouts of their own
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
),
-- Works below caches can share stages: the largest counts.
lost AS (
  SELECT *
  FROM (
    SELECT
      r.*, ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY lost_ms DESC, sql_id, node_id) AS cache_place
    FROM lost_caches AS r
    WHERE is_told
  ) AS c
  WHERE cache_place = 1
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'medium' AS confidence, TRY_CAST(l.lost_ms AS BIGINT) AS lost_core_ms,
  CASE
    WHEN l.lost_ms > 0e0 THEN TRY_CAST(COALESCE(l.lost_wall_ms, l.lost_ms * a.wall_ratio) + COALESCE(w.delay_ms, 0) AS BIGINT)
    WHEN w.delay_ms >= 0.01e0 * a.app_duration_ms THEN w.delay_ms
  END AS recoverable_ms,
  l.lost_ms,
  CASE WHEN l.table_name IS NOT NULL THEN CONCAT('the cached table ', SUBSTR(l.table_name, 1, 60))
    WHEN l.platform IS NOT NULL THEN CONCAT('the cached result of ', SUBSTR(REGEXP_REPLACE(COALESCE(l.description, l.node_name), '#[0-9]+L?', ''), 1, 80), CASE WHEN LENGTH(REGEXP_REPLACE(l.description, '#[0-9]+L?', '')) > 80 THEN '...' ELSE '' END,
      ' (query ', CAST(l.sql_id AS STRING), ', node ', CAST(l.node_id AS STRING), ')') END AS lost_cache,
  l.num_times AS lost_times, l.again_ms, CASE WHEN l.read_ms > 0e0 THEN l.read_ms END AS read_ms,
  CASE WHEN l.again_ms IS NULL THEN l.all_ms END AS all_ms, CASE WHEN l.again_ms IS NULL THEN l.lost_ms END AS part_ms, l.num_gone, w.delay_ms, w.num_stages AS num_waits,
  a.num_workers, a.num_executors_max, t.num_short, a.spark_minor,
  -- These hold for executors with cached and with shuffle data, whatever executorIdleTimeout says.
  c.cached_timeout_ms, c.shuffle_timeout_ms, CASE WHEN t.is_hasty THEN c.idle_timeout_ms END AS idle_timeout_ms, c.idle_timeout_ms AS set_timeout_ms,
  CASE WHEN c.backlog_timeout_ms >= 3000 THEN c.backlog_timeout_ms END AS backlog_ms, m.num_missed
FROM application_facts AS a
LEFT JOIN executor_turnover AS t
  ON t.platform = a.platform AND t.cluster_id = a.cluster_id
  AND t.application_id = a.application_id AND t.attempt_id = a.attempt_id
LEFT JOIN lost AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
LEFT JOIN application_settings AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
LEFT JOIN first_task_waits AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN missed AS m
  ON m.platform = a.platform AND m.cluster_id = a.cluster_id
  AND m.application_id = a.application_id AND m.attempt_id = a.attempt_id
WHERE t.platform IS NOT NULL OR l.platform IS NOT NULL
