-- id: row_read_costs
-- title: Scans that read columnar files row by row, and what that costs
-- description: One row per scan of Parquet or ORC that reads very many rows without the vectorized reader: one that says Batched: false, or one of a Hive table through its SerDe (kind hive parquet, hive orc).
--   run_ms is its share of the stages that it ran in. saved_ms is what the vectorized reader would save, an assumption: value_ns for each value (rows times columns), at most max_saved of run_ms, which holds for
--   flat columns and is low for nested ones (is_nested). Measured with Spark 4.3: about 50 ns a value of strings and numbers in Parquet. Tables of Hudi and Delta Lake and other engines are left out.
-- parameter: min_rows double = 1e6 [rows] rows that a scan puts out, at least
-- parameter: value_ns double = 40.0 [ns] that the vectorized reader is taken to save for each value
-- parameter: max_saved double = 0.5 [ratio] share of the task time of the stages that it is taken to save at most
-- reads: read_scans, sql_nodes, sql_scans
WITH scans AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, COALESCE(s.table_name, s.location) AS source, CAST(s.rows_read AS DOUBLE) AS rows,
    CASE
      WHEN s.format IN ('parquet', 'orc') AND n.description LIKE '% Batched: false%' THEN s.format
      WHEN s.format = 'hive' AND n.description LIKE '%ParquetHiveSerDe%' THEN 'hive parquet'
      WHEN s.format = 'hive' AND n.description LIKE '%OrcSerde%' THEN 'hive orc'
    END AS kind,
    -- Partition columns are among the columns of a scan of a Hive table, but not read.
    COALESCE(s.num_columns, TRY_CAST(LENGTH(SPLIT_PART(SPLIT_PART(n.description, '[', 2), ']', 1)) - LENGTH(REPLACE(SPLIT_PART(SPLIT_PART(n.description, '[', 2), ']', 1), '#', '')) AS BIGINT)) AS num_columns,
    CASE WHEN s.metadata LIKE '%"ReadSchema":"struct<%' THEN SPLIT_PART(s.metadata, '"ReadSchema":"struct<', 2) ELSE SPLIT_PART(n.description, ' ReadSchema: struct<', 2) END AS read_fields
  FROM sql_scans AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.node_id
  WHERE s.operation = 'read' AND s.engine = 'spark' AND s.rows_read >= $min_rows AND s.format IN ('parquet', 'orc', 'hive')
    AND COALESCE(s.metadata, '') NOT LIKE '%Hoodie%' AND COALESCE(s.metadata, '') NOT LIKE '%Tahoe%'
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.source, s.rows, s.kind, s.num_columns,
  COALESCE(s.read_fields LIKE '%array<%' OR s.read_fields LIKE '%map<%' OR s.read_fields LIKE '%struct<%', FALSE) AS is_nested,
  r.run_ms, $value_ns AS value_ns, LEAST(s.rows * GREATEST(s.num_columns, 1) * $value_ns / 1e6, $max_saved * r.run_ms) AS saved_ms
FROM scans AS s
INNER JOIN read_scans AS r
  ON r.platform = s.platform AND r.cluster_id = s.cluster_id
  AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id AND r.sql_id = s.sql_id AND r.node_id = s.node_id
WHERE s.kind IS NOT NULL AND s.num_columns IS NOT NULL
