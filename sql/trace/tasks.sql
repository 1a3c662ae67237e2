-- id: tasks
-- title: Tasks of a trace
-- description: One row per task attempt, by launch; begin_ms and end_ms in ms since 1970. executor_id chooses the
--   track; every other column becomes an argument.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
WITH life AS (
  SELECT UNIX_MILLIS(a.start_time) + COALESCE(a.observed_duration_ms, a.duration_ms, 0) AS end_ms
  FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster
    AND a.application_id = $application AND a.attempt_id = $attempt
)
SELECT
  CONCAT(
    'stage ', CAST(t.stage_id AS STRING), '.', CAST(t.stage_attempt_id AS STRING),
    CASE t.status WHEN 'SUCCESS' THEN '' ELSE CONCAT(' ', LOWER(t.status)) END
  ) AS name,
  t.executor_id,
  UNIX_MILLIS(t.launch_time) AS begin_ms,
  UNIX_MILLIS(t.launch_time) + COALESCE(
    t.duration,
    CASE WHEN t.status IN ('RUNNING', 'GET RESULT') THEN GREATEST(l.end_ms - UNIX_MILLIS(t.launch_time), 0) END, 0
  ) AS end_ms,
  t.task_id, t.index, t.attempt, t.stage_id, t.stage_attempt_id, t.status, t.host, t.task_locality, t.speculative,
  t.executor_run_time AS executor_run_time_ms, t.jvm_gc_time AS jvm_gc_time_ms,
  t.scheduler_delay AS scheduler_delay_ms, t.shuffle_read_fetch_wait_time AS fetch_wait_ms,
  t.input_bytes_read AS input_bytes, t.output_bytes_written AS output_bytes,
  t.shuffle_read_remote_bytes_read + t.shuffle_read_local_bytes_read AS shuffle_read_bytes,
  t.shuffle_write_bytes_written AS shuffle_write_bytes,
  t.memory_bytes_spilled, t.disk_bytes_spilled, t.peak_execution_memory AS peak_execution_memory_bytes,
  SUBSTR(t.error_message, 1, 500) AS error_message
FROM tasks AS t
CROSS JOIN life AS l
WHERE t.platform = $platform AND t.cluster_id = $cluster
  AND t.application_id = $application AND t.attempt_id = $attempt
  AND t.launch_time IS NOT NULL
ORDER BY begin_ms, t.task_id
