-- id: failure_sql
-- title: Failed SQL executions
-- description: The SQL executions of one application that failed, with the error.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT sql_id, description, duration_ms, job_ids, SUBSTR(error_message, 1, 2000) AS error_message, submission_time
FROM sql
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND status = 'FAILED'
ORDER BY submission_time, sql_id
LIMIT 10
