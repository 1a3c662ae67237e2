-- id: useless_repartitions
-- title: Repartitions whose rows are shuffled again
-- description: One row per shuffle that the code asked for (repartition) and that another shuffle, or a broadcast, follows, with nothing
--   between them but projections, filters, local sorts and the first step of an aggregate (an aggregate whose last step is there too used the distribution). stage_ids are the stages that write it
--   (the first of them) and read it. is_bare: no function and no aggregate stands between the two, so that the stage which reads it only shuffles again. Where the stage before it had fewer tasks than the application had cores it spread the work and is left out.
-- reads: sql_nodes, stage_facts
WITH nodes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id, TRIM(node_name) AS node_name, description, stage_ids,
    CAST(bytes_output AS DOUBLE) AS bytes
  FROM sql_nodes
),
repartitions AS (
  SELECT * FROM nodes
  WHERE node_name = 'Exchange' AND description LIKE '%REPARTITION_BY%'
),
-- The steps above each of them but those that move no row; the nearest one has the largest number.
steps AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id, r.last_node_id, r.bytes, r.stage_ids, r.description,
    n.node_id AS next_id, n.node_name AS next_name, n.description AS next_description,
    -- Aggregates from here up to this step, and those of them that are whole.
    SUM(CASE WHEN n.node_name LIKE '%Aggregate' THEN 1 ELSE 0 END) OVER nearest AS num_aggregates,
    SUM(CASE WHEN n.node_name LIKE '%Aggregate' AND n.description LIKE '%functions=[%' AND n.description NOT LIKE '%functions=[]%' AND n.description NOT LIKE '%partial_%' THEN 1 ELSE 0 END) OVER nearest AS num_whole,
    SUM(CASE WHEN n.node_name LIKE '%Aggregate' OR n.node_name = 'Sort' OR (n.node_name IN ('Project', 'Filter') AND REGEXP_REPLACE(n.description, '[A-Za-z0-9_][(]', '') <> n.description) THEN 1 ELSE 0 END)
      OVER nearest AS num_costly
  FROM repartitions AS r
  INNER JOIN nodes AS n
    ON n.platform = r.platform AND n.cluster_id = r.cluster_id
    AND n.application_id = r.application_id AND n.attempt_id = r.attempt_id AND n.sql_id = r.sql_id
    AND n.node_id < r.node_id AND n.last_node_id >= r.node_id
  WINDOW nearest AS (PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id ORDER BY n.node_id DESC)
),
above AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id, bytes, stage_ids, description, next_name, next_description, num_aggregates, num_whole, num_costly,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id, node_id ORDER BY next_id DESC) AS place
  FROM steps
  WHERE next_name NOT IN ('Project', 'Filter', 'Sort', 'AQEShuffleRead', 'ColumnarToRow') AND next_name NOT LIKE '%Aggregate'
),
pairs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id, bytes, stage_ids, num_costly = 0 AND next_name = 'Exchange' AND CARDINALITY(stage_ids) = 2 AS is_bare,
    REGEXP_REPLACE(SPLIT_PART(SUBSTR(description, 10), ', REPARTITION', 1), '#[0-9]+L?', '') AS partitioning,
    CASE
      WHEN next_name = 'BroadcastExchange' THEN 'broadcasts them'
      ELSE CONCAT('shuffles them again (', REGEXP_REPLACE(SPLIT_PART(SPLIT_PART(SUBSTR(next_description, 10), ', ENSURE', 1), ', REPARTITION', 1), '#[0-9]+L?', ''), ')')
    END AS next_step
  FROM above
  WHERE place = 1 AND num_aggregates <= 1 AND num_whole = 0 AND (next_name = 'BroadcastExchange'
    -- A repartition to a single partition gathers what the one before it had spread.
    OR (next_name = 'Exchange' AND NOT (next_description LIKE '%REPARTITION_BY%' AND next_description LIKE '%SinglePartition%')))
),
-- The stage that writes the shuffle is the first of its stages.
writers AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, MAX(s.num_tasks) AS num_tasks, MAX(s.stage_slots) AS stage_slots
  FROM pairs AS p
  INNER JOIN stage_facts AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id AND s.stage_id = ARRAY_MIN(p.stage_ids)
  WHERE s.status = 'COMPLETE'
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, p.last_node_id, p.bytes, p.stage_ids, p.is_bare, p.partitioning, p.next_step
FROM pairs AS p
INNER JOIN writers AS t
  ON t.platform = p.platform AND t.cluster_id = p.cluster_id
  AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.sql_id = p.sql_id AND t.node_id = p.node_id
WHERE t.num_tasks >= t.stage_slots
