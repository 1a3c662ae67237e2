-- id: unused_caches
-- title: Caches that hardly anything reads
-- description: One row per cached RDD or table that no query or job but the one that filled it has read (is_unread), or that a count filled and one query read, once (is_once), where such caches together took a large part of the
--   task time to fill: for unused_cache and for the rules that must not tell it again. fill_ms is the task time of the query or job that filled it, stage_ms and stage_wall_ms are task time and duration of the stage that did. Where it holds
--   the columns of a scan as they are, cached_columns counts them and read_columns those that the one query takes: unread_share is the part of the stage for columns that nothing reads, half of it for text, which is parsed all the same. Histories
--   without an end are left out, since what they do not tell of may read the cache; those of Databricks never have one.
-- parameter: min_fill_ms bigint = 5000 [ms] task time of the query or job that filled it, at least
-- parameter: min_once_share double = 0.2 [ratio] task time of the counts that filled caches which one query read, over that of the application, at least
-- reads: application_run_times, applications, rdds, sql_nodes, sql_scans, timed_stages
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
    SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms, MAX(CAST(duration_ms AS DOUBLE)) AS wall_ms
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
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.rdd_id, MAX(t.executor_run_time) AS app_ms, MAX(f.owner) AS fill_owner, MAX(CASE WHEN r.owner <> f.owner THEN r.owner END) AS read_owner
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
once AS (
  SELECT
    r.*, w.run_ms AS count_ms,
    -- Several small ones count together.
    SUM(CASE WHEN w.run_ms >= $min_fill_ms THEN w.run_ms ELSE 0e0 END) OVER (PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id) AS counts_ms
  FROM read_once AS r
  INNER JOIN owner_time AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id AND w.owner = r.fill_owner
),
-- Reads of files below a cache in a plan, and what chooses or makes columns between the two.
cache_nodes AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id
  FROM sql_nodes
  WHERE (node_name LIKE '%InMemoryTableScan%' OR node_name LIKE '%Scan In-memory%') AND last_node_id > node_id
),
cache_sources AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.node_id, MAX(s.num_columns) AS num_columns, MAX(COALESCE(s.table_name, s.location)) AS source,
    MAX(CASE WHEN s.format IN ('csv', 'json', 'text', 'xml') THEN 1 ELSE 0 END) = 1 AS is_text
  FROM cache_nodes AS c
  INNER JOIN sql_nodes AS n
    ON n.platform = c.platform AND n.cluster_id = c.cluster_id
    AND n.application_id = c.application_id AND n.attempt_id = c.attempt_id AND n.sql_id = c.sql_id
    AND n.node_id > c.node_id AND n.node_id <= c.last_node_id
  LEFT JOIN sql_scans AS s
    ON s.platform = n.platform AND s.cluster_id = n.cluster_id
    AND s.application_id = n.application_id AND s.attempt_id = n.attempt_id AND s.sql_id = n.sql_id AND s.node_id = n.node_id AND s.operation = 'read'
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.node_id
  HAVING COUNT(s.node_id) = 1 AND MAX(s.num_columns) > 0 AND MAX(COALESCE(s.table_name, s.location)) IS NOT NULL
    AND MAX(CASE WHEN n.node_name LIKE '%Project%' OR n.node_name LIKE '%Aggregate%' OR n.node_name LIKE '%Join%' OR n.node_name LIKE '%Generate%' OR n.node_name LIKE '%InMemoryTableScan%'
      OR n.node_name LIKE '%In-memory%' OR n.node_name LIKE '%Union%' OR n.node_name LIKE '%Window%' OR n.node_name LIKE '%Map%' OR n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%'
      OR n.node_name LIKE '%Serialize%' OR n.node_name LIKE '%Exchange%' OR n.node_name LIKE '%Sort%' THEN 1 ELSE 0 END) = 0
),
-- Columns of the cache that a query takes.
cache_reads AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, CONCAT('query ', CAST(c.sql_id AS STRING)) AS owner, c.source, c.num_columns, MAX(c.is_text) AS is_text, MAX(s.num_columns) AS read_columns, COUNT(*) AS num_nodes
  FROM (SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, source, num_columns, CASE WHEN is_text THEN 1 ELSE 0 END AS is_text FROM cache_sources) AS c
  LEFT JOIN sql_scans AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id AND s.sql_id = c.sql_id AND s.node_id = c.node_id AND s.format = 'cache'
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.source, c.num_columns
),
columns AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.rdd_id, MAX(f.num_columns) AS cached_columns, MAX(q.read_columns) AS read_columns, MAX(q.is_text) AS is_text
  FROM once AS o
  INNER JOIN cache_reads AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.owner = o.fill_owner
  INNER JOIN cache_reads AS q
    ON q.platform = o.platform AND q.cluster_id = o.cluster_id
    AND q.application_id = o.application_id AND q.attempt_id = o.attempt_id AND q.owner = o.read_owner AND q.source = f.source AND q.num_columns = f.num_columns
  WHERE f.num_nodes = 1 AND q.num_nodes = 1 AND q.read_columns > 0 AND q.read_columns <= f.num_columns
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.rdd_id
  HAVING COUNT(*) = 1
),
judged AS (
  SELECT
    c.*, f.owner AS fill_owner,
    o.rdd_id IS NOT NULL AND o.counts_ms >= $min_once_share * o.app_ms AS is_once,
    w.run_ms AS fill_ms, f.run_ms AS stage_ms, f.wall_ms AS stage_wall_ms, d.cached_columns, d.read_columns, d.is_text,
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
  LEFT JOIN once AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id AND o.rdd_id = c.rdd_id
  LEFT JOIN columns AS d
    ON d.platform = c.platform AND d.cluster_id = c.cluster_id
    AND d.application_id = c.application_id AND d.attempt_id = c.attempt_id AND d.rdd_id = c.rdd_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, rdd_id, rdd_name, call_site, num_partitions, storage_level, first_stage_id, fill_owner, fill_ms, stage_ms, stage_wall_ms,
  is_unread, is_once AND NOT is_unread AS is_once, CASE WHEN NOT is_unread THEN cached_columns END AS cached_columns, CASE WHEN NOT is_unread THEN read_columns END AS read_columns,
  CASE WHEN NOT is_unread THEN (1e0 - CAST(read_columns AS DOUBLE) / NULLIF(CAST(cached_columns AS DOUBLE), 0e0)) * CASE WHEN is_text = 1 THEN 0.5e0 ELSE 1e0 END END AS unread_share
FROM judged AS j
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, complete, platform = 'databricks' OR application_name = 'Databricks Shell' AS is_open_ended
  FROM applications
) AS p
  ON p.platform = j.platform AND p.cluster_id = j.cluster_id
  AND p.application_id = j.application_id AND p.attempt_id = j.attempt_id
WHERE COALESCE(p.complete OR p.is_open_ended, TRUE) AND fill_ms >= $min_fill_ms AND (is_unread OR is_once)
