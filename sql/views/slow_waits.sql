-- id: slow_waits
-- title: How long stages waited for slow executors
-- description: One row per stage attempt with slow executors (view slow_executors) whose tasks are in the lake. wait_ms is the wall time from
--   the last successful task elsewhere to the last one on a slow executor, 0 where others ended later. gain_ms is that less what the others would have
--   taken for the tasks of the slow ones, in whole rounds of their slots. busy_ms is the task time of slow executors in the wait.
-- reads: executors, slow_executors, stage_executors, tasks
WITH slow AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    SUM(own_tasks) AS slow_tasks, MAX(typical_ms) AS typical_ms
  FROM slow_executors
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
others AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(GREATEST(COALESCE(e.max_tasks, 1), 1)) AS slots
  FROM stage_executors AS w
  INNER JOIN slow AS s
    ON s.platform = w.platform AND s.cluster_id = w.cluster_id
    AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id
    AND s.stage_id = w.stage_id AND s.stage_attempt_id = w.stage_attempt_id
  LEFT JOIN slow_executors AS x
    ON x.platform = w.platform AND x.cluster_id = w.cluster_id
    AND x.application_id = w.application_id AND x.attempt_id = w.attempt_id
    AND x.stage_id = w.stage_id AND x.stage_attempt_id = w.stage_attempt_id AND x.executor_id = w.executor_id
  LEFT JOIN executors AS e
    ON e.platform = w.platform AND e.cluster_id = w.cluster_id
    AND e.application_id = w.application_id AND e.attempt_id = w.attempt_id AND e.executor_id = w.executor_id
  WHERE w.succeeded_tasks > 0 AND x.platform IS NULL
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
ends AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id,
    x.platform IS NOT NULL AS is_slow,
    UNIX_MILLIS(t.launch_time) AS launch_ms, UNIX_MILLIS(t.launch_time) + t.duration AS end_ms,
    MAX(CASE WHEN x.platform IS NULL THEN UNIX_MILLIS(t.launch_time) + t.duration END) OVER (
      PARTITION BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id
    ) AS others_end_ms
  FROM tasks AS t
  INNER JOIN slow AS s
    ON s.platform = t.platform AND s.cluster_id = t.cluster_id
    AND s.application_id = t.application_id AND s.attempt_id = t.attempt_id
    AND s.stage_id = t.stage_id AND s.stage_attempt_id = t.stage_attempt_id
  LEFT JOIN slow_executors AS x
    ON x.platform = t.platform AND x.cluster_id = t.cluster_id
    AND x.application_id = t.application_id AND x.attempt_id = t.attempt_id
    AND x.stage_id = t.stage_id AND x.stage_attempt_id = t.stage_attempt_id AND x.executor_id = t.executor_id
  WHERE t.status = 'SUCCESS' AND t.duration IS NOT NULL AND t.launch_time IS NOT NULL
),
waited AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    GREATEST(MAX(CASE WHEN is_slow THEN end_ms END) - MAX(others_end_ms), 0) AS wait_ms,
    SUM(CASE WHEN is_slow THEN CAST(GREATEST(end_ms - GREATEST(launch_ms, others_end_ms), 0) AS DOUBLE) ELSE 0e0 END) AS busy_ms
  FROM ends
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
  w.wait_ms, w.busy_ms, s.slow_tasks, s.typical_ms,
  GREATEST(w.wait_ms - CEIL(CAST(s.slow_tasks AS DOUBLE) / NULLIF(o.slots, 0)) * s.typical_ms, 0e0) AS gain_ms
FROM waited AS w
INNER JOIN slow AS s
  ON s.platform = w.platform AND s.cluster_id = w.cluster_id
  AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id
  AND s.stage_id = w.stage_id AND s.stage_attempt_id = w.stage_attempt_id
LEFT JOIN others AS o
  ON o.platform = w.platform AND o.cluster_id = w.cluster_id
  AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id
  AND o.stage_id = w.stage_id AND o.stage_attempt_id = w.stage_attempt_id
