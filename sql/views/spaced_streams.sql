-- id: spaced_streams
-- title: Applications whose streaming queries wait for their triggers most of the time
-- description: One row per application whose streaming queries all have triggers at a distance (ProcessingTime), with pauses between their batches, from soon after its start on to its end, for
--   idle_executors. trigger_ms is the median distance of triggers and batch_ms the time that 95 in 100 batches keep to, both of the query that needs most of its trigger; busy_share adds up
--   the latter over the former of all queries, as if they ran at the same time. Runs with few batches do not count.
-- parameter: min_batches bigint = 20 [count] batches of a query, at least
-- parameter: min_duration_ms bigint = 3600000 [ms] wall time of the application, at least
-- parameter: min_span double = 0.8 [ratio] time from the first trigger of queries to the last over that, at least
-- parameter: max_busy double = 0.7 [ratio] busy_share, at most
-- reads: application_facts, streaming_progress
WITH numbered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id, CAST(batch_duration AS DOUBLE) AS batch_ms, UNIX_MILLIS(progress_time) AS at_ms,
    UNIX_MILLIS(progress_time) - LAG(UNIX_MILLIS(progress_time)) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS distance_ms,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY batch_duration, streaming_batch_id
    ) AS place,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id) AS num_batches
  FROM streaming_progress
  WHERE num_input_rows > 0 AND batch_duration > 0
),
queries AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, MIN(at_ms) AS begin_ms, MAX(at_ms) AS end_ms,
    CAST(MEDIAN(distance_ms) AS DOUBLE) AS trigger_ms, MAX(CASE WHEN place <= CEIL(0.95e0 * num_batches) THEN batch_ms END) AS batch_ms
  FROM numbered
  WHERE num_batches >= $min_batches
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id
),
ranked AS (
  SELECT
    q.*,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY batch_ms / NULLIF(trigger_ms, 0e0) DESC, query_run_id) AS place
  FROM queries AS q
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_queries, SUM(batch_ms / NULLIF(trigger_ms, 0e0)) AS busy_share, MAX(end_ms) - MIN(begin_ms) AS span_ms,
    MAX(CASE WHEN place = 1 THEN trigger_ms END) AS trigger_ms, MAX(CASE WHEN place = 1 THEN batch_ms END) AS batch_ms
  FROM ranked
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.num_queries, s.busy_share, s.trigger_ms, s.batch_ms
FROM summed AS s
INNER JOIN application_facts AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
WHERE a.app_duration_ms >= $min_duration_ms AND s.span_ms >= $min_span * a.app_duration_ms AND s.busy_share <= $max_busy
