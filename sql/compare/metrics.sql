-- id: metrics
-- title: Two runs in numbers
-- description: One row per measure, as run A and run B have it. NULL is not known. Times, bytes and core time
--   per gigabyte of input tell whether more data explains a change; they are NULL for a run that read no
--   input. gc_ratio is the share of task time that went to garbage collection.
-- parameter: platform_a string = - [platform] platform of run A
-- parameter: cluster_a string = - [cluster id] cluster of run A
-- parameter: application_a string = - [application id] application of run A
-- parameter: attempt_a string = - [attempt id] attempt of run A
-- parameter: platform_b string = - [platform] platform of run B
-- parameter: cluster_b string = - [cluster id] cluster of run B
-- parameter: application_b string = - [application id] application of run B
-- parameter: attempt_b string = - [attempt id] attempt of run B
WITH compared AS (
  SELECT
    'a' AS run, CAST($platform_a AS STRING) AS platform, CAST($cluster_a AS STRING) AS cluster_id,
    CAST($application_a AS STRING) AS application_id, CAST($attempt_a AS STRING) AS attempt_id
  UNION ALL
  SELECT
    'b' AS run, CAST($platform_b AS STRING) AS platform, CAST($cluster_b AS STRING) AS cluster_id,
    CAST($application_b AS STRING) AS application_id, CAST($attempt_b AS STRING) AS attempt_id
),
collected AS (
  SELECT
    r.run,
    SUM(CAST(s.jvm_gc_time AS DOUBLE)) AS gc_time_ms,
    SUM(CAST(s.executor_run_time AS DOUBLE)) AS run_time_ms
  FROM stages AS s
  INNER JOIN compared AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE s.application_id IN ($application_a, $application_b)
  GROUP BY r.run
),
costs AS (
  SELECT r.run, MAX(c.cost_usd) AS cost_usd
  FROM application_costs AS c
  INNER JOIN compared AS r
    ON r.platform = c.platform AND r.cluster_id = c.cluster_id
    AND r.application_id = c.application_id AND r.attempt_id = c.attempt_id
  WHERE c.application_id IN ($application_a, $application_b)
    AND c.is_preferred
  GROUP BY r.run
),
waste AS (
  SELECT r.run, MAX(w.wasted_core_ms) AS wasted_core_ms
  FROM application_waste AS w
  INNER JOIN compared AS r
    ON r.platform = w.platform AND r.cluster_id = w.cluster_id
    AND r.application_id = w.application_id AND r.attempt_id = w.attempt_id
  WHERE w.application_id IN ($application_a, $application_b)
  GROUP BY r.run
),
facts AS (
  SELECT
    r.run,
    CASE WHEN a.complete AND a.observed_duration_ms > 0 THEN CAST(a.observed_duration_ms AS DOUBLE) END
      AS duration_ms,
    CAST(a.input_bytes AS DOUBLE) AS input_bytes, CAST(a.output_bytes AS DOUBLE) AS output_bytes,
    CAST(a.core_time_ms AS DOUBLE) AS core_time_ms, CAST(a.total_task_time_ms AS DOUBLE) AS task_time_ms,
    CAST(a.driver_only_time_ms AS DOUBLE) AS driver_only_time_ms,
    CAST(a.memory_bytes_spilled AS DOUBLE) AS memory_bytes_spilled,
    CAST(a.disk_bytes_spilled AS DOUBLE) AS disk_bytes_spilled,
    CAST(a.shuffle_read_bytes AS DOUBLE) AS shuffle_read_bytes,
    CAST(a.shuffle_write_bytes AS DOUBLE) AS shuffle_write_bytes,
    CAST(a.num_jobs AS DOUBLE) AS num_jobs, CAST(a.num_stages AS DOUBLE) AS num_stages,
    CAST(a.num_tasks AS DOUBLE) AS num_tasks, CAST(a.num_failed_tasks AS DOUBLE) AS num_failed_tasks,
    CAST(a.num_executors_max AS DOUBLE) AS num_executors_max, CAST(a.cores_max AS DOUBLE) AS cores_max
  FROM applications AS a
  INNER JOIN compared AS r
    ON r.platform = a.platform AND r.cluster_id = a.cluster_id
    AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
  WHERE a.application_id IN ($application_a, $application_b)
),
joined AS (
  SELECT f.*, c.cost_usd, w.wasted_core_ms, g.gc_time_ms, g.run_time_ms
  FROM facts AS f
  LEFT JOIN collected AS g ON g.run = f.run
  LEFT JOIN costs AS c ON c.run = f.run
  LEFT JOIN waste AS w ON w.run = f.run
),
measures AS (
  SELECT *
  FROM (
    VALUES
    (1, 'duration_ms', 'Duration', 'ms'), (2, 'input_bytes', 'Input', 'bytes'),
    (3, 'duration_per_gb_ms', 'Duration per GB of input', 'ms'), (4, 'core_time_ms', 'Core time held', 'core_ms'),
    (5, 'core_time_per_gb_ms', 'Core time per GB of input', 'core_ms'), (6, 'task_time_ms', 'Task time', 'ms'),
    (7, 'driver_only_time_ms', 'Time without a task', 'ms'), (8, 'wasted_core_ms', 'Wasted core time', 'core_ms'),
    (9, 'cost_usd', 'Cost', 'usd'), (10, 'disk_bytes_spilled', 'Spill to disk', 'bytes'),
    (11, 'memory_bytes_spilled', 'Spill from memory', 'bytes'), (12, 'shuffle_read_bytes', 'Shuffle read', 'bytes'),
    (13, 'shuffle_write_bytes', 'Shuffle written', 'bytes'), (14, 'output_bytes', 'Output', 'bytes'),
    (15, 'gc_time_ms', 'Garbage collection', 'ms'), (16, 'gc_ratio', 'Garbage collection, share of task time', 'ratio'),
    (17, 'num_jobs', 'Jobs', 'count'), (18, 'num_stages', 'Stages', 'count'), (19, 'num_tasks', 'Tasks', 'count'),
    (20, 'num_failed_tasks', 'Failed tasks', 'count'), (21, 'num_executors_max', 'Executors at most', 'count'),
    (22, 'cores_max', 'Cores at most', 'count')
  ) AS m (place, metric, title, unit)
),
long AS (
  SELECT
    j.run, m.place, m.metric, m.title, m.unit,
    CASE m.metric
      WHEN 'duration_ms' THEN j.duration_ms
      WHEN 'input_bytes' THEN j.input_bytes
      WHEN 'duration_per_gb_ms' THEN j.duration_ms / NULLIF(j.input_bytes, 0e0) * 1e9
      WHEN 'core_time_ms' THEN j.core_time_ms
      WHEN 'core_time_per_gb_ms' THEN j.core_time_ms / NULLIF(j.input_bytes, 0e0) * 1e9
      WHEN 'task_time_ms' THEN j.task_time_ms
      WHEN 'driver_only_time_ms' THEN j.driver_only_time_ms
      WHEN 'wasted_core_ms' THEN CAST(j.wasted_core_ms AS DOUBLE)
      WHEN 'cost_usd' THEN j.cost_usd
      WHEN 'disk_bytes_spilled' THEN j.disk_bytes_spilled
      WHEN 'memory_bytes_spilled' THEN j.memory_bytes_spilled
      WHEN 'shuffle_read_bytes' THEN j.shuffle_read_bytes
      WHEN 'shuffle_write_bytes' THEN j.shuffle_write_bytes
      WHEN 'output_bytes' THEN j.output_bytes
      WHEN 'gc_time_ms' THEN j.gc_time_ms
      -- Spark 4 logs a run time once for each core that a task reserves (spark.task.cpus): tasks run no longer than from launch to finish.
      WHEN 'gc_ratio' THEN j.gc_time_ms / NULLIF(LEAST(j.run_time_ms, COALESCE(NULLIF(j.task_time_ms, 0e0), j.run_time_ms)), 0e0)
      WHEN 'num_jobs' THEN j.num_jobs
      WHEN 'num_stages' THEN j.num_stages
      WHEN 'num_tasks' THEN j.num_tasks
      WHEN 'num_failed_tasks' THEN j.num_failed_tasks
      WHEN 'num_executors_max' THEN j.num_executors_max
      WHEN 'cores_max' THEN j.cores_max
    END AS value
  FROM joined AS j
  CROSS JOIN measures AS m
)
SELECT
  metric, title, unit,
  MAX(CASE WHEN run = 'a' THEN value END) AS a,
  MAX(CASE WHEN run = 'b' THEN value END) AS b
FROM long
GROUP BY place, metric, title, unit
ORDER BY place
