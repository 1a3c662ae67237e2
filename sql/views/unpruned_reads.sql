-- id: unpruned_reads
-- title: Reads of all partitions of a table
-- description: One row per scan of a table of several partitions that filters, but not on those by which the table is partitioned, neither before
--   the query nor while it runs. kept is the share of its rows that the filter right above it keeps, NULL where the plan does not tell;
--   run_ms its share of the task time of its stages (view read_scans).
-- reads: read_scans, sql_nodes, sql_scans
WITH whole AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id,
    -- Where the location is cut short, several tables can have it.
    CASE WHEN s.table_name IS NULL AND s.location LIKE '%...'
      THEN CONCAT(s.location, ' (', CAST(s.files_read AS STRING), ' files, ', CAST(s.bytes_read AS STRING), ' bytes)')
      ELSE COALESCE(s.table_name, s.location) END AS source, s.partitions_read, s.bytes_read, s.files_read,
    COALESCE(s.data_filters, s.pushed_filters) AS data_filters
  FROM sql_scans AS s
  WHERE s.operation = 'read' AND s.partition_filters IS NULL AND NOT COALESCE(s.has_dynamic_pruning, FALSE)
    AND COALESCE(s.data_filters, s.pushed_filters) IS NOT NULL AND s.partitions_read > 1
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
)
SELECT w.*, k.kept, r.run_ms
FROM whole AS w
LEFT JOIN kept AS k
  ON k.platform = w.platform AND k.cluster_id = w.cluster_id
  AND k.application_id = w.application_id AND k.attempt_id = w.attempt_id AND k.sql_id = w.sql_id AND k.node_id = w.node_id
LEFT JOIN read_scans AS r
  ON r.platform = w.platform AND r.cluster_id = w.cluster_id
  AND r.application_id = w.application_id AND r.attempt_id = w.attempt_id AND r.sql_id = w.sql_id AND r.node_id = w.node_id
WHERE w.source IS NOT NULL
