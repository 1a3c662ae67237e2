-- id: executors
-- title: Executors of an application, page by page
-- description: Executors with their life, work and loss. sorted_by is start, task_time, failed or gc; start is the earliest first,
--   the others the largest first.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: sorted_by string = start [column] start, task_time, failed or gc
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
SELECT
  e.executor_id, e.host_port, e.total_cores, e.loss_kind, LEFT(e.remove_reason, 300) AS remove_reason,
  CASE WHEN e.add_time >= a.start_time THEN UNIX_MILLIS(e.add_time) - UNIX_MILLIS(a.start_time) ELSE 0 END AS start_ms,
  CASE WHEN e.remove_time >= a.start_time THEN UNIX_MILLIS(e.remove_time) - UNIX_MILLIS(a.start_time) END AS end_ms,
  e.core_time_ms, w.task_time_ms, e.completed_tasks, e.failed_tasks, e.total_gc_time AS gc_time_ms,
  e.total_input_bytes AS input_bytes, e.total_shuffle_read AS shuffle_read_bytes, e.total_shuffle_write AS shuffle_write_bytes,
  CASE WHEN e.peak_jvm_heap_memory > 0 THEN e.peak_jvm_heap_memory END AS peak_heap_bytes, e.max_memory AS max_memory_bytes,
  e.executor_memory_bytes, UNIX_MILLIS(a.start_time) AS origin_ms, a.observed_duration_ms AS span_ms, COUNT(*) OVER () AS num_rows
FROM executors AS e
INNER JOIN applications AS a
  ON a.platform = e.platform AND a.cluster_id = e.cluster_id
  AND a.application_id = e.application_id AND a.attempt_id = e.attempt_id AND a.app_date = e.app_date
LEFT JOIN executor_work AS w
  ON w.platform = e.platform AND w.cluster_id = e.cluster_id AND w.application_id = e.application_id
  AND w.attempt_id = e.attempt_id AND w.app_date = e.app_date AND w.executor_id = e.executor_id
WHERE (e.executor_id NOT IN ('driver', '<driver>') OR a.is_local)
  AND e.platform = $platform AND e.cluster_id = $cluster_id
  AND e.application_id = $application_id AND e.attempt_id = $attempt_id
  AND e.app_date = CAST($app_date AS DATE)
ORDER BY
  CASE $sorted_by
    WHEN 'task_time' THEN w.task_time_ms
    WHEN 'failed' THEN CAST(e.failed_tasks AS BIGINT)
    WHEN 'gc' THEN e.total_gc_time
    ELSE -UNIX_MILLIS(e.add_time)
  END DESC NULLS LAST,
  e.executor_id
LIMIT $limit OFFSET $offset
