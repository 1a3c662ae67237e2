-- id: stage_executor_rows
-- title: Executors of the stage
-- description: What each executor did for one stage attempt, the busiest first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
SELECT
  executor_id, task_time AS task_time_ms, succeeded_tasks, failed_tasks, killed_tasks,
  task_time / CAST(NULLIF(succeeded_tasks + failed_tasks + killed_tasks, 0) AS DOUBLE) AS task_time_per_task_ms,
  input_bytes, shuffle_read AS shuffle_read_bytes, shuffle_write AS shuffle_write_bytes, disk_bytes_spilled,
  peak_jvm_heap_memory AS peak_jvm_heap_memory_bytes, is_excluded_for_stage, COUNT(*) OVER () AS total_rows
FROM stage_executors
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND stage_id = $stage_id AND stage_attempt_id = $stage_attempt_id
ORDER BY task_time DESC, executor_id
LIMIT 20
