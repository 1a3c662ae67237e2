-- id: gc_pressure
-- title: Executors spend much of their time collecting garbage
-- category: memory
-- severity: medium
-- version: 5
-- description: Fires where garbage collection stopped the tasks of an application for a large share
--   of their run time. A pause stops every task of the executor, so the tasks' own times add up to
--   the core time that was lost. What a healthy application needs too is not counted as lost. Where the heap was
--   never half full, more of it would not help, and only much garbage is told.
-- parameter: min_gc_ratio double = 0.1 [ratio] garbage collection over run time of all tasks, at least
-- parameter: min_unfilled_gc_ratio double = 0.2 [ratio] the same where the heap was never half full, at least
-- parameter: healthy_gc_ratio double = 0.05 [ratio] garbage collection over run time that is no loss
-- parameter: min_gc_ms bigint = 30000 [ms] garbage collection of all tasks, at least
-- parameter: min_run_time_ms bigint = 120000 [ms] run time of all tasks, at least
-- parameter: enough_heap_per_core bigint = 4294967296 [bytes] heap of a core from which fewer tasks at once come before more memory
-- evidence: Garbage collection took {gc_ms:s} of {run_ms:s} of task run time, {gc_ratio:pct}[; executors have
--   {executor_memory_bytes:bytes} of heap][, of which {low_peak_bytes:bytes} at most were used].
-- advice: is_local | - | - | The driver runs the tasks in local mode: give it more memory, and keep fewer objects alive.
-- advice: num_cached > 0 AND sql_share < 0.5 | - | - | {num_cached:RDD|RDDs} are cached as objects, which the collector walks again and
--   again: cache them serialized (MEMORY_AND_DISK_SER), as DataFrames, or not at all.
-- advice: low_peak_bytes IS NOT NULL | - | - | More memory would not help, for the heap was never half full: create fewer short-lived objects
--   (DataFrames and built-in functions instead of RDDs of objects and UDFs), and let the heap start at its full size (-Xms).
-- advice: is_databricks | - | - | Choose instances with more memory for each core, and keep fewer objects alive
--   (cache less, avoid wide rows and collect_list).
-- advice: heap_per_core >= $enough_heap_per_core AND executor_cores > 1 | spark.executor.cores |
--   TRY_CAST(CEIL(executor_cores / 2e0) AS BIGINT) | Run fewer tasks at once in an executor, which gives each of them more
--   memory, and keep fewer objects alive (cache less, avoid wide rows and collect_list).
-- advice: memory_needed_gib <= 31 | spark.executor.memory | CONCAT(CAST(memory_needed_gib AS STRING), 'g') | Give executors more
--   memory for each core, and keep fewer objects alive (cache serialized or not at all, avoid wide rows and collect_list).
-- advice: executor_cores > 1 | spark.executor.cores | TRY_CAST(CEIL(executor_cores / 2e0) AS BIGINT) | Run fewer tasks at once in
--   an executor, which gives each of them more memory, and keep fewer objects alive.
-- recommendation: Give executors more memory for each core, keep fewer objects alive (cache
--   serialized or not at all, avoid wide rows and collect_list, prefer DataFrames over RDDs of
--   objects), and use the G1 or parallel collector.
WITH judged AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(COALESCE(CAST(gc_time AS DOUBLE), 0e0)) AS gc_ms,
    SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms,
    SUM(CASE WHEN sql_id IS NOT NULL THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) AS sql_ms,
    MAX(is_local) AS is_local, MAX(is_databricks) AS is_databricks, MAX(executor_cores) AS executor_cores,
    MAX(executor_memory_bytes) AS executor_memory_bytes,
    MAX(app_duration_ms) AS app_duration_ms, MAX(total_task_time_ms) AS total_task_time_ms
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
cached AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_cached
  FROM rdds
  WHERE is_persisted AND storage_level LIKE '%Memory%' AND storage_level LIKE '%Deserialized%'
    AND num_partitions > 1
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, j.application_id AS subject_id,
  CASE WHEN gc_ms >= 2 * $min_gc_ratio * run_ms THEN 'high' ELSE 'medium' END AS confidence,
  TRY_CAST(gc_ms - $healthy_gc_ratio * run_ms AS BIGINT) AS lost_core_ms,
  -- Wall time at the application's own average of tasks side by side while its jobs ran.
  TRY_CAST((gc_ms - $healthy_gc_ratio * run_ms) * (j.app_duration_ms - COALESCE(a.driver_only_time_ms, 0))
    / GREATEST(j.total_task_time_ms, j.app_duration_ms - COALESCE(a.driver_only_time_ms, 0), 1) AS BIGINT) AS recoverable_ms,
  TRY_CAST(gc_ms AS BIGINT) AS gc_ms, TRY_CAST(run_ms AS BIGINT) AS run_ms, gc_ms / NULLIF(run_ms, 0) AS gc_ratio,
  CASE WHEN NOT j.is_local THEN j.executor_memory_bytes END AS executor_memory_bytes, j.executor_cores, j.is_local, j.is_databricks,
  CASE WHEN a.peak_heap_bytes < 0.5e0 * j.executor_memory_bytes AND NOT j.is_local THEN a.peak_heap_bytes END AS low_peak_bytes,
  c.num_cached, sql_ms / NULLIF(run_ms, 0) AS sql_share,
  CAST(j.executor_memory_bytes AS DOUBLE) / GREATEST(j.executor_cores, 1) AS heap_per_core,
  -- Small heaps profit most from more memory: double below 4 GiB, half as much again below 8.
  TRY_CAST(CEIL(j.executor_memory_bytes / 1073741824e0 * CASE
    WHEN j.executor_memory_bytes < 4294967296 THEN 2e0
    WHEN j.executor_memory_bytes < 8589934592 THEN 1.5e0
    ELSE 1.25e0
  END) AS BIGINT) AS memory_needed_gib
FROM judged AS j
LEFT JOIN application_facts AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
LEFT JOIN cached AS c
  ON c.platform = j.platform AND c.cluster_id = j.cluster_id
  AND c.application_id = j.application_id AND c.attempt_id = j.attempt_id
WHERE run_ms >= $min_run_time_ms AND gc_ms >= $min_gc_ms AND gc_ms >= $min_gc_ratio * run_ms
  AND (j.is_local OR COALESCE(a.peak_heap_bytes >= 0.5e0 * j.executor_memory_bytes, TRUE) OR gc_ms >= $min_unfilled_gc_ratio * run_ms)
