-- id: executor_overview
-- title: Executors with their application, lives, use and memory, for people and language models
-- description: One row per executor with the name of its application, how long it lived, how busy it was, what of its
--   heap it used and why it went. The driver is a row too: executor_id is driver. No join is needed.
-- grain: one row per executor of an application attempt, the driver included
-- keys: platform, cluster_id, application_id, attempt_id, executor_id
-- column: is_driver True for the driver's row.
-- column: busy_percent [percent] Time of its tasks as share of its core time. NULL for a driver outside of local mode.
-- column: gc_percent [percent] Garbage collection as share of the time of its tasks.
-- column: heap_used_percent [percent] Peak of the used heap as share of the heap. NULL where the log holds no peaks.
-- reads: applications, executor_work, executors
SELECT
  e.platform, e.cluster_id, e.cluster_name, e.application_id, e.attempt_id, e.app_date,
  a.application_name, a.job_key, a.spark_user, a.team,
  e.executor_id, e.executor_id IN ('driver', '<driver>') AS is_driver, e.host_port, e.is_active,
  e.add_time, e.remove_time, e.lifetime_ms, e.remove_reason, e.loss_kind, e.exit_code,
  e.total_cores, e.total_tasks, e.failed_tasks, e.completed_tasks, e.total_duration, e.core_time_ms,
  100e0 * w.task_time_ms / CAST(NULLIF(e.core_time_ms, 0) AS DOUBLE) AS busy_percent,
  e.total_gc_time,
  100e0 * e.total_gc_time / CAST(NULLIF(w.task_time_ms, 0) AS DOUBLE) AS gc_percent,
  e.executor_memory_bytes, e.container_memory_bytes,
  e.peak_jvm_heap_memory, e.peak_process_tree_jvm_rss_memory, e.peak_process_tree_python_rss_memory,
  100e0 * e.peak_jvm_heap_memory / CAST(NULLIF(e.executor_memory_bytes, 0) AS DOUBLE) AS heap_used_percent,
  e.total_input_bytes, e.total_shuffle_read, e.total_shuffle_write
FROM executors AS e
LEFT JOIN applications AS a
  ON a.platform = e.platform AND a.cluster_id = e.cluster_id
  AND a.application_id = e.application_id AND a.attempt_id = e.attempt_id
LEFT JOIN executor_work AS w
  ON w.platform = e.platform AND w.cluster_id = e.cluster_id AND w.application_id = e.application_id
  AND w.attempt_id = e.attempt_id AND w.app_date = e.app_date AND w.executor_id = e.executor_id
