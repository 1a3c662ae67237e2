-- id: full_partition_scan
-- title: All partitions of a table are read
-- category: plans
-- severity: low
-- version: 2
-- description: Fires for a large read of a partitioned table that filters on other columns, but not on those by which the table is
--   partitioned, neither before the query nor while it runs (dynamic partition pruning). Whether a filter on
--   them would be right is for the author to know, so no loss is counted.
-- subject: node
-- group_by: source
-- parameter: min_bytes double = 10737418240 [bytes] size of the files that are read, at least
-- parameter: min_partitions bigint = 10 [count] partitions read, at least
-- evidence: Query {sql_id:int} ({query_description}) reads from all {partitions_read:partition|partitions} of {source}[, {files_read:file|files}] of {bytes_read:bytes},
--   with no filter on its partition columns; it filters on {data_filters}.
-- recommendation: Filter on the partition columns too where the question allows it (a range of days), join with a small filtered
--   table on them so that dynamic pruning applies, or partition or cluster the table by the columns that are asked for.
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id,
  CONCAT(CAST(s.sql_id AS STRING), '.', CAST(s.node_id AS STRING)) AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  s.sql_id, SUBSTR(q.description, 1, 100) AS query_description,
  COALESCE(s.table_name, s.location) AS source, s.partitions_read, s.bytes_read, s.files_read,
  SUBSTR(COALESCE(s.data_filters, s.pushed_filters), 1, 200) AS data_filters
FROM sql_scans AS s
INNER JOIN sql AS q
  ON q.platform = s.platform AND q.cluster_id = s.cluster_id
  AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
WHERE s.operation = 'read' AND s.partition_filters IS NULL AND NOT COALESCE(s.has_dynamic_pruning, FALSE)
  AND COALESCE(s.data_filters, s.pushed_filters) IS NOT NULL
  AND s.partitions_read >= $min_partitions AND s.bytes_read >= $min_bytes
