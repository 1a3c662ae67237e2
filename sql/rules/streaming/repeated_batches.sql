-- id: repeated_batches
-- title: A stream computes each batch several times
-- category: streaming
-- severity: low
-- version: 8
-- description: Fires for a streaming query whose batches are handed to a function (foreachBatch) that starts several queries on
--   each, while the batch is not cached: each of them computes its rows anew, from the source or from the last shuffle. Queries of one
--   batch that read fewer rows, as a look at the first ones does, do not count. The stages that read a batch hold work of each
--   query's own too, so lost is, for each batch, the task time of the cheapest of these queries for each one beyond the first. Of batches that write a table anew, which table_rewrites
--   tells, a stage counts by the part of its rows that are the batch's.
-- subject: application
-- parameter: min_batches bigint = 2 [count] batches that were read several times, at least
-- parameter: min_rows_share double = 0.9 [ratio] rows that a query reads over those of the query of the same batch that reads most, at least
-- parameter: min_lost_ms bigint = 20000 [ms] lost task time, at least
-- parameter: min_small_lost_ms bigint = 5000 [ms] the same where it is a large share of the task time, at least
-- parameter: min_share double = 0.1 [ratio] that share, at least
-- parameter: medium_lost_ms bigint = 600000 [ms] the time from which it is of medium severity
-- evidence: {num_batches:batch|batches} of the stream {query} were computed {times_each}, by {num_queries:query|queries} in all[, with the Python functions of the batch ({functions}) each
--   time]; the stages
--   that read them took {read_ms:s} of task time, {share:pct} of all, and at least {lost_ms:s} of it for rows that had been read before.
-- recommendation: In foreachBatch, persist what its writes share (the batch, or what is computed from it for all of them) before the first write and
--   unpersist it after the last; or write it once and make the other outputs from that table.
WITH reading_stages AS (
  SELECT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.stage_id, MAX(CAST(o.run_ms AS DOUBLE)) AS run_ms, MAX(CAST(n.rows_output AS DOUBLE)) AS batch_rows
  FROM operator_stages AS o
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  -- A function gets its batch as rows that are there: what made them is in the stage, not in the plan.
  WHERE n.node_name LIKE 'Scan ExistingRDD%'
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.stage_id
),
records AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(input_records AS DOUBLE)) AS input_records
  FROM stages
  WHERE status = 'COMPLETE'
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
queries AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, q.streaming_query_id, q.submission_time,
    SUM(r.run_ms * CASE WHEN v.platform IS NULL THEN 1e0 ELSE COALESCE(LEAST(r.batch_rows / NULLIF(i.input_records, 0e0), 1e0), 1e0) END) AS run_ms,
    -- What a shuffle of an earlier query holds, as below a join of streams, is not read from the source again.
    COALESCE(MAX(r.batch_rows), SUM(i.input_records)) AS batch_rows
  FROM reading_stages AS r
  INNER JOIN sql AS q
    ON q.platform = r.platform AND q.cluster_id = r.cluster_id
    AND q.application_id = r.application_id AND q.attempt_id = r.attempt_id AND q.sql_id = r.sql_id
  INNER JOIN records AS i
    ON i.platform = r.platform AND i.cluster_id = r.cluster_id
    AND i.application_id = r.application_id AND i.attempt_id = r.attempt_id AND i.stage_id = r.stage_id
  LEFT JOIN rewritten_batches AS v
    ON v.platform = q.platform AND v.cluster_id = q.cluster_id
    AND v.application_id = q.application_id AND v.attempt_id = q.attempt_id AND v.query_id = q.streaming_query_id
  WHERE q.streaming_query_id IS NOT NULL AND COALESCE(q.status, '') <> 'FAILED'
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, q.streaming_query_id, q.submission_time
),
-- A batch that waits for rows reports several times.
batches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_id, query_run_id, streaming_batch_id, MAX(COALESCE(query_name, query_id)) AS query,
    MIN(UNIX_MILLIS(progress_time)) AS begin_ms, MAX(UNIX_MILLIS(progress_time) + batch_duration) AS end_ms
  FROM streaming_progress
  WHERE num_input_rows > 0 AND batch_duration > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id, query_run_id, streaming_batch_id
),
batch_queries AS (
  SELECT
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.query_id, b.query, b.query_run_id, b.streaming_batch_id,
    q.run_ms, q.batch_rows,
    MAX(q.batch_rows) OVER (
      PARTITION BY b.platform, b.cluster_id, b.application_id, b.attempt_id, b.query_run_id, b.streaming_batch_id
    ) AS most_rows
  FROM batches AS b
  INNER JOIN queries AS q
    ON q.platform = b.platform AND q.cluster_id = b.cluster_id
    AND q.application_id = b.application_id AND q.attempt_id = b.attempt_id AND q.streaming_query_id = b.query_id
    AND UNIX_MILLIS(q.submission_time) >= b.begin_ms AND UNIX_MILLIS(q.submission_time) <= b.end_ms
),
repeated AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_id, query, query_run_id, streaming_batch_id, COUNT(*) AS num_queries,
    SUM(run_ms) AS read_ms, (COUNT(*) - 1) * MIN(run_ms) AS lost_ms
  FROM batch_queries
  WHERE batch_rows > 0 AND batch_rows >= $min_rows_share * most_rows
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id, query, query_run_id, streaming_batch_id
  HAVING COUNT(*) >= 2
),
-- Python functions in the plan of the batch itself, none of whose operators ran for its own query.
batch_functions AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, q.streaming_query_id, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT c.function)), ', ') AS functions
  FROM python_calls AS c
  INNER JOIN sql AS q
    ON q.platform = c.platform AND q.cluster_id = c.cluster_id
    AND q.application_id = c.application_id AND q.attempt_id = c.attempt_id AND q.sql_id = c.sql_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM operator_stages) AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id AND o.sql_id = c.sql_id
  WHERE q.streaming_query_id IS NOT NULL AND o.platform IS NULL
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, q.streaming_query_id
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_id, query, COUNT(*) AS num_batches, SUM(num_queries) AS num_queries,
    SUM(read_ms) AS read_ms, SUM(lost_ms) AS lost_ms
  FROM repeated
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id, query
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, CONCAT(s.application_id, ' ', s.query_id) AS subject_id,
  -- Half of the wall time is told for what it is.
  CASE WHEN s.lost_ms >= $medium_lost_ms AND COALESCE(s.lost_ms * a.wall_ratio < 0.4e0 * a.app_duration_ms, TRUE) THEN 'medium' END AS severity,
  'high' AS confidence,
  TRY_CAST(s.lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(s.lost_ms * a.wall_ratio AS BIGINT) AS recoverable_ms,
  s.query, s.num_batches, s.num_queries, 
  CASE WHEN s.num_queries % s.num_batches = 0 THEN CONCAT(CAST(TRY_CAST(CAST(s.num_queries AS DOUBLE) / NULLIF(s.num_batches, 0) AS BIGINT) AS STRING), ' times each')
    ELSE CONCAT(CAST(ROUND(CAST(s.num_queries AS DOUBLE) / NULLIF(s.num_batches, 0), 1) AS STRING), ' times each on average') END AS times_each,
  SUBSTR(f.functions, 1, 120) AS functions, TRY_CAST(s.read_ms AS BIGINT) AS read_ms,
  s.read_ms / NULLIF(CAST(t.executor_run_time AS DOUBLE), 0e0) AS share, TRY_CAST(s.lost_ms AS BIGINT) AS lost_ms
FROM summed AS s
INNER JOIN application_facts AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
INNER JOIN application_run_times AS t
  ON t.platform = s.platform AND t.cluster_id = s.cluster_id
  AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
LEFT JOIN batch_functions AS f
  ON f.platform = s.platform AND f.cluster_id = s.cluster_id
  AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id AND f.streaming_query_id = s.query_id
WHERE s.num_batches >= $min_batches
  AND (s.lost_ms >= $min_lost_ms OR (s.lost_ms >= $min_small_lost_ms AND s.lost_ms >= $min_share * t.executor_run_time))
