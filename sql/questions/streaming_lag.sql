-- id: streaming_lag
-- title: Slow streaming batches
-- question: Which streaming queries take longer for a batch than they should?
SELECT
  application_id, query_name, query_id, COUNT(*) AS batches,
  AVG(batch_duration) / 1e3 AS average_seconds, MAX(batch_duration) / 1e3 AS longest_seconds,
  AVG(input_rows_per_second) AS input_rows_per_second,
  AVG(processed_rows_per_second) AS processed_rows_per_second
FROM streaming_progress
GROUP BY application_id, query_name, query_id
ORDER BY longest_seconds DESC, application_id, query_id
LIMIT 20
