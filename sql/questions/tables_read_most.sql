-- id: tables_read_most
-- title: Tables and paths that are read most
-- question: Which tables are read most, and how much of them at a time?
-- reads: sql_scans
SELECT
  COALESCE(table_name, location) AS source,
  format,
  COUNT(*) AS num_scans,
  COUNT(DISTINCT application_id) AS num_applications,
  SUM(bytes_read) AS bytes_read,
  SUM(files_read) AS files_read,
  SUM(CASE WHEN partition_filters IS NULL THEN 1 ELSE 0 END) AS scans_without_partition_filter
FROM sql_scans
WHERE operation = 'read' AND COALESCE(table_name, location) IS NOT NULL
GROUP BY COALESCE(table_name, location), format
ORDER BY bytes_read DESC NULLS LAST, num_scans DESC, source
LIMIT 20
