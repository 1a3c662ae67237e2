-- id: distinct_steps
-- title: Distincts with the rows that went in and came out
-- description: One row per aggregate that computes nothing (distinct, dropDuplicates over all columns, UNION, a group by without functions) and works
--   on both sides of a shuffle: node_id is its last step, first_node_id the one before the shuffle. rows_in are those that the first step got, rows those
--   that the last one put out in one run. runs is how often it ran: twice where a shuffle into ranges (a sort of all rows, repartitionByRange) first looked for these, and its rows
--   were counted each time; a last step that put out more rows than came in ran in each of its stages.
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
    p.node_id AS first_node_id, i.rows AS rows_in, f.stage_ids, COALESCE(f.rows > i.rows, FALSE) AS is_more,
    ROW_NUMBER() OVER (
      PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id ORDER BY p.node_id
    ) AS place,
    -- Of distincts of distincts each first step belongs to the last step right above it.
    ROW_NUMBER() OVER (
      PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, p.node_id ORDER BY f.node_id DESC
    ) AS first_place
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
),
-- Shuffles into ranges, with the stage that writes them.
ranges AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id, ARRAY_MIN(stage_ids) AS stage_id
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Exchange' AND description LIKE '%rangepartitioning(%'
),
sampled AS (
  SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
  FROM pairs AS p
  INNER JOIN ranges AS r
    ON r.platform = p.platform AND r.cluster_id = p.cluster_id
    AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id AND r.sql_id = p.sql_id
    AND p.node_id > r.node_id AND p.node_id <= r.last_node_id
  WHERE ARRAY_CONTAINS(p.stage_ids, r.stage_id)
),
counted AS (
  SELECT
    p.*, CASE WHEN p.is_more OR m.platform IS NOT NULL THEN GREATEST(CARDINALITY(p.stage_ids), 1) ELSE 1 END AS runs
  FROM pairs AS p
  LEFT JOIN sampled AS m
    ON m.platform = p.platform AND m.cluster_id = p.cluster_id
    AND m.application_id = p.application_id AND m.attempt_id = p.attempt_id AND m.sql_id = p.sql_id AND m.node_id = p.node_id
  WHERE p.place = 1 AND p.first_place = 1
)
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_name, description,
  rows / NULLIF(CAST(runs AS DOUBLE), 0e0) AS rows, first_node_id, rows_in, CAST(runs AS BIGINT) AS runs
FROM counted
