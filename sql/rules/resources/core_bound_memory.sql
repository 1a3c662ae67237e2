-- id: core_bound_memory
-- title: The cores of the cluster are taken while its memory is idle
-- category: resources
-- severity: low
-- version: 1
-- description: Fires where nearly all cores of the cluster were in the hands of containers while the
--   application ran, but far less of its memory. Where tasks spill or collect garbage, the memory is there for
--   the taking; else instances with less memory for each core cost less. Needs samples of the cluster
--   (cluster_metrics).
-- parameter: min_core_time_ms bigint = 3600000 [core_ms] held core time, at least
-- evidence: While it ran, {cluster_cores_ratio:pct} of the cluster's {cluster_cores:core|cores} were taken, but
--   {cluster_memory_ratio:pct} of its memory; {num_executors_max:executor|executors} of {executor_cores:core|cores} hold
--   {container_memory_bytes:bytes} each, {memory_per_core:bytes} a core, where the cluster has
--   {cluster_memory_per_core:bytes}.
-- advice: is_pressed AND share_gib > heap_gib AND share_gib <= 31 | spark.executor.memory | CONCAT(CAST(share_gib AS STRING), 'g') |
--   The tasks spill or collect garbage while memory lies idle: give executors all the memory that goes with their cores.
-- recommendation: Choose instances with less memory for each core (the M or C families).
WITH judged AS (
  SELECT
    s.*,
    CAST(container_memory_bytes AS DOUBLE) / NULLIF(executor_cores, 0) AS memory_per_core,
    cluster_memory_bytes / NULLIF(cluster_cores, 0) AS cluster_memory_per_core,
    executor_memory_bytes / 1073741824e0 AS heap_gib,
    TRY_CAST(FLOOR(
      cluster_memory_bytes / NULLIF(cluster_cores, 0) * executor_cores / NULLIF(1e0 + overhead_ratio, 0) / 1073741824e0
    ) AS BIGINT) AS share_gib
  FROM executor_sizing AS s
  WHERE is_core_bound AND NOT is_local AND core_time_ms >= $min_core_time_ms
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  cluster_memory_ratio, cluster_cores_ratio, cluster_cores, num_executors_max, executor_cores,
  container_memory_bytes, memory_per_core, cluster_memory_per_core, is_pressed, heap_gib, share_gib
FROM judged
WHERE memory_per_core < cluster_memory_per_core
