-- id: stage_errors
-- title: Errors of its tasks
-- description: What the failed and killed task attempts of one stage attempt said, the most frequent first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
SELECT
  status, SUBSTR(SPLIT_PART(COALESCE(error_message, kill_reason, end_reason), CHR(10), 1), 1, 500) AS error,
  COUNT(*) AS num_tasks, COUNT(DISTINCT executor_id) AS num_executors, SUM(duration) AS lost_time_ms,
  MIN(task_id) AS example_task_id
FROM tasks
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND stage_id = $stage_id AND stage_attempt_id = $stage_attempt_id AND status IN ('FAILED', 'KILLED')
GROUP BY status, SUBSTR(SPLIT_PART(COALESCE(error_message, kill_reason, end_reason), CHR(10), 1), 1, 500)
ORDER BY num_tasks DESC, error
LIMIT 10
