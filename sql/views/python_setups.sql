-- id: python_setups
-- title: Stages whose Python functions take time that does not depend on their rows
-- description: One row per stage attempt of a query with Python functions of rows or batches, whose tasks got very different numbers of rows (min_rows to max_rows) while their times differ far less. fixed_ms is what a task takes with no rows: the line through
--   times and rows of all tasks (least squares), less their share of what Spark measured for starting Python processes and unpacking the function, for scans, shuffle data and garbage collection, and at most what the Python processes took where Spark
--   measured it (since 4.0). Where tasks without a row show more, it is what they ran, at most what a task executed of Python code on average where Spark measured that (since 4.3). Where it did not measure Python, stages that write files are left out, because opening and committing a file takes its time too. Stages whose tasks have about the same number of rows do not show it.
-- parameter: min_tasks bigint = 20 [count] tasks of the stage, at least
-- parameter: min_waves double = 4 [ratio] the same for each core that worked on it, at least
-- parameter: min_spread double = 0.4 [ratio] standard deviation of the rows of a task over their mean, at least
-- parameter: max_spread_share double = 0.5 [ratio] the same of its time over that of its rows, at most
-- parameter: min_fixed_ms double = 100 [ms] time of a task without rows, at least
-- parameter: min_fixed_share double = 0.6 [ratio] the same over the mean time of a task, at least
-- parameter: min_run_ms double = 5000 [ms] task time of the stage, at least
-- parameter: min_empty bigint = 5 [count] tasks without a row, at least, to show what a task takes
-- reads: spark_settings, sql_node_metrics, sql_nodes, stage_facts, tasks
WITH stages_of AS (
  SELECT platform, cluster_id, application_id, attempt_id, subject_id, stage_id, stage_attempt_id, sql_id, task_slots,
    COALESCE(scan_ms, 0e0) + COALESCE(fetch_wait_ms, 0e0) + COALESCE(gc_time, 0) AS jvm_ms, COALESCE(output_bytes, 0) > 0 AS is_write
  FROM stage_facts
  WHERE has_python AND num_tasks >= $min_tasks AND num_tasks >= $min_waves * COALESCE(task_slots, 1) AND executor_run_time >= $min_run_ms AND NOT COALESCE(has_gpu, FALSE)
),
task_times AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id,
    CAST(t.executor_run_time AS DOUBLE) AS y, CAST(GREATEST(COALESCE(t.input_records_read, 0), COALESCE(t.shuffle_read_records_read, 0)) AS DOUBLE) AS x
  FROM stages_of AS s
  INNER JOIN tasks AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id AND t.stage_id = s.stage_id AND t.stage_attempt_id = s.stage_attempt_id
  WHERE t.status = 'SUCCESS' AND t.executor_run_time IS NOT NULL
),
moments AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, subject_id, COUNT(*) AS num_tasks, MIN(x) AS min_rows, MAX(x) AS max_rows,
    AVG(x) AS mean_x, AVG(y) AS mean_y, AVG(x * y) - AVG(x) * AVG(y) AS cov, AVG(x * x) - AVG(x) * AVG(x) AS var_x, AVG(y * y) - AVG(y) * AVG(y) AS var_y,
    CASE WHEN SUM(CASE WHEN x = 0e0 THEN 1 ELSE 0 END) >= $min_empty THEN AVG(CASE WHEN x = 0e0 THEN y END) END AS empty_y
  FROM task_times
  GROUP BY platform, cluster_id, application_id, attempt_id, subject_id
),
-- What the operators of Python in a stage are, and what Spark measured of them.
operators AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id,
    SUM(CASE WHEN m.metric_name IN ('time to start Python workers', 'time to initialize Python workers') THEN m.total END) AS start_ms,
    SUM(CASE WHEN m.metric_name = 'time to run Python workers' THEN m.total END) AS python_ms,
    SUM(CASE WHEN m.metric_name = 'time to execute Python code' THEN m.total END) AS execute_ms,
    MIN(CASE WHEN n.node_name LIKE '%EvalPython%' OR n.node_name LIKE '%MapInPandas%' OR n.node_name LIKE '%MapInArrow%' THEN 1 ELSE 0 END) AS is_told
  FROM stages_of AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND ARRAY_CONTAINS(n.stage_ids, s.stage_id)
  LEFT JOIN sql_node_metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
    AND m.metric_name IN ('time to start Python workers', 'time to initialize Python workers', 'time to run Python workers', 'time to execute Python code')
  WHERE n.node_name LIKE '%Python%' OR n.node_name LIKE '%InPandas%' OR n.node_name LIKE '%InArrow%' OR n.node_name LIKE '%InPySpark%'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id
),
fitted AS (
  SELECT
    m.*, s.sql_id, s.task_slots,
    GREATEST(LEAST(
      m.mean_y - GREATEST(m.cov, 0e0) / NULLIF(m.var_x, 0e0) * m.mean_x - (COALESCE(o.start_ms, 0e0) + s.jvm_ms) / NULLIF(CAST(m.num_tasks AS DOUBLE), 0e0),
      CASE WHEN o.python_ms > 0e0 THEN (o.python_ms - COALESCE(o.start_ms, 0e0)) / NULLIF(CAST(m.num_tasks AS DOUBLE), 0e0) ELSE m.mean_y END
    ), CASE WHEN m.empty_y > 0e0 AND o.execute_ms > 0e0 THEN LEAST(m.empty_y, o.execute_ms / NULLIF(CAST(m.num_tasks AS DOUBLE), 0e0)) ELSE 0e0 END) AS fixed_ms
  FROM moments AS m
  INNER JOIN stages_of AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id AND s.subject_id = m.subject_id
  INNER JOIN operators AS o
    ON o.platform = m.platform AND o.cluster_id = m.cluster_id
    AND o.application_id = m.application_id AND o.attempt_id = m.attempt_id AND o.subject_id = m.subject_id
  WHERE o.is_told = 1 AND (o.python_ms > 0e0 OR NOT s.is_write) AND m.num_tasks >= $min_tasks AND m.mean_x > 0e0 AND m.mean_y > 0e0
    AND m.var_x >= $min_spread * $min_spread * m.mean_x * m.mean_x
    AND m.var_y * m.mean_x * m.mean_x <= $max_spread_share * $max_spread_share * m.var_x * m.mean_y * m.mean_y
),
reuse AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key = 'spark.python.worker.reuse' AND LOWER(TRIM(value)) = 'false'
)
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.sql_id, f.num_tasks, f.task_slots,
  TRY_CAST(f.min_rows AS BIGINT) AS min_rows, TRY_CAST(f.max_rows AS BIGINT) AS max_rows, f.fixed_ms, f.mean_y AS mean_ms
FROM fitted AS f
LEFT JOIN reuse AS r
  ON r.platform = f.platform AND r.cluster_id = f.cluster_id
  AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id
WHERE r.platform IS NULL AND f.fixed_ms >= $min_fixed_ms AND f.fixed_ms >= $min_fixed_share * f.mean_y
