-- id: repeated_computation
-- title: The same join or aggregate is computed again and again
-- category: plans
-- severity: low
-- version: 4
-- description: Fires where an application computes the same join, window, aggregate or user function over the same data several
--   times (view repeated_work), as where a result is counted, checked and then written, or where a query names a view
--   twice. Lost is what all of the computations took but the most expensive; keeping the result costs a part of it. Never above medium: the author knows whether the data change in between. That a table is read again for
--   other work is what repeated_scans tells; that a loop asks the same whole query, repeated_queries.
-- subject: node
-- group_by: sql_id
-- parameter: min_lost_ms double = 5000 [ms] task time lost, at least
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- parameter: min_large_ms double = 600000 [ms] task time lost that is worth a word below that share
-- parameter: min_large_share double = 0.02 [ratio] but with this share, at least
-- parameter: medium_lost_ms double = 600000 [ms] task time lost from which it is of medium severity
-- evidence: {operator} (node {node_id:int} of query {sql_id:int}, {query_name}) and the steps below it were computed {num_times:time|times} in
--   {num_queries:query|queries}[, the last one query {last_query:int}]; that took {all_ms:s} of task time, {lost_ms:s} without the most expensive one, of {app_ms:s} of the
--   application.
-- advice: is_pivot | - | - | A pivot without a list of values runs all of the query first, to find them: name the values (pivot(column, values), or take them
--   from a small table).
-- advice: num_queries = 1 | - | - | The query asks for the same intermediate result in several places: write it to a table first, or
--   cache it, and let all of them read that.
-- recommendation: Compute it once and keep it: persist the DataFrame before the first of these queries and unpersist it after the
--   last one, or write it to a table and read that.
WITH places AS (
  SELECT
    w.*, SUBSTR(REPLACE(COALESCE(w.query_description, ''), CHR(10), ' '), 1, 80) AS query_name,
    MAX(w.sql_id) OVER (PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash) AS last_query
  FROM repeated_work AS w
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id,
  CONCAT(CAST(p.sql_id AS STRING), '.', CAST(p.node_id AS STRING)) AS subject_id,
  CASE WHEN p.lost_ms >= $medium_lost_ms THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(p.lost_ms AS BIGINT) AS lost_core_ms,
  -- Wall time at the application's own average of tasks side by side while its jobs ran.
  TRY_CAST(p.lost_ms * (a.app_duration_ms - COALESCE(a.driver_only_time_ms, 0))
    / GREATEST(r.executor_run_time, a.app_duration_ms - COALESCE(a.driver_only_time_ms, 0), 1) AS BIGINT) AS recoverable_ms,
  p.sql_id, p.node_id, p.operator_kind, p.query_name LIKE 'pivot at %' AND p.num_queries = 2 AS is_pivot,
  -- As the plan shows it, without the numbers of expressions.
  SUBSTR(REGEXP_REPLACE(COALESCE(p.description, p.node_name), '#[0-9]+L?', ''), 1, 120) AS operator, p.query_name, CASE WHEN p.num_queries > 1 THEN p.last_query END AS last_query,
  p.num_times, p.num_queries, TRY_CAST(p.all_ms AS BIGINT) AS all_ms, TRY_CAST(p.lost_ms AS BIGINT) AS lost_ms,
  r.executor_run_time AS app_ms
FROM places AS p
INNER JOIN application_facts AS a
  ON a.platform = p.platform AND a.cluster_id = p.cluster_id
  AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
INNER JOIN application_run_times AS r
  ON r.platform = p.platform AND r.cluster_id = p.cluster_id
  AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id
WHERE p.place = 1 AND NOT p.is_loop
  AND (
    (p.lost_ms >= $min_lost_ms AND p.lost_ms >= $min_share * r.executor_run_time)
    OR (p.lost_ms >= $min_large_ms AND p.lost_ms >= $min_large_share * r.executor_run_time)
  )
