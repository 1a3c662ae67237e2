-- id: cache_misses
-- title: A cache does not fit into memory
-- category: memory
-- severity: low
-- version: 8
-- description: Fires for cached data that later stages did not find in memory: their tasks read the partition from disk, or computed it
--   again because it had been evicted or was never cached. Block updates in the log tell it
--   (spark.eventLog.logBlockUpdates.enabled, spark.taskMetrics.trackUpdatedBlockStatuses; Spark before 2.1 always has them); without them, tasks that read just as many bytes as the one that
--   filled the same partition, or of a table as many records, did not find it (view cache_reads, which holds how many have to). Lost is what
--   these tasks ran beyond those of the same cache that found their partition in memory; not known where none did. Caches that Spark's libraries and Delta
--   make for themselves are not judged, nor those of applications whose caches went with idle executors, which executor_churn tells. What all of a cache in memory needs is what its partitions took that were found, times their number: the heap that holds it beside the work of tasks is advised where it is
--   no more than four times the current one, the shares of memory are those of Spark, and the memory of the cluster is not known to be full.
-- parameter: memory_fraction double = 0.6 [ratio] part of the heap for storage and execution, Spark's default
-- parameter: reserved_bytes double = 314572800 [bytes] of the heap that belong to neither
-- parameter: spare double = 1.5 [ratio] heap that is advised over what the cache alone needs
-- parameter: max_growth double = 4.0 [ratio] heap that is advised over the current one, at most
-- parameter: max_heap_bytes double = 34359738368 [bytes] heap that is advised, at most
-- group_by: call_site
-- parameter: min_evicted_ratio double = 0.2 [ratio] evicted blocks over those stored, at least, where no task missed
-- parameter: min_fill_ms bigint = 5000 [ms] run time of the stage that filled the cache, at least, where no task missed
-- evidence: {what}[ at {call_site}], {num_partitions:partition|partitions} ({storage_level})[: {missed:int} of {read:task|tasks} that read it {found}
--   and ran {missed_ms:s} on average][, those that found it{hit_place} {hit_ms:s}][. {evicted:int} of {stored:block|blocks} left the cache][. At most
--   {cached:int} partitions were cached at once][. All of it needs about {needed_bytes:bytes} of memory, and {fit_bytes:bytes} fit].
-- advice: cached_timeout_ms < 1800000 AND NOT is_on_disk | spark.dynamicAllocation.cachedExecutorIdleTimeout | '1800s' | Executors that hold cached data are given back after
--   {cached_timeout_ms:s} without work, and what they held is computed again: let them stay longer, and keep some (spark.dynamicAllocation.minExecutors); cache only the columns and rows
--   that are read again.
-- advice: is_on_disk AND is_table | - | - | Cache fewer columns and rows (select what later steps read before cache())[, or give executors more memory: all of it
--   needs about {factor:1} times as much ({memory_how})]; where what fills the cache is read as fast as the disk, do not cache at all.
-- advice: is_on_disk AND is_deserialized | - | - | [Give executors more memory: all of it needs about {factor:1} times as much ({memory_how}). ]Cache less: only the
--   records and fields that are read again, and objects in serialized form ({serialized_disk}) where that is smaller.
-- advice: is_on_disk | - | - | Cache less (only the columns and rows that are read again), unpersist what is no longer needed[, or give executors more
--   memory: all of it needs about {factor:1} times as much ({memory_how})].
-- advice: is_memory_only AND is_deserialized AND NOT is_table | spark.executor.memory | CASE WHEN heap_mib > 0 THEN CONCAT(CAST(heap_mib AS STRING), 'm') END | Give executors more memory, so that all of it fits.
--   Else keep the objects in serialized form ({serialized}), which takes much less memory but is deserialized in each pass, or let partitions that do not fit go
--   to disk (MEMORY_AND_DISK_SER); cache only the records and fields that are read again, and unpersist what is no longer needed.
-- advice: is_memory_only AND is_deserialized AND NOT is_table | - | - | Keep the objects in serialized form ({serialized}), which takes much less memory but is deserialized in each pass, or let partitions that do not fit go
--   to disk (MEMORY_AND_DISK_SER) rather than compute them again; cache only the records and fields that are read again, and unpersist what is no longer needed.
-- advice: is_memory_only | spark.executor.memory | CASE WHEN heap_mib > 0 THEN CONCAT(CAST(heap_mib AS STRING), 'm') END | Give executors more memory, so that all of it fits, or let partitions that do not fit go to disk
--   (MEMORY_AND_DISK) rather than compute them again; cache only the columns and rows that are read again, and unpersist what is no longer needed.
-- advice: is_memory_only | - | - | Let partitions that do not fit go to disk (MEMORY_AND_DISK) rather than compute them again, cache only the columns and rows
--   that are read again, and unpersist what is no longer needed.
-- advice: is_databricks | - | - | Cache less (only the columns and rows that are read again), unpersist what is no longer needed, or choose instances with more memory; where workers went with
--   their blocks, raise the minimum of the autoscaling workers.
-- advice: is_local | - | - | Cache less (only the columns and rows that are read again), unpersist what is no longer needed, or give the driver, which runs the tasks in local mode, more memory
--   (spark.driver.memory).
-- recommendation: Cache less (only the columns and rows that are read again), unpersist what is no longer needed, or give executors more memory; where executors
--   went with their blocks, keep those that hold some (spark.dynamicAllocation.cachedExecutorIdleTimeout).
WITH cached AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.rdd_id, r.rdd_name, r.call_site, r.num_partitions, r.storage_level,
    r.num_reads, r.first_stage_id, r.max_cached_partitions, r.blocks_stored, r.blocks_evicted, c.is_on_disk, c.is_missed, c.missed, c.tasks_read, c.missed_ms,
    r.storage_level NOT LIKE '%Disk%' AS is_memory_only, r.storage_level LIKE '%Deserialized%' AS is_deserialized,
    r.rdd_name LIKE '%+-%' OR r.rdd_name LIKE '*(%' OR r.rdd_name LIKE 'In-memory table %' AS is_table,
    b.block_bytes, b.fit_bytes,
    (c.run_ms - c.missed_ms) / NULLIF(CAST(c.tasks_read - c.missed AS DOUBLE), 0e0) AS hit_ms
  FROM cache_reads AS c
  INNER JOIN rdds AS r
    ON r.platform = c.platform AND r.cluster_id = c.cluster_id
    AND r.application_id = c.application_id AND r.attempt_id = c.attempt_id AND r.rdd_id = c.rdd_id
  -- Of what a task read some can be a shuffle beside the cache: the pass that read least counts.
  LEFT JOIN (
    SELECT
      platform, cluster_id, application_id, attempt_id, rdd_id, MIN(found_bytes / NULLIF(CAST(tasks_read - missed AS DOUBLE), 0e0)) AS block_bytes, MIN(found_bytes) AS fit_bytes
    FROM cache_passes
    WHERE found_bytes > 0e0
    GROUP BY platform, cluster_id, application_id, attempt_id, rdd_id
  ) AS b
    ON b.platform = r.platform AND b.cluster_id = r.cluster_id
    AND b.application_id = r.application_id AND b.attempt_id = r.attempt_id AND b.rdd_id = r.rdd_id AND r.storage_level NOT LIKE '%Disk%'
  WHERE COALESCE(r.scope, '') <> 'mapPartitionsWithIndex'
),
set_values AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.serializer' AND value LIKE '%Kryo%' THEN 1 ELSE 0 END) = 1 AS has_kryo,
    MAX(CASE WHEN key IN ('spark.memory.fraction', 'spark.memory.useLegacyMode', 'spark.memory.offHeap.enabled') THEN 1 ELSE 0 END) = 1 AS has_shares
  FROM spark_settings
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- What executor_churn tells.
idle_losses AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM lost_caches
  WHERE is_told
),
-- The heap that holds all of it, in steps of 256 MiB.
heaps AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.rdd_id, a.executor_memory_bytes,
    CEIL((j.block_bytes * CEIL(CAST(j.num_partitions AS DOUBLE) / NULLIF(CAST(a.num_executors_max AS DOUBLE), 0e0)) / NULLIF($memory_fraction, 0e0) + $reserved_bytes) * $spare / 268435456e0) * 256e0 AS heap_mib
  FROM cached AS j
  INNER JOIN application_facts AS a
    ON a.platform = j.platform AND a.cluster_id = j.cluster_id
    AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
  LEFT JOIN set_values AS v
    ON v.platform = j.platform AND v.cluster_id = j.cluster_id
    AND v.application_id = j.application_id AND v.attempt_id = j.attempt_id
  LEFT JOIN (SELECT platform, cluster_id, application_id, attempt_id, is_memory_bound FROM executor_sizing) AS z
    ON z.platform = j.platform AND z.cluster_id = j.cluster_id
    AND z.application_id = j.application_id AND z.attempt_id = j.attempt_id
  WHERE j.block_bytes > 0e0 AND NOT a.is_local AND NOT a.is_databricks AND NOT COALESCE(v.has_shares, FALSE) AND NOT COALESCE(z.is_memory_bound, FALSE)
),
judged AS (
  SELECT
    c.*,
    c.is_missed AS has_missed,
    CASE WHEN c.hit_ms IS NOT NULL THEN GREATEST(c.missed_ms - c.missed * c.hit_ms, 0) END AS lost_ms,
    s.fill_ms
  FROM cached AS c
  INNER JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(executor_run_time AS DOUBLE)) AS fill_ms
    FROM timed_stages
    GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
  ) AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id AND s.stage_id = c.first_stage_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, CONCAT('rdd ', CAST(j.rdd_id AS STRING)) AS subject_id,
  CASE WHEN has_missed THEN 'high' ELSE 'medium' END AS confidence,
  CASE WHEN has_missed THEN TRY_CAST(lost_ms AS BIGINT) END AS lost_core_ms, CASE WHEN has_missed THEN TRY_CAST(lost_ms * a.wall_ratio AS BIGINT) END AS recoverable_ms,
  CASE WHEN is_table THEN 'A cached table' ELSE CONCAT('Cached RDD ', SUBSTR(rdd_name, 1, 60)) END AS what,
  NULLIF(call_site, '') AS call_site, num_partitions, storage_level,
  CASE WHEN has_missed THEN missed END AS missed,
  CASE WHEN has_missed THEN tasks_read END AS read,
  CASE WHEN is_on_disk THEN 'found their partition on disk' ELSE 'did not find their partition and computed it again' END AS found,
  CASE WHEN has_missed THEN TRY_CAST(missed_ms / NULLIF(missed, 0) AS BIGINT) END AS missed_ms,
  CASE WHEN has_missed THEN TRY_CAST(hit_ms AS BIGINT) END AS hit_ms,
  -- Without block updates, what was found can have been on disk.
  CASE WHEN blocks_stored IS NULL AND NOT is_memory_only THEN '' ELSE ' in memory' END AS hit_place,
  NULLIF(blocks_evicted, 0) AS evicted, blocks_stored AS stored,
  CASE WHEN max_cached_partitions < num_partitions THEN max_cached_partitions END AS cached,
  CASE WHEN has_missed AND fit_bytes < block_bytes * num_partitions THEN TRY_CAST(block_bytes * num_partitions AS BIGINT) END AS needed_bytes,
  CASE WHEN has_missed AND fit_bytes < block_bytes * num_partitions THEN TRY_CAST(fit_bytes AS BIGINT) END AS fit_bytes,
  CASE WHEN has_missed AND h.heap_mib * 1048576e0 > h.executor_memory_bytes AND h.heap_mib * 1048576e0 <= $max_growth * h.executor_memory_bytes AND h.heap_mib * 1048576e0 <= $max_heap_bytes
    THEN TRY_CAST(h.heap_mib AS BIGINT) END AS heap_mib,
  CASE WHEN v.has_kryo THEN 'MEMORY_ONLY_SER' ELSE 'MEMORY_ONLY_SER with Kryo' END AS serialized, CASE WHEN v.has_kryo THEN 'MEMORY_AND_DISK_SER' ELSE 'MEMORY_AND_DISK_SER with Kryo' END AS serialized_disk,
  COALESCE(has_missed AND is_on_disk, FALSE) AS is_on_disk, is_memory_only, is_deserialized, is_table,
  CASE WHEN has_missed AND is_on_disk AND hit_ms IS NOT NULL THEN ROUND(CAST(tasks_read AS DOUBLE) / NULLIF(tasks_read - missed, 0), 1) END AS factor,
  COALESCE(a.is_databricks, FALSE) AS is_databricks, COALESCE(a.is_local, FALSE) AND NOT COALESCE(a.is_databricks, FALSE) AS is_local,
  CASE
    WHEN a.is_databricks THEN 'instances with more memory'
    WHEN a.is_local THEN 'spark.driver.memory, since the driver runs the tasks in local mode'
    ELSE 'spark.executor.memory'
  END AS memory_how,
  CASE WHEN a.dynamic_allocation AND NOT COALESCE(a.is_databricks, FALSE) THEN o.cached_timeout_ms END AS cached_timeout_ms
FROM judged AS j
LEFT JOIN (SELECT platform, cluster_id, application_id, attempt_id, is_databricks, is_local, dynamic_allocation, wall_ratio FROM application_facts) AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
LEFT JOIN (SELECT platform, cluster_id, application_id, attempt_id, cached_timeout_ms FROM application_settings) AS o
  ON o.platform = j.platform AND o.cluster_id = j.cluster_id
  AND o.application_id = j.application_id AND o.attempt_id = j.attempt_id
LEFT JOIN set_values AS v
  ON v.platform = j.platform AND v.cluster_id = j.cluster_id
  AND v.application_id = j.application_id AND v.attempt_id = j.attempt_id
LEFT JOIN heaps AS h
  ON h.platform = j.platform AND h.cluster_id = j.cluster_id
  AND h.application_id = j.application_id AND h.attempt_id = j.attempt_id AND h.rdd_id = j.rdd_id
LEFT JOIN idle_losses AS i
  ON i.platform = j.platform AND i.cluster_id = j.cluster_id
  AND i.application_id = j.application_id AND i.attempt_id = j.attempt_id
WHERE (has_missed AND (is_on_disk OR i.platform IS NULL))
  OR (fill_ms >= $min_fill_ms AND COALESCE(missed, 0) = 0
    AND (max_cached_partitions < num_partitions OR (blocks_evicted >= $min_evicted_ratio * blocks_stored AND blocks_evicted > 0)))
