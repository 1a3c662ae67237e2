-- id: memory_bound_cores
-- title: The memory of the cluster is full while its cores are idle
-- category: resources
-- severity: medium
-- version: 4
-- description: Fires where nearly all memory of the cluster was in the hands of containers while the
--   application ran, but far fewer of its cores: executors ask for more memory a core than the nodes
--   have, so cores are paid for that nothing can use. Where tasks need their memory (spill, garbage
--   collection, executors lost for memory), fewer of them at once an executor cost nothing that the
--   cluster would use; else executors with the share of a node's memory that goes with their cores fit, by
--   measured peaks where there are any. The number that fits is that of whole executors a node, and never takes
--   more cores than the cluster has; less memory is advised only where more executors fit then. Needs samples of
--   the cluster (cluster_metrics). What the idle cores cost is the application's part of them, by its part of the
--   memory.
-- parameter: min_core_time_ms bigint = 3600000 [core_ms] held core time, at least
-- evidence: While it ran, {cluster_memory_ratio:pct} of the cluster's memory was taken, but {cluster_cores_ratio:pct} of its
--   {cluster_cores:core|cores}[ on {num_nodes:node|nodes}]; {num_executors_max:executor|executors} of {executor_cores:core|cores} hold
--   {container_memory_bytes:bytes} each, {memory_per_core:bytes} a core, where the cluster has
--   {cluster_memory_per_core:bytes}[; their fullest heap was {peak_heap_bytes:bytes}][; executors of {target_cores:core|cores} with
--   {target_heap} of heap and {target_overhead} of overhead fit {target_fit:int} times, on {target_fit_cores:core|cores},
--   {freed_cores:int} more than the executors that ran].
-- advice: is_pressed AND target_cores < executor_cores | spark.executor.cores | target_cores | The tasks need their memory (they
--   spill or collect garbage): run fewer of them at once in an executor. The cluster cannot use these cores anyway.
-- advice: NOT is_pressed AND freed_cores > 0 | spark.executor.memory | target_heap | Give executors the memory that goes with their
--   cores: {target_heap} of heap and {target_overhead} of overhead, so that {target_fit:int} of them fit the cluster. Lower
--   spark.executor.memoryOverhead to {target_overhead} too where it is set. Shrink in steps and watch for spill.
-- advice: is_roomy | - | - | The executors use less than half of their memory, but no smaller ones of whole gibibytes fit more often: give them
--   more cores on the same memory, in steps, or choose instances with more memory for each core.
-- recommendation: The tasks need more memory for each core than the nodes have: choose instances with more memory for each core
--   (the R families), or fewer cores.
WITH judged AS (
  SELECT
    s.*,
    CAST(container_memory_bytes AS DOUBLE) / NULLIF(executor_cores, 0) AS memory_per_core,
    cluster_memory_bytes / NULLIF(cluster_cores, 0) AS cluster_memory_per_core,
    target_fit * target_cores AS target_fit_cores,
    -- Where no more of them fit, they are not what keeps executors out.
    CASE WHEN target_fit > current_fit THEN target_fit * target_cores - num_executors_max * executor_cores END AS gained_cores,
    NOT is_pressed AND COALESCE(peak_heap_bytes < 0.5e0 * executor_memory_bytes, FALSE) AS is_roomy,
    -- Its part of the idle cores, for the time it ran.
    (1e0 - cluster_cores_ratio) * cluster_cores
      * LEAST(1e0, num_executors_max * CAST(container_memory_bytes AS DOUBLE) / NULLIF(cluster_memory_bytes, 0))
      * core_time_ms / NULLIF(CAST(num_executors_max AS DOUBLE) * executor_cores, 0e0) AS idle_core_ms
  FROM executor_sizing AS s
  WHERE is_memory_bound AND NOT is_local AND core_time_ms >= $min_core_time_ms
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CASE WHEN peak_heap_bytes IS NULL AND NOT is_pressed THEN 'low' ELSE 'medium' END AS confidence,
  TRY_CAST(idle_core_ms AS BIGINT) AS lost_core_ms,
  0 AS recoverable_ms,
  cluster_memory_ratio, cluster_cores_ratio, cluster_cores, num_nodes, num_executors_max, executor_cores,
  container_memory_bytes, memory_per_core, cluster_memory_per_core, peak_heap_bytes, is_pressed, is_roomy, target_cores,
  CASE WHEN NOT is_pressed AND gained_cores > 0 THEN CONCAT(CAST(target_heap_mib AS STRING), 'm') END AS target_heap,
  CASE WHEN NOT is_pressed AND gained_cores > 0 THEN CONCAT(CAST(target_overhead_mib AS STRING), 'm') END AS target_overhead,
  target_fit, target_fit_cores,
  CASE WHEN NOT is_pressed AND gained_cores > 0 THEN gained_cores END AS freed_cores
FROM judged
WHERE memory_per_core > cluster_memory_per_core
