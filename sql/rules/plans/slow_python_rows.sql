-- id: slow_python_rows
-- title: A Python function takes milliseconds for each row
-- category: plans
-- severity: low
-- version: 4
-- description: Fires for queries whose Python functions took milliseconds for each row (view python_row_times), which is long for computing: usually each call asks a service or a database, opens a connection, loads a model, compiles
--   patterns, or searches a large list. Faster exchange of rows, which python_udf advises, does not help there. Where most of the time does not depend on the rows (view python_setups), python_setup tells it instead. Lost is taken to be half of the time in Python, since what the calls did is not in the log; that is why the confidence is low.
--   Functions of whole batches (pandas and Arrow UDFs, mapInPandas, mapInArrow) for which Spark measured far more than the few microseconds of a row that vectorized computing takes are told without a loss: models are as slow. Small Arrow batches are
--   left to python_udf.
-- subject: sql
-- group_by: functions
-- parameter: min_call_ms double = 10000 [ms] time in Python, at least
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- parameter: lost_ratio double = 0.5 [ratio] part of that time that is taken to be lost
-- parameter: min_batch_row_us double = 50 [us] time of a row in a function of whole batches, at least: columns take less than 20
-- parameter: min_batch_share double = 0.3 [ratio] the same over the task time of the application, at least
-- parameter: min_batch_rows bigint = 10000 [rows] rows that go to it, at least
-- parameter: small_batch_rows bigint = 1000 [count] rows of an Arrow batch from which it is no longer small
-- evidence: {functions} in query {sql_id} ({query_description:query}) took [{row_ms:1} ms][{row_us:int} µs] for each of {num_rows:row|rows}[ in {num_tasks:task|tasks}], {call_ms:s} in all{how}, of {task_ms:s} of task time.
-- advice: row_us IS NOT NULL | - | - | It gets whole batches, and computing with whole columns takes a few microseconds per row. See whether it goes through its rows one by one (apply with axis=1, iterrows, a loop) where pandas, NumPy or built-in functions
--   work on columns, and whether it loads something (a model, a table, a client) in each task or batch: load that once for each Python process (functools.lru_cache), and run fewer and larger tasks. A model that predicts for whole batches can take as long.
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
),
small_batches AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key = 'spark.sql.execution.arrow.maxRecordsPerBatch' AND TRY_CAST(TRIM(value) AS BIGINT) < $small_batch_rows
  UNION
  SELECT platform, cluster_id, application_id, attempt_id
  FROM session_settings
  WHERE key = 'spark.sql.execution.arrow.maxRecordsPerBatch' AND TRY_CAST(TRIM(value) AS BIGINT) < $small_batch_rows
),
batch_functions AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.last_node_id, n.node_name, n.rows_output, m.total AS call_ms,
    CASE WHEN n.node_name NOT LIKE '%EvalPython%' THEN SPLIT_PART(SPLIT_PART(n.description, '(', 1), ' ', 2) END AS function
  FROM sql_nodes AS n
  INNER JOIN sql_node_metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
  WHERE m.metric_name = 'time to execute Python code' AND m.total > 0
    AND (n.node_name LIKE '%MapInPandas%' OR n.node_name LIKE '%MapInArrow%' OR (n.node_name LIKE 'ArrowEvalPython%' AND n.description NOT LIKE '%], 101'))
),
-- A function that maps batches may put out other rows than came in.
batch_inputs AS (
  SELECT b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, MIN(i.node_id) AS input_id
  FROM batch_functions AS b
  INNER JOIN sql_nodes AS i
    ON i.platform = b.platform AND i.cluster_id = b.cluster_id
    AND i.application_id = b.application_id AND i.attempt_id = b.attempt_id AND i.sql_id = b.sql_id
  WHERE i.node_id > b.node_id AND i.node_id <= b.last_node_id AND i.rows_output IS NOT NULL
  GROUP BY b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id
),
batch_tasks AS (
  SELECT b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, SUM(f.num_tasks) AS num_tasks, MAX(f.total_task_time_ms) AS total_task_time_ms
  FROM batch_functions AS b
  INNER JOIN operator_stages AS o
    ON o.platform = b.platform AND o.cluster_id = b.cluster_id
    AND o.application_id = b.application_id AND o.attempt_id = b.attempt_id AND o.sql_id = b.sql_id AND o.node_id = b.node_id
  INNER JOIN stage_facts AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.stage_id = o.stage_id
  GROUP BY b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id
),
batch_calls AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT function)), ', ') AS functions
  FROM python_calls
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
slow_batches AS (
  SELECT
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, SUBSTR(COALESCE(c.functions, b.function, b.node_name), 1, 120) AS functions, t.num_tasks, t.total_task_time_ms,
    b.call_ms, CASE WHEN b.node_name LIKE '%EvalPython%' THEN COALESCE(b.rows_output, i.rows_output) ELSE i.rows_output END AS num_rows,
    ROW_NUMBER() OVER (PARTITION BY b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id ORDER BY b.call_ms DESC, b.node_id) AS place
  FROM batch_functions AS b
  INNER JOIN batch_tasks AS t
    ON t.platform = b.platform AND t.cluster_id = b.cluster_id
    AND t.application_id = b.application_id AND t.attempt_id = b.attempt_id AND t.sql_id = b.sql_id AND t.node_id = b.node_id
  LEFT JOIN batch_inputs AS x
    ON x.platform = b.platform AND x.cluster_id = b.cluster_id
    AND x.application_id = b.application_id AND x.attempt_id = b.attempt_id AND x.sql_id = b.sql_id AND x.node_id = b.node_id
  LEFT JOIN sql_nodes AS i
    ON i.platform = x.platform AND i.cluster_id = x.cluster_id
    AND i.application_id = x.application_id AND i.attempt_id = x.attempt_id AND i.sql_id = x.sql_id AND i.node_id = x.input_id
  LEFT JOIN batch_calls AS c
    ON c.platform = b.platform AND c.cluster_id = b.cluster_id
    AND c.application_id = b.application_id AND c.attempt_id = b.attempt_id AND c.sql_id = b.sql_id AND c.node_id = b.node_id
),
told AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, functions, num_rows, CAST(NULL AS BIGINT) AS num_tasks, call_ms, total_task_time_ms,
    CAST(NULL AS STRING) AS severity, CAST(NULL AS STRING) AS title,
    TRY_CAST($lost_ratio * call_ms AS BIGINT) AS lost_core_ms, TRY_CAST($lost_ratio * call_ms / NULLIF(run_ms, 0e0) * wall_ms AS BIGINT) AS recoverable_ms,
    call_ms / NULLIF(CAST(num_rows AS DOUBLE), 0e0) AS row_ms, CAST(NULL AS DOUBLE) AS row_us, CASE WHEN is_measured THEN ' in Python' ELSE ' beside the JVM' END AS how
  FROM summed
  WHERE all_call_ms >= $min_call_ms AND all_call_ms >= $min_share * total_task_time_ms
  UNION ALL
  SELECT
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.functions, b.num_rows, b.num_tasks, b.call_ms, b.total_task_time_ms,
    'low' AS severity, 'A Python function of whole batches takes long for each row' AS title,
    CAST(NULL AS BIGINT) AS lost_core_ms, CAST(NULL AS BIGINT) AS recoverable_ms,
    CAST(NULL AS DOUBLE) AS row_ms, b.call_ms * 1e3 / NULLIF(CAST(b.num_rows AS DOUBLE), 0e0) AS row_us, ' in Python' AS how
  FROM slow_batches AS b
  LEFT JOIN small_batches AS s
    ON s.platform = b.platform AND s.cluster_id = b.cluster_id AND s.application_id = b.application_id AND s.attempt_id = b.attempt_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM python_row_times) AS r
    ON r.platform = b.platform AND r.cluster_id = b.cluster_id AND r.application_id = b.application_id AND r.attempt_id = b.attempt_id AND r.sql_id = b.sql_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM python_setups) AS p
    ON p.platform = b.platform AND p.cluster_id = b.cluster_id AND p.application_id = b.application_id AND p.attempt_id = b.attempt_id AND p.sql_id = b.sql_id
  WHERE s.platform IS NULL AND r.platform IS NULL AND p.platform IS NULL AND b.place = 1 AND b.num_rows >= $min_batch_rows
    AND b.call_ms >= $min_call_ms AND b.call_ms >= $min_batch_share * b.total_task_time_ms AND b.call_ms * 1e3 >= $min_batch_row_us * b.num_rows
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, CAST(s.sql_id AS STRING) AS subject_id, s.severity, 'low' AS confidence, s.title, s.lost_core_ms, s.recoverable_ms,
  s.sql_id, SUBSTR(TRIM(q.description), 1, 200) AS query_description, s.functions, s.num_rows, s.num_tasks, s.row_ms, s.row_us, s.call_ms, s.total_task_time_ms AS task_ms, s.how
FROM told AS s
LEFT JOIN sql AS q
  ON q.platform = s.platform AND q.cluster_id = s.cluster_id AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
