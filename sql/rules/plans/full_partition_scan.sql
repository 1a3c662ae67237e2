-- id: full_partition_scan
-- title: All partitions of a table are read
-- category: plans
-- severity: low
-- version: 6
-- description: Fires for a large read of a partitioned table, or a smaller one whose filter keeps few of its rows and which takes much of the
--   application's task time, that filters on other columns, but not on those by which the table is
--   partitioned, neither before the query nor while it runs (dynamic partition pruning). Whether a filter on
--   them would be right is for the author to know, so no loss is counted.
-- subject: node
-- group_by: source
-- parameter: min_bytes double = 10737418240 [bytes] size of the files that are read, at least
-- parameter: min_share double = 0.2 [ratio] or task time of all such reads of the table over that of the application, at least
-- parameter: min_read_ms double = 10000 [ms] and that task time, at least
-- parameter: max_kept double = 0.2 [ratio] and rows that the filter above the read keeps, at most
-- parameter: min_partitions bigint = 10 [count] partitions read, at least
-- evidence: Query {sql_id:int} ({query_description}) reads from all {partitions_read:partition|partitions} of {source}[, {files_read:file|files}], {bytes_read:bytes} in all,
--   with no filter on its partition columns; it filters on {data_filters}[ and keeps {kept:pct} of the rows].
-- recommendation: Filter on the partition columns too where the question allows it (a range of days), join with a small filtered
--   table on them so that dynamic pruning applies, or partition or cluster the table by the columns that are asked for.
WITH timed AS (
  SELECT
    w.*,
    SUM(CASE WHEN w.kept <= $max_kept THEN w.run_ms ELSE 0e0 END) OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.source
    ) AS read_ms
  FROM unpruned_reads AS w
  WHERE w.partitions_read >= $min_partitions
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(t.sql_id AS STRING), '.', CAST(t.node_id AS STRING)) AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  t.sql_id, SUBSTR(q.description, 1, 100) AS query_description,
  t.source, t.partitions_read, t.bytes_read, t.files_read, SUBSTR(REGEXP_REPLACE(t.data_filters, '#[0-9]+L?', ''), 1, 200) AS data_filters,
  CASE WHEN t.kept <= $max_kept THEN t.kept END AS kept
FROM timed AS t
INNER JOIN sql AS q
  ON q.platform = t.platform AND q.cluster_id = t.cluster_id
  AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
INNER JOIN applications AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
WHERE t.bytes_read >= $min_bytes
  OR (t.kept <= $max_kept AND t.read_ms >= $min_read_ms AND t.read_ms >= $min_share * a.total_task_time_ms)
