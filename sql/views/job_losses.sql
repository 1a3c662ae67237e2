-- id: job_losses
-- title: What jobs without success had cost
-- description: One row per job that failed or was canceled and whose stages ran: the task time of those of its stages, all attempts, that no
--   job which succeeded shares.
-- reads: jobs, stage_facts
WITH worked AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, s.stage_id,
    SUM(CAST(GREATEST(s.attempts_time, s.executor_run_time) AS DOUBLE)) AS task_time_ms
  FROM jobs AS j
  INNER JOIN stage_facts AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id
  WHERE j.status = 'FAILED' AND ARRAY_CONTAINS(j.stage_ids, s.stage_id)
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, s.stage_id
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
