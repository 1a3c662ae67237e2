-- id: failure_stages
-- title: Stages with failing tasks
-- description: The stage attempts of one application that failed or had failing tasks, those with most of them first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT
  stage_id, stage_attempt_id, status, num_failed_tasks, num_tasks, duration_ms, stage_name,
  SUBSTR(failure_reason, 1, 2000) AS failure_reason, sql_id
FROM stages
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND (status = 'FAILED' OR num_failed_tasks > 0)
ORDER BY num_failed_tasks DESC, stage_id, stage_attempt_id
LIMIT 10
