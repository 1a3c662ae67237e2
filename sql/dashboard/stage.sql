-- id: stage
-- title: A stage attempt
-- description: One stage attempt with its time, data and failures. Attempt -1 is the newest one.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
SELECT
  s.stage_id, s.stage_attempt_id, LEFT(n.stage_name, 300) AS stage_name, s.status, s.sql_id, s.job_ids, s.parent_ids,
  COUNT(*) OVER () AS num_attempts,
  CASE WHEN s.submission_time >= a.start_time
    THEN UNIX_MILLIS(s.submission_time) - UNIX_MILLIS(a.start_time) END AS start_ms,
  CASE WHEN s.completion_time >= s.submission_time
    THEN UNIX_MILLIS(s.completion_time) - UNIX_MILLIS(s.submission_time) END AS duration_ms,
  s.num_tasks, s.num_failed_tasks, s.num_killed_tasks,
  CASE WHEN s.executor_run_time >= 0 THEN s.executor_run_time END AS run_time_ms,
  CASE WHEN s.executor_cpu_time >= 0 THEN s.executor_cpu_time / 1000000 END AS cpu_time_ms,
  CASE WHEN s.jvm_gc_time >= 0 THEN s.jvm_gc_time END AS gc_time_ms,
  s.input_bytes, s.input_records, s.output_bytes, s.output_records,
  s.shuffle_read_bytes, s.shuffle_read_records, s.shuffle_remote_bytes_read, s.shuffle_fetch_wait_time AS fetch_wait_ms,
  s.shuffle_write_bytes, s.shuffle_write_records, s.memory_bytes_spilled, s.disk_bytes_spilled,
  s.peak_execution_memory AS peak_execution_memory_bytes, s.tail_ms, s.scheduling_delay_ms,
  LEFT(s.failure_reason, 4000) AS failure_reason, LEFT(s.details, 4000) AS details
FROM stages AS s
INNER JOIN applications AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id AND a.app_date = s.app_date
LEFT JOIN stage_names AS n
  ON n.platform = s.platform AND n.cluster_id = s.cluster_id AND n.application_id = s.application_id
  AND n.attempt_id = s.attempt_id AND n.app_date = s.app_date
  AND n.stage_id = s.stage_id AND n.stage_attempt_id = s.stage_attempt_id
WHERE s.stage_id = $stage_id AND ($stage_attempt_id < 0 OR s.stage_attempt_id = $stage_attempt_id)
  AND s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
ORDER BY s.stage_attempt_id DESC
LIMIT 1
