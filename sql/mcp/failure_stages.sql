-- id: failure_stages
-- title: Stages with failing tasks
-- description: The stage attempts of one application that failed or had failing tasks, those with most of them first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT
  s.stage_id, s.stage_attempt_id, s.status, s.num_failed_tasks, s.num_tasks, s.duration_ms, n.stage_name,
  SUBSTR(s.failure_reason, 1, 2000) AS failure_reason, s.sql_id
FROM stages AS s
LEFT JOIN stage_names AS n
  ON n.platform = s.platform AND n.cluster_id = s.cluster_id AND n.application_id = s.application_id
  AND n.attempt_id = s.attempt_id AND n.app_date = s.app_date
  AND n.stage_id = s.stage_id AND n.stage_attempt_id = s.stage_attempt_id
WHERE s.platform = $platform AND s.cluster_id = $cluster_id
  AND s.application_id = $application_id AND s.attempt_id = $attempt_id
  AND s.app_date = CAST($app_date AS DATE)
  AND (s.status = 'FAILED' OR s.num_failed_tasks > 0)
ORDER BY s.num_failed_tasks DESC, s.stage_id, s.stage_attempt_id
LIMIT 10
