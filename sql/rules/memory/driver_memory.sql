-- id: driver_memory
-- title: The driver has too little memory, or far too much
-- category: memory
-- severity: low
-- version: 1
-- description: Fires where the heap of the driver was nearly full and collecting its garbage took a large share of the run, and where the highest heap of a driver that runs in a container of
--   its own (deploy mode cluster) stayed far below a large one. Both are known only where the history holds peaks of the driver (spark.eventLog.logStageExecutorMetrics). What the pauses cost the executors is not
--   known, so no loss is counted. Of the memory of a Python program nothing is known: it lies beside the heap. In local mode the driver runs the tasks: gc_pressure tells that.
-- parameter: min_gc_share double = 0.1 [ratio] garbage collection of the driver over the run time of the application, at least
-- parameter: min_gc_ms bigint = 5000 [ms] that garbage collection, at least
-- parameter: full_ratio double = 0.7 [ratio] highest heap over the heap that the driver has, from which more would help
-- parameter: medium_gc_share double = 0.2 [ratio] share from which it is of medium severity
-- parameter: min_roomy_bytes bigint = 8589934592 [bytes] heap of a driver from which a smaller one is worth a word
-- parameter: max_used_ratio double = 0.25 [ratio] highest heap over it, at most
-- parameter: min_roomy_ms bigint = 600000 [ms] run time, at least: a driver of a short run uses little of anything
-- parameter: headroom double = 1.5 [ratio] memory to keep over the highest seen
-- evidence: The driver used up to {peak_heap_bytes:bytes} of {driver_memory_bytes:bytes} of heap[, and collected garbage for {gc_ms:s} of the {app_ms:s} of the run, {gc_share:pct}][; about {saved_gib_hours:1} GiB-hours of its container were not needed].
-- advice: is_full AND is_databricks | - | - | Keep less in the driver (results of collect and toPandas, broadcast tables, large closures), or choose a driver node with more memory.
-- advice: is_full AND doubled_gib <= 31 | spark.driver.memory | CONCAT(CAST(doubled_gib AS STRING), 'g') | Keep less in the driver (results of collect and toPandas, broadcast tables, large closures), or give it more
--   memory; in client mode at the start (spark-submit --driver-memory), for its JVM runs before the program sets anything.
-- advice: is_full | - | - | Keep less in the driver: write large results from the executors, broadcast smaller tables, and keep fewer jobs and stages for the user interface (spark.ui.retainedJobs, spark.ui.retainedStages).
-- advice: TRUE | spark.driver.memory | CONCAT(CAST(needed_gib AS STRING), 'g') | Give the driver less memory, in steps, and watch for garbage collection.
-- recommendation: Give the driver less memory, in steps, and watch for garbage collection.
WITH drivers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, MAX(peak_jvm_heap_memory) AS peak_heap_bytes,
    MAX(GREATEST(COALESCE(peak_total_gc_time, 0), COALESCE(peak_minor_gc_time, 0) + COALESCE(peak_major_gc_time, 0))) AS gc_ms
  FROM executors
  WHERE executor_id IN ('driver', '<driver>') AND peak_jvm_heap_memory > 0
  GROUP BY platform, cluster_id, application_id, attempt_id
),
modes AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key = 'spark.submit.deployMode' AND value = 'cluster'
),
judged AS (
  SELECT
    d.platform, d.cluster_id, d.application_id, d.attempt_id, d.peak_heap_bytes, d.gc_ms, a.driver_memory_bytes, a.app_duration_ms,
    CAST(d.gc_ms AS DOUBLE) / NULLIF(a.app_duration_ms, 0) AS gc_share, COALESCE(a.is_databricks, FALSE) AS is_databricks,
    COALESCE(
      d.gc_ms >= $min_gc_ms AND d.gc_ms >= $min_gc_share * a.app_duration_ms AND d.peak_heap_bytes >= $full_ratio * a.driver_memory_bytes, FALSE
    ) AS is_full,
    COALESCE(
      m.platform IS NOT NULL AND NOT COALESCE(a.is_databricks, FALSE) AND a.driver_memory_bytes >= $min_roomy_bytes AND d.peak_heap_bytes <= $max_used_ratio * a.driver_memory_bytes
        AND a.app_duration_ms >= $min_roomy_ms,
      FALSE
    ) AS is_roomy,
    TRY_CAST(CEIL(a.driver_memory_bytes / 536870912e0) AS BIGINT) AS doubled_gib,
    TRY_CAST(GREATEST(CEIL(d.peak_heap_bytes * $headroom / 1073741824e0), 2e0) AS BIGINT) AS needed_gib
  FROM drivers AS d
  INNER JOIN application_facts AS a
    ON a.platform = d.platform AND a.cluster_id = d.cluster_id
    AND a.application_id = d.application_id AND a.attempt_id = d.attempt_id
  LEFT JOIN modes AS m
    ON m.platform = d.platform AND m.cluster_id = d.cluster_id
    AND m.application_id = d.application_id AND m.attempt_id = d.attempt_id
  WHERE NOT a.is_local
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CASE WHEN is_full AND gc_share >= $medium_gc_share THEN 'medium' ELSE 'low' END AS severity,
  CASE WHEN is_full THEN 'high' ELSE 'medium' END AS confidence,
  CASE WHEN is_full THEN 'The driver has too little memory' ELSE 'The driver has far more memory than it uses' END AS title,
  peak_heap_bytes, driver_memory_bytes, is_full, is_databricks, doubled_gib, needed_gib,
  CASE WHEN is_full THEN gc_ms END AS gc_ms, CASE WHEN is_full THEN app_duration_ms END AS app_ms, CASE WHEN is_full THEN gc_share END AS gc_share,
  CASE WHEN is_roomy THEN (CAST(driver_memory_bytes AS DOUBLE) / 1073741824e0 - needed_gib) * app_duration_ms / 3600000e0 END AS saved_gib_hours
FROM judged
WHERE is_full OR is_roomy
