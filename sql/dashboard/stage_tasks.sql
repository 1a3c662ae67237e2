-- id: stage_tasks
-- title: Tasks of a stage, page by page
-- description: Task attempts of one stage attempt. sorted_by is duration, launch, gc, read, shuffle_read, shuffle_write or spill,
--   the largest first, launch the earliest; failed ones come first where it is failed.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = 0 [id] its attempt
-- parameter: sorted_by string = duration [column] the largest first
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
SELECT
  t.task_id, t.index AS task_index, t.attempt, t.status, t.executor_id, t.task_locality, t.speculative,
  CASE WHEN t.launch_time >= a.start_time THEN UNIX_MILLIS(t.launch_time) - UNIX_MILLIS(a.start_time) END AS start_ms,
  t.duration AS duration_ms, t.executor_run_time AS run_time_ms, t.jvm_gc_time AS gc_time_ms,
  t.scheduler_delay AS scheduler_delay_ms, t.input_bytes_read AS input_bytes,
  t.shuffle_read_remote_bytes_read + t.shuffle_read_local_bytes_read AS shuffle_read_bytes,
  t.shuffle_write_bytes_written AS shuffle_write_bytes, t.disk_bytes_spilled, LEFT(t.error_message, 300) AS error_message,
  COUNT(*) OVER () AS num_rows
FROM tasks AS t
INNER JOIN applications AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id AND a.app_date = t.app_date
WHERE t.stage_id = $stage_id AND t.stage_attempt_id = $stage_attempt_id
  AND t.platform = $platform AND t.cluster_id = $cluster_id
    AND t.application_id = $application_id AND t.attempt_id = $attempt_id
    AND t.app_date = CAST($app_date AS DATE)
ORDER BY
  CASE $sorted_by
    WHEN 'launch' THEN -UNIX_MILLIS(t.launch_time)
    WHEN 'gc' THEN t.jvm_gc_time
    WHEN 'read' THEN t.input_bytes_read
    WHEN 'shuffle_read' THEN t.shuffle_read_remote_bytes_read + t.shuffle_read_local_bytes_read
    WHEN 'shuffle_write' THEN t.shuffle_write_bytes_written
    WHEN 'spill' THEN t.disk_bytes_spilled
    WHEN 'failed' THEN CASE t.status WHEN 'FAILED' THEN 2 WHEN 'KILLED' THEN 1 ELSE 0 END
    ELSE t.duration
  END DESC NULLS LAST,
  t.duration DESC NULLS LAST, t.task_id
LIMIT $limit OFFSET $offset
