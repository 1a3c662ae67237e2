-- id: evidence
-- title: What the history of a run holds
-- description: One row that says which facts there are for an application: what is missing could not be
--   checked.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
SELECT
  -- Each table is read once, and gives one row whatever it holds.
  num_task_rows, num_quantiles, num_executors, num_held, num_heap_peaks, num_driver_peaks, num_rss_peaks, num_plan_nodes,
  num_streaming, num_settings, num_processes, num_caches, num_blocks, num_cluster_samples, num_prices
FROM (
  SELECT COUNT(*) AS num_task_rows
  FROM tasks AS t
  WHERE t.platform = $platform AND t.cluster_id = $cluster_id
    AND t.application_id = $application_id AND t.attempt_id = $attempt_id AND t.app_date = CAST($app_date AS DATE)
) AS tasks_held
CROSS JOIN (
  SELECT COUNT(*) AS num_quantiles
  FROM task_quantiles AS q
  WHERE q.metric = 'duration' AND q.platform = $platform AND q.cluster_id = $cluster_id
    AND q.application_id = $application_id AND q.attempt_id = $attempt_id AND q.app_date = CAST($app_date AS DATE)
) AS task_quantiles_held
CROSS JOIN (
  SELECT
    COUNT(CASE WHEN e.executor_id NOT IN ('driver', '<driver>') THEN 1 END) AS num_executors,
    COUNT(CASE WHEN e.core_time_ms > 0 THEN 1 END) AS num_held,
    COUNT(CASE WHEN e.peak_jvm_heap_memory > 0 AND e.executor_id NOT IN ('driver', '<driver>') THEN 1 END) AS num_heap_peaks,
    COUNT(CASE WHEN e.peak_jvm_heap_memory > 0 AND e.executor_id IN ('driver', '<driver>') THEN 1 END) AS num_driver_peaks,
    COUNT(CASE WHEN e.peak_process_tree_jvm_rss_memory > 0 THEN 1 END) AS num_rss_peaks
  FROM executors AS e
  WHERE e.platform = $platform AND e.cluster_id = $cluster_id
    AND e.application_id = $application_id AND e.attempt_id = $attempt_id AND e.app_date = CAST($app_date AS DATE)
) AS executors_held
CROSS JOIN (
  SELECT COUNT(*) AS num_plan_nodes
  FROM sql_nodes AS n
  WHERE n.platform = $platform AND n.cluster_id = $cluster_id
    AND n.application_id = $application_id AND n.attempt_id = $attempt_id AND n.app_date = CAST($app_date AS DATE)
) AS sql_nodes_held
CROSS JOIN (
  SELECT COUNT(*) AS num_streaming
  FROM streaming_progress AS y
  WHERE y.platform = $platform AND y.cluster_id = $cluster_id
    AND y.application_id = $application_id AND y.attempt_id = $attempt_id AND y.app_date = CAST($app_date AS DATE)
) AS streaming_progress_held
CROSS JOIN (
  SELECT COUNT(*) AS num_settings
  FROM environment AS v
  WHERE v.section = 'spark' AND v.platform = $platform AND v.cluster_id = $cluster_id
    AND v.application_id = $application_id AND v.attempt_id = $attempt_id AND v.app_date = CAST($app_date AS DATE)
) AS environment_held
CROSS JOIN (
  SELECT COUNT(*) AS num_processes
  FROM processes AS x
  WHERE x.platform = $platform AND x.cluster_id = $cluster_id
    AND x.application_id = $application_id AND x.attempt_id = $attempt_id AND x.app_date = CAST($app_date AS DATE)
) AS processes_held
CROSS JOIN (
  SELECT
    COUNT(CASE WHEN r.is_persisted AND r.num_reads > 0 THEN 1 END) AS num_caches,
    COUNT(CASE WHEN r.blocks_stored > 0 THEN 1 END) AS num_blocks
  FROM rdds AS r
  WHERE r.platform = $platform AND r.cluster_id = $cluster_id
    AND r.application_id = $application_id AND r.attempt_id = $attempt_id AND r.app_date = CAST($app_date AS DATE)
) AS rdds_held
CROSS JOIN (
  SELECT COUNT(*) AS num_cluster_samples
  FROM cluster_metrics AS m
  WHERE m.platform = $platform AND m.cluster_id = $cluster_id
) AS cluster_metrics_held
CROSS JOIN (
  SELECT COUNT(*) AS num_prices
  FROM application_costs AS c
  WHERE c.is_preferred AND c.cost_usd IS NOT NULL AND c.platform = $platform AND c.cluster_id = $cluster_id
    AND c.application_id = $application_id AND c.attempt_id = $attempt_id AND c.app_date = CAST($app_date AS DATE)
) AS application_costs_held
