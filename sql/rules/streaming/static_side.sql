-- id: static_side
-- title: Every batch of a stream reads the same table
-- category: streaming
-- severity: low
-- version: 6
-- description: Fires where the batches of a streaming query read a table or folder that is not their source anew, as the static side of a join is, and
--   this takes a large part of their task time. A function of foreachBatch that opens text files makes Spark infer their schema in each batch too, which is told with it. Tables that streaming queries of the application write are left out. Lost is all reading but one, and all inferring;
--   the author knows whether new rows of the table have to be seen. Where the batches read all partitions of the table for few of its rows (view unpruned_reads), it
--   says so.
-- subject: application
-- parameter: min_batches bigint = 4 [count] batches that read it, at least
-- parameter: min_read_ms double = 10000 [ms] task time of the stages that read it, at least
-- parameter: min_share double = 0.3 [ratio] the same over the task time of all batches, at least
-- parameter: max_kept double = 0.5 [ratio] rows that the batches keep of all partitions, at most, to name the missing filter on them
-- evidence: {num_batches:batch|batches} of the query {query} read {source} anew[, {num_reads:int} times in all][, {mean_bytes:bytes} each time][, and {num_inferred:time|times} more to infer its
--   schema][, from all {partitions_read:int} partitions,
--   with a filter on {data_filters} that keeps {kept:pct} of the rows and none on the partition columns]; the stages that read it took {read_ms:s} of
--   {all_ms:s} of the task time of its batches.
-- advice: partitions_read IS NOT NULL | - | - | Filter on the partition columns too, so that a batch reads only the partitions that it needs, and read these once: persist the filtered
--   DataFrame before the stream starts (start the query again for new rows). Larger batches read it fewer times.
-- advice: num_inferred > 0 | - | - | Do not open it in the function of foreachBatch: read it once before the stream starts, with a schema of its own (schema(...)), and persist it (start the query again for
--   new rows), or keep it as Parquet or a table, which know their schema.
-- advice: num_reads > 0 | - | - | The queries of a batch read it {reads_each:1} times: read it once and persist it before the stream starts (start the query again for new rows), with only the columns that are needed,
--   and store it as Parquet or a table if it is text.
-- advice: is_columnar | - | - | Read it once: persist the static DataFrame, with only the columns that are needed, before the stream starts (start the query again for new
--   rows), or look up the few keys of a batch instead of all of it. Larger batches read it fewer times.
-- recommendation: Read it once: persist the static DataFrame before the stream starts (start the query again for new rows), store it as Parquet or a table with only the
--   columns that are needed, or look up the few keys of a batch instead of all of it. Larger batches read it fewer times.
WITH unpruned AS (
  SELECT
    u.platform, u.cluster_id, u.application_id, u.attempt_id, q.streaming_query_id, u.source,
    COUNT(DISTINCT u.sql_id) AS num_batches, MAX(u.partitions_read) AS partitions_read, MAX(u.kept) AS kept,
    MAX(SUBSTR(REGEXP_REPLACE(u.data_filters, '#[0-9]+L?', ''), 1, 200)) AS data_filters
  FROM unpruned_reads AS u
  INNER JOIN sql AS q
    ON q.platform = u.platform AND q.cluster_id = u.cluster_id
    AND q.application_id = u.application_id AND q.attempt_id = u.attempt_id AND q.sql_id = u.sql_id
  WHERE q.streaming_query_id IS NOT NULL
  GROUP BY u.platform, u.cluster_id, u.application_id, u.attempt_id, q.streaming_query_id, u.source
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, CONCAT(r.streaming_query_id, ' ', r.source) AS subject_id,
  'medium' AS confidence,
  TRY_CAST(r.run_ms * (1e0 - 1e0 / NULLIF(r.num_reads, 0)) + COALESCE(r.inferred_ms, 0e0) AS BIGINT) AS lost_core_ms,
  TRY_CAST((r.run_ms * (1e0 - 1e0 / NULLIF(r.num_reads, 0)) + COALESCE(r.inferred_ms, 0e0)) * a.wall_ratio AS BIGINT) AS recoverable_ms,
  COALESCE(n.query_name, r.streaming_query_id) AS query, r.source, r.num_batches,
  CASE WHEN r.num_reads > r.num_batches THEN r.num_reads END AS num_reads, CAST(r.num_reads AS DOUBLE) / NULLIF(r.num_batches, 0) AS reads_each, r.num_inferred,
  TRY_CAST(r.mean_bytes AS BIGINT) AS mean_bytes, TRY_CAST(r.run_ms + COALESCE(r.inferred_ms, 0e0) AS BIGINT) AS read_ms, TRY_CAST(r.all_ms AS BIGINT) AS all_ms,
  u.partitions_read, u.kept, u.data_filters, COALESCE(r.format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi'), FALSE) AS is_columnar
FROM static_reads AS r
LEFT JOIN application_facts AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, query_id, MAX(query_name) AS query_name
  FROM streaming_progress
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id
) AS n
  ON n.platform = r.platform AND n.cluster_id = r.cluster_id
  AND n.application_id = r.application_id AND n.attempt_id = r.attempt_id AND n.query_id = r.streaming_query_id
-- Of most batches, and by one filter alike.
LEFT JOIN unpruned AS u
  ON u.platform = r.platform AND u.cluster_id = r.cluster_id
  AND u.application_id = r.application_id AND u.attempt_id = r.attempt_id AND u.streaming_query_id = r.streaming_query_id AND u.source = r.source
  AND u.kept <= $max_kept AND 2 * u.num_batches > r.num_batches
WHERE r.num_batches >= $min_batches AND r.run_ms + COALESCE(r.inferred_ms, 0e0) >= $min_read_ms
  AND r.run_ms + COALESCE(r.inferred_ms, 0e0) >= $min_share * r.all_ms
