-- id: scan_loops
-- title: Loops that read all of the same text for one value or column after the other
-- description: One row per scan of the application's largest loop of queries from one place in the code which all read one source of text, each with another value of a filter: each parses every byte and keeps a
--   few of the rows; or each for aggregates of its own over the same rows, as a loop over columns (has_columns; view query_numbers). total_ms is the wall time in which any of these queries ran, longest_ms that of the longest one, scan_ms the task time of the stages that read, first_ms that of the most expensive
--   of them, lost_ms what the others took, at most what opening and parsing the text can take. repeated_queries tells these loops, so that repeated_scans leaves them out.
-- parameter: min_queries bigint = 20 [count] queries of the loop, at least
-- parameter: min_total_ms bigint = 20000 [ms] wall time in which any of them ran, at least
-- parameter: min_half_ms bigint = 10000 [ms] or this much where it is half of the application's
-- parameter: min_share double = 0.2 [ratio] the same over the wall time, at least
-- parameter: max_mean_ms double = 60000 [ms] duration of one on average, at most
-- parameter: parsed_bytes_per_ms double = 10486 [bytes/ms] text that a core parses at least (10 MiB a second)
-- parameter: file_ms double = 50 [ms] what opening a file can take besides
-- parameter: min_other_share double = 0.8 [ratio] different aggregates over the queries of the loop, at least, to be one over columns
-- reads: application_facts, query_facts, query_numbers, query_shapes, read_scans, sql
WITH queries AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.num_nodes, f.tables_read,
    h.shape AS description, f.duration_ms, q.submission_time, UNIX_MILLIS(q.submission_time) AS begin_ms
  FROM query_facts AS f
  INNER JOIN sql AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  INNER JOIN query_shapes AS h
    ON h.platform = f.platform AND h.cluster_id = f.cluster_id
    AND h.application_id = f.application_id AND h.attempt_id = f.attempt_id AND h.sql_id = f.sql_id
  WHERE q.streaming_query_id IS NULL AND f.num_jobs > 0 AND f.tables_read IS NOT NULL AND f.tables_written IS NULL
),
timed AS (
  SELECT
    q.*,
    MAX(begin_ms + duration_ms) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read
      ORDER BY submission_time, sql_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_end_ms
  FROM queries AS q
),
loops AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read, COUNT(*) AS num_queries, AVG(CAST(duration_ms AS DOUBLE)) AS mean_ms,
    MAX(CAST(duration_ms AS DOUBLE)) AS longest_ms,
    SUM(CASE
      WHEN begin_ms IS NULL THEN CAST(duration_ms AS DOUBLE)
      ELSE CAST(GREATEST(begin_ms + duration_ms - GREATEST(begin_ms, COALESCE(previous_end_ms, begin_ms)), 0) AS DOUBLE)
    END) AS total_ms
  FROM timed
  GROUP BY platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read
  HAVING COUNT(*) >= $min_queries
),
scans AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.description, q.num_nodes, q.tables_read, r.sql_id, r.node_id, r.source, r.filters, r.row_filters, r.format, r.run_ms, r.files_read,
    CASE WHEN x.platform IS NOT NULL THEN CONCAT(x.functions, '|', COALESCE(r.columns, '')) END AS numbers, COALESCE(r.bytes, CAST(r.bytes_read AS DOUBLE)) AS bytes
  FROM queries AS q
  INNER JOIN read_scans AS r
    ON r.platform = q.platform AND r.cluster_id = q.cluster_id
    AND r.application_id = q.application_id AND r.attempt_id = q.attempt_id AND r.sql_id = q.sql_id
  LEFT JOIN query_numbers AS x
    ON x.platform = q.platform AND x.cluster_id = q.cluster_id
    AND x.application_id = q.application_id AND x.attempt_id = q.attempt_id AND x.sql_id = q.sql_id
),
-- One scan in each query, of the same source, and each with a value or aggregates of its own.
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read, COUNT(*) AS num_scans, SUM(run_ms) AS scan_ms, MAX(run_ms) AS first_ms,
    LEAST(SUM(run_ms) - MAX(run_ms),
      COALESCE((SUM(bytes) / NULLIF($parsed_bytes_per_ms, 0e0) + COALESCE(SUM(files_read), 0) * $file_ms) * (1e0 - 1e0 / NULLIF(CAST(COUNT(*) AS DOUBLE), 0e0)), SUM(run_ms) - MAX(run_ms))) AS lost_ms,
    AVG(bytes) AS mean_bytes, COUNT(DISTINCT row_filters) = 1 AS has_columns
  FROM scans
  GROUP BY platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read
  HAVING COUNT(DISTINCT CONCAT(source, '|', filters)) = 1 AND COUNT(DISTINCT sql_id) = COUNT(*)
    AND MIN(CASE WHEN format IN ('csv', 'json', 'text', 'xml') THEN 1 ELSE 0 END) = 1
    AND ((COUNT(DISTINCT row_filters) = COUNT(*) AND MIN(CASE WHEN REGEXP_REPLACE(row_filters, ' (=|<=>) | IN [(]', '') <> row_filters THEN 1 ELSE 0 END) = 1)
      OR (COUNT(DISTINCT row_filters) = 1 AND COUNT(DISTINCT numbers) >= $min_other_share * COUNT(*) AND COUNT(numbers) = COUNT(*)))
),
ranked AS (
  SELECT
    s.*, l.num_queries, l.total_ms, l.longest_ms,
    ROW_NUMBER() OVER (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id ORDER BY s.lost_ms DESC, s.description, s.num_nodes) AS place
  FROM summed AS s
  INNER JOIN loops AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id
    AND l.description = s.description AND l.num_nodes = s.num_nodes AND l.tables_read = s.tables_read AND l.num_queries = s.num_scans
  INNER JOIN application_facts AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
  WHERE NOT a.is_interactive AND (l.total_ms >= $min_total_ms OR (l.total_ms >= $min_half_ms AND l.total_ms >= 0.5e0 * a.app_duration_ms))
    AND l.total_ms >= $min_share * a.app_duration_ms AND l.mean_ms <= $max_mean_ms
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, r.description, r.num_nodes, r.tables_read, c.sql_id, c.node_id, c.source, c.filters, r.num_queries, r.total_ms, r.longest_ms,
  r.scan_ms, r.first_ms, r.lost_ms, r.mean_bytes, r.has_columns
FROM ranked AS r
INNER JOIN scans AS c
  ON c.platform = r.platform AND c.cluster_id = r.cluster_id
  AND c.application_id = r.application_id AND c.attempt_id = r.attempt_id
  AND c.description = r.description AND c.num_nodes = r.num_nodes AND c.tables_read = r.tables_read
WHERE r.place = 1
