-- id: step_inputs
-- title: Rows that went into the steps that change their number
-- description: One row per plan node that multiplies or reduces rows (Generate, Expand, aggregates without functions as of a distinct,
--   nested loop and cartesian joins) or joins with a broadcast (BroadcastHashJoin), and input of it (input_id, its topmost node): the rows that came in, as the nearest operator below counts them,
--   and their bytes where a shuffle counts them, as long as all between passes on every row.
--   place is left or right for a join, left for the one input of others. NULL rows or bytes: nobody counted them.
-- reads: sql_node_metrics, sql_nodes
WITH steps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    ARRAY_MIN(child_node_ids) AS left_id,
    CASE WHEN CARDINALITY(child_node_ids) = 2 THEN ARRAY_MAX(child_node_ids) END AS right_id
  FROM sql_nodes
  WHERE TRIM(node_name) IN ('Generate', 'Expand') OR (node_name LIKE '%Aggregate' AND description LIKE '%functions=[]%')
    OR node_name LIKE 'CartesianProduct%' OR node_name LIKE 'BroadcastNestedLoopJoin%' OR node_name LIKE '%BroadcastHashJoin%'
),
queries AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM steps
),
written AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    MAX(CASE WHEN metric_name = 'shuffle records written' THEN total END) AS rows, MAX(CASE WHEN metric_name = 'data size' THEN total END) AS bytes
  FROM sql_node_metrics
  WHERE metric_name IN ('shuffle records written', 'data size')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
nodes AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id,
    COALESCE(CAST(n.rows_output AS DOUBLE), CAST(x.rows AS DOUBLE)) AS rows, CASE WHEN n.operator_kind = 'exchange' THEN CAST(x.bytes AS DOUBLE) END AS bytes,
    -- Only through what puts out as many rows as it gets.
    CASE WHEN CARDINALITY(n.child_node_ids) = 1 AND n.node_name NOT LIKE '%Limit%' AND n.node_name NOT LIKE '%Aggregate%'
      AND n.node_name NOT LIKE '%Filter%' AND n.node_name NOT LIKE '%Sample%'
      AND n.node_name NOT LIKE '%Generate%' AND n.node_name NOT LIKE '%Expand%' AND n.node_name NOT LIKE '%Join%' THEN ARRAY_MIN(n.child_node_ids) END AS child_id
  FROM sql_nodes AS n
  LEFT JOIN written AS x
    ON x.platform = n.platform AND x.cluster_id = n.cluster_id
    AND x.application_id = n.application_id AND x.attempt_id = n.attempt_id AND x.sql_id = n.sql_id AND x.node_id = n.node_id
  INNER JOIN queries AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
),
inputs AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'left' AS place, left_id AS input_id FROM steps
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'right' AS place, right_id AS input_id
  FROM steps
  WHERE right_id IS NOT NULL
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.place, s.input_id,
  COALESCE(n1.rows, n2.rows, n3.rows, n4.rows, n5.rows) AS rows, COALESCE(n1.bytes, n2.bytes, n3.bytes, n4.bytes, n5.bytes) AS bytes
FROM inputs AS s
INNER JOIN nodes AS n1
  ON n1.platform = s.platform AND n1.cluster_id = s.cluster_id
  AND n1.application_id = s.application_id AND n1.attempt_id = s.attempt_id AND n1.sql_id = s.sql_id AND n1.node_id = s.input_id
LEFT JOIN nodes AS n2
  ON n2.platform = s.platform AND n2.cluster_id = s.cluster_id
  AND n2.application_id = s.application_id AND n2.attempt_id = s.attempt_id AND n2.sql_id = s.sql_id AND n2.node_id = n1.child_id
LEFT JOIN nodes AS n3
  ON n3.platform = s.platform AND n3.cluster_id = s.cluster_id
  AND n3.application_id = s.application_id AND n3.attempt_id = s.attempt_id AND n3.sql_id = s.sql_id AND n3.node_id = n2.child_id
LEFT JOIN nodes AS n4
  ON n4.platform = s.platform AND n4.cluster_id = s.cluster_id
  AND n4.application_id = s.application_id AND n4.attempt_id = s.attempt_id AND n4.sql_id = s.sql_id AND n4.node_id = n3.child_id
LEFT JOIN nodes AS n5
  ON n5.platform = s.platform AND n5.cluster_id = s.cluster_id
  AND n5.application_id = s.application_id AND n5.attempt_id = s.attempt_id AND n5.sql_id = s.sql_id AND n5.node_id = n4.child_id
