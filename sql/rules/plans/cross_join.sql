-- id: cross_join
-- title: A join compares every row with every row
-- category: plans
-- severity: medium
-- version: 1
-- description: Fires for a cartesian product or a nested loop join that put out very many rows, by the
--   count of the join itself. Such a join has no equality to sort or hash by, so its cost is the product
--   of its sides.
-- subject: node
-- parameter: min_rows double = 1e8 [count] rows that the join put out, at least
-- parameter: critical_rows double = 1e10 [count] the same, from which it is of high severity
-- evidence: {node_name} put out {rows:row|rows} in query {sql_id}[, which took {duration_ms:s}].
-- recommendation: Add an equality to the join condition (a day, a bucket, a key that both sides have), or filter both sides
--   before the join.
SELECT
  n.platform, n.cluster_id, n.application_id, n.attempt_id,
  CONCAT(CAST(n.sql_id AS STRING), '.', CAST(n.node_id AS STRING)) AS subject_id,
  CASE WHEN n.rows_output >= $critical_rows THEN 'high' ELSE 'medium' END AS severity,
  'high' AS confidence,
  n.node_name, n.rows_output AS rows, n.sql_id, q.duration_ms
FROM sql_nodes AS n
INNER JOIN sql AS q
  ON q.platform = n.platform AND q.cluster_id = n.cluster_id
  AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
WHERE (n.node_name LIKE 'CartesianProduct%' OR n.node_name LIKE 'BroadcastNestedLoopJoin%')
  AND n.rows_output >= $min_rows
