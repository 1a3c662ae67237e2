-- id: slow_allocation
-- title: Dynamic allocation asks too late for executors
-- category: driver
-- severity: low
-- version: 4
-- description: Fires where tasks waited for a large part of the wall time and fewer executors ran than dynamic allocation may
--   have, because it was told to ask for more only after tasks have waited for long: spark.dynamicAllocation.schedulerBacklogTimeout is
--   1 s unless set. Where tasks waited for much longer than that, executors were asked for and did not come, for another reason. A stage waits from the launch of its first task to that of its last. Recoverable is the part of that
--   time that the executors which were missing would have taken over; where dynamic allocation has no upper limit, half of it is, and the severity is low.
-- parameter: min_timeout_ms bigint = 5000 [ms] spark.dynamicAllocation.schedulerBacklogTimeout, at least
-- parameter: min_wait_ratio double = 0.2 [ratio] time in which tasks waited over the wall time, at least
-- parameter: min_wait_ms bigint = 10000 [ms] that time, at least
-- parameter: max_timeouts double = 3.0 [ratio] longest wait of a stage over that timeout, at most: the second request comes a timeout after the first
-- evidence: Tasks waited for {wait_ms:s} of {app_duration_ms:s} ({wait_ratio:pct}) in {num_stages:stage|stages}, up to {longest_wait_ms:s} in one, while at most {num_executors_max:executor|executors} ran[ of the {max_executors:int} that dynamic allocation may have]; it asks for more only after tasks
--   have waited for {timeout_ms:s}; Spark's default is 1 s.
-- advice: TRUE | spark.dynamicAllocation.schedulerBacklogTimeout | '1s' | Ask for executors as soon as tasks wait, and lower
--   spark.dynamicAllocation.sustainedSchedulerBacklogTimeout too where it is set; or begin with as many as the job needs
--   (spark.dynamicAllocation.initialExecutors).
-- recommendation: Begin with as many executors as the job needs (spark.dynamicAllocation.initialExecutors).
WITH candidates AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, a.app_duration_ms, a.num_executors_max, a.max_executors, c.backlog_timeout_ms
  FROM application_facts AS a
  INNER JOIN application_settings AS c
    ON c.platform = a.platform AND c.cluster_id = a.cluster_id
    AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
  WHERE a.dynamic_allocation AND NOT COALESCE(a.is_databricks, FALSE) AND NOT a.is_interactive AND c.backlog_timeout_ms >= $min_timeout_ms
    AND a.num_executors_max > 0 AND a.num_executors_max < COALESCE(a.max_executors, 2147483647)
),
stage_waits AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id,
    MAX(UNIX_MILLIS(t.launch_time)) - MIN(UNIX_MILLIS(t.launch_time)) AS wait_ms
  FROM tasks AS t
  INNER JOIN candidates AS c
    ON c.platform = t.platform AND c.cluster_id = t.cluster_id
    AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id
),
waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(wait_ms) AS wait_ms, MAX(wait_ms) AS longest_wait_ms, COUNT(*) AS num_stages
  FROM stage_waits
  -- Less is the pace of the scheduler.
  WHERE wait_ms >= 100
  GROUP BY platform, cluster_id, application_id, attempt_id
),
capped AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.app_duration_ms, c.num_executors_max,
    CASE WHEN c.max_executors < 2147483647 THEN c.max_executors END AS max_executors,
    c.backlog_timeout_ms, w.longest_wait_ms, w.num_stages,
    -- Stages that run side by side wait side by side.
    LEAST(w.wait_ms, c.app_duration_ms) AS wait_ms
  FROM candidates AS c
  INNER JOIN waits AS w
    ON w.platform = c.platform AND w.cluster_id = c.cluster_id
    AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  -- Without a limit nobody knows how many would have come.
  CASE WHEN max_executors > 0 AND ((won_ms >= 10000 AND won_ms >= 0.2e0 * app_duration_ms) OR (won_ms >= 5000 AND won_ms >= 0.3e0 * app_duration_ms)) THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence, TRY_CAST(won_ms AS BIGINT) AS recoverable_ms,
  wait_ms, CAST(wait_ms AS DOUBLE) / NULLIF(app_duration_ms, 0) AS wait_ratio, app_duration_ms, longest_wait_ms, num_stages,
  num_executors_max, max_executors, backlog_timeout_ms AS timeout_ms
FROM (
  SELECT c.*, wait_ms * (1e0 - COALESCE(CAST(num_executors_max AS DOUBLE) / NULLIF(max_executors, 0), 0.5e0)) AS won_ms
  FROM capped AS c
) AS g
WHERE wait_ms >= $min_wait_ms AND wait_ms >= $min_wait_ratio * app_duration_ms AND longest_wait_ms <= $max_timeouts * backlog_timeout_ms
