-- id: storage_memory
-- title: Cached data takes the memory that tasks need
-- category: memory
-- severity: low
-- version: 3
-- description: Fires where cached blocks and broadcasts filled most of the memory that storage shares with
--   execution while tasks spilled that would have had room without it. A cache that drives out another is told by cache_misses. The peak of
--   storage memory comes from executor metrics; what a log does not hold is not
--   judged. The time that spill costs is counted by the spill rules.
-- parameter: min_storage_ratio double = 0.5 [ratio] peak of storage memory over all unified memory of an executor, at least
-- parameter: min_spilled_bytes bigint = 268435456 [bytes] in-memory size of what tasks spilled, at least
-- evidence: Storage took up to {peak_storage_bytes:bytes} of the {unified_memory_bytes:bytes} of unified memory of
--   {of_what} while tasks spilled {spilled:bytes}[, and {evicted:int} of {stored:int} cached blocks were evicted];
--   {num_cached:RDD or table is|RDDs or tables are} cached[, {num_unread:int} of them never read again].
-- advice: num_unread > 0 | - | - | Do not cache what is read once, and unpersist what is not needed any more.
-- advice: num_memory_only > 0 AND evicted > 0 | - | - | Let partitions that are evicted go to disk (MEMORY_AND_DISK), so that they are not computed again, and
--   cache only the columns and rows that are read.
-- advice: is_local | - | - | Cache less (fewer columns, fewer tables, DISK_ONLY), unpersist early, or give the driver, which runs the tasks, more memory
--   (spark.driver.memory).
-- recommendation: Cache less (fewer columns, fewer tables, DISK_ONLY), unpersist early, or give executors more memory.
WITH caches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_cached,
    SUM(CASE WHEN num_reads = 0 THEN 1 ELSE 0 END) AS num_unread,
    SUM(CASE WHEN storage_level NOT LIKE '%Disk%' THEN 1 ELSE 0 END) AS num_memory_only,
    SUM(blocks_stored) AS stored, SUM(blocks_evicted) AS evicted, MIN(first_stage_id) AS first_stage_id
  FROM rdds
  WHERE is_persisted
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- What was spilled before anything was cached does not count, nor what would have spilled without a cache too.
spills AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id,
    SUM(CAST(s.memory_bytes_spilled AS DOUBLE)) AS spilled
  FROM stage_facts AS s
  INNER JOIN caches AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id
  WHERE s.stage_id >= c.first_stage_id
    AND COALESCE((s.memory_spilled_max + s.peak_memory_max) * s.tasks_at_once <= CAST(s.unified_memory_bytes AS DOUBLE), TRUE)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id
),
judged AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    a.is_local,
    a.peak_storage_bytes, a.unified_memory_bytes, s.spilled, c.stored, c.evicted,
    c.num_cached, c.num_unread, c.num_memory_only
  FROM application_facts AS a
  INNER JOIN caches AS c
    ON c.platform = a.platform AND c.cluster_id = a.cluster_id
    AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
  INNER JOIN spills AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  peak_storage_bytes, unified_memory_bytes, CASE WHEN is_local THEN 'the driver, which runs the tasks,' ELSE 'an executor' END AS of_what,
  TRY_CAST(spilled AS BIGINT) AS spilled, NULLIF(evicted, 0) AS evicted, stored,
  num_cached, NULLIF(num_unread, 0) AS num_unread, num_memory_only, is_local
FROM judged
WHERE peak_storage_bytes >= $min_storage_ratio * unified_memory_bytes AND spilled >= $min_spilled_bytes
