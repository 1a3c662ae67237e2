-- id: executor_rows
-- title: Executors
-- description: The executors of one application, those that worked most first; or one of them.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: executor_id string = * [id] the executor; * for all
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
SELECT
  e.executor_id, e.host_port, e.total_cores, e.lifetime_ms, e.total_tasks, e.failed_tasks, w.task_time_ms,
  w.task_time_ms / CAST(NULLIF(e.core_time_ms, 0) AS DOUBLE) AS busy_ratio, e.total_gc_time AS gc_time_ms,
  e.total_input_bytes AS input_bytes, e.total_shuffle_read AS shuffle_read_bytes,
  e.total_shuffle_write AS shuffle_write_bytes, e.peak_jvm_heap_memory AS peak_heap_bytes, e.executor_memory_bytes AS heap_bytes,
  e.loss_kind, e.remove_reason, e.add_time, e.remove_time, e.is_excluded, e.exit_code,
  e.peak_process_tree_jvm_rss_memory AS peak_jvm_rss_bytes, e.peak_process_tree_python_rss_memory AS peak_python_rss_bytes,
  e.memory_overhead_bytes, e.attributes, COUNT(*) OVER () AS total_rows
FROM executors AS e
LEFT JOIN executor_work AS w
  ON w.platform = e.platform AND w.cluster_id = e.cluster_id AND w.application_id = e.application_id
  AND w.attempt_id = e.attempt_id AND w.app_date = e.app_date AND w.executor_id = e.executor_id
WHERE e.platform = $platform AND e.cluster_id = $cluster_id
  AND e.application_id = $application_id AND e.attempt_id = $attempt_id
  AND e.app_date = CAST($app_date AS DATE)
  AND ($executor_id = '*' OR e.executor_id = $executor_id)
ORDER BY CASE WHEN e.executor_id IN ('driver', '<driver>') AND e.total_tasks = 0 THEN 1 ELSE 0 END, w.task_time_ms DESC NULLS LAST, e.executor_id
LIMIT $limit OFFSET $offset
