-- id: failure_jobs
-- title: Failed jobs
-- description: The Spark jobs of one application that failed, with the error.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT job_id, sql_id, job_name, duration_ms, stage_ids, SUBSTR(failure_reason, 1, 2000) AS failure_reason, submission_time
FROM jobs
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND status = 'FAILED'
ORDER BY submission_time, job_id
LIMIT 10
