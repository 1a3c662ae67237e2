-- id: read_scans
-- title: What queries read, and the stage time of each reading
-- description: One row per scan of the last plan of a query that reads a table or path: its filters on partitions (filters) and on
--   rows (row_filters) without the numbers of expressions, and its share of the stages that it ran in. A union reads its parts in one stage, each of
--   them has an equal share. columns are those that it reads, without numbers and blanks, NULL where the plan cuts them short. bytes are those that the stages read, at most those of the files, and NULL where they were
--   not counted. own_ms is what the scan's own timer measured, NULL without one; empty_ms the part of run_ms in stages
--   whose splits are mostly empty. Reads of caches, of streams and of the Delta log are left out, and scans below a
--   cache or a shuffle that an earlier query had filled: they are in the plan, and ran in no stage of this query. Queries
--   that failed are left out too: what reads the same after one of them is a second try; and those that only look for the
--   values of a pivot, which pivot_values tells.
-- reads: operator_stages, pivot_queries, sql, sql_nodes, sql_scans, stage_facts, stages
WITH all_scans AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.format, COALESCE(s.table_name, s.location) AS whole_source,
    s.table_name IS NULL AND s.location LIKE '%...' AS is_cut,
    -- Expressions are numbered anew in every query.
    COALESCE(REGEXP_REPLACE(s.partition_filters, '#[0-9]+L?', ''), '') AS filters,
    COALESCE(REGEXP_REPLACE(s.data_filters, '#[0-9]+L?', ''), '') AS row_filters,
    s.bytes_read, s.files_read,
    -- FileScan parquet db.t[a#1,b#2L] Batched: ...: of a long list only the first columns are there.
    CASE WHEN SPLIT_PART(SPLIT_PART(n.description, '[', 2), ']', 1) LIKE '%#%' AND SPLIT_PART(SPLIT_PART(n.description, '[', 2), ']', 1) NOT LIKE '% more field%'
      THEN REPLACE(REGEXP_REPLACE(SPLIT_PART(SPLIT_PART(n.description, '[', 2), ']', 1), '#[0-9]+L?', ''), ' ', '') END AS columns
  FROM sql_scans AS s
  INNER JOIN sql AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  LEFT JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.node_id
  LEFT JOIN pivot_queries AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.sql_id = s.sql_id
  WHERE s.operation = 'read' AND p.platform IS NULL AND q.streaming_query_id IS NULL AND COALESCE(q.status, '') <> 'FAILED' AND COALESCE(s.table_name, s.location) IS NOT NULL
    AND COALESCE(s.format, '') NOT IN ('cache', 'rdd', 'local', 'kafka', 'delta_log', 'noop')
),
scans AS (
  SELECT
    a.*,
    CASE
      WHEN NOT is_cut THEN whole_source
      WHEN files_read IS NOT NULL AND bytes_read IS NOT NULL THEN CONCAT(whole_source, ' (', CAST(files_read AS STRING), ' files, ', CAST(bytes_read AS STRING), ' bytes)')
      WHEN files_read IS NOT NULL AND columns <> '' THEN CONCAT(whole_source, ' (', CAST(files_read AS STRING), ' files with ', columns, ')')
    END AS source
  FROM all_scans AS a
),
-- Stages whose files were cut into so many splits that the median one holds no row.
cut_stages AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, stage_id
  FROM stage_facts
  WHERE has_scan AND input_rows_median = 0 AND files_read * 4 < num_tasks
),
inputs AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(input_bytes AS DOUBLE)) AS input_bytes,
    SUM(CAST(input_records AS DOUBLE)) AS input_records
  FROM stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
readers AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms, o.own_ms,
    COUNT(*) OVER (PARTITION BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.stage_id) AS num_scans
  FROM operator_stages AS o
  INNER JOIN scans AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND s.sql_id = o.sql_id AND s.node_id = o.node_id
),
shares AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id,
    SUM(r.run_ms / NULLIF(r.num_scans, 0)) AS run_ms, SUM(r.own_ms) AS own_ms,
    SUM(CASE WHEN c.platform IS NOT NULL THEN r.run_ms / NULLIF(r.num_scans, 0) ELSE 0e0 END) AS empty_ms,
    SUM(i.input_bytes / NULLIF(r.num_scans, 0)) AS input_bytes, SUM(i.input_records / NULLIF(r.num_scans, 0)) AS input_records
  FROM readers AS r
  LEFT JOIN cut_stages AS c
    ON c.platform = r.platform AND c.cluster_id = r.cluster_id
    AND c.application_id = r.application_id AND c.attempt_id = r.attempt_id AND c.stage_id = r.stage_id
  LEFT JOIN inputs AS i
    ON i.platform = r.platform AND i.cluster_id = r.cluster_id
    AND i.application_id = r.application_id AND i.attempt_id = r.attempt_id AND i.stage_id = r.stage_id
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id
),
-- Queries of which some operator is known to have worked in a stage.
located AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM operator_stages
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.source, s.filters, s.row_filters, s.format,
  s.bytes_read, s.files_read, s.columns,
  -- Of columnar files only some columns are read, of the first rows only some files. Vectored reads of some file systems
  -- (Spark 4 on local files) count almost no bytes, the footers: then it is not known.
  CASE WHEN w.input_bytes IS NULL OR (w.input_bytes >= 0.1e0 * w.input_records
    AND (w.input_bytes >= w.input_records OR w.input_bytes >= 0.01e0 * COALESCE(CAST(s.bytes_read AS DOUBLE), 0e0)))
    THEN LEAST(CAST(s.bytes_read AS DOUBLE), w.input_bytes) END AS bytes,
  COALESCE(w.run_ms, 0e0) AS run_ms, COALESCE(w.empty_ms, 0e0) AS empty_ms,
  -- A scan without a stage was not run.
  CASE WHEN w.platform IS NULL THEN 0e0 WHEN w.own_ms > w.run_ms THEN w.run_ms ELSE w.own_ms END AS own_ms
FROM scans AS s
LEFT JOIN located AS l
  ON l.platform = s.platform AND l.cluster_id = s.cluster_id
  AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id AND l.sql_id = s.sql_id
LEFT JOIN shares AS w
  ON w.platform = s.platform AND w.cluster_id = s.cluster_id
  AND w.application_id = s.application_id AND w.attempt_id = s.attempt_id
  AND w.sql_id = s.sql_id AND w.node_id = s.node_id
WHERE s.source IS NOT NULL AND (w.platform IS NOT NULL OR l.platform IS NULL)
