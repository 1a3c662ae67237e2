-- id: repeated_queries
-- title: The same query runs again and again
-- category: plans
-- severity: low
-- version: 3
-- description: Fires where very many short queries from the same place in the code, with the same plan and tables, took a
--   large part of the wall time, as in a loop, one after another or in threads. Each pays for planning, scheduling and
--   start-up. What one query over all of it would take is not known, so no loss is counted. Micro-batches of
--   streams and interactive sessions are not judged.
-- parameter: min_queries bigint = 20 [count] executions of the query, at least
-- parameter: min_total_ms bigint = 20000 [ms] wall time in which any of them ran, at least
-- parameter: min_share double = 0.2 [ratio] the same over the wall time, at least
-- parameter: min_half_ms bigint = 10000 [ms] that wall time where it is half of the application's, at least
-- parameter: max_mean_ms double = 60000 [ms] duration of one on average, at most
-- evidence: The query {description}[ over {tables_read}] ran {num_queries:time|times} and took {total_ms:s} of {app_duration_ms:s}, {mean_ms:s}
--   each[ and {side_by_side:1} at a time], with {jobs_each:job|jobs} and {tasks_each:task|tasks} on average.
-- advice: is_write | - | - | Write once for all of it: put the values that the loop goes through into one query, and let partitionBy lay out the
--   files by them.
-- recommendation: Ask once for all of it: replace the loop by a join or a grouping over the values that it goes through, or collect
--   what the loop needs with one query before it.
WITH repeated AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read,
    COUNT(*) AS num_queries,
    SUM(CASE
      WHEN begin_ms IS NULL THEN CAST(duration_ms AS DOUBLE)
      ELSE CAST(GREATEST(begin_ms + duration_ms - GREATEST(begin_ms, COALESCE(previous_end_ms, begin_ms)), 0) AS DOUBLE)
    END) AS total_ms,
    SUM(CAST(duration_ms AS DOUBLE)) AS all_ms, MAX(CASE WHEN tables_written IS NOT NULL THEN 1 ELSE 0 END) = 1 AS is_write,
    AVG(CAST(duration_ms AS DOUBLE)) AS mean_ms,
    AVG(CAST(num_jobs AS DOUBLE)) AS jobs_each,
    AVG(CAST(num_tasks AS DOUBLE)) AS tasks_each
  FROM (
    SELECT
      f.platform, f.cluster_id, f.application_id, f.attempt_id, f.num_nodes, f.tables_read, f.tables_written,
      -- The same line of a Python program, called from a thread of its own.
      REPLACE(f.description, ' at <unknown>:0', ' at NativeMethodAccessorImpl.java:0') AS description,
      f.duration_ms, f.num_jobs, f.num_tasks, UNIX_MILLIS(q.submission_time) AS begin_ms,
      -- Queries of threads run side by side: each counts for the time in which none before it ran.
      MAX(UNIX_MILLIS(q.submission_time) + f.duration_ms) OVER (
        PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, REPLACE(f.description, ' at <unknown>:0', ' at NativeMethodAccessorImpl.java:0'),
          f.num_nodes, f.tables_read
        ORDER BY q.submission_time, f.sql_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS previous_end_ms
    FROM query_facts AS f
    INNER JOIN sql AS q
      ON q.platform = f.platform AND q.cluster_id = f.cluster_id
      AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
    WHERE q.streaming_query_id IS NULL AND f.num_jobs > 0
  ) AS f
  GROUP BY platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read
),
ranked AS (
  SELECT
    r.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY total_ms DESC, description, num_nodes
    ) AS place
  FROM repeated AS r
  WHERE num_queries >= $min_queries
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  CASE WHEN r.total_ms >= 0.5e0 * a.app_duration_ms AND r.total_ms >= 600000 THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  SUBSTR(REPLACE(r.description, CHR(10), ' '), 1, 120) AS description,
  r.num_queries, r.total_ms, r.mean_ms, r.is_write,
  CASE WHEN r.all_ms >= 1.2e0 * r.total_ms THEN r.all_ms / NULLIF(r.total_ms, 0) END AS side_by_side, SUBSTR(r.tables_read, 1, 120) AS tables_read, r.jobs_each, r.tasks_each, a.app_duration_ms
FROM ranked AS r
INNER JOIN application_facts AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
WHERE r.place = 1 AND NOT a.is_interactive
  AND (r.total_ms >= $min_total_ms OR (r.total_ms >= $min_half_ms AND r.total_ms >= 0.5e0 * a.app_duration_ms))
  AND r.total_ms >= $min_share * a.app_duration_ms AND r.mean_ms <= $max_mean_ms
