-- id: distinct_steps
-- title: Distincts with the rows that went in and came out
-- description: One row per aggregate that computes nothing (distinct, dropDuplicates over all columns, UNION, a group by without functions) and works
--   on both sides of a shuffle: node_id is its last step, first_node_id the one before the shuffle. rows_in are those that the first step got, rows those
--   that the last one put out.
-- reads: sql_nodes, step_inputs
WITH aggregates AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, TRIM(node_name) AS node_name, description,
    CAST(rows_output AS DOUBLE) AS rows, stage_ids, last_node_id
  FROM sql_nodes
  WHERE node_name LIKE '%Aggregate' AND description LIKE '%functions=[]%'
),
-- The last step, after the shuffle, stands above the first one, which counts the rows before it. A count of distinct values has more
-- steps above: they compute something.
pairs AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id, f.node_name, f.description, f.rows,
    p.node_id AS first_node_id, i.rows AS rows_in,
    ROW_NUMBER() OVER (
      PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id ORDER BY p.node_id
    ) AS place
  FROM aggregates AS f
  INNER JOIN aggregates AS p
    ON p.platform = f.platform AND p.cluster_id = f.cluster_id
    AND p.application_id = f.application_id AND p.attempt_id = f.attempt_id AND p.sql_id = f.sql_id
    AND p.node_id > f.node_id AND p.node_id <= f.last_node_id
  INNER JOIN step_inputs AS i
    ON i.platform = p.platform AND i.cluster_id = p.cluster_id
    AND i.application_id = p.application_id AND i.attempt_id = p.attempt_id AND i.sql_id = p.sql_id AND i.node_id = p.node_id
  -- The shuffle between them.
  WHERE i.place = 'left' AND ARRAY_MAX(f.stage_ids) <> ARRAY_MAX(p.stage_ids)
)
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_name, description, rows, first_node_id, rows_in
FROM pairs
WHERE place = 1
