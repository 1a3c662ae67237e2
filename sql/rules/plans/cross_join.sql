-- id: cross_join
-- title: A join compares every row with every row
-- category: plans
-- severity: medium
-- version: 6
-- description: Fires for a cartesian product or a nested loop join that put out very many rows, by the
--   count of the join itself, or that put out many rows or compared very many pairs while the stages that it works in took a
--   large part of the task time of the application. Such a join has no equality to sort or hash by, so its cost is the
--   product of its sides, however few rows are left (a lookup in ranges). The rows of a side are those of the nearest
--   operator below that counts them, as long as all between passes on every row.
-- subject: node
-- parameter: min_rows double = 1e8 [count] rows that the join put out, at least
-- parameter: min_slow_rows double = 1e6 [count] or the same where its stages are slow, at least
-- parameter: min_pairs double = 1e8 [count] or pairs of rows that it compared, at least, where its stages are slow
-- parameter: min_stage_ms double = 10000 [ms] task time of the stages of the join, at least, for them to be slow
-- parameter: min_stage_share double = 0.25 [ratio] and the same over the task time of the application
-- parameter: critical_rows double = 1e10 [count] rows that the join put out, from which it is of high severity
-- evidence: {node_name}[ compared each of {left_rows:row|rows} with each of {right_rows:int} and] put out {rows:row|rows} in query {sql_id:int}[, which took {duration_ms:s}][; the stages that it works in took
--   {stage_ms:s} of {app_ms:s} of task time].
-- advice: is_choice | - | - | The condition is a choice (OR) of equalities: join once for each of them by its equality and take the union of the
--   results, each pair once (for NOT EXISTS, one after the other). Then Spark hashes instead of comparing every pair.
-- advice: is_lookup | - | - | Give both sides a number that equal rows share and join on it too: for ranges of numbers or times the number of the bucket
--   (an hour, the value divided by the width of a range; a range that spans several buckets is listed in each). Then Spark hashes
--   instead of comparing every pair.
-- recommendation: Add an equality to the join condition (a day, a bucket, a key that both sides have), or filter both sides
--   before the join.
WITH joins AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_name, description, rows_output
  FROM sql_nodes
  WHERE node_name LIKE 'CartesianProduct%' OR node_name LIKE 'BroadcastNestedLoopJoin%'
),
compared AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    MAX(CASE WHEN place = 'left' THEN rows END) AS left_rows, MAX(CASE WHEN place = 'right' THEN rows END) AS right_rows
  FROM step_inputs
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
work AS (
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
    WHEN q.duration_ms >= 60000 AND (n.rows_output >= $min_rows OR c.left_rows * c.right_rows >= $critical_rows) THEN 'medium'
    ELSE 'low'
  END AS severity,
  'high' AS confidence,
  n.node_name, n.rows_output AS rows, n.sql_id, q.duration_ms,
  CASE WHEN c.right_rows IS NOT NULL THEN c.left_rows END AS left_rows, CASE WHEN c.left_rows IS NOT NULL THEN c.right_rows END AS right_rows,
  COALESCE(n.description LIKE '% OR %' AND n.description LIKE '% = %' AND n.description NOT LIKE '% < %'
    AND n.description NOT LIKE '% > %' AND n.description NOT LIKE '% <= %' AND n.description NOT LIKE '% >= %', FALSE) AS is_choice,
  -- Few of the pairs match.
  COALESCE(n.rows_output < 0.1e0 * c.left_rows * c.right_rows, FALSE) AS is_lookup,
  w.stage_ms, CASE WHEN w.stage_ms IS NOT NULL THEN a.executor_run_time END AS app_ms
FROM joins AS n
INNER JOIN sql AS q
  ON q.platform = n.platform AND q.cluster_id = n.cluster_id
  AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = n.platform AND a.cluster_id = n.cluster_id
  AND a.application_id = n.application_id AND a.attempt_id = n.attempt_id
LEFT JOIN compared AS c
  ON c.platform = n.platform AND c.cluster_id = n.cluster_id
  AND c.application_id = n.application_id AND c.attempt_id = n.attempt_id AND c.sql_id = n.sql_id AND c.node_id = n.node_id
LEFT JOIN work AS w
  ON w.platform = n.platform AND w.cluster_id = n.cluster_id
  AND w.application_id = n.application_id AND w.attempt_id = n.attempt_id
  AND w.sql_id = n.sql_id AND w.node_id = n.node_id
WHERE n.rows_output >= $min_rows
  OR ((n.rows_output >= $min_slow_rows OR c.left_rows * c.right_rows >= $min_pairs)
    AND w.stage_ms >= $min_stage_ms AND w.stage_ms >= $min_stage_share * a.executor_run_time)
