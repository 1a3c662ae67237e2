-- id: python_udf
-- title: Much of the time goes into stages that call Python
-- category: plans
-- severity: low
-- version: 1
-- description: Fires where the stages with Python functions took a large share of an application's task
--   time. Rows travel to a Python process and back, and Spark cannot look into the function. The time is
--   that of the whole stages, so it is an upper bound of what goes into Python; what a built-in function
--   would take instead is not known.
-- parameter: min_share double = 0.3 [ratio] task time of stages with Python over that of all, at least
-- parameter: min_run_time_ms bigint = 300000 [ms] task time of stages with Python, at least
-- evidence: Stages that call Python took {python_ms:s} of {run_ms:s} of task time, {python_share:pct}[; {num_batch:int} operators
--   send rows one by one, without Arrow].
-- advice: num_batch > 0 AND spark_minor >= 305 | spark.sql.execution.pythonUDF.arrow.enabled | 'true' | Use built-in functions where
--   there are any; let the others exchange rows in Arrow batches.
-- advice: num_batch > 0 | - | - | Use built-in functions where there are any, else pandas UDFs, which exchange rows in Arrow batches.
-- recommendation: Use built-in functions where there are any; filter and select before the call, so that fewer rows travel.
WITH times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN has_python THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) AS python_ms,
    SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms,
    MAX(spark_minor) AS spark_minor
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
batches AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_batch
  FROM sql_nodes
  WHERE node_name LIKE 'BatchEvalPython%'
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, t.application_id AS subject_id,
  CASE WHEN t.python_ms >= 0.5e0 * t.run_ms AND t.python_ms >= 3600000 THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  t.python_ms, t.run_ms, t.python_ms / t.run_ms AS python_share, b.num_batch, t.spark_minor
FROM times AS t
LEFT JOIN batches AS b
  ON b.platform = t.platform AND b.cluster_id = t.cluster_id
  AND b.application_id = t.application_id AND b.attempt_id = t.attempt_id
WHERE t.python_ms >= $min_run_time_ms AND t.python_ms >= $min_share * t.run_ms
