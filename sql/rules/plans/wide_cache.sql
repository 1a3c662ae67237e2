-- id: wide_cache
-- title: A cache holds many columns that nobody reads
-- category: plans
-- severity: low
-- version: 6
-- description: Fires for data that are read with many columns and cached with all of them, although the queries that read the cache take a small part
--   of the columns. A scan puts its columns into a cache where no step between the two chooses among them. Lost is the time of the stages that read,
--   moved and cached the data, by the part of the columns that no query took, half of it for text, which is parsed all the same. Caches that
--   a single query reads are left to unused_cache.
-- subject: node
-- parameter: min_columns bigint = 20 [count] columns that are cached, at least
-- parameter: max_read_ratio double = 0.34 [ratio] columns that any of the queries takes over those cached, at most
-- parameter: min_fill_ms double = 5000 [ms] task time of the stages that filled the cache, at least
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- evidence: {source} was cached with {cached_columns:column|columns}, of which {num_queries:query|queries} read {read_columns:int}; the stages that
--   read, moved and cached it took {fill_ms:s} of {app_ms:s} of task time.
-- recommendation: Select the columns that are needed before the data are repartitioned or cached (select, then cache): a cache is filled with all columns of its
--   DataFrame, whatever is read of it later.
WITH caches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id,
    SPLIT_PART(SPLIT_PART(description, '[', 2), ']', 1) AS columns
  FROM sql_nodes
  WHERE (node_name LIKE 'InMemoryTableScan%' OR node_name LIKE 'Scan In-memory%') AND last_node_id > node_id
    AND description NOT LIKE '%more fields%'
),
wide_scans AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.node_id, c.last_node_id, c.columns,
    s.node_id AS scan_node, s.num_columns,
    -- Where the location is cut short, several tables can have it.
    CASE WHEN s.table_name IS NULL AND s.location LIKE '%...'
      THEN CONCAT(s.location, ' (', CAST(s.files_read AS STRING), ' files, ', CAST(s.bytes_read AS STRING), ' bytes)')
      ELSE COALESCE(s.table_name, s.location) END AS source,
    COALESCE(s.format IN ('csv', 'json', 'text', 'xml'), FALSE) AS is_text
  FROM caches AS c
  INNER JOIN sql_scans AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id AND s.sql_id = c.sql_id
    AND s.node_id > c.node_id AND s.node_id <= c.last_node_id
  WHERE s.operation = 'read' AND s.num_columns >= $min_columns AND COALESCE(s.table_name, s.location) IS NOT NULL
    AND (s.table_name IS NOT NULL OR s.location NOT LIKE '%...' OR (s.files_read IS NOT NULL AND s.bytes_read IS NOT NULL))
),
-- What chooses or makes columns between the scan and the cache.
choosing AS (
  SELECT DISTINCT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id
  FROM wide_scans AS w
  INNER JOIN sql_nodes AS n
    ON n.platform = w.platform AND n.cluster_id = w.cluster_id
    AND n.application_id = w.application_id AND n.attempt_id = w.attempt_id AND n.sql_id = w.sql_id
    AND n.node_id > w.node_id AND n.node_id <= w.last_node_id AND n.node_id <> w.scan_node
  WHERE n.node_name LIKE '%Project%' OR n.node_name LIKE '%Aggregate%' OR n.node_name LIKE '%Join%' OR n.node_name LIKE '%Generate%'
    OR n.node_name LIKE '%InMemoryTableScan%' OR n.node_name LIKE '%Union%' OR n.node_name LIKE '%Window%' OR n.node_name LIKE '%Map%'
    OR n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%' OR n.node_name LIKE '%Serialize%'
),
reads AS (
  SELECT w.*
  FROM wide_scans AS w
  LEFT JOIN choosing AS c
    ON c.platform = w.platform AND c.cluster_id = w.cluster_id
    AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id AND c.sql_id = w.sql_id AND c.node_id = w.node_id
  WHERE c.platform IS NULL
),
choices AS (
  SELECT DISTINCT
    platform, cluster_id, application_id, attempt_id, source, num_columns,
    -- Columns are numbered anew in every query.
    REPLACE(REGEXP_REPLACE(columns, '#[0-9]+L?', ''), ' ', '') AS columns
  FROM reads
),
read_columns AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, num_columns,
    CAST(CARDINALITY(ARRAY_DISTINCT(FLATTEN(ARRAY_AGG(SPLIT(columns, ','))))) AS DOUBLE) AS read_columns
  FROM choices
  -- A count takes none.
  WHERE columns <> ''
  GROUP BY platform, cluster_id, application_id, attempt_id, source, num_columns
),
places AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, num_columns, MIN(sql_id) AS sql_id, COUNT(DISTINCT CASE WHEN TRIM(columns) <> '' THEN sql_id END) AS num_queries,
    MAX(CASE WHEN is_text THEN 1 ELSE 0 END) = 1 AS is_text
  FROM reads
  GROUP BY platform, cluster_id, application_id, attempt_id, source, num_columns
),
-- Stages of the steps below the cache, in whichever query filled it.
fill_stages AS (
  SELECT DISTINCT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.source, r.num_columns, o.stage_id, o.run_ms
  FROM reads AS r
  INNER JOIN operator_stages AS o
    ON o.platform = r.platform AND o.cluster_id = r.cluster_id
    AND o.application_id = r.application_id AND o.attempt_id = r.attempt_id AND o.sql_id = r.sql_id
    AND o.node_id > r.node_id AND o.node_id <= r.last_node_id
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  WHERE ARRAY_CONTAINS(n.stage_ids, o.stage_id)
),
-- Caches that one query reads, once, or none: unused_cache tells them.
unused AS (
  SELECT DISTINCT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.source, f.num_columns
  FROM fill_stages AS f
  INNER JOIN unused_caches AS u
    ON u.platform = f.platform AND u.cluster_id = f.cluster_id
    AND u.application_id = f.application_id AND u.attempt_id = f.attempt_id AND u.first_stage_id = f.stage_id
),
fills AS (
  SELECT platform, cluster_id, application_id, attempt_id, source, num_columns, SUM(CAST(run_ms AS DOUBLE)) AS fill_ms
  FROM fill_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, source, num_columns
),
judged AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, CONCAT(CAST(p.sql_id AS STRING), '.', CAST(f.node_id AS STRING)) AS subject_id,
    l.fill_ms * (1e0 - c.read_columns / NULLIF(p.num_columns, 0)) * CASE WHEN p.is_text THEN 0.5e0 ELSE 1e0 END AS lost_ms,
    d.wall_ratio,
    p.source, p.num_columns AS cached_columns, c.read_columns, p.num_queries, l.fill_ms, t.executor_run_time AS app_ms
  FROM places AS p
  INNER JOIN read_columns AS c
    ON c.platform = p.platform AND c.cluster_id = p.cluster_id
    AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id AND c.source = p.source AND c.num_columns = p.num_columns
  INNER JOIN fills AS l
    ON l.platform = p.platform AND l.cluster_id = p.cluster_id
    AND l.application_id = p.application_id AND l.attempt_id = p.attempt_id AND l.source = p.source AND l.num_columns = p.num_columns
  INNER JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, source, num_columns, MIN(node_id) AS node_id
    FROM reads
    GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, source, num_columns
  ) AS f
    ON f.platform = p.platform AND f.cluster_id = p.cluster_id
    AND f.application_id = p.application_id AND f.attempt_id = p.attempt_id AND f.sql_id = p.sql_id AND f.source = p.source AND f.num_columns = p.num_columns
  INNER JOIN application_run_times AS t
    ON t.platform = p.platform AND t.cluster_id = p.cluster_id
    AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id
  LEFT JOIN application_facts AS d
    ON d.platform = p.platform AND d.cluster_id = p.cluster_id
    AND d.application_id = p.application_id AND d.attempt_id = p.attempt_id
  LEFT JOIN unused AS u
    ON u.platform = p.platform AND u.cluster_id = p.cluster_id
    AND u.application_id = p.application_id AND u.attempt_id = p.attempt_id AND u.source = p.source AND u.num_columns = p.num_columns
  WHERE u.platform IS NULL AND p.num_queries >= 1 AND c.read_columns <= $max_read_ratio * p.num_columns AND l.fill_ms >= $min_fill_ms AND l.fill_ms >= $min_share * t.executor_run_time
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'medium' AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(lost_ms * wall_ratio AS BIGINT) AS recoverable_ms,
  source, cached_columns, read_columns, num_queries, TRY_CAST(fill_ms AS BIGINT) AS fill_ms, app_ms
FROM judged
