-- id: executor_lanes
-- title: What executors did over time
-- description: The run cut into 120 slices: for each of the executors that `executors` gives for the same page and order, the
--   tasks that begin less those that end in a slice (busy_step), what that is in the slice itself in
--   task-milliseconds (busy_part_ms), and the tasks that failed in it. The sum of the steps before a slice and its
--   part over its length is the mean number of tasks.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: sorted_by string = start [column] start, task_time, failed or gc
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
WITH lanes AS (
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
),
attempts AS (
  SELECT
    l.executor_id, CAST(l.span_ms AS DOUBLE) / 120e0 AS slice_ms,
    CAST(GREATEST(UNIX_MILLIS(t.launch_time) - l.origin_ms, 0) AS DOUBLE) AS begin_ms,
    CAST(LEAST(GREATEST(UNIX_MILLIS(t.launch_time) + COALESCE(t.duration, 0) - l.origin_ms, 0), l.span_ms) AS DOUBLE) AS end_ms,
    CASE WHEN t.status = 'FAILED' THEN 1 ELSE 0 END AS failed
  FROM tasks AS t
  INNER JOIN lanes AS l ON l.executor_id = t.executor_id
  WHERE t.launch_time IS NOT NULL AND l.span_ms > 0
    AND t.platform = $platform AND t.cluster_id = $cluster_id
    AND t.application_id = $application_id AND t.attempt_id = $attempt_id
    AND t.app_date = CAST($app_date AS DATE)
),
changes AS (
  SELECT
    executor_id, FLOOR(begin_ms / slice_ms) AS slice, 1e0 AS step,
    (FLOOR(begin_ms / slice_ms) + 1e0) * slice_ms - begin_ms AS part, 0 AS failed
  FROM attempts
  WHERE end_ms >= begin_ms
  UNION ALL
  SELECT
    executor_id, FLOOR(end_ms / slice_ms) AS slice, -1e0 AS step,
    -((FLOOR(end_ms / slice_ms) + 1e0) * slice_ms - end_ms) AS part, failed
  FROM attempts
  WHERE end_ms >= begin_ms
)
SELECT
  executor_id, CAST(slice AS BIGINT) AS slice, SUM(step) AS busy_step, SUM(part) AS busy_part_ms, SUM(failed) AS num_failed_tasks
FROM changes
GROUP BY executor_id, slice
ORDER BY executor_id, slice
