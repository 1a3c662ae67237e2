-- id: sort_samples
-- title: Which stage looked for the ranges of a global sort, and what it computed for that
-- description: One row per global sort whose plan tells its stages. first_stage_id is the stage that writes the rows into their ranges, sample_stage_id the
--   one before it that read the same input to find these (NULL where no stage of its own did). has_join, has_window, has_aggregate and has_scan tell the
--   steps that ran in both.
-- reads: global_sorts, sql_nodes, stages
WITH few AS (
  -- Nodes of queries with such a sort.
  SELECT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, TRIM(n.node_name) AS node_name, n.description, n.stage_ids, n.last_node_id
  FROM sql_nodes AS n
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM global_sorts) AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
)
-- The steps that the shuffle's first stage runs were run before, in the stage that looked for the ranges.
SELECT
  u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id,
  MIN(CASE WHEN NOT ARRAY_CONTAINS(e.stage_ids, t.stage_id) AND t.stage_id < ARRAY_MIN(e.stage_ids) THEN t.stage_id END) AS sample_stage_id,
  MIN(ARRAY_MIN(e.stage_ids)) AS first_stage_id,
  MIN(CASE WHEN c.node_name LIKE '%Join%' THEN 1 ELSE 2 END) = 1 AS has_join,
  MIN(CASE WHEN c.node_name LIKE '%Window%' THEN 1 ELSE 2 END) = 1 AS has_window,
  MIN(CASE WHEN c.node_name LIKE '%Aggregate%' THEN 1 ELSE 2 END) = 1 AS has_aggregate,
  MIN(CASE WHEN c.node_name LIKE '%Scan%' THEN 1 ELSE 2 END) = 1 AS has_scan
FROM global_sorts AS u
INNER JOIN few AS e
  ON e.platform = u.platform AND e.cluster_id = u.cluster_id
  AND e.application_id = u.application_id AND e.attempt_id = u.attempt_id AND e.sql_id = u.sql_id AND e.node_id = u.exchange_id
INNER JOIN few AS c
  ON c.platform = e.platform AND c.cluster_id = e.cluster_id
  AND c.application_id = e.application_id AND c.attempt_id = e.attempt_id AND c.sql_id = e.sql_id
  AND c.node_id > e.node_id AND c.node_id <= e.last_node_id
INNER JOIN stages AS t
  ON t.platform = u.platform AND t.cluster_id = u.cluster_id
  AND t.application_id = u.application_id AND t.attempt_id = u.attempt_id AND t.sql_id = u.sql_id
WHERE e.node_name = 'Exchange' AND e.description LIKE '%rangepartitioning(%' AND t.status = 'COMPLETE'
  AND c.node_name <> 'Exchange' AND ARRAY_CONTAINS(c.stage_ids, ARRAY_MIN(e.stage_ids)) AND ARRAY_CONTAINS(c.stage_ids, t.stage_id)
GROUP BY u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id
