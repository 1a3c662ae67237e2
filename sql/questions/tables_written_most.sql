-- id: tables_written_most
-- title: Tables written most
-- question: Which tables are written, by which jobs, and with how many files?
SELECT
  source_name, MAX(format) AS format, COUNT(DISTINCT application_id) AS applications, COUNT(*) AS writes,
  SUM(files_written) AS files, SUM(bytes_written) / 1048576e0 AS mib,
  SUM(bytes_written) / 1048576e0 / NULLIF(SUM(files_written), 0) AS mib_per_file
FROM table_access_overview
WHERE operation = 'write' AND source_name IS NOT NULL
GROUP BY source_name
ORDER BY mib DESC, source_name
LIMIT 20
