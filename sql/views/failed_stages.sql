-- id: failed_stages
-- title: Stages of jobs without success
-- description: One row per stage of a job that failed or was canceled which no job that succeeded shares, with the first such job: what it cost was for nothing. The stages of the other jobs of a query that
--   failed with it (view query_failures) are of them too (is_other), but for those that were of use all the same.
-- reads: jobs, query_failures, stage_facts
WITH listed AS (
  SELECT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, j.status, s.stage_id
  FROM jobs AS j
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, stage_id FROM stage_facts) AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM jobs WHERE status = 'FAILED') AS f
    ON f.platform = j.platform AND f.cluster_id = j.cluster_id
    AND f.application_id = j.application_id AND f.attempt_id = j.attempt_id
  WHERE j.status IN ('FAILED', 'SUCCEEDED') AND ARRAY_CONTAINS(j.stage_ids, s.stage_id)
),
told AS (
  SELECT
    l.platform, l.cluster_id, l.application_id, l.attempt_id, l.stage_id,
    COALESCE(q.told_job_id, l.job_id) AS job_id, COALESCE(q.told_job_id <> l.job_id, FALSE) AS is_other,
    l.status = 'SUCCEEDED' AND COALESCE(q.is_kept, TRUE) AS is_used
  FROM listed AS l
  LEFT JOIN query_failures AS q
    ON q.platform = l.platform AND q.cluster_id = l.cluster_id
    AND q.application_id = l.application_id AND q.attempt_id = l.attempt_id AND q.job_id = l.job_id AND q.stage_id = l.stage_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, stage_id, MIN(job_id) AS job_id,
  MIN(CASE WHEN is_other THEN 1 ELSE 0 END) = 1 AS is_other
FROM told
GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
HAVING MAX(CASE WHEN is_used THEN 1 ELSE 0 END) = 0
