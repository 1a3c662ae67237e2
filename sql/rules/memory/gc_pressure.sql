-- id: gc_pressure
-- title: Executors spend much of their time collecting garbage
-- category: memory
-- severity: medium
-- version: 1
-- description: Fires where garbage collection stopped the tasks of an application for a large share
--   of their run time. A pause stops every task of the executor, so the tasks' own times add up to
--   the core time that was lost. What a healthy application needs too is not counted as lost.
-- parameter: min_gc_ratio double = 0.1 [ratio] garbage collection over run time of all tasks, at least
-- parameter: healthy_gc_ratio double = 0.05 [ratio] garbage collection over run time that is no loss
-- parameter: min_run_time_ms bigint = 300000 [ms] run time of all tasks, at least
-- reads: applications, stages
-- recommendation: Give executors more memory for each core, keep fewer objects alive (cache
--   serialized or not at all, avoid wide rows and collect_list, prefer DataFrames over RDDs of
--   objects), and use the G1 or parallel collector.
-- config_key: spark.executor.memory
WITH totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(COALESCE(jvm_gc_time, 0)) AS gc_ms,
    SUM(executor_run_time) AS run_ms
  FROM stages
  WHERE status <> 'SKIPPED'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
judged AS (
  SELECT
    t.*,
    CAST(t.gc_ms AS DOUBLE) / t.run_ms AS gc_ratio,
    CAST(ROUND(t.gc_ms - $healthy_gc_ratio * t.run_ms) AS BIGINT) AS lost_core_ms
  FROM totals AS t
  WHERE t.run_ms >= $min_run_time_ms AND t.run_ms > 0
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  'application' AS subject_type,
  j.application_id AS subject_id,
  CASE WHEN j.gc_ratio >= 2 * $min_gc_ratio THEN 'high' ELSE 'medium' END AS confidence,
  CONCAT(
    'Garbage collection took ', CAST(CAST(j.gc_ms / 1e3 AS DECIMAL(18, 1)) AS STRING),
    ' s of ', CAST(CAST(j.run_ms / 1e3 AS DECIMAL(18, 1)) AS STRING),
    ' s of task run time, ', CAST(CAST(100e0 * j.gc_ratio AS DECIMAL(18, 1)) AS STRING), ' percent.'
  ) AS evidence,
  CONCAT(
    '{"gc_ms":', CAST(j.gc_ms AS STRING), ',"run_time_ms":', CAST(j.run_ms AS STRING), '}'
  ) AS evidence_json,
  j.lost_core_ms,
  -- Wall time at the application's own average of tasks side by side.
  CAST(ROUND(
    j.lost_core_ms
      * (CAST(a.duration_ms AS DOUBLE) / GREATEST(a.total_task_time_ms, a.duration_ms, 1))
  ) AS BIGINT) AS recoverable_ms,
  CASE WHEN a.executor_memory_bytes IS NOT NULL
    THEN CONCAT(CAST(CAST(a.executor_memory_bytes / 1048576e0 AS BIGINT) AS STRING), 'm')
  END AS config_current,
  -- Small heaps profit most from more memory: double below 4 GiB, half as much again below 8.
  CASE WHEN a.executor_memory_bytes IS NOT NULL
    THEN CONCAT(CAST(CAST(CEIL(a.executor_memory_bytes / 1073741824e0 * CASE
      WHEN a.executor_memory_bytes < 4294967296 THEN 2e0
      WHEN a.executor_memory_bytes < 8589934592 THEN 1.5e0
      ELSE 1.25e0
    END) AS BIGINT) AS STRING), 'g')
  END AS config_recommended
FROM judged AS j
LEFT JOIN applications AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
WHERE j.gc_ratio >= $min_gc_ratio
