-- id: join_rows
-- title: Rows on both sides of a join
-- description: One row per hash or sort merge join both sides of which count their rows: left_rows and right_rows, as the topmost step of each side that counts them. A side whose topmost step is a
--   union, which counts none, leaves the join out.
-- reads: sql_nodes
WITH steps AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, c.node_id = ARRAY_MIN(j.child_node_ids) AS is_left,
    CAST(n.rows_output AS DOUBLE) AS rows, TRIM(n.node_name) = 'Union' AS is_union,
    ROW_NUMBER() OVER (PARTITION BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, c.node_id ORDER BY n.node_id) AS place
  FROM sql_nodes AS j
  INNER JOIN sql_nodes AS c
    ON c.platform = j.platform AND c.cluster_id = j.cluster_id
    AND c.application_id = j.application_id AND c.attempt_id = j.attempt_id AND c.sql_id = j.sql_id AND ARRAY_CONTAINS(j.child_node_ids, c.node_id)
  INNER JOIN sql_nodes AS n
    ON n.platform = c.platform AND n.cluster_id = c.cluster_id
    AND n.application_id = c.application_id AND n.attempt_id = c.attempt_id AND n.sql_id = c.sql_id AND n.node_id >= c.node_id AND n.node_id <= c.last_node_id
  WHERE j.operator_kind = 'join' AND j.node_name NOT LIKE '%NestedLoopJoin%' AND j.node_name NOT LIKE 'CartesianProduct%' AND (n.rows_output > 0 OR TRIM(n.node_name) = 'Union')
)
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id, node_id,
  MAX(CASE WHEN is_left THEN rows END) AS left_rows, MAX(CASE WHEN NOT is_left THEN rows END) AS right_rows
FROM steps
WHERE place = 1 AND NOT is_union
GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
HAVING COUNT(*) = 2
