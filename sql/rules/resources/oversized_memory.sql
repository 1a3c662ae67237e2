-- id: oversized_memory
-- title: Executors have far more memory than they use
-- category: resources
-- severity: low
-- version: 1
-- description: Fires where the highest heap of any executor stayed far below what all of them were given,
--   and neither spill nor garbage collection says the opposite. The heap fills before it is collected, so
--   a low peak is sure and a high one says little. A log without memory metrics is not judged. Memory is
--   paid for with the cores beside it, so no core time is counted.
-- parameter: max_used_ratio double = 0.4 [ratio] highest heap over the heap that executors have, at most
-- parameter: min_memory_bytes bigint = 4294967296 [bytes] heap of an executor, at least
-- parameter: min_core_time_ms bigint = 3600000 [core_ms] held core time, at least
-- parameter: headroom double = 1.3 [ratio] heap to keep over the highest seen
-- evidence: The fullest of {num_workers:int} executors used {peak_heap_bytes:bytes} of {executor_memory_bytes:bytes} of heap, {used_ratio:pct}.
-- advice: platform = 'databricks' | - | - | Choose instances with less memory for each core.
-- advice: TRUE | spark.executor.memory | CONCAT(CAST(memory_needed_gib AS STRING), 'g') | Give executors less memory, so that more of
--   them fit a node, or put more cores beside it. Shrink in steps and watch for spill.
-- recommendation: Give executors less memory, or put more cores beside it.
WITH pressure AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CAST(memory_bytes_spilled AS DOUBLE)) AS spilled,
    SUM(CAST(gc_time AS DOUBLE)) / NULLIF(SUM(CAST(executor_run_time AS DOUBLE)), 0e0) AS gc_ratio
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  a.num_workers, a.peak_heap_bytes, a.executor_memory_bytes,
  CAST(a.peak_heap_bytes AS DOUBLE) / a.executor_memory_bytes AS used_ratio,
  TRY_CAST(CEIL(GREATEST(a.peak_heap_bytes * $headroom / 1073741824e0, 2e0)) AS BIGINT) AS memory_needed_gib
FROM application_facts AS a
INNER JOIN pressure AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
WHERE NOT a.is_local AND a.core_time_ms >= $min_core_time_ms
  AND a.executor_memory_bytes >= $min_memory_bytes
  AND a.peak_heap_bytes <= $max_used_ratio * a.executor_memory_bytes
  AND p.spilled = 0e0 AND p.gc_ratio < 0.1e0
