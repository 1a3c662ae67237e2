-- id: compare_facts
-- title: Measures of both runs
-- description: What two application attempts had and did, side by side; change_ratio is b over a, less 1.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: other_platform string = - [text] platform of the other application
-- parameter: other_cluster_id string = - [text] its cluster
-- parameter: other_application_id string = - [text] its id
-- parameter: other_attempt_id string = - [text] its attempt
-- parameter: other_app_date string = 1970-01-01 [date] UTC date of its start
-- verdict: {b_application_id} (b) took {b_duration_ms:s} and {a_application_id} (a) {a_duration_ms:s}[: {duration_ratio:2} times as long][, with {core_time_ratio:2} times the core time][ and {input_ratio:2} times the input].
WITH a AS (
  SELECT
    a.application_id, COALESCE(NULLIF(a.duration_ms, 0), a.observed_duration_ms) AS duration_ms, a.core_time_ms,
    a.total_task_time_ms, a.input_bytes, a.output_bytes, a.shuffle_read_bytes, a.shuffle_write_bytes,
    a.disk_bytes_spilled, a.num_jobs, a.num_stages, a.num_tasks, a.num_failed_tasks, a.num_executors_max,
    a.cores_max, w.wasted_core_ms, w.cost_usd
  FROM applications AS a
  LEFT JOIN application_waste AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
  WHERE a.platform = $platform AND a.cluster_id = $cluster_id
    AND a.application_id = $application_id AND a.attempt_id = $attempt_id
    AND a.app_date = CAST($app_date AS DATE)
),
b AS (
  SELECT
    a.application_id, COALESCE(NULLIF(a.duration_ms, 0), a.observed_duration_ms) AS duration_ms, a.core_time_ms,
    a.total_task_time_ms, a.input_bytes, a.output_bytes, a.shuffle_read_bytes, a.shuffle_write_bytes,
    a.disk_bytes_spilled, a.num_jobs, a.num_stages, a.num_tasks, a.num_failed_tasks, a.num_executors_max,
    a.cores_max, w.wasted_core_ms, w.cost_usd
  FROM applications AS a
  LEFT JOIN application_waste AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
  WHERE a.platform = $other_platform AND a.cluster_id = $other_cluster_id
    AND a.application_id = $other_application_id AND a.attempt_id = $other_attempt_id
    AND a.app_date = CAST($other_app_date AS DATE)
),
measures AS (
  SELECT
    m.measure, m.place,
    CASE m.measure
      WHEN 'duration_ms' THEN CAST(a.duration_ms AS DOUBLE)
      WHEN 'core_time_ms' THEN CAST(a.core_time_ms AS DOUBLE)
      WHEN 'total_task_time_ms' THEN CAST(a.total_task_time_ms AS DOUBLE)
      WHEN 'input_bytes' THEN CAST(a.input_bytes AS DOUBLE)
      WHEN 'output_bytes' THEN CAST(a.output_bytes AS DOUBLE)
      WHEN 'shuffle_read_bytes' THEN CAST(a.shuffle_read_bytes AS DOUBLE)
      WHEN 'shuffle_write_bytes' THEN CAST(a.shuffle_write_bytes AS DOUBLE)
      WHEN 'disk_bytes_spilled' THEN CAST(a.disk_bytes_spilled AS DOUBLE)
      WHEN 'num_jobs' THEN CAST(a.num_jobs AS DOUBLE)
      WHEN 'num_stages' THEN CAST(a.num_stages AS DOUBLE)
      WHEN 'num_tasks' THEN CAST(a.num_tasks AS DOUBLE)
      WHEN 'num_failed_tasks' THEN CAST(a.num_failed_tasks AS DOUBLE)
      WHEN 'num_executors_max' THEN CAST(a.num_executors_max AS DOUBLE)
      WHEN 'cores_max' THEN CAST(a.cores_max AS DOUBLE)
      WHEN 'wasted_core_ms' THEN CAST(a.wasted_core_ms AS DOUBLE)
      WHEN 'cost_usd' THEN CAST(a.cost_usd AS DOUBLE)
    END AS a,
    CASE m.measure
      WHEN 'duration_ms' THEN CAST(b.duration_ms AS DOUBLE)
      WHEN 'core_time_ms' THEN CAST(b.core_time_ms AS DOUBLE)
      WHEN 'total_task_time_ms' THEN CAST(b.total_task_time_ms AS DOUBLE)
      WHEN 'input_bytes' THEN CAST(b.input_bytes AS DOUBLE)
      WHEN 'output_bytes' THEN CAST(b.output_bytes AS DOUBLE)
      WHEN 'shuffle_read_bytes' THEN CAST(b.shuffle_read_bytes AS DOUBLE)
      WHEN 'shuffle_write_bytes' THEN CAST(b.shuffle_write_bytes AS DOUBLE)
      WHEN 'disk_bytes_spilled' THEN CAST(b.disk_bytes_spilled AS DOUBLE)
      WHEN 'num_jobs' THEN CAST(b.num_jobs AS DOUBLE)
      WHEN 'num_stages' THEN CAST(b.num_stages AS DOUBLE)
      WHEN 'num_tasks' THEN CAST(b.num_tasks AS DOUBLE)
      WHEN 'num_failed_tasks' THEN CAST(b.num_failed_tasks AS DOUBLE)
      WHEN 'num_executors_max' THEN CAST(b.num_executors_max AS DOUBLE)
      WHEN 'cores_max' THEN CAST(b.cores_max AS DOUBLE)
      WHEN 'wasted_core_ms' THEN CAST(b.wasted_core_ms AS DOUBLE)
      WHEN 'cost_usd' THEN CAST(b.cost_usd AS DOUBLE)
    END AS b,
    a.application_id AS a_application_id, b.application_id AS b_application_id,
    a.duration_ms AS a_duration_ms, b.duration_ms AS b_duration_ms,
    a.input_bytes AS a_input_bytes, b.input_bytes AS b_input_bytes,
    a.core_time_ms AS a_core_time_ms, b.core_time_ms AS b_core_time_ms
  FROM a
  CROSS JOIN b
  CROSS JOIN (VALUES
    ('duration_ms', 0), ('core_time_ms', 1), ('total_task_time_ms', 2), ('input_bytes', 3), ('output_bytes', 4),
    ('shuffle_read_bytes', 5), ('shuffle_write_bytes', 6), ('disk_bytes_spilled', 7), ('num_jobs', 8), ('num_stages', 9),
    ('num_tasks', 10), ('num_failed_tasks', 11), ('num_executors_max', 12), ('cores_max', 13), ('wasted_core_ms', 14), ('cost_usd', 15)
  ) AS m (measure, place)
)
SELECT
  measure, a, b, b / NULLIF(a, 0e0) - 1e0 AS change_ratio,
  a_application_id, b_application_id, a_duration_ms, b_duration_ms,
  b_duration_ms / CAST(NULLIF(a_duration_ms, 0) AS DOUBLE) AS duration_ratio,
  b_core_time_ms / CAST(NULLIF(a_core_time_ms, 0) AS DOUBLE) AS core_time_ratio,
  b_input_bytes / CAST(NULLIF(a_input_bytes, 0) AS DOUBLE) AS input_ratio
FROM measures
WHERE a IS NOT NULL OR b IS NOT NULL
ORDER BY place
