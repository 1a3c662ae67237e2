-- id: measured
-- title: Measured values behind the checks
-- description: For rules whose first threshold is about one number: that number for the whole application,
--   to show beside the threshold. NULL where it is not known.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
WITH work AS (
  SELECT
    SUM(CAST(s.executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(s.jvm_gc_time AS DOUBLE)) AS gc_ms,
    SUM(CAST(s.shuffle_fetch_wait_time AS DOUBLE)) AS wait_ms,
    CAST(MAX(s.memory_bytes_spilled) AS DOUBLE) AS memory_spilled, CAST(MAX(s.disk_bytes_spilled) AS DOUBLE) AS disk_spilled,
    CAST(MAX(s.num_failed_tasks) AS DOUBLE) AS failed_tasks
  FROM stages AS s
  WHERE s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
),
shapes AS (
  SELECT
    MAX(CASE WHEN q.metric = 'executor_run_time' AND q.num_tasks >= 4 AND q.max >= 10000
      THEN CAST(q.max AS DOUBLE) / NULLIF(q.median, 0) END) AS time_ratio,
    CAST(MAX(CASE WHEN q.metric = 'executor_run_time' THEN q.num_tasks END) AS DOUBLE) AS most_tasks,
    CAST(MAX(CASE WHEN q.metric IN ('input_bytes_read', 'shuffle_read_bytes', 'shuffle_write_bytes_written', 'output_bytes_written')
      THEN q.median END) AS DOUBLE) AS median_bytes,
    CAST(MAX(CASE WHEN q.metric = 'duration' THEN 1 END) AS DOUBLE) AS known
  FROM task_quantiles AS q
  WHERE q.platform = $platform AND q.cluster_id = $cluster_id
    AND q.application_id = $application_id AND q.attempt_id = $attempt_id
    AND q.app_date = CAST($app_date AS DATE)
),
lost AS (
  SELECT CAST(SUM(CASE WHEN e.loss_kind NOT IN ('app_end', 'idle') THEN 1 ELSE 0 END) AS DOUBLE) AS num_lost, COUNT(*) AS known
  FROM executors AS e
  WHERE e.executor_id NOT IN ('driver', '<driver>')
    AND e.platform = $platform AND e.cluster_id = $cluster_id
    AND e.application_id = $application_id AND e.attempt_id = $attempt_id
    AND e.app_date = CAST($app_date AS DATE)
),
scans AS (
  SELECT CAST(MAX(c.files_read) AS DOUBLE) AS files_read, CAST(MAX(c.files_written) AS DOUBLE) AS files_written
  FROM sql_scans AS c
  WHERE c.platform = $platform AND c.cluster_id = $cluster_id
    AND c.application_id = $application_id AND c.attempt_id = $attempt_id
    AND c.app_date = CAST($app_date AS DATE)
),
app AS (
  SELECT
    NULLIF(CAST(a.total_task_time_ms AS DOUBLE), 0e0) AS task_ms, CAST(a.num_killed_tasks AS DOUBLE) AS killed, CAST(a.num_lost_events AS DOUBLE) AS lost_events,
    CAST(CASE WHEN a.first_task_delay_ms >= 0 THEN a.first_task_delay_ms END AS DOUBLE) AS first_task_ms,
    CAST(CASE WHEN w.core_time_ms > 0 THEN w.idle_core_ms + w.driver_only_core_ms + w.skew_core_ms + w.start_up_core_ms END AS DOUBLE)
      / NULLIF(w.core_time_ms, 0) AS idle_ratio,
    CAST(a.num_executors_added AS DOUBLE) AS added
  FROM applications AS a
  LEFT JOIN application_waste AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id AND w.app_date = a.app_date
  WHERE a.platform = $platform AND a.cluster_id = $cluster_id
    AND a.application_id = $application_id AND a.attempt_id = $attempt_id
    AND a.app_date = CAST($app_date AS DATE)
)
SELECT
  m.column1 AS rule_id, m.column2 AS label, m.column3 AS unit,
  CASE m.column1
    -- Spark 4 logs a run time once for each core that a task reserves (spark.task.cpus): tasks run no longer than from launch to finish.
    WHEN 'gc_pressure' THEN k.gc_ms / NULLIF(LEAST(k.run_ms, COALESCE(a.task_ms, k.run_ms)), 0e0)
    WHEN 'fetch_wait' THEN k.wait_ms / NULLIF(LEAST(k.run_ms, COALESCE(a.task_ms, k.run_ms)), 0e0)
    WHEN 'memory_spill' THEN k.memory_spilled
    WHEN 'disk_spill' THEN k.disk_spilled
    WHEN 'failed_tasks' THEN k.failed_tasks
    WHEN 'task_skew' THEN h.time_ratio
    WHEN 'tiny_tasks' THEN h.most_tasks
    WHEN 'oversized_partitions' THEN h.median_bytes
    WHEN 'lost_executors' THEN CASE WHEN l.known > 0 THEN l.num_lost END
    WHEN 'small_files_read' THEN s.files_read
    WHEN 'small_files' THEN s.files_written
    WHEN 'speculation_waste' THEN a.killed
    WHEN 'dropped_events' THEN a.lost_events
    WHEN 'idle_executors' THEN a.idle_ratio
    WHEN 'executor_churn' THEN CASE WHEN l.known > 0 THEN a.added END
  END AS value
FROM (VALUES
  ('gc_pressure', 'garbage collection over run time', 'ratio'),
  ('fetch_wait', 'waiting for shuffle data over run time', 'ratio'),
  ('memory_spill', 'most spilled from memory by one stage', 'bytes'),
  ('disk_spill', 'most spilled to disk by one stage', 'bytes'),
  ('failed_tasks', 'most failed attempts in one stage', 'count'),
  ('task_skew', 'largest longest-to-median ratio of run times, tasks of 10 s and more', 'times'),
  ('tiny_tasks', 'most tasks in one stage', 'count'),
  ('oversized_partitions', 'largest median data of a task', 'bytes'),
  ('lost_executors', 'executors lost', 'count'),
  ('small_files_read', 'most files read by one scan', 'count'),
  ('small_files', 'most files written by one query', 'count'),
  ('speculation_waste', 'killed attempts', 'count'),
  ('dropped_events', 'events missing', 'count'),
  ('idle_executors', 'core time without a task', 'ratio'),
  ('executor_churn', 'executors started', 'count')
) AS m
CROSS JOIN work AS k
CROSS JOIN shapes AS h
CROSS JOIN lost AS l
CROSS JOIN scans AS s
CROSS JOIN app AS a
ORDER BY m.column1
