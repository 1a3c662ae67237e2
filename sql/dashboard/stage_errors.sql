-- id: stage_errors
-- title: Why tasks of a stage failed
-- description: Errors of the task attempts of one stage attempt, the most frequent first.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = 0 [id] its attempt
SELECT LEFT(COALESCE(t.error_message, t.end_reason, 'no message'), 600) AS error, COUNT(*) AS num_tasks, MIN(t.task_id) AS task_id
FROM tasks AS t
WHERE t.status = 'FAILED' AND t.stage_id = $stage_id AND t.stage_attempt_id = $stage_attempt_id
  AND t.platform = $platform AND t.cluster_id = $cluster_id
    AND t.application_id = $application_id AND t.attempt_id = $attempt_id
    AND t.app_date = CAST($app_date AS DATE)
GROUP BY LEFT(COALESCE(t.error_message, t.end_reason, 'no message'), 600)
ORDER BY num_tasks DESC, error
LIMIT 10
