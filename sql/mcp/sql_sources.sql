-- id: sql_sources
-- title: Tables and files
-- description: What one SQL execution read and wrote.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: sql_id bigint = 0 [id] the SQL execution
SELECT
  node_id, operation, table_name, format, location, files_read, bytes_read, rows_read, partitions_read,
  files_written, bytes_written, rows_written, pushed_filters, partition_filters, num_columns
FROM sql_scans
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND sql_id = $sql_id
ORDER BY COALESCE(bytes_read, bytes_written, 0) DESC, node_id
LIMIT 20
