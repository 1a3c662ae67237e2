-- id: job_losses
-- title: What jobs without success had cost
-- description: One row per job that failed or was canceled and whose stages ran: the task time of those of its stages, all attempts, that no
--   job which succeeded shares. Tasks that were running when their stage failed count until then, where no events are missing.
-- reads: applications, executors, jobs, stage_facts, stages, tasks
WITH open_times AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id,
    SUM(CAST(GREATEST(LEAST(UNIX_MILLIS(g.completion_time), COALESCE(UNIX_MILLIS(e.remove_time), UNIX_MILLIS(g.completion_time))) - UNIX_MILLIS(t.launch_time), 0) AS DOUBLE)) AS open_ms
  FROM tasks AS t
  INNER JOIN stages AS g
    ON g.platform = t.platform AND g.cluster_id = t.cluster_id
    AND g.application_id = t.application_id AND g.attempt_id = t.attempt_id
    AND g.stage_id = t.stage_id AND g.stage_attempt_id = t.stage_attempt_id
  INNER JOIN applications AS a
    ON a.platform = t.platform AND a.cluster_id = t.cluster_id
    AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
  LEFT JOIN executors AS e
    ON e.platform = t.platform AND e.cluster_id = t.cluster_id
    AND e.application_id = t.application_id AND e.attempt_id = t.attempt_id AND e.executor_id = t.executor_id
  WHERE t.status IN ('RUNNING', 'GET RESULT', 'UNKNOWN') AND g.status = 'FAILED' AND COALESCE(a.num_lost_events, 0) = 0
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id
),
attempts AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(GREATEST(attempts_time, executor_run_time) AS DOUBLE)) AS ended_ms
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
worked AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, s.stage_id,
    COALESCE(s.ended_ms, 0e0) + COALESCE(o.open_ms, 0e0) AS task_time_ms
  FROM jobs AS j
  INNER JOIN attempts AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id
  LEFT JOIN open_times AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.stage_id = s.stage_id
  WHERE j.status = 'FAILED' AND ARRAY_CONTAINS(j.stage_ids, s.stage_id)
),
-- What a job that succeeded used as well was not for nothing.
shared AS (
  SELECT DISTINCT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id
  FROM worked AS w
  INNER JOIN jobs AS j
    ON j.platform = w.platform AND j.cluster_id = w.cluster_id
    AND j.application_id = w.application_id AND j.attempt_id = w.attempt_id
  WHERE j.status = 'SUCCEEDED' AND ARRAY_CONTAINS(j.stage_ids, w.stage_id)
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.job_id,
  TRY_CAST(SUM(w.task_time_ms) AS BIGINT) AS lost_core_ms
FROM worked AS w
LEFT JOIN shared AS s
  ON s.platform = w.platform AND s.cluster_id = w.cluster_id
  AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id AND s.stage_id = w.stage_id
WHERE s.stage_id IS NULL
GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.job_id
