-- id: unused_cache
-- title: Data are cached and hardly read
-- category: plans
-- severity: low
-- version: 1
-- description: Fires for cached data that no query or job but the one that filled the cache has read, and for a cache that did
--   not hold: fewer partitions were cached than there are, or many blocks were evicted, so that reads computed
--   them again. The second needs block updates in the log. Caches that Spark's libraries and Delta make for
--   themselves are not judged. Lost is the time of what was computed again, where that is known; a cache
--   that nobody reads costs memory and the writing of it.
-- group_by: call_site
-- parameter: min_fill_ms bigint = 5000 [ms] task time of the query or job that filled it, at least
-- parameter: min_evicted_ratio double = 0.2 [ratio] blocks that left the cache over those stored, at least
-- evidence: {what}[ at {call_site}], {num_partitions:partition|partitions} ({storage_level}), {verdict}[: {blocks_evicted:int} of
--   {blocks_stored:block|blocks} left the cache, and {num_reads:stage|stages} read it]. What filled it took {fill_ms:s} of task
--   time.
-- advice: is_unread | - | - | Do not cache what is used once: take the cache() or persist() away, or unpersist the data after their last use.
-- recommendation: Cache less (only the columns and rows that are read again), give back caches that are done with, or let them go to
--   disk (MEMORY_AND_DISK) rather than be computed again.
WITH cached AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rdd_id, rdd_name, call_site, num_partitions, storage_level,
    first_stage_id, last_stage_id, num_reads, max_cached_partitions, blocks_stored, blocks_evicted
  FROM rdds
  WHERE is_persisted AND first_stage_id IS NOT NULL AND rdd_name NOT LIKE 'Delta Table State%'
    AND COALESCE(scope, '') <> 'mapPartitionsWithIndex'
),
-- The query that a stage belongs to; outside of queries its job.
owners AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id,
    MIN(CASE WHEN sql_id IS NULL THEN CONCAT('job ', CAST(ARRAY_MIN(job_ids) AS STRING))
      ELSE CONCAT('query ', CAST(sql_id AS STRING)) END) AS owner,
    SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms
  FROM stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
owner_time AS (
  SELECT platform, cluster_id, application_id, attempt_id, owner, SUM(run_ms) AS run_ms
  FROM owners
  GROUP BY platform, cluster_id, application_id, attempt_id, owner
),
judged AS (
  SELECT
    c.*,
    w.run_ms AS fill_ms,
    c.num_reads = 0 OR f.owner = l.owner AS is_unread,
    COALESCE(c.blocks_evicted >= $min_evicted_ratio * c.blocks_stored AND c.blocks_evicted > 0, FALSE) AS is_evicted,
    COALESCE(c.max_cached_partitions < c.num_partitions, FALSE) AS is_partial
  FROM cached AS c
  INNER JOIN owners AS f
    ON f.platform = c.platform AND f.cluster_id = c.cluster_id
    AND f.application_id = c.application_id AND f.attempt_id = c.attempt_id AND f.stage_id = c.first_stage_id
  INNER JOIN owner_time AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.owner = f.owner
  LEFT JOIN owners AS l
    ON l.platform = c.platform AND l.cluster_id = c.cluster_id
    AND l.application_id = c.application_id AND l.attempt_id = c.attempt_id AND l.stage_id = c.last_stage_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, CONCAT('rdd ', CAST(rdd_id AS STRING)) AS subject_id,
  'low' AS severity,
  CASE WHEN is_unread THEN 'high' ELSE 'medium' END AS confidence,
  CASE WHEN is_unread THEN 'Data are cached and never read again' ELSE 'A cache does not hold' END AS title,
  CASE WHEN rdd_name LIKE '%+-%' OR rdd_name LIKE '*(%' THEN 'A cached table' ELSE CONCAT('Cached RDD ', SUBSTR(rdd_name, 1, 60)) END
    AS what,
  NULLIF(call_site, '') AS call_site, num_partitions, storage_level,
  CASE
    WHEN is_unread THEN 'was read by nothing but the action that filled it'
    WHEN is_partial THEN CONCAT('was never cached as a whole (', CAST(max_cached_partitions AS STRING), ' at most)')
    ELSE 'lost what it held before it was read'
  END AS verdict,
  CASE WHEN NOT is_unread THEN blocks_evicted END AS blocks_evicted,
  CASE WHEN NOT is_unread THEN blocks_stored END AS blocks_stored,
  num_reads, TRY_CAST(fill_ms AS BIGINT) AS fill_ms, is_unread
FROM judged
WHERE fill_ms >= $min_fill_ms AND (is_unread OR (num_reads > 0 AND (is_evicted OR is_partial)))
