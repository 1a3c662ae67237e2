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
  (SELECT COUNT(*) FROM tasks AS t WHERE t.platform = $platform AND t.cluster_id = $cluster_id
  AND t.application_id = $application_id AND t.attempt_id = $attempt_id
  AND t.app_date = CAST($app_date AS DATE)) AS num_task_rows,
  (SELECT COUNT(*) FROM task_quantiles AS q WHERE q.metric = 'duration' AND q.platform = $platform AND q.cluster_id = $cluster_id
  AND q.application_id = $application_id AND q.attempt_id = $attempt_id
  AND q.app_date = CAST($app_date AS DATE)) AS num_quantiles,
  (SELECT COUNT(*) FROM executors AS e WHERE e.executor_id NOT IN ('driver', '<driver>') AND e.platform = $platform AND e.cluster_id = $cluster_id
  AND e.application_id = $application_id AND e.attempt_id = $attempt_id
  AND e.app_date = CAST($app_date AS DATE)) AS num_executors,
  (SELECT COUNT(*) FROM executors AS e WHERE e.core_time_ms > 0 AND e.platform = $platform AND e.cluster_id = $cluster_id
  AND e.application_id = $application_id AND e.attempt_id = $attempt_id
  AND e.app_date = CAST($app_date AS DATE)) AS num_held,
  (SELECT COUNT(*) FROM executors AS e WHERE e.peak_jvm_heap_memory > 0 AND e.platform = $platform AND e.cluster_id = $cluster_id
  AND e.application_id = $application_id AND e.attempt_id = $attempt_id
  AND e.app_date = CAST($app_date AS DATE)) AS num_heap_peaks,
  (SELECT COUNT(*) FROM executors AS e WHERE e.peak_process_tree_jvm_rss_memory > 0 AND e.platform = $platform AND e.cluster_id = $cluster_id
  AND e.application_id = $application_id AND e.attempt_id = $attempt_id
  AND e.app_date = CAST($app_date AS DATE)) AS num_rss_peaks,
  (SELECT COUNT(*) FROM sql_nodes AS n WHERE n.platform = $platform AND n.cluster_id = $cluster_id
  AND n.application_id = $application_id AND n.attempt_id = $attempt_id
  AND n.app_date = CAST($app_date AS DATE)) AS num_plan_nodes,
  (SELECT COUNT(*) FROM streaming_progress AS y WHERE y.platform = $platform AND y.cluster_id = $cluster_id
  AND y.application_id = $application_id AND y.attempt_id = $attempt_id
  AND y.app_date = CAST($app_date AS DATE)) AS num_streaming,
  (SELECT COUNT(*) FROM environment AS v WHERE v.section = 'spark' AND v.platform = $platform AND v.cluster_id = $cluster_id
  AND v.application_id = $application_id AND v.attempt_id = $attempt_id
  AND v.app_date = CAST($app_date AS DATE)) AS num_settings,
  (SELECT COUNT(*) FROM processes AS x WHERE x.platform = $platform AND x.cluster_id = $cluster_id
  AND x.application_id = $application_id AND x.attempt_id = $attempt_id
  AND x.app_date = CAST($app_date AS DATE)) AS num_processes,
  (SELECT COUNT(*) FROM rdds AS r WHERE r.is_persisted AND r.num_reads > 0 AND r.platform = $platform AND r.cluster_id = $cluster_id
  AND r.application_id = $application_id AND r.attempt_id = $attempt_id
  AND r.app_date = CAST($app_date AS DATE)) AS num_caches,
  (SELECT COUNT(*) FROM rdds AS b WHERE b.blocks_stored > 0 AND b.platform = $platform AND b.cluster_id = $cluster_id
  AND b.application_id = $application_id AND b.attempt_id = $attempt_id
  AND b.app_date = CAST($app_date AS DATE)) AS num_blocks,
  (SELECT COUNT(*) FROM cluster_metrics AS m WHERE m.platform = $platform AND m.cluster_id = $cluster_id) AS num_cluster_samples,
  (SELECT COUNT(*) FROM application_costs AS c WHERE c.is_preferred AND c.cost_usd IS NOT NULL AND c.platform = $platform AND c.cluster_id = $cluster_id
  AND c.application_id = $application_id AND c.attempt_id = $attempt_id
  AND c.app_date = CAST($app_date AS DATE)) AS num_prices
