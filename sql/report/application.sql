-- id: application
-- title: Facts of a run
-- description: One application attempt with its verdict on waste. Times that run backwards are NULL.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
SELECT
  a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.application_name, a.job_key, a.job_run_id,
  a.team, a.spark_user, a.spark_version, a.master, a.deploy_mode, a.queue, a.history, a.source_uri,
  a.start_time, a.observed_end_time AS end_time, a.end_time_source, a.completed, a.complete, LEFT(CASE
    -- Of a Python exception the line that names it comes first: the first line of the text only says that there was one.
    WHEN a.failure_reason LIKE '%Traceback (most recent call last)%' THEN CONCAT(REGEXP_REPLACE(
      a.failure_reason,
      CONCAT('^(?s:.*?)Traceback [(]most recent call last[)]:(?s:.*?)', CHR(10), '([A-Za-z_][^', CHR(10), ']*)(?s:.*)$'), '$1'
    ), CHR(10), a.failure_reason)
    ELSE a.failure_reason
  END, 2000) AS failure_reason, a.exit_code,
  CASE WHEN a.end_time IS NOT NULL AND a.end_time >= a.start_time THEN NULLIF(GREATEST(a.duration_ms, 0), 0) END AS duration_ms,
  CASE WHEN a.observed_duration_ms > 0 THEN a.observed_duration_ms END AS observed_duration_ms,
  a.is_local, a.is_interactive, a.dynamic_allocation,
  a.executor_cores, x.executor_cores_least, x.executor_cores_most, a.executor_memory_bytes, a.driver_memory_bytes, a.container_memory_bytes,
  a.num_executors_max, a.num_executors_added, a.cores_max, a.tasks_running_max,
  CASE WHEN a.core_time_ms >= 0 THEN a.core_time_ms END AS core_time_ms,
  CASE WHEN a.total_task_time_ms >= 0 THEN a.total_task_time_ms END AS total_task_time_ms,
  CASE WHEN a.driver_only_time_ms >= 0 THEN a.driver_only_time_ms END AS driver_only_time_ms,
  CASE WHEN a.first_task_delay_ms >= 0 THEN a.first_task_delay_ms END AS first_task_delay_ms,
  a.input_bytes, r.input_records, c.scanned_bytes, c.scanned_files, a.output_bytes, a.shuffle_read_bytes, a.shuffle_write_bytes, a.memory_bytes_spilled, a.disk_bytes_spilled,
  a.num_jobs, a.num_stages, a.num_tasks, a.num_failed_tasks, a.num_killed_tasks, a.num_sql, COALESCE(j.num_failed_jobs, 0) AS num_failed_jobs, a.num_lost_events,
  w.wasted_core_ms, w.wasted_ratio, w.largest_waste, w.core_time_incomplete, w.memory_gb_hours, w.memory_peak_ratio,
  i.ineffstageagg, i.application_id IS NOT NULL AS is_judged,
  p.candidate AS photon_candidate, p.candidate_reason AS photon_reason
FROM applications AS a
LEFT JOIN (
  SELECT d.application_id, COUNT(*) AS num_failed_jobs
  FROM jobs AS d
  WHERE d.status = 'FAILED'
    AND d.platform = $platform AND d.cluster_id = $cluster_id
    AND d.application_id = $application_id AND d.attempt_id = $attempt_id
    AND d.app_date = CAST($app_date AS DATE)
  GROUP BY d.application_id
) AS j ON j.application_id = a.application_id
LEFT JOIN (
  SELECT s.application_id, SUM(s.input_records) AS input_records
  FROM stages AS s
  WHERE s.status NOT IN ('SKIPPED', 'PENDING')
    AND s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
  GROUP BY s.application_id
) AS r ON r.application_id = a.application_id
LEFT JOIN (
  -- Size of the files that scans named, each time that they were read.
  SELECT s.application_id, SUM(s.bytes_read) AS scanned_bytes, SUM(s.files_read) AS scanned_files
  FROM sql_scans AS s
  WHERE s.operation = 'read' AND COALESCE(s.format, '') NOT IN ('cache', 'rdd', 'local', 'noop')
    AND s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
  GROUP BY s.application_id
) AS c ON c.application_id = a.application_id
LEFT JOIN (
  -- Executors of a standalone cluster take what their worker has: they may differ.
  SELECT e.application_id, MIN(e.total_cores) AS executor_cores_least, MAX(e.total_cores) AS executor_cores_most
  FROM executors AS e
  WHERE e.executor_id <> 'driver' AND e.total_cores > 0
    AND e.platform = $platform AND e.cluster_id = $cluster_id
    AND e.application_id = $application_id AND e.attempt_id = $attempt_id
    AND e.app_date = CAST($app_date AS DATE)
  GROUP BY e.application_id
) AS x ON x.application_id = a.application_id
LEFT JOIN application_waste AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id AND w.app_date = a.app_date
LEFT JOIN ineffjobagg AS i
  ON i.platform = a.platform AND i.cluster_id = a.cluster_id
  AND i.application_id = a.application_id AND i.attempt_id = a.attempt_id AND i.app_date = a.app_date
LEFT JOIN photonanalysis AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id AND p.app_date = a.app_date
WHERE a.platform = $platform AND a.cluster_id = $cluster_id
  AND a.application_id = $application_id AND a.attempt_id = $attempt_id
  AND a.app_date = CAST($app_date AS DATE)
LIMIT 1
