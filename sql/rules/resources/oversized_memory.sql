-- id: oversized_memory
-- title: Executors have far more memory than they use
-- category: resources
-- severity: low
-- version: 8
-- description: Fires where the highest heap of any executor, or the memory of its whole container, stayed far
--   below what all of them were given, and neither spill nor garbage collection says the opposite. The
--   heap fills before it is collected, so a low peak is sure and a high one says little. The memory of the
--   container is known only where the log holds process tree metrics. What was not measured is not judged, nor an application
--   of whose tasks many are missing from the history: they may have used more. A heap is not to be smaller than the size at which
--   it starts (-Xms), with which no executor would start. Where stages read the same again (as many rows in as many tasks) that would not fit into half of the smaller heaps, it is not told: other
--   rules advise to cache it.
--   Saved is memory time, by which EMR Serverless, Fargate and full clusters charge; no core time is
--   counted. On Databricks the instance type decides. Where most of the memory was given outside of the heap,
--   as with Photon, the heap tells nothing and is not judged.
-- parameter: max_used_ratio double = 0.4 [ratio] highest heap over the heap that executors have, at most
-- parameter: max_container_ratio double = 0.65 [ratio] highest resident memory over that of the container, at most
-- parameter: min_memory_bytes bigint = 4294967296 [bytes] heap of an executor, at least
-- parameter: min_core_time_ms bigint = 3600000 [core_ms] held core time, at least
-- parameter: max_missing_share double = 0.05 [ratio] ends of tasks that the history lacks over tasks of stages that completed, at most
-- parameter: min_again_bytes bigint = 134217728 [bytes] input of a stage that is read again, at least
-- parameter: headroom double = 1.3 [ratio] memory to keep over the highest seen
-- evidence: The fullest of {num_workers:executor|executors} used {peak_heap_bytes:bytes} of {executor_memory_bytes:bytes} of heap[, and
--   {peak_rss_bytes:bytes} of the {container_memory_bytes:bytes} of its container in all]; about {saved_gib_hours:1} of
--   {held_gib_hours:1} GiB-hours were not needed.
-- advice: is_databricks | - | - | Choose instances with less memory for each core, or share the cluster with more work.
-- advice: is_serverless AND cause = 'heap' AND serverless_gib * 1073741824e0 < executor_memory_bytes AND COALESCE(first_heap_gib <= serverless_gib, TRUE) | spark.executor.memory | CONCAT(CAST(serverless_gib AS STRING), 'g') |
--   Give workers less memory, whose GB-hours are paid: this heap fits a worker size of EMR Serverless for {executor_cores:core|cores}. Shrink in steps and watch for spill.
-- advice: is_serverless AND cause = 'heap' AND serverless_gib * 1073741824e0 >= executor_memory_bytes | - | - | EMR Serverless has no smaller worker for {executor_cores:core|cores}: take workers with more cores on that memory, or with fewer cores and less memory.
-- advice: cause = 'heap' AND first_heap_gib > memory_needed_gib | - | - | The Java options start the heap at {first_heap_gib:1} GiB (-Xms), and no executor starts where spark.executor.memory is less: take
--   -Xms down or away together with setting spark.executor.memory={memory_needed_gib}g. Shrink in steps and watch for spill.
-- advice: cause = 'heap' AND gpu_bound | spark.executor.memory | CONCAT(CAST(memory_needed_gib AS STRING), 'g') | Give executors less memory. Each has a GPU, so that no
--   more of them fit a node, but a node with less memory would do, or the memory serves pinned buffers and cached files. Shrink in steps and watch for spill.
-- advice: cause = 'heap' | spark.executor.memory | CONCAT(CAST(memory_needed_gib AS STRING), 'g') | Give executors less memory, so
--   that more of them fit a node. Shrink in steps and watch for spill.
-- advice: cause = 'overhead' AND spark_minor >= 203 AND COALESCE(overhead_needed_mib * 1048576e0 < memory_overhead_bytes, TRUE) | spark.executor.memoryOverhead |
--   CONCAT(CAST(overhead_needed_mib AS STRING), 'm') | The heap is used, but most of the memory outside of it is not: give
--   containers less of it.
-- recommendation: Give executors less memory, or put more cores beside it.
WITH pressure AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CAST(memory_bytes_spilled AS DOUBLE) + COALESCE(CAST(disk_bytes_spilled AS DOUBLE), 0e0)) AS spilled,
    SUM(CAST(gc_time AS DOUBLE)) / NULLIF(SUM(CAST(executor_run_time AS DOUBLE)), 0e0) AS gc_ratio,
    MAX(CASE WHEN reason LIKE '%OutOfMemoryError%' THEN 1 ELSE 0 END) AS out_of_memory,
    SUM(CASE WHEN status = 'COMPLETE' THEN CAST(num_tasks AS DOUBLE) END) AS num_planned,
    SUM(CASE WHEN status = 'COMPLETE' THEN CAST(GREATEST(num_complete_tasks, succeeded_tasks) AS DOUBLE) END) AS num_ended
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- An executor that was killed for its memory did not live to report its peak.
killed AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM executors
  WHERE loss_kind = 'oom'
),
-- What is read again, and would lie in a cache.
again AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(again_bytes) AS again_bytes
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, MAX(CAST(input_bytes AS DOUBLE)) AS again_bytes
    FROM stage_facts
    WHERE status = 'COMPLETE' AND input_bytes >= $min_again_bytes AND input_records > 0
    GROUP BY platform, cluster_id, application_id, attempt_id, num_tasks, input_records
    HAVING COUNT(*) > 1
  ) AS i
  GROUP BY platform, cluster_id, application_id, attempt_id
),
java_options AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, key,
    -- The last one holds.
    REGEXP_REPLACE(value, '^(?s:.*)(-Xms|-XX:InitialHeapSize=)([0-9]+)([kKmMgGtT]?)(?s:.*)$', '$2') AS number,
    LOWER(REGEXP_REPLACE(value, '^(?s:.*)(-Xms|-XX:InitialHeapSize=)([0-9]+)([kKmMgGtT]?)(?s:.*)$', '$3')) AS unit
  FROM spark_settings
  WHERE key IN ('spark.executor.extraJavaOptions', 'spark.executor.defaultJavaOptions')
    AND (value LIKE '%-Xms%' OR value LIKE '%-XX:InitialHeapSize=%')
),
first_heaps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(TRY_CAST(number AS DOUBLE) * CASE unit WHEN 'k' THEN 1024e0 WHEN 'm' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 't' THEN 1099511627776e0 ELSE 1e0 END)
      AS first_heap_bytes
  FROM java_options
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Memory beside the heap that does not shrink with it.
overheads AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key IN ('spark.executor.memoryOverhead', 'spark.yarn.executor.memoryOverhead')
),
gpus AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key = 'spark.executor.resource.gpu.amount' AND TRY_CAST(value AS DOUBLE) > 0e0
),
measured AS (
  SELECT
    a.*,
    CASE
      WHEN a.peak_heap_bytes <= $max_used_ratio * a.executor_memory_bytes THEN 'heap'
      WHEN a.peak_rss_bytes <= $max_container_ratio * a.container_memory_bytes THEN 'overhead'
    END AS cause,
    CEIL(GREATEST(a.peak_heap_bytes * $headroom / 1073741824e0, 2e0)) AS heap_gib,
    -- At least what Spark gives by itself.
    GREATEST(
      CEIL((a.peak_rss_bytes * $headroom - a.executor_memory_bytes) / 1048576e0),
      CEIL(a.executor_memory_bytes * 0.1e0 / 1048576e0), 384e0
    ) AS overhead_mib,
    h.first_heap_bytes / 1073741824e0 AS first_heap_gib, g.platform IS NOT NULL OR COALESCE(a.has_gpu, FALSE) AS gpu_bound,
    COALESCE(a.off_heap_memory_bytes, 0) + COALESCE(a.pyspark_memory_bytes, 0) + CASE WHEN o.platform IS NOT NULL THEN COALESCE(a.memory_overhead_bytes, 0) ELSE 0 END AS fixed_bytes
  FROM application_facts AS a
  INNER JOIN pressure AS p
    ON p.platform = a.platform AND p.cluster_id = a.cluster_id
    AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
  LEFT JOIN killed AS k
    ON k.platform = a.platform AND k.cluster_id = a.cluster_id
    AND k.application_id = a.application_id AND k.attempt_id = a.attempt_id
  LEFT JOIN first_heaps AS h
    ON h.platform = a.platform AND h.cluster_id = a.cluster_id
    AND h.application_id = a.application_id AND h.attempt_id = a.attempt_id
  LEFT JOIN overheads AS o
    ON o.platform = a.platform AND o.cluster_id = a.cluster_id
    AND o.application_id = a.application_id AND o.attempt_id = a.attempt_id
  LEFT JOIN gpus AS g
    ON g.platform = a.platform AND g.cluster_id = a.cluster_id
    AND g.application_id = a.application_id AND g.attempt_id = a.attempt_id
  WHERE NOT a.is_local AND a.core_time_ms >= $min_core_time_ms
    AND k.platform IS NULL AND p.out_of_memory = 0
    AND a.executor_memory_bytes >= $min_memory_bytes
    AND p.spilled = 0e0 AND p.gc_ratio < 0.1e0
    AND COALESCE(a.off_heap_memory_bytes, 0) < a.executor_memory_bytes
    AND COALESCE(p.num_ended >= (1e0 - $max_missing_share) * p.num_planned, TRUE)
    AND COALESCE(CAST(a.num_lost_events AS DOUBLE) <= $max_missing_share * p.num_planned, TRUE)
),
sized AS (
  SELECT
    m.*,
    CASE
      WHEN cause = 'heap' THEN 1e0 - (1e0 - heap_gib * 1073741824e0 / NULLIF(executor_memory_bytes, 0))
        * CASE WHEN container_memory_bytes > fixed_bytes THEN CAST(container_memory_bytes - fixed_bytes AS DOUBLE) / NULLIF(container_memory_bytes, 0) ELSE 1e0 END
      ELSE (executor_memory_bytes + overhead_mib * 1048576e0 + COALESCE(off_heap_memory_bytes, 0) + COALESCE(pyspark_memory_bytes, 0)) / NULLIF(container_memory_bytes, 0)
    END AS kept_ratio,
    COALESCE(container_memory_time_byte_ms, memory_time_byte_ms) / 1073741824e0 / 3600000e0 AS held_gib_hours
  FROM measured AS m
  WHERE cause IS NOT NULL
)
SELECT
  z.platform, z.cluster_id, z.application_id, z.attempt_id, z.application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  cause, num_workers, peak_heap_bytes, executor_memory_bytes,
  CAST(peak_heap_bytes AS DOUBLE) / NULLIF(executor_memory_bytes, 0) AS used_ratio,
  peak_rss_bytes, container_memory_bytes, held_gib_hours, held_gib_hours * (1e0 - kept_ratio) AS saved_gib_hours,
  TRY_CAST(heap_gib AS BIGINT) AS memory_needed_gib, TRY_CAST(overhead_mib AS BIGINT) AS overhead_needed_mib,
  first_heap_gib, gpu_bound, is_databricks, spark_minor, memory_overhead_bytes, executor_cores, COALESCE(is_serverless, FALSE) AS is_serverless,
  -- The least worker for these cores, less the overhead of a tenth.
  CASE WHEN COALESCE(is_serverless, FALSE) THEN TRY_CAST(GREATEST(heap_gib, FLOOR(w.min_memory_gb / 1.1e0)) AS BIGINT) END AS serverless_gib
FROM sized AS z
LEFT JOIN ref_emr_serverless_workers AS w
  ON w.vcpus = z.executor_cores
LEFT JOIN again AS i
  ON i.platform = z.platform AND i.cluster_id = z.cluster_id
  AND i.application_id = z.application_id AND i.attempt_id = z.attempt_id
WHERE kept_ratio < 0.9e0 AND NOT COALESCE(z.cause = 'heap' AND i.again_bytes > 0.5e0 * z.heap_gib * 1073741824e0 * z.num_workers, FALSE)
