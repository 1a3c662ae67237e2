-- id: taken_sorts
-- title: Cached global sorts of which only the first rows are read
-- description: One row per global sort at the top of a cached table (orderBy, then cache or persist) whose every reader in the application is a limit (take, head,
--   show, limit) or counts the rows, with at least one limit; sql_id and node_id are of the query in which the sort ran. limit_rows are the most rows that one of the
--   limits takes, a small part of the rows that were sorted (sorted_rows), queries those that read the cache, is_counted that one of them counts. Spark plans orderBy with a limit as a
--   top-n without a shuffle, but not through a cache. What a history without an end does not tell of may read all of the cache yet, so that it has no rows here, but for one of Databricks,
--   which never has an end. sorted_take tells these sorts, useless_sort all others.
-- parameter: max_row_share double = 0.1 [ratio] rows that a limit takes from a cached sort over those sorted, at most
-- reads: applications, rdds, sort_samples, sql_nodes, stages
WITH sorts AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, description, stage_ids
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Sort' AND description LIKE '%], true, 0%'
),
-- What a row passes on its way from the sort to its reader, from the sort upward. Clusters of generated code span no range of their own.
above AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id AS sort_id, n.node_id, n.description,
    CASE
      WHEN n.node_name LIKE '%InMemoryTableScan%' OR n.node_name LIKE '%Scan In-memory%' THEN 'scan'
      WHEN TRIM(n.node_name) IN ('LocalLimit', 'CollectLimit') THEN 'limit'
      WHEN n.node_name LIKE '%Aggregate%' AND n.description LIKE '%keys=[], functions=[%count(1)%' AND n.description NOT LIKE '%), %' THEN 'count'
      WHEN TRIM(n.node_name) IN ('Project', 'ColumnarToRow', 'AdaptiveSparkPlan', 'TableCacheQueryStage') THEN 'pass'
      ELSE 'other'
    END AS kind
  FROM sorts AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
  WHERE n.node_id < s.node_id AND n.last_node_id >= s.node_id
),
scans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, sort_id,
    MAX(CASE WHEN kind = 'scan' THEN node_id END) AS scan_id, MAX(CASE WHEN kind NOT IN ('scan', 'pass') THEN node_id END) AS other_id
  FROM above
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, sort_id
),
-- The reader: the nearest step above the cache that is not passed through.
readers AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.sort_id,
    MAX(CASE WHEN a.kind = 'limit' THEN a.node_id END) AS limit_id, MAX(CASE WHEN a.kind = 'count' THEN a.node_id END) AS count_id,
    MAX(CASE WHEN a.kind IN ('other', 'scan') THEN a.node_id END) AS other_id
  FROM scans AS c
  INNER JOIN above AS a
    ON a.platform = c.platform AND a.cluster_id = c.cluster_id
    AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id AND a.sql_id = c.sql_id AND a.sort_id = c.sort_id
  WHERE a.node_id < c.scan_id AND COALESCE(c.other_id < c.scan_id, TRUE)
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.sort_id
),
-- A sort that one application describes in the same words, ids of columns included, is one: each of its uses has to be such a reader.
uses AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.description, s.stage_ids,
    r.limit_id IS NOT NULL AND r.limit_id > COALESCE(r.other_id, -1) AND r.limit_id > COALESCE(r.count_id, -1) AS is_limit,
    r.count_id IS NOT NULL AND r.count_id > COALESCE(r.other_id, -1) AND r.count_id > COALESCE(r.limit_id, -1) AS is_count,
    TRY_CAST(SPLIT_PART(SPLIT_PART(l.description, ' ', 2), ',', 1) AS DOUBLE) AS limit_rows
  FROM sorts AS s
  LEFT JOIN readers AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id AND r.sql_id = s.sql_id AND r.sort_id = s.node_id
  LEFT JOIN above AS l
    ON l.platform = r.platform AND l.cluster_id = r.cluster_id
    AND l.application_id = r.application_id AND l.attempt_id = r.attempt_id AND l.sql_id = r.sql_id AND l.sort_id = r.sort_id AND l.node_id = r.limit_id
),
judged AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, description, MAX(CASE WHEN is_limit THEN limit_rows END) AS limit_rows,
    COUNT(DISTINCT sql_id) AS queries, MAX(CASE WHEN is_count THEN 1 ELSE 0 END) = 1 AS is_counted
  FROM uses
  GROUP BY platform, cluster_id, application_id, attempt_id, description
  -- A limit whose rows the plan does not tell could take all of them.
  HAVING COUNT(CASE WHEN NOT is_count AND (NOT is_limit OR limit_rows IS NULL) THEN 1 END) = 0 AND COUNT(CASE WHEN is_limit THEN 1 END) > 0
),
-- RDD code reads a cache without a plan that would tell what for.
read_by_code AS (
  SELECT DISTINCT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.first_stage_id
  FROM rdds AS r
  INNER JOIN stages AS t
    ON t.platform = r.platform AND t.cluster_id = r.cluster_id
    AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id
  WHERE r.is_persisted AND t.sql_id IS NULL AND t.status <> 'SKIPPED' AND ARRAY_CONTAINS(t.rdd_ids, r.rdd_id)
),
-- Rows that were written into their ranges.
sorted AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, MAX(CAST(t.shuffle_write_records AS DOUBLE)) AS sorted_rows
  FROM sort_samples AS p
  INNER JOIN stages AS t
    ON t.platform = p.platform AND t.cluster_id = p.cluster_id
    AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.stage_id = p.first_stage_id
  WHERE t.status = 'COMPLETE'
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
)
SELECT u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id, u.stage_ids, j.limit_rows, s.sorted_rows, j.queries, j.is_counted
FROM uses AS u
INNER JOIN judged AS j
  ON j.platform = u.platform AND j.cluster_id = u.cluster_id
  AND j.application_id = u.application_id AND j.attempt_id = u.attempt_id AND j.description = u.description
INNER JOIN sorted AS s
  ON s.platform = u.platform AND s.cluster_id = u.cluster_id
  AND s.application_id = u.application_id AND s.attempt_id = u.attempt_id AND s.sql_id = u.sql_id AND s.node_id = u.node_id
INNER JOIN applications AS a
  ON a.platform = u.platform AND a.cluster_id = u.cluster_id
  AND a.application_id = u.application_id AND a.attempt_id = u.attempt_id
LEFT JOIN read_by_code AS c
  ON c.platform = u.platform AND c.cluster_id = u.cluster_id
  AND c.application_id = u.application_id AND c.attempt_id = u.attempt_id AND ARRAY_CONTAINS(u.stage_ids, c.first_stage_id)
WHERE c.platform IS NULL AND CARDINALITY(u.stage_ids) > 0 AND j.limit_rows <= $max_row_share * s.sorted_rows
  AND COALESCE(a.complete OR a.platform = 'databricks' OR a.application_name = 'Databricks Shell', TRUE)
