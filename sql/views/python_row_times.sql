-- id: python_row_times
-- title: Operators whose Python function takes long for each row
-- description: One row per operator that calls a Python function row by row or batch by batch (BatchEvalPython, ArrowEvalPython, mapInPandas, mapInArrow; no groups) and took milliseconds of Python for each row that came in: call_ms, of num_rows
--   rows, in stages of run_ms. Measured is what Spark 4.3 counts as execution of Python code; before it call_ms is the run time of the stages that neither the processor of the JVM, garbage collection, shuffles nor scans
--   explain, where the query has no other such operator and its stages wrote no files and did not spill. That holds the start of processes too, so that more is asked of a row.
-- parameter: min_row_ms double = 2 [ms] time of a row in Python where it is measured, at least: arithmetic and text take microseconds, more on a busy machine
-- parameter: min_unmeasured_row_ms double = 5 [ms] the same where it is not measured, at least
-- parameter: max_row_ms double = 1000 [ms] time of a row, at most: longer ones are computations of their own
-- parameter: min_rows bigint = 1000 [rows] rows, at least
-- parameter: min_unmeasured_rows bigint = 5000 [rows] the same where Python is not measured
-- reads: operator_stages, python_calls, sql_node_metrics, sql_nodes, stage_facts
WITH operators AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_name, rows_output, last_node_id,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id) AS num_operators
  FROM sql_nodes
  WHERE node_name LIKE '%EvalPython%' OR node_name LIKE '%MapInPandas%' OR node_name LIKE '%MapInArrow%'
),
-- A function of batches may put out other rows than came in.
inputs AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, MIN(i.node_id) AS input_id
  FROM operators AS p
  INNER JOIN sql_nodes AS i
    ON i.platform = p.platform AND i.cluster_id = p.cluster_id
    AND i.application_id = p.application_id AND i.attempt_id = p.attempt_id AND i.sql_id = p.sql_id
  WHERE i.node_id > p.node_id AND i.node_id <= p.last_node_id AND i.rows_output IS NOT NULL
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
),
work AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, MAX(f.subject_id) AS subject_id,
    SUM(CAST(f.executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(f.executor_run_time AS DOUBLE) / NULLIF(CAST(f.task_slots AS DOUBLE), 0e0)) AS wall_ms, MAX(f.total_task_time_ms) AS total_task_time_ms,
    CASE WHEN MIN(COALESCE(f.cpu_ms, 0e0)) > 0e0 AND MAX(CASE WHEN f.has_gpu THEN 1 ELSE 0 END) = 0 AND MAX(COALESCE(f.output_bytes, 0)) = 0 AND MAX(COALESCE(f.disk_bytes_spilled, 0)) = 0
      THEN SUM(f.executor_run_time - f.cpu_ms - COALESCE(f.gc_time, 0) - COALESCE(f.fetch_wait_ms, 0e0) - COALESCE(f.scan_ms, 0e0)) END AS rest_ms
  FROM operators AS p
  INNER JOIN operator_stages AS o
    ON o.platform = p.platform AND o.cluster_id = p.cluster_id
    AND o.application_id = p.application_id AND o.attempt_id = p.attempt_id AND o.sql_id = p.sql_id AND o.node_id = p.node_id
  INNER JOIN stage_facts AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.stage_id = o.stage_id
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
),
calls AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT function)), ', ') AS functions
  FROM python_calls
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
measured AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, w.subject_id, p.node_name, w.run_ms, w.wall_ms, w.total_task_time_ms, COALESCE(m.total > 0e0, FALSE) AS is_measured,
    CASE WHEN m.total > 0e0 THEN LEAST(m.total, w.run_ms) WHEN p.num_operators = 1 THEN w.rest_ms END AS call_ms,
    CASE WHEN p.node_name LIKE '%EvalPython%' THEN COALESCE(p.rows_output, n.rows_output) ELSE n.rows_output END AS num_rows
  FROM operators AS p
  INNER JOIN work AS w
    ON w.platform = p.platform AND w.cluster_id = p.cluster_id
    AND w.application_id = p.application_id AND w.attempt_id = p.attempt_id AND w.sql_id = p.sql_id AND w.node_id = p.node_id
  LEFT JOIN inputs AS i
    ON i.platform = p.platform AND i.cluster_id = p.cluster_id
    AND i.application_id = p.application_id AND i.attempt_id = p.attempt_id AND i.sql_id = p.sql_id AND i.node_id = p.node_id
  LEFT JOIN sql_nodes AS n
    ON n.platform = i.platform AND n.cluster_id = i.cluster_id
    AND n.application_id = i.application_id AND n.attempt_id = i.attempt_id AND n.sql_id = i.sql_id AND n.node_id = i.input_id
  LEFT JOIN sql_node_metrics AS m
    ON m.platform = p.platform AND m.cluster_id = p.cluster_id
    AND m.application_id = p.application_id AND m.attempt_id = p.attempt_id AND m.sql_id = p.sql_id AND m.node_id = p.node_id
    AND m.metric_name = 'time to execute Python code'
)
SELECT
  m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.subject_id, m.node_name, m.run_ms, m.wall_ms, m.total_task_time_ms, m.is_measured, m.call_ms, m.num_rows, c.functions
FROM measured AS m
LEFT JOIN calls AS c
  ON c.platform = m.platform AND c.cluster_id = m.cluster_id
  AND c.application_id = m.application_id AND c.attempt_id = m.attempt_id AND c.sql_id = m.sql_id AND c.node_id = m.node_id
WHERE m.num_rows >= CASE WHEN m.is_measured THEN $min_rows ELSE $min_unmeasured_rows END AND m.call_ms >= CASE WHEN m.is_measured THEN $min_row_ms ELSE $min_unmeasured_row_ms END * m.num_rows AND m.call_ms <= $max_row_ms * m.num_rows
