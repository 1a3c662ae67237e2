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
  executor_id, host_port, total_cores, lifetime_ms, total_tasks, failed_tasks,
  -- Newer servers give a driver without tasks its life time here.
  CASE WHEN total_tasks > 0 OR executor_id <> 'driver' THEN total_duration END AS task_time_ms,
  total_duration / CAST(NULLIF(core_time_ms, 0) AS DOUBLE) AS busy_ratio, total_gc_time AS gc_time_ms,
  total_input_bytes AS input_bytes, total_shuffle_read AS shuffle_read_bytes,
  total_shuffle_write AS shuffle_write_bytes, peak_jvm_heap_memory AS peak_heap_bytes, executor_memory_bytes AS heap_bytes,
  loss_kind, remove_reason, add_time, remove_time, is_excluded, exit_code,
  peak_process_tree_jvm_rss_memory AS peak_jvm_rss_bytes, peak_process_tree_python_rss_memory AS peak_python_rss_bytes,
  memory_overhead_bytes, attributes, COUNT(*) OVER () AS total_rows
FROM executors
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND ($executor_id = '*' OR executor_id = $executor_id)
ORDER BY CASE WHEN executor_id = 'driver' AND total_tasks = 0 THEN 1 ELSE 0 END, total_duration DESC, executor_id
LIMIT $limit OFFSET $offset
