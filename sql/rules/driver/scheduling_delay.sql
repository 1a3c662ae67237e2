-- id: scheduling_delay
-- title: Stages wait for executors before their first task
-- category: driver
-- severity: low
-- version: 4
-- description: Fires where stages that ran alone waited long between their submission and their first task, as they do while
--   executors are asked for again after dynamic allocation gave them back, or while a cluster scales up. A
--   stage that waits because another one has the cores is in a queue and not counted; nor is the first stage of
--   the application (slow_start). It is medium where such waits are a fifth of the wall time, half a minute or more.
-- parameter: min_delay_ms bigint = 3000 [ms] wait of a stage that counts, at least
-- parameter: min_total_ms bigint = 30000 [ms] all such waits together, at least
-- parameter: min_share double = 0.1 [ratio] the same over the wall time, at least
-- parameter: medium_ms bigint = 30000 [ms] that time from which it is medium
-- parameter: medium_share double = 0.2 [ratio] the same over the wall time, at least, for that
-- evidence: {num_stages:stage|stages} waited {delay_ms:s} in all for a first task, {delay_ratio:pct} of the run of {app_duration_ms:s}; the longest
--   waited {longest_ms:s}[, and {num_added:int} executors were started where {num_executors_max:int} ran at most].
-- advice: is_databricks AND num_added > 0 | - | - | Workers are given back and asked for again: raise the minimum of the autoscaling workers, or let the cluster scale down later.
-- advice: is_databricks | - | - | Find out what the stages waited for: workers that were added first (the minimum of the autoscaling workers), other work on the cluster, or a busy driver.
-- advice: dynamic_allocation AND num_executors_max > 1 | - | - | Executors are given back and asked for again: keep some of them through the
--   pauses (spark.dynamicAllocation.minExecutors), or let them stay a little longer.
-- recommendation: Find out what the stages waited for: room in the queue, nodes that were added first, or a busy driver.
WITH ordered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, scheduling_delay_ms,
    UNIX_MILLIS(submission_time) AS begin_ms, UNIX_MILLIS(completion_time) AS end_ms
  FROM stages
  WHERE status NOT IN ('SKIPPED', 'PENDING') AND submission_time IS NOT NULL
),
firsts AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(begin_ms) AS first_ms
  FROM ordered
  GROUP BY platform, cluster_id, application_id, attempt_id
),
waiting AS (
  SELECT o.*
  FROM ordered AS o
  INNER JOIN firsts AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id
  WHERE o.scheduling_delay_ms >= $min_delay_ms AND o.begin_ms > f.first_ms
),
queued AS (
  SELECT DISTINCT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
  FROM waiting AS w
  INNER JOIN ordered AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id
  WHERE NOT (o.stage_id = w.stage_id AND o.stage_attempt_id = w.stage_attempt_id)
    AND o.begin_ms < w.begin_ms + w.scheduling_delay_ms AND (o.end_ms > w.begin_ms OR o.end_ms IS NULL)
),
summed AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id,
    COUNT(*) AS num_stages, SUM(w.scheduling_delay_ms) AS delay_ms, MAX(w.scheduling_delay_ms) AS longest_ms
  FROM waiting AS w
  LEFT JOIN queued AS q
    ON q.platform = w.platform AND q.cluster_id = w.cluster_id
    AND q.application_id = w.application_id AND q.attempt_id = w.attempt_id
    AND q.stage_id = w.stage_id AND q.stage_attempt_id = w.stage_attempt_id
  WHERE q.stage_id IS NULL
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  CASE WHEN s.delay_ms >= $medium_ms AND s.delay_ms >= $medium_share * a.app_duration_ms THEN 'medium' ELSE 'low' END AS severity, 'medium' AS confidence,
  s.delay_ms AS recoverable_ms,
  s.num_stages, s.delay_ms, s.longest_ms, CAST(s.delay_ms AS DOUBLE) / NULLIF(a.app_duration_ms, 0) AS delay_ratio, a.app_duration_ms,
  CASE WHEN a.num_workers > a.num_executors_max THEN a.num_workers END AS num_added,
  a.num_executors_max, a.dynamic_allocation, COALESCE(a.is_databricks, FALSE) AS is_databricks
FROM application_facts AS a
INNER JOIN summed AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
WHERE NOT a.is_interactive AND NOT a.is_local
  AND s.delay_ms >= $min_total_ms AND s.delay_ms >= $min_share * a.app_duration_ms
