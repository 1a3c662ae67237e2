-- id: unused_cache
-- title: Data are cached and hardly read
-- category: plans
-- severity: low
-- version: 8
-- description: Fires for cached data that no query or job but the one that filled the cache has read, and for a cache that a count
--   filled, so that one query could read it, once, where filling it took a large part of the task time. Caches that
--   Spark's libraries and Delta make for themselves are not judged. A cache that nobody reads costs memory and the
--   writing of it. One that does not fit into memory is told by cache_misses. A history without an end is not judged, since
--   what it does not tell of may read the cache; those of Databricks never have one.
-- group_by: call_site
-- parameter: min_fill_ms bigint = 5000 [ms] task time of the query or job that filled it, at least
-- parameter: min_once_share double = 0.2 [ratio] task time of the count that filled a cache which one query read, over that of the application, at least
-- evidence: {what}[ at {call_site}], {num_partitions:partition|partitions} ({storage_level}), {verdict}. The stage that
--   filled it took {stage_ms:s} of task time.
-- advice: is_once | - | - | Take the cache away, and the count if it only fills it: the query that reads the data computes them itself, and their rows can be counted on the way
--   (DataFrame.observe, or the rows that the write tells).
-- recommendation: Do not cache what is used once: remove the cache() or persist(), or unpersist the data after their last use. A
--   cache is filled with all of its columns, also with those that no later step reads.
WITH cached AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rdd_id, rdd_name, call_site, num_partitions, storage_level,
    first_stage_id, last_stage_id, num_reads
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
  FROM timed_stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
owner_time AS (
  SELECT platform, cluster_id, application_id, attempt_id, owner, SUM(run_ms) AS run_ms
  FROM owners
  GROUP BY platform, cluster_id, application_id, attempt_id, owner
),
-- A count that groups, joins or sorts the cached rows first uses them itself.
used_too AS (
  SELECT DISTINCT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id
  FROM sql_nodes AS n
  INNER JOIN sql_nodes AS c
    ON c.platform = n.platform AND c.cluster_id = n.cluster_id
    AND c.application_id = n.application_id AND c.attempt_id = n.attempt_id AND c.sql_id = n.sql_id
    AND c.node_id > n.node_id AND c.node_id <= n.last_node_id
  WHERE (c.node_name LIKE '%InMemoryTableScan%' OR c.node_name LIKE '%Scan In-memory%')
    AND (n.node_name LIKE '%Join%' OR n.node_name LIKE '%Window%' OR n.node_name LIKE '%Generate%'
      OR (n.node_name LIKE '%Aggregate%' AND n.description NOT LIKE '%keys=[],%'))
),
-- Queries that count the rows of a cache and do nothing else with them, as count() after cache() and CACHE TABLE do.
counts AS (
  SELECT DISTINCT c.platform, c.cluster_id, c.application_id, c.attempt_id, CONCAT('query ', CAST(c.sql_id AS STRING)) AS owner
  FROM sql_nodes AS c
  INNER JOIN sql_nodes AS n
    ON n.platform = c.platform AND n.cluster_id = c.cluster_id
    AND n.application_id = c.application_id AND n.attempt_id = c.attempt_id AND n.sql_id = c.sql_id
    AND n.node_id > c.node_id AND n.node_id <= c.last_node_id
  LEFT JOIN used_too AS u
    ON u.platform = c.platform AND u.cluster_id = c.cluster_id
    AND u.application_id = c.application_id AND u.attempt_id = c.attempt_id AND u.sql_id = c.sql_id
  WHERE u.platform IS NULL AND c.description LIKE '%keys=[], functions=[%count(1)%'
    AND (n.node_name LIKE '%InMemoryTableScan%' OR n.node_name LIKE '%Scan In-memory%')
),
-- Stages that a cache is in the lineage of, by whose they are.
readers AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.rdd_id, o.stage_id, o.owner
  FROM cached AS c
  INNER JOIN timed_stages AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id
  INNER JOIN owners AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.stage_id = s.stage_id
  WHERE ARRAY_CONTAINS(s.rdd_ids, c.rdd_id)
),
read_once AS (
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.rdd_id, MAX(t.executor_run_time) AS app_ms
  FROM readers AS r
  INNER JOIN cached AS c
    ON c.platform = r.platform AND c.cluster_id = r.cluster_id
    AND c.application_id = r.application_id AND c.attempt_id = r.attempt_id AND c.rdd_id = r.rdd_id
  INNER JOIN owners AS f
    ON f.platform = c.platform AND f.cluster_id = c.cluster_id
    AND f.application_id = c.application_id AND f.attempt_id = c.attempt_id AND f.stage_id = c.first_stage_id
  INNER JOIN counts AS k
    ON k.platform = f.platform AND k.cluster_id = f.cluster_id
    AND k.application_id = f.application_id AND k.attempt_id = f.attempt_id AND k.owner = f.owner
  INNER JOIN application_run_times AS t
    ON t.platform = r.platform AND t.cluster_id = r.cluster_id
    AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.rdd_id
  -- One stage of one other query: where a query reads it twice, or several do, the cache pays.
  HAVING COUNT(DISTINCT CASE WHEN r.owner <> f.owner THEN r.stage_id END) = 1
),
judged AS (
  SELECT
    c.*,
    o.rdd_id IS NOT NULL AND w.run_ms >= $min_once_share * o.app_ms AS is_once,
    w.run_ms AS fill_ms, f.run_ms AS stage_ms,
    c.num_reads = 0 OR f.owner = l.owner AS is_unread
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
  LEFT JOIN read_once AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id AND o.rdd_id = c.rdd_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, CONCAT('rdd ', CAST(rdd_id AS STRING)) AS subject_id,
  'low' AS severity,
  CASE WHEN is_unread THEN 'high' ELSE 'medium' END AS confidence,
  CASE WHEN is_unread THEN 'Data are cached and never read again' ELSE 'Data are cached for a single query' END AS title,
  CASE WHEN rdd_name LIKE '%+-%' OR rdd_name LIKE '*(%' OR rdd_name LIKE 'In-memory table %' THEN 'A cached table' ELSE CONCAT('Cached RDD ', SUBSTR(rdd_name, 1, 60)) END
    AS what,
  NULLIF(call_site, '') AS call_site, num_partitions, storage_level,
  CASE
    WHEN is_unread THEN 'was read by nothing but the action that filled it'
    ELSE 'was filled by a count and then read by one query only'
  END AS verdict,
  TRY_CAST(fill_ms AS BIGINT) AS fill_ms, TRY_CAST(stage_ms AS BIGINT) AS stage_ms, is_unread, is_once AND NOT is_unread AS is_once
FROM judged AS j
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, complete, platform = 'databricks' OR application_name = 'Databricks Shell' AS is_open_ended
  FROM applications
) AS p
  ON p.platform = j.platform AND p.cluster_id = j.cluster_id
  AND p.application_id = j.application_id AND p.attempt_id = j.attempt_id
-- What a history without an end does not tell of may read it yet; those of Databricks never have one.
WHERE COALESCE(p.complete OR p.is_open_ended, TRUE) AND fill_ms >= $min_fill_ms AND (is_unread OR is_once)
