-- id: jobs
-- title: Jobs of a trace
-- description: One row per job, from submission to completion; begin_ms and end_ms in ms since 1970, every other
--   column becomes an argument.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
WITH life AS (
  SELECT UNIX_MILLIS(a.start_time) + COALESCE(a.observed_duration_ms, a.duration_ms, 0) AS end_ms
  FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster
    AND a.application_id = $application AND a.attempt_id = $attempt
)
SELECT
  CONCAT('job ', CAST(j.job_id AS STRING)) AS name,
  UNIX_MILLIS(j.submission_time) AS begin_ms,
  COALESCE(UNIX_MILLIS(j.completion_time), l.end_ms) AS end_ms,
  SUBSTR(COALESCE(j.description, j.job_name), 1, 300) AS description,
  j.status, j.sql_id, j.num_tasks, j.num_failed_tasks, SUBSTR(j.failure_reason, 1, 500) AS failure_reason
FROM jobs AS j
CROSS JOIN life AS l
WHERE j.platform = $platform AND j.cluster_id = $cluster
  AND j.application_id = $application AND j.attempt_id = $attempt
  AND j.submission_time IS NOT NULL
ORDER BY begin_ms, j.job_id
