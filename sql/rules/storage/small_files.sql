-- id: small_files
-- title: Many small files are written
-- category: storage
-- severity: low
-- version: 1
-- description: Fires for a query that wrote many files of a small average size, by the count and the bytes
--   of the write node itself. Each later read pays for every file: a listing entry, an open, a task or a
--   part of one. What that costs later is not known here.
-- subject: sql
-- group_by: description
-- parameter: min_files bigint = 100 [count] files written, at least
-- parameter: max_mean_bytes bigint = 3145728 [bytes] their average size, at most
-- evidence: {files:int} files of {mean_bytes:bytes} on average were written in {duration_ms:s}, {bytes:bytes} in all[, into
--   {partitions:int} partitions].
-- advice: partitions > 1 AND files >= 2 * partitions | - | - | Repartition by the partition columns before the write, so that one
--   task writes each partition.
-- advice: partitions > 1 | - | - | The table has too many partitions for its data: partition it by fewer or coarser columns.
-- recommendation: Write with fewer tasks, so that files hold 128 MiB or more (repartition or coalesce
--   before the write), or compact the table.
WITH writes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(CASE WHEN metric_name = 'number of written files' THEN total ELSE 0e0 END) AS files,
    SUM(CASE WHEN metric_name = 'written output' THEN total ELSE 0e0 END) AS bytes,
    SUM(CASE WHEN metric_name = 'number of dynamic part' THEN total ELSE 0e0 END) AS partitions
  FROM sql_node_metrics
  WHERE metric_name IN ('number of written files', 'written output', 'number of dynamic part')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
)
SELECT
  q.platform, q.cluster_id, q.application_id, q.attempt_id, CAST(q.sql_id AS STRING) AS subject_id,
  'high' AS confidence,
  CASE WHEN w.files >= 10 * $min_files THEN 'medium' ELSE 'low' END AS severity,
  SUBSTR(q.description, 1, 80) AS description,
  TRY_CAST(w.files AS BIGINT) AS files, TRY_CAST(w.bytes AS BIGINT) AS bytes, w.bytes / w.files AS mean_bytes,
  TRY_CAST(NULLIF(w.partitions, 0e0) AS BIGINT) AS partitions, q.duration_ms
FROM sql AS q
INNER JOIN writes AS w
  ON w.platform = q.platform AND w.cluster_id = q.cluster_id
  AND w.application_id = q.application_id AND w.attempt_id = q.attempt_id AND w.sql_id = q.sql_id
WHERE w.files >= $min_files AND w.bytes / w.files <= $max_mean_bytes
