-- id: full_table_scans
-- title: Large scans without a filter
-- question: Which scans read the most without any filter?
SELECT
  application_name, application_id, sql_id, source_name, format, files_read, bytes_read / 1048576e0 AS mib_read,
  rows_read, num_columns
FROM table_access_overview
WHERE operation = 'read' AND bytes_read > 0
  AND COALESCE(partition_filters, '[]') IN ('', '[]')
  AND COALESCE(pushed_filters, '[]') IN ('', '[]')
  AND COALESCE(data_filters, '[]') IN ('', '[]')
ORDER BY bytes_read DESC, application_id, sql_id, node_id
LIMIT 20
