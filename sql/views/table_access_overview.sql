-- id: table_access_overview
-- title: Tables and paths that queries read and wrote, for people and language models
-- description: One row per scan or write of a query plan with the table, the files, bytes and rows, its filters, the
--   query and the application. No join is needed. A table that a query scans three times has three rows.
-- grain: one row per scan or write node of a SQL execution
-- keys: platform, cluster_id, application_id, attempt_id, sql_id, node_id
-- column: source_name Name of the table, or its location where there is no name.
-- column: query_description Description of the query.
-- column: query_duration_ms [ms] Run time of the query.
-- reads: applications, sql, sql_scans
SELECT
  s.platform, s.cluster_id, s.cluster_name, s.application_id, s.attempt_id, s.app_date,
  a.application_name, a.job_key, a.spark_user, a.team,
  s.sql_id, q.description AS query_description, q.duration_ms AS query_duration_ms,
  s.node_id, s.operation, COALESCE(s.table_name, s.location) AS source_name, s.table_name, s.location, s.format,
  s.num_columns, s.partition_filters, s.pushed_filters, s.data_filters, s.has_dynamic_pruning,
  s.files_read, s.bytes_read, s.rows_read, s.partitions_read, s.files_pruned,
  s.files_written, s.bytes_written, s.rows_written, s.write_mode
FROM sql_scans AS s
LEFT JOIN sql AS q
  ON q.platform = s.platform AND q.cluster_id = s.cluster_id
  AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
LEFT JOIN applications AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
