-- id: job_tails
-- title: What unfinished_skew tells of jobs without success
-- description: One row per job that failed or was canceled while one of its stages waited for a few long tasks (view unfinished_tails): the wall time that unfinished_skew tells
--   of these stages, which lies inside the job's own and is not to be won twice.
-- reads: jobs, unfinished_tails
SELECT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, SUM(u.won_ms) AS told_ms
FROM jobs AS j
INNER JOIN unfinished_tails AS u
  ON u.platform = j.platform AND u.cluster_id = j.cluster_id
  AND u.application_id = j.application_id AND u.attempt_id = j.attempt_id
WHERE j.status = 'FAILED' AND ARRAY_CONTAINS(j.stage_ids, u.stage_id)
GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id
