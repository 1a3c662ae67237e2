-- id: rewritten_batches
-- title: Streaming queries whose batches write tables anew
-- description: One row per streaming query of whose batches most read, from tables and paths that earlier batches of it wrote, many times the rows that they took in, and
--   wrote as many again; for table_rewrites, and for other rules of streams, which must not tell this time again. Counted are batches and stages of such a batch that
--   handle that many rows, without those most of whose rows come from other tables, which static_side tells. run_ms and duration_ms are the sums of these stages, most_run_ms those of the
--   costliest batch; all_run_ms is all task time of the application. rows_written counts all rows that the queries of these batches wrote, rows_read those from the tables. What has its
--   location cut short (...) or was handed on from batch to batch in a cache is not seen.
-- parameter: min_batches bigint = 4 [count] such batches, at least
-- parameter: min_batch_share double = 0.5 [ratio] such batches over all with rows, at least
-- parameter: min_rows_ratio double = 20 [ratio] rows written over rows taken in, of a batch, at least
-- parameter: min_read_share double = 0.5 [ratio] rows read from tables of earlier batches over rows written, of a batch, at least
-- parameter: min_run_ms double = 10000 [ms] task time of these stages, at least
-- parameter: min_share double = 0.2 [ratio] the same over the task time of the application, at least
-- reads: application_run_times, operator_stages, sql, sql_scans, streaming_progress, timed_stages
WITH queries AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, q.streaming_query_id,
    -- A function of foreachBatch can describe its queries otherwise; the batch is the root of them.
    TRY_CAST(SPLIT_PART(CASE WHEN q.description LIKE '%batch = %' THEN q.description ELSE r.description END, 'batch = ', 2) AS BIGINT) AS streaming_batch_id
  FROM sql AS q
  LEFT JOIN sql AS r
    ON r.platform = q.platform AND r.cluster_id = q.cluster_id
    AND r.application_id = q.application_id AND r.attempt_id = q.attempt_id AND r.sql_id = q.root_execution_id
  WHERE q.streaming_query_id IS NOT NULL AND COALESCE(q.status, '') <> 'FAILED'
),
-- A batch that waits for rows reports several times.
batches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_id, streaming_batch_id, MAX(CAST(num_input_rows AS DOUBLE)) AS input_rows,
    MAX(CAST(batch_duration AS DOUBLE)) AS batch_ms, MAX(COALESCE(query_name, query_id)) AS query,
    MAX(CASE WHEN sources_json LIKE '%FileStreamSource%' THEN 1 ELSE 0 END) AS has_files
  FROM streaming_progress
  WHERE num_input_rows > 0 AND batch_duration > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id, streaming_batch_id
),
accesses AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, q.streaming_query_id, q.streaming_batch_id, s.operation, s.table_name, s.location, s.format,
    CAST(s.rows_read AS DOUBLE) AS rows_read, CAST(s.bytes_read AS DOUBLE) AS bytes_read
  FROM sql_scans AS s
  INNER JOIN queries AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  WHERE (s.table_name IS NOT NULL OR s.location IS NOT NULL) AND q.streaming_batch_id IS NOT NULL
),
-- By name or by path.
places AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, streaming_query_id, streaming_batch_id, operation, rows_read, location AS place
  FROM accesses
  WHERE location NOT LIKE '%...'
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, streaming_query_id, streaming_batch_id, operation, rows_read, table_name AS place
  FROM accesses
  WHERE table_name IS NOT NULL
),
written AS (
  SELECT platform, cluster_id, application_id, attempt_id, streaming_query_id, place, MIN(streaming_batch_id) AS first_batch_id
  FROM places
  WHERE operation = 'write'
  GROUP BY platform, cluster_id, application_id, attempt_id, streaming_query_id, place
),
reread AS (
  SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
  FROM places AS p
  INNER JOIN written AS w
    ON w.platform = p.platform AND w.cluster_id = p.cluster_id
    AND w.application_id = p.application_id AND w.attempt_id = p.attempt_id AND w.streaming_query_id = p.streaming_query_id
    AND w.place = p.place AND w.first_batch_id < p.streaming_batch_id
  WHERE p.operation = 'read' AND p.rows_read > 0
),
reads AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, a.streaming_query_id, a.streaming_batch_id,
    SUM(a.rows_read) AS rows_read, SUM(a.bytes_read) AS bytes_read, MAX(CASE WHEN a.format IN ('delta', 'iceberg', 'hudi') THEN 1 ELSE 0 END) AS is_table_format,
    MAX(CASE WHEN a.table_name IS NULL THEN a.location ELSE a.table_name END) AS source
  FROM accesses AS a
  INNER JOIN reread AS r
    ON r.platform = a.platform AND r.cluster_id = a.cluster_id
    AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id AND r.sql_id = a.sql_id AND r.node_id = a.node_id
  GROUP BY a.platform, a.cluster_id, a.application_id, a.attempt_id, a.streaming_query_id, a.streaming_batch_id
),
-- All that the queries of these batches ran.
work AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, q.streaming_query_id, q.streaming_batch_id, g.stage_id,
    SUM(CAST(g.executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(g.duration_ms AS DOUBLE)) AS duration_ms,
    SUM(CAST(g.output_records AS DOUBLE)) AS rows_written, SUM(CAST(g.output_bytes AS DOUBLE)) AS bytes_written, SUM(CAST(g.input_records AS DOUBLE)) AS input_records,
    MAX(GREATEST(CAST(g.input_records AS DOUBLE), CAST(g.shuffle_read_records AS DOUBLE), CAST(g.output_records AS DOUBLE))) AS stage_rows,
    SUM(g.num_complete_tasks) AS num_tasks
  FROM timed_stages AS g
  INNER JOIN queries AS q
    ON q.platform = g.platform AND q.cluster_id = g.cluster_id
    AND q.application_id = g.application_id AND q.attempt_id = g.attempt_id AND q.sql_id = g.sql_id
  INNER JOIN reads AS r
    ON r.platform = q.platform AND r.cluster_id = q.cluster_id
    AND r.application_id = q.application_id AND r.attempt_id = q.attempt_id AND r.streaming_query_id = q.streaming_query_id AND r.streaming_batch_id = q.streaming_batch_id
  WHERE g.status = 'COMPLETE'
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, q.streaming_query_id, q.streaming_batch_id, g.stage_id
),
rewrites AS (
  SELECT
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.query_id, b.query, b.streaming_batch_id, b.input_rows, b.batch_ms, b.has_files,
    r.rows_read, r.bytes_read, r.is_table_format, r.source, SUM(w.rows_written) AS rows_written, SUM(w.bytes_written) AS bytes_written
  FROM batches AS b
  INNER JOIN reads AS r
    ON r.platform = b.platform AND r.cluster_id = b.cluster_id
    AND r.application_id = b.application_id AND r.attempt_id = b.attempt_id AND r.streaming_query_id = b.query_id AND r.streaming_batch_id = b.streaming_batch_id
  INNER JOIN work AS w
    ON w.platform = b.platform AND w.cluster_id = b.cluster_id
    AND w.application_id = b.application_id AND w.attempt_id = b.attempt_id AND w.streaming_query_id = b.query_id AND w.streaming_batch_id = b.streaming_batch_id
  GROUP BY
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.query_id, b.query, b.streaming_batch_id, b.input_rows, b.batch_ms, b.has_files,
    r.rows_read, r.bytes_read, r.is_table_format, r.source
  HAVING SUM(w.rows_written) >= $min_rows_ratio * b.input_rows AND r.rows_read >= $min_read_share * SUM(w.rows_written)
),
-- Rows that a stage reads from other tables.
other_reads AS (
  SELECT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id, SUM(a.rows_read) AS rows_read
  FROM accesses AS a
  INNER JOIN rewrites AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id AND w.query_id = a.streaming_query_id AND w.streaming_batch_id = a.streaming_batch_id
  INNER JOIN operator_stages AS o
    ON o.platform = a.platform AND o.cluster_id = a.cluster_id
    AND o.application_id = a.application_id AND o.attempt_id = a.attempt_id AND o.sql_id = a.sql_id AND o.node_id = a.node_id
  LEFT JOIN reread AS r
    ON r.platform = a.platform AND r.cluster_id = a.cluster_id
    AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id AND r.sql_id = a.sql_id AND r.node_id = a.node_id
  WHERE a.operation = 'read' AND r.platform IS NULL
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id
),
times AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.query_id, t.streaming_batch_id,
    SUM(w.run_ms) AS run_ms, SUM(w.duration_ms) AS duration_ms, SUM(w.num_tasks) AS num_tasks
  FROM rewrites AS t
  INNER JOIN work AS w
    ON w.platform = t.platform AND w.cluster_id = t.cluster_id
    AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id AND w.streaming_query_id = t.query_id AND w.streaming_batch_id = t.streaming_batch_id
  LEFT JOIN other_reads AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id AND o.stage_id = w.stage_id
  WHERE w.stage_rows >= 0.5e0 * $min_rows_ratio * t.input_rows AND COALESCE(2e0 * o.rows_read <= w.input_records, TRUE)
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.query_id, t.streaming_batch_id
),
summed AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.query_id, MAX(r.query) AS query, COUNT(*) AS num_batches,
    SUM(r.input_rows) AS input_rows, SUM(r.rows_read) AS rows_read, SUM(r.bytes_read) AS bytes_read, SUM(r.rows_written) AS rows_written, SUM(r.bytes_written) AS bytes_written,
    SUM(r.batch_ms) AS batch_ms, SUM(t.run_ms) AS run_ms, MAX(t.run_ms) AS most_run_ms, SUM(t.duration_ms) AS duration_ms, SUM(t.num_tasks) AS num_tasks,
    MAX(r.has_files) = 1 AS has_files, MAX(r.is_table_format) = 1 AS is_table_format, MAX(r.source) AS source, COUNT(DISTINCT r.source) AS num_sources
  FROM rewrites AS r
  INNER JOIN times AS t
    ON t.platform = r.platform AND t.cluster_id = r.cluster_id
    AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id AND t.query_id = r.query_id AND t.streaming_batch_id = r.streaming_batch_id
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.query_id
),
counts AS (
  SELECT platform, cluster_id, application_id, attempt_id, query_id, COUNT(*) AS all_batches
  FROM batches
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id
)
SELECT s.*, c.all_batches, CAST(a.executor_run_time AS DOUBLE) AS all_run_ms
FROM summed AS s
INNER JOIN counts AS c
  ON c.platform = s.platform AND c.cluster_id = s.cluster_id
  AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.query_id = s.query_id
INNER JOIN application_run_times AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
WHERE s.num_batches >= $min_batches AND s.num_batches >= $min_batch_share * c.all_batches
  AND s.run_ms >= $min_run_ms AND s.run_ms >= $min_share * a.executor_run_time
