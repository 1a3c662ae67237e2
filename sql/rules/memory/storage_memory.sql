-- id: storage_memory
-- title: Cached data takes the memory that tasks need
-- category: memory
-- severity: low
-- version: 2
-- description: Fires where cached blocks and broadcasts filled most of the memory that storage shares with
--   execution while tasks spilled, or where cached partitions were evicted and computed again. The peak of
--   storage memory comes from executor metrics, evictions from block updates; what a log does not hold is not
--   judged. The time that spill costs is counted by the spill rules.
-- parameter: min_storage_ratio double = 0.5 [ratio] peak of storage memory over all unified memory of an executor, at least
-- parameter: min_spilled_bytes bigint = 1073741824 [bytes] in-memory size of what tasks spilled, at least
-- parameter: min_evicted double = 0.1 [ratio] evicted over stored blocks, at least
-- evidence: [Storage took up to {peak_storage_bytes:bytes} of the {unified_memory_bytes:bytes} of unified memory of an
--   executor][ while tasks spilled {spilled:bytes}][{evicted:int} of {stored:int} cached blocks were evicted];
--   {num_cached:RDD or table is|RDDs or tables are} cached[, {num_unread:int} of them never read again].
-- advice: num_unread > 0 | - | - | Do not cache what is read once, and unpersist what is not needed any more.
-- advice: num_memory_only > 0 | - | - | Let partitions that are evicted go to disk (MEMORY_AND_DISK), so that they are not computed again, and
--   cache only the columns and rows that are read.
-- recommendation: Cache less (fewer columns, fewer tables, DISK_ONLY), unpersist early, or give executors more memory.
WITH caches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_cached,
    SUM(CASE WHEN num_reads = 0 THEN 1 ELSE 0 END) AS num_unread,
    SUM(CASE WHEN storage_level NOT LIKE '%Disk%' THEN 1 ELSE 0 END) AS num_memory_only,
    SUM(blocks_stored) AS stored, SUM(blocks_evicted) AS evicted
  FROM rdds
  WHERE is_persisted
  GROUP BY platform, cluster_id, application_id, attempt_id
),
spills AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CAST(memory_bytes_spilled AS DOUBLE)) AS spilled
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id
),
judged AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    a.peak_storage_bytes >= $min_storage_ratio * a.unified_memory_bytes AND s.spilled >= $min_spilled_bytes AS is_squeezed,
    c.evicted >= $min_evicted * c.stored AND c.stored > 0 AS is_evicted,
    a.peak_storage_bytes, a.unified_memory_bytes, s.spilled, c.stored, c.evicted,
    c.num_cached, c.num_unread, c.num_memory_only
  FROM application_facts AS a
  INNER JOIN caches AS c
    ON c.platform = a.platform AND c.cluster_id = a.cluster_id
    AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
  LEFT JOIN spills AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  CASE WHEN is_squeezed THEN peak_storage_bytes END AS peak_storage_bytes,
  CASE WHEN is_squeezed THEN unified_memory_bytes END AS unified_memory_bytes,
  CASE WHEN is_squeezed THEN TRY_CAST(spilled AS BIGINT) END AS spilled,
  CASE WHEN NOT COALESCE(is_squeezed, FALSE) THEN evicted END AS evicted,
  CASE WHEN NOT COALESCE(is_squeezed, FALSE) THEN stored END AS stored,
  num_cached, NULLIF(num_unread, 0) AS num_unread, num_memory_only
FROM judged
WHERE is_squeezed OR is_evicted
