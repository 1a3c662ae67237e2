-- id: container_memory
-- title: Executors use all the memory of their containers
-- category: memory
-- severity: low
-- version: 2
-- description: Fires where the resident memory of an executor and its Python workers came close to what its
--   container may have, or went beyond it. Where the cluster manager enforces its limits, such executors are
--   killed (exit code 137). Known only where the log holds process tree metrics
--   (spark.executor.processTreeMetrics.enabled). Recommended is the memory outside of the heap that leaves
--   a tenth free; where executors were killed, at least twice what there is, as lost_executors says: their peaks end at the limit.
-- parameter: min_ratio double = 0.9 [ratio] resident memory over that of the container, at least
-- parameter: min_core_time_ms bigint = 3600000 [core_ms] held core time, at least
-- evidence: The fullest of {num_workers:executor|executors} took {peak_rss_bytes:bytes} of the {container_memory_bytes:bytes} of its
--   container, {ratio:pct}, with a heap of {executor_memory_bytes:bytes}[; Python took {peak_python_rss_bytes:bytes} of it].
-- advice: was_killed AND spark_minor >= 203 | spark.executor.memoryOverhead | CONCAT(CAST(overhead_needed_mib AS STRING), 'm') | Raise the memory
--   outside of the heap: executors were killed for it.
-- advice: was_killed | spark.yarn.executor.memoryOverhead | overhead_needed_mib | Raise the memory outside of the heap: executors were killed
--   for it.
-- advice: spark_minor >= 203 | spark.executor.memoryOverhead | CONCAT(CAST(overhead_needed_mib AS STRING), 'm') | Raise the memory
--   outside of the heap before executors get killed.
-- advice: TRUE | spark.yarn.executor.memoryOverhead | overhead_needed_mib | Raise the memory outside of the heap before
--   executors get killed.
-- recommendation: Raise the memory outside of the heap, or run fewer tasks at once in an executor.
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CASE WHEN num_lost_kills > 0 THEN 'medium' ELSE 'low' END AS severity,
  CASE WHEN num_lost_kills > 0 THEN 'high' ELSE 'medium' END AS confidence,
  num_workers, peak_rss_bytes, NULLIF(peak_python_rss_bytes, 0) AS peak_python_rss_bytes,
  container_memory_bytes, executor_memory_bytes,
  CAST(peak_rss_bytes AS DOUBLE) / NULLIF(container_memory_bytes, 0) AS ratio,
  TRY_CAST(GREATEST(
    CEIL((peak_rss_bytes / 0.9e0 - executor_memory_bytes) / 1048576e0),
    CASE WHEN num_lost_kills > 0 THEN FLOOR(2e0 * memory_overhead_bytes / 1048576e0) ELSE 0e0 END
  ) AS BIGINT) AS overhead_needed_mib,
  num_lost_kills > 0 AS was_killed, spark_minor
FROM (
  SELECT a.*, COALESCE(l.num_lost_kills, 0) AS num_lost_kills
  FROM application_facts AS a
  LEFT JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_lost_kills
    FROM executors
    WHERE loss_kind = 'oom'
    GROUP BY platform, cluster_id, application_id, attempt_id
  ) AS l
    ON l.platform = a.platform AND l.cluster_id = a.cluster_id
    AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
) AS f
WHERE NOT is_local AND NOT is_databricks AND core_time_ms >= $min_core_time_ms
  -- Without containers nobody kills.
  AND memory_overhead_bytes > 0
  AND peak_rss_bytes >= $min_ratio * container_memory_bytes
