-- id: failure_errors
-- title: Errors of tasks
-- description: What the failed task attempts of one application said, the most frequent first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
WITH failed AS (
  SELECT
    stage_id, task_id, executor_id, duration,
    SUBSTR(SPLIT_PART(error_message, CHR(10), 1), 1, 500) AS error
  FROM tasks
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND status = 'FAILED'
)
SELECT
  error, COUNT(*) AS num_tasks, COUNT(DISTINCT stage_id) AS num_stages, COUNT(DISTINCT executor_id) AS num_executors,
  SUM(duration) AS lost_time_ms, MIN(stage_id) AS example_stage_id, MIN(task_id) AS example_task_id
FROM failed
GROUP BY error
ORDER BY num_tasks DESC, error
LIMIT 10
