-- id: unbounded_state
-- title: The state of a stream grows without an end
-- category: streaming
-- severity: low
-- version: 1
-- description: Fires for a streaming query without a watermark whose state (of a join, a deduplication, an aggregate) has more rows after
--   nearly every batch and never fewer: nothing tells it when a row is of no more use. Checkpoints, memory and commits grow with it, until
--   batches get slow or an executor runs out of memory. An aggregate over a fixed set of keys stops growing and is not told. No loss is counted.
-- subject: application
-- parameter: min_batches bigint = 5 [count] batches with rows, at least
-- parameter: min_rows bigint = 100000 [count] rows of state after the last batch, at least
-- parameter: min_growth double = 1.5 [ratio] rows of state after the last batch over those in the middle of the run, at least
-- parameter: min_growing_share double = 0.9 [ratio] batches after which the state had more rows than before over all, at least
-- parameter: large_bytes double = 1073741824 [bytes] memory of the state from which it is of medium severity
-- evidence: The state of the query {query} grew from {first_rows:row|rows} after the first of {num_batches:batch|batches} to {last_rows:row|rows} after the
--   last[, {state_bytes:bytes} in memory]; no watermark lets it forget any.
-- recommendation: Give the stream a watermark (withWatermark), a time limit in the condition of a join, and dropDuplicatesWithinWatermark instead of
--   dropDuplicates, so that old state is dropped. What has to stay belongs into the RocksDB state store, outside of the heap.
WITH batches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, COALESCE(query_name, query_id) AS query, streaming_batch_id,
    MAX(CAST(state_rows_total AS DOUBLE)) AS state_rows, MAX(CAST(state_memory_bytes AS DOUBLE)) AS state_bytes,
    MAX(watermark) AS watermark
  FROM streaming_progress
  WHERE num_input_rows > 0 AND state_rows_total IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, COALESCE(query_name, query_id), streaming_batch_id
),
ordered AS (
  SELECT
    b.*,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id) AS place,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id) AS num_batches,
    LAG(state_rows) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id) AS rows_before
  FROM batches AS b
),
grown AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query, num_batches,
    MAX(CASE WHEN place = 1 THEN state_rows END) AS first_rows,
    MAX(CASE WHEN place = num_batches THEN state_rows END) AS last_rows,
    MAX(CASE WHEN place = num_batches THEN state_bytes END) AS state_bytes,
    MAX(CASE WHEN 2 * place = num_batches OR 2 * place = num_batches + 1 THEN state_rows END) AS middle_rows,
    SUM(CASE WHEN state_rows > rows_before THEN 1 ELSE 0 END) AS num_growing,
    SUM(CASE WHEN state_rows < rows_before THEN 1 ELSE 0 END) AS num_shrinking,
    COUNT(watermark) AS num_watermarks
  FROM ordered
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query, num_batches
)
SELECT
  platform, cluster_id, application_id, attempt_id, CONCAT(application_id, ' ', query_run_id) AS subject_id,
  CASE WHEN state_bytes >= $large_bytes THEN 'medium' ELSE 'low' END AS severity,
  'high' AS confidence,
  query, num_batches, TRY_CAST(first_rows AS BIGINT) AS first_rows, TRY_CAST(last_rows AS BIGINT) AS last_rows,
  TRY_CAST(NULLIF(state_bytes, 0e0) AS BIGINT) AS state_bytes
FROM grown
WHERE num_batches >= $min_batches AND num_watermarks = 0 AND num_shrinking = 0 AND last_rows >= $min_rows
  AND last_rows >= $min_growth * middle_rows AND num_growing >= $min_growing_share * (num_batches - 1)
