-- id: stage_executors
-- title: Executors of a stage
-- description: What each executor did for one stage attempt, the busiest first.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = 0 [id] its attempt
-- parameter: limit bigint = 20 [count] most executors
SELECT
  g.executor_id, g.task_time AS task_time_ms, g.succeeded_tasks, g.failed_tasks, g.killed_tasks,
  g.input_bytes, g.shuffle_read AS shuffle_read_bytes, g.shuffle_write AS shuffle_write_bytes, g.disk_bytes_spilled,
  COUNT(*) OVER () AS num_rows
FROM stage_executors AS g
WHERE g.stage_id = $stage_id AND g.stage_attempt_id = $stage_attempt_id
  AND g.platform = $platform AND g.cluster_id = $cluster_id
    AND g.application_id = $application_id AND g.attempt_id = $attempt_id
    AND g.app_date = CAST($app_date AS DATE)
ORDER BY g.task_time DESC NULLS LAST, g.executor_id
LIMIT $limit
