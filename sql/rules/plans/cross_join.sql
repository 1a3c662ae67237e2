-- id: cross_join
-- title: A join compares every row with every row
-- category: plans
-- severity: medium
-- version: 2
-- description: Fires for a cartesian product or a nested loop join that put out very many rows, by the
--   count of the join itself, or many rows while the stages that it works in took a large part of the task time of
--   the application. Such a join has no equality to sort or hash by, so its cost is the product of its sides.
-- subject: node
-- parameter: min_rows double = 1e8 [count] rows that the join put out, at least
-- parameter: min_slow_rows double = 1e6 [count] or the same where its stages are slow, at least
-- parameter: min_stage_ms double = 10000 [ms] task time of the stages of the join, at least, for them to be slow
-- parameter: min_stage_share double = 0.25 [ratio] and the same over the task time of the application
-- parameter: critical_rows double = 1e10 [count] the same, from which it is of high severity
-- evidence: {node_name} put out {rows:row|rows} in query {sql_id:int}[, which took {duration_ms:s}][; the stages that it works in took
--   {stage_ms:s} of {app_ms:s} of task time].
-- recommendation: Add an equality to the join condition (a day, a bucket, a key that both sides have), or filter both sides
--   before the join.
WITH work AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    SUM(CAST(run_ms AS DOUBLE)) AS stage_ms
  FROM operator_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
)
SELECT
  n.platform, n.cluster_id, n.application_id, n.attempt_id,
  CONCAT(CAST(n.sql_id AS STRING), '.', CAST(n.node_id AS STRING)) AS subject_id,
  CASE
    WHEN n.rows_output >= $critical_rows THEN 'high'
    WHEN n.rows_output >= $min_rows AND q.duration_ms >= 60000 THEN 'medium'
    ELSE 'low'
  END AS severity,
  'high' AS confidence,
  n.node_name, n.rows_output AS rows, n.sql_id, q.duration_ms,
  w.stage_ms, CASE WHEN w.stage_ms IS NOT NULL THEN a.total_task_time_ms END AS app_ms
FROM sql_nodes AS n
INNER JOIN sql AS q
  ON q.platform = n.platform AND q.cluster_id = n.cluster_id
  AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
INNER JOIN applications AS a
  ON a.platform = n.platform AND a.cluster_id = n.cluster_id
  AND a.application_id = n.application_id AND a.attempt_id = n.attempt_id
LEFT JOIN work AS w
  ON w.platform = n.platform AND w.cluster_id = n.cluster_id
  AND w.application_id = n.application_id AND w.attempt_id = n.attempt_id
  AND w.sql_id = n.sql_id AND w.node_id = n.node_id
WHERE (n.node_name LIKE 'CartesianProduct%' OR n.node_name LIKE 'BroadcastNestedLoopJoin%')
  AND (n.rows_output >= $min_rows
    OR (n.rows_output >= $min_slow_rows AND w.stage_ms >= $min_stage_ms
      AND w.stage_ms >= $min_stage_share * a.total_task_time_ms))
