-- id: full_partition_scan
-- title: All partitions of a table are read
-- category: plans
-- severity: low
-- version: 3
-- description: Fires for a large read of a partitioned table, or a smaller one whose filter keeps few of its rows and which takes much of the
--   application's task time, that filters on other columns, but not on those by which the table is
--   partitioned, neither before the query nor while it runs (dynamic partition pruning). Whether a filter on
--   them would be right is for the author to know, so no loss is counted.
-- subject: node
-- group_by: source
-- parameter: min_bytes double = 10737418240 [bytes] size of the files that are read, at least
-- parameter: min_share double = 0.2 [ratio] or task time of all such reads of the table over that of the application, at least
-- parameter: min_read_ms double = 10000 [ms] and that task time, at least
-- parameter: max_kept double = 0.2 [ratio] and rows that the filter above the read keeps, at most
-- parameter: min_partitions bigint = 10 [count] partitions read, at least
-- evidence: Query {sql_id:int} ({query_description}) reads from all {partitions_read:partition|partitions} of {source}[, {files_read:file|files}] of {bytes_read:bytes},
--   with no filter on its partition columns; it filters on {data_filters}[ and keeps {kept:pct} of the rows].
-- recommendation: Filter on the partition columns too where the question allows it (a range of days), join with a small filtered
--   table on them so that dynamic pruning applies, or partition or cluster the table by the columns that are asked for.
WITH whole AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id,
    COALESCE(s.table_name, s.location) AS source, s.partitions_read, s.bytes_read, s.files_read,
    COALESCE(s.data_filters, s.pushed_filters) AS data_filters
  FROM sql_scans AS s
  WHERE s.operation = 'read' AND s.partition_filters IS NULL AND NOT COALESCE(s.has_dynamic_pruning, FALSE)
    AND COALESCE(s.data_filters, s.pushed_filters) IS NOT NULL AND s.partitions_read >= $min_partitions
),
nodes AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.node_name, n.rows_output,
    ARRAY_MIN(n.child_node_ids) AS child_id
  FROM sql_nodes AS n
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM whole) AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
),
-- The filter right above a scan, with what it keeps.
kept AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id,
    MAX(CAST(f.rows_output AS DOUBLE) / NULLIF(n.rows_output, 0)) AS kept
  FROM whole AS w
  INNER JOIN nodes AS n
    ON n.platform = w.platform AND n.cluster_id = w.cluster_id
    AND n.application_id = w.application_id AND n.attempt_id = w.attempt_id AND n.sql_id = w.sql_id AND n.node_id = w.node_id
  INNER JOIN nodes AS c
    ON c.platform = w.platform AND c.cluster_id = w.cluster_id
    AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id AND c.sql_id = w.sql_id
    AND (c.node_id = w.node_id OR (c.child_id = w.node_id AND c.node_name LIKE '%ColumnarToRow%'))
  INNER JOIN nodes AS f
    ON f.platform = w.platform AND f.cluster_id = w.cluster_id
    AND f.application_id = w.application_id AND f.attempt_id = w.attempt_id AND f.sql_id = w.sql_id
    AND f.child_id = c.node_id AND f.node_name LIKE '%Filter%'
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id
),
timed AS (
  SELECT
    w.*, k.kept,
    SUM(CASE WHEN k.kept <= $max_kept THEN r.run_ms ELSE 0e0 END) OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.source
    ) AS read_ms
  FROM whole AS w
  LEFT JOIN kept AS k
    ON k.platform = w.platform AND k.cluster_id = w.cluster_id
    AND k.application_id = w.application_id AND k.attempt_id = w.attempt_id AND k.sql_id = w.sql_id AND k.node_id = w.node_id
  LEFT JOIN read_scans AS r
    ON r.platform = w.platform AND r.cluster_id = w.cluster_id
    AND r.application_id = w.application_id AND r.attempt_id = w.attempt_id AND r.sql_id = w.sql_id AND r.node_id = w.node_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(t.sql_id AS STRING), '.', CAST(t.node_id AS STRING)) AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  t.sql_id, SUBSTR(q.description, 1, 100) AS query_description,
  t.source, t.partitions_read, t.bytes_read, t.files_read, SUBSTR(REGEXP_REPLACE(t.data_filters, '#[0-9]+L?', ''), 1, 200) AS data_filters,
  CASE WHEN t.kept <= $max_kept THEN t.kept END AS kept
FROM timed AS t
INNER JOIN sql AS q
  ON q.platform = t.platform AND q.cluster_id = t.cluster_id
  AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
INNER JOIN applications AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
WHERE t.bytes_read >= $min_bytes
  OR (t.kept <= $max_kept AND t.read_ms >= $min_read_ms AND t.read_ms >= $min_share * a.total_task_time_ms)
