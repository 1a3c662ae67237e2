-- id: job_losses
-- title: What jobs without success had cost
-- description: One row per job that failed or was canceled and whose stages ran: the task time of those of its stages, all attempts, that no
--   job which succeeded shares (view failed_stages), other_ms that of other jobs of its query. What went with lost executors is apart (gone_ms, view loss_work): lost_executors tells it. Tasks that were running when their stage failed count until then, where no events are missing.
-- reads: applications, executors, failed_stages, loss_work, stage_facts, stages, tasks
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
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, COALESCE(s.ended_ms, 0e0) AS ended_ms, COALESCE(o.open_ms, 0e0) AS open_ms,
    LEAST(COALESCE(l.failed_ms, 0e0) + COALESCE(l.again_ms, 0e0), COALESCE(s.ended_ms, 0e0)) AS gone_ms, j.is_other
  FROM failed_stages AS j
  INNER JOIN attempts AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id AND s.stage_id = j.stage_id
  LEFT JOIN open_times AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.stage_id = s.stage_id
  LEFT JOIN loss_work AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id AND l.stage_id = s.stage_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, job_id,
  TRY_CAST(SUM(ended_ms + open_ms - gone_ms) AS BIGINT) AS lost_core_ms, TRY_CAST(NULLIF(SUM(gone_ms), 0e0) AS BIGINT) AS gone_ms,
  TRY_CAST(NULLIF(SUM(CASE WHEN is_other THEN ended_ms + open_ms - gone_ms ELSE 0e0 END), 0e0) AS BIGINT) AS other_ms
FROM worked
GROUP BY platform, cluster_id, application_id, attempt_id, job_id
