-- id: stage_longest_tasks
-- title: Longest tasks
-- description: The longest task attempts of one stage attempt, where tasks are in the lake.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
SELECT
  task_id, index AS task_index, attempt AS task_attempt, executor_id, status, duration AS duration_ms,
  executor_run_time AS executor_run_time_ms, jvm_gc_time AS jvm_gc_time_ms, input_bytes_read AS input_bytes,
  shuffle_read_remote_bytes_read AS shuffle_read_remote_bytes, shuffle_write_bytes_written AS shuffle_write_bytes,
  disk_bytes_spilled, task_locality, speculative
FROM tasks
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND stage_id = $stage_id AND stage_attempt_id = $stage_attempt_id
ORDER BY duration DESC, task_id
LIMIT 10
