-- id: repeated_table_scans
-- title: Tables scanned several times by one query
-- question: Which queries scan the same table several times?
SELECT
  application_name, application_id, sql_id, MAX(query_description) AS query, source_name,
  COUNT(*) AS scans, SUM(bytes_read) / 1048576e0 AS mib_read, SUM(rows_read) AS rows_read
FROM table_access_overview
WHERE operation = 'read' AND source_name IS NOT NULL
GROUP BY platform, cluster_id, application_name, application_id, attempt_id, sql_id, source_name
HAVING COUNT(*) > 1
ORDER BY scans DESC, mib_read DESC, application_id, sql_id, source_name
LIMIT 20
