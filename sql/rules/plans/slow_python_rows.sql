-- id: slow_python_rows
-- title: A Python function takes milliseconds for each row
-- category: plans
-- severity: low
-- version: 2
-- description: Fires for queries whose Python functions took milliseconds for each row (view python_row_times), which is long for computing: usually each call asks a service or a database, opens a connection, loads a model, compiles
--   patterns, or searches a large list. Faster exchange of rows, which python_udf advises, does not help there. Where most of the time does not depend on the rows (view python_setups), python_setup tells it instead. Lost is taken to be half of the time in Python, since what the calls did is not in the log; that is why the confidence is low.
-- subject: sql
-- group_by: functions
-- parameter: min_call_ms double = 10000 [ms] time in Python, at least
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- parameter: lost_ratio double = 0.5 [ratio] part of that time that is taken to be lost
-- evidence: {functions} in query {sql_id} ({query_description}) took {row_ms:1} ms for each of {num_rows:row|rows}, {call_ms:s} in all{how}, of {task_ms:s} of task time.
-- recommendation: That is long for computing. What does not depend on the row (a connection, a client, a model, a compiled pattern, a lookup table as a dict) belongs out of the function: made once for each process, in an iterator pandas UDF or in
--   mapInPandas. Ask a service for many rows at once and only for distinct values (join the answers), keep answers (functools.lru_cache), and ask from several threads. Where it does compute, work on whole columns with pandas or NumPy.
WITH ranked AS (
  -- Operators above each other run at the same time and wait for each other: the longest counts.
  SELECT
    c.*, ROW_NUMBER() OVER (PARTITION BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id ORDER BY c.call_ms DESC, c.node_id) AS place
  FROM python_row_times AS c
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM python_setups) AS p
    ON p.platform = c.platform AND p.cluster_id = c.cluster_id
    AND p.application_id = c.application_id AND p.attempt_id = c.attempt_id AND p.sql_id = c.sql_id
  WHERE p.platform IS NULL
),
-- The queries of a loop or a stream count together.
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, SUBSTR(COALESCE(functions, node_name), 1, 120) AS functions, num_rows, call_ms, run_ms, wall_ms, total_task_time_ms, is_measured,
    SUM(call_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, COALESCE(functions, node_name)) AS all_call_ms
  FROM ranked
  WHERE place = 1
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, CAST(s.sql_id AS STRING) AS subject_id, 'low' AS confidence,
  TRY_CAST($lost_ratio * s.call_ms AS BIGINT) AS lost_core_ms, TRY_CAST($lost_ratio * s.call_ms / NULLIF(s.run_ms, 0e0) * s.wall_ms AS BIGINT) AS recoverable_ms,
  s.sql_id, SUBSTR(TRIM(q.description), 1, 100) AS query_description, s.functions, s.num_rows, s.call_ms / NULLIF(CAST(s.num_rows AS DOUBLE), 0e0) AS row_ms, s.call_ms, s.total_task_time_ms AS task_ms,
  CASE WHEN s.is_measured THEN ' in Python' ELSE ' beside the JVM' END AS how
FROM summed AS s
LEFT JOIN sql AS q
  ON q.platform = s.platform AND q.cluster_id = s.cluster_id AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
WHERE s.all_call_ms >= $min_call_ms AND s.all_call_ms >= $min_share * s.total_task_time_ms
