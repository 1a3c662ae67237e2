-- id: failed_stages
-- title: Stages of jobs without success
-- description: One row per stage of a job that failed or was canceled which no job that succeeded shares, with the first such job: what it cost was for nothing.
-- reads: jobs, stage_facts
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
)
SELECT platform, cluster_id, application_id, attempt_id, stage_id, MIN(job_id) AS job_id
FROM listed
GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
HAVING MAX(CASE WHEN status = 'SUCCEEDED' THEN 1 ELSE 0 END) = 0
