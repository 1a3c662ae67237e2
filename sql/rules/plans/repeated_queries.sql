-- id: repeated_queries
-- title: The same query runs again and again
-- category: plans
-- severity: low
-- version: 2
-- description: Fires where very many short queries from the same place in the code, with the same plan and tables, took a
--   large part of the wall time, one after another as in a loop. Each pays for planning, scheduling and
--   start-up. What one query over all of it would take is not known, so no loss is counted. Micro-batches of
--   streams and interactive sessions are not judged.
-- parameter: min_queries bigint = 20 [count] executions of the query, at least
-- parameter: min_total_ms bigint = 20000 [ms] their durations together, at least
-- parameter: min_share double = 0.2 [ratio] the same over the wall time, at least
-- parameter: max_mean_ms double = 60000 [ms] duration of one on average, at most
-- evidence: The query {description}[ over {tables_read}] ran {num_queries:time|times} and took {total_ms:s} of {app_duration_ms:s}, {mean_ms:s}
--   each, with {jobs_each:job|jobs} and {tasks_each:task|tasks} on average.
-- recommendation: Ask once for all of it: replace the loop by a join or a grouping over the values that it goes through, or collect
--   what the loop needs with one query before it.
WITH repeated AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read,
    COUNT(*) AS num_queries,
    SUM(CAST(duration_ms AS DOUBLE)) AS total_ms,
    AVG(CAST(duration_ms AS DOUBLE)) AS mean_ms,
    AVG(CAST(num_jobs AS DOUBLE)) AS jobs_each,
    AVG(CAST(num_tasks AS DOUBLE)) AS tasks_each
  FROM (
    SELECT f.*
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
  r.num_queries, r.total_ms, r.mean_ms, SUBSTR(r.tables_read, 1, 120) AS tables_read, r.jobs_each, r.tasks_each, a.app_duration_ms
FROM ranked AS r
INNER JOIN application_facts AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
WHERE r.place = 1 AND NOT a.is_interactive
  AND r.total_ms >= $min_total_ms AND r.total_ms >= $min_share * a.app_duration_ms AND r.mean_ms <= $max_mean_ms
