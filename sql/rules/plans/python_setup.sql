-- id: python_setup
-- title: Much of the time of a Python function does not depend on its rows
-- category: plans
-- severity: low
-- version: 2
-- description: Fires for stages of queries with Python functions whose tasks got very different numbers of rows, while their times differ far less (view python_setups): most of the time does not depend on the rows, as where the function loads a
--   model, opens a connection or builds a table once in each task (mapInPandas, iterator pandas UDFs). Starting Python processes and unpacking functions, which disabled_optimizations, python_udf and heavy_closures tell, is left out. Lost is that time for
--   all tasks but one for each core.
-- subject: stage
-- group_by: functions
-- parameter: min_lost_ms double = 5000 [ms] lost core time, at least
-- evidence: The {num_tasks:int} tasks of {stage_name}, which calls {functions}, got {min_rows:int} to {max_rows:row|rows} each, and {fixed_ms:int} of the {mean_ms:int} ms of a task on average do not depend on them. That is {all_fixed_ms:s} of the {run_ms:s} that its tasks ran.
-- recommendation: Do what does not depend on the rows once for each Python process, not in each task: load the model or open the connection on first use and keep it in a variable of a module (functools.lru_cache around the function that loads it), because Spark uses its
--   Python processes for many tasks. Or give the function fewer and larger partitions (repartition to a few times the cores, or coalesce), and no empty ones.
WITH
-- MapInPandas score(invoice_id#0L, amount#1)#8, [invoice_id#9L, score#10], false
called AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT function)), ', '), 1, 100) AS functions
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, function FROM python_calls
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, SPLIT_PART(SPLIT_PART(description, '(', 1), ' ', 2) AS function
    FROM sql_nodes
    WHERE (node_name LIKE '%MapInPandas%' OR node_name LIKE '%MapInArrow%') AND description LIKE '% %(%'
  ) AS f
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id, 'medium' AS confidence,
  TRY_CAST(s.fixed_ms * (s.num_tasks - s.task_slots) AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST(s.fixed_ms * (s.num_tasks - s.task_slots) / NULLIF(CAST(s.task_slots AS DOUBLE), 0e0), CAST(t.duration_ms AS DOUBLE)) AS BIGINT) AS recoverable_ms,
  s.sql_id, CONCAT('stage ', CAST(t.stage_id AS STRING)) AS stage_name, COALESCE(c.functions, 'Python') AS functions, s.num_tasks, s.min_rows, s.max_rows,
  s.fixed_ms, s.mean_ms, s.fixed_ms * s.num_tasks AS all_fixed_ms, CAST(t.executor_run_time AS DOUBLE) AS run_ms
FROM python_setups AS s
INNER JOIN stage_facts AS t
  ON t.platform = s.platform AND t.cluster_id = s.cluster_id
  AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id AND t.subject_id = s.subject_id
LEFT JOIN called AS c
  ON c.platform = s.platform AND c.cluster_id = s.cluster_id
  AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.sql_id = s.sql_id
LEFT JOIN tiny_stages AS y
  ON y.platform = s.platform AND y.cluster_id = s.cluster_id
  AND y.application_id = s.application_id AND y.attempt_id = s.attempt_id AND y.subject_id = s.subject_id AND y.python_ms > 0
WHERE y.platform IS NULL AND s.fixed_ms * (s.num_tasks - s.task_slots) >= $min_lost_ms
