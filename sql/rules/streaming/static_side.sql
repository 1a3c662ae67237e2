-- id: static_side
-- title: Every batch of a stream reads the same table
-- category: streaming
-- severity: low
-- version: 3
-- description: Fires where the batches of a streaming query read a table or folder that is not their source anew, as the static side of a join is, and
--   this takes a large part of their task time. Tables that streaming queries of the application write are left out. Lost is all reading but one;
--   the author knows whether new rows of the table have to be seen.
-- subject: application
-- parameter: min_batches bigint = 4 [count] batches that read it, at least
-- parameter: min_read_ms double = 10000 [ms] task time of the stages that read it, at least
-- parameter: min_share double = 0.3 [ratio] the same over the task time of all batches, at least
-- evidence: {num_batches:batch|batches} of the query {query} read {source} anew[, {mean_bytes:bytes} each time]; the stages that read it took {read_ms:s} of
--   {all_ms:s} of the task time of its batches.
-- advice: is_columnar | - | - | Read it once: persist the static DataFrame before the stream starts (start the query again for new rows). Else read only what a batch needs: filter the table by
--   its partition columns where it has some, select only the columns that are needed, or look up the few keys of a batch instead of all of it.
-- recommendation: Read it once: persist the static DataFrame before the stream starts (start the query again for new rows), store it as Parquet or a table with only the
--   columns that are needed, or look up the few keys of a batch instead of all of it.
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, CONCAT(r.streaming_query_id, ' ', r.source) AS subject_id,
  'medium' AS confidence,
  TRY_CAST(r.run_ms * (1e0 - 1e0 / NULLIF(r.num_batches, 0)) AS BIGINT) AS lost_core_ms,
  COALESCE(n.query_name, r.streaming_query_id) AS query, r.source, r.num_batches,
  TRY_CAST(r.mean_bytes AS BIGINT) AS mean_bytes, TRY_CAST(r.run_ms AS BIGINT) AS read_ms, TRY_CAST(r.all_ms AS BIGINT) AS all_ms,
  COALESCE(r.is_columnar, FALSE) AS is_columnar
FROM static_reads AS r
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, query_id, MAX(query_name) AS query_name
  FROM streaming_progress
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id
) AS n
  ON n.platform = r.platform AND n.cluster_id = r.cluster_id
  AND n.application_id = r.application_id AND n.attempt_id = r.attempt_id AND n.query_id = r.streaming_query_id
WHERE r.num_batches >= $min_batches AND r.run_ms >= $min_read_ms AND r.run_ms >= $min_share * r.all_ms
