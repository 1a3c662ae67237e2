-- id: global_sorts
-- title: Sorts of all rows, and whether the next step undoes their order
-- description: One row per global sort (orderBy) of a plan. kind says what comes next through steps that leave the order as it is: a shuffle, a grouping
--   that shuffles, or a sort within the tasks (local sort); NULL where the sort keeps its order. is_write: a write asked for the next step. functions are
--   what the grouping computes. exchange_id is the shuffle into ranges below the sort, stage_ids the stages of the sort.
-- reads: sql_nodes
WITH nodes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, TRIM(node_name) AS node_name, description, stage_ids, last_node_id,
    CASE WHEN CARDINALITY(child_node_ids) = 1 THEN ARRAY_MIN(child_node_ids) END AS child_id
  FROM sql_nodes
),
sorts AS (
  SELECT * FROM nodes WHERE node_name = 'Sort' AND description LIKE '%], true, 0%'
),
queries AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM sorts
),
-- From what comes next down to the sort, through what leaves the order as it is.
few AS (
  SELECT n.*, n.node_name IN ('Project', 'Filter') OR n.node_name LIKE '%Aggregate' AS keeps_order, n.node_name LIKE '%Aggregate' AS is_group
  FROM nodes AS n
  INNER JOIN queries AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
),
next_steps AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id,
    COALESCE(CASE WHEN n1.keeps_order THEN CASE WHEN n2.keeps_order THEN n2.child_id ELSE n1.child_id END END, f.child_id) AS sort_id,
    CASE
      WHEN n1.is_group OR (n1.keeps_order AND COALESCE(n2.is_group, FALSE)) THEN 'grouping'
      WHEN f.node_name = 'Sort' THEN 'local sort'
      ELSE 'shuffle'
    END AS kind,
    f.description, w.node_id IS NOT NULL AND NOT w.is_group AS is_write,
    -- What the grouping computes, whose rows the sort may have been meant for.
    SUBSTR(g.description, POSITION('functions=' IN g.description)) AS functions
  FROM few AS f
  INNER JOIN few AS n1
    ON n1.platform = f.platform AND n1.cluster_id = f.cluster_id
    AND n1.application_id = f.application_id AND n1.attempt_id = f.attempt_id AND n1.sql_id = f.sql_id AND n1.node_id = f.child_id
  LEFT JOIN few AS n2
    ON n2.platform = f.platform AND n2.cluster_id = f.cluster_id
    AND n2.application_id = f.application_id AND n2.attempt_id = f.attempt_id AND n2.sql_id = f.sql_id AND n2.node_id = n1.child_id
  LEFT JOIN few AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.sql_id = f.sql_id AND w.child_id = f.node_id
    AND (w.node_name = 'WriteFiles' OR w.node_name LIKE 'Execute %' OR w.is_group)
  LEFT JOIN few AS g
    ON g.platform = f.platform AND g.cluster_id = f.cluster_id
    AND g.application_id = f.application_id AND g.attempt_id = f.attempt_id AND g.sql_id = f.sql_id AND g.is_group
    AND g.node_id = CASE WHEN w.is_group THEN w.node_id WHEN n1.is_group THEN n1.node_id WHEN n1.keeps_order AND n2.is_group THEN n2.node_id END
  WHERE (f.node_name = 'Sort' AND f.description LIKE '%], false, 0%')
    OR (f.node_name = 'Exchange' AND (f.description LIKE '%hashpartitioning(%' OR f.description LIKE '%RoundRobinPartitioning(%'))
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.stage_ids,
  CASE WHEN r.node_name = 'AQEShuffleRead' THEN r.child_id ELSE r.node_id END AS exchange_id,
  REGEXP_REPLACE(REGEXP_REPLACE(SUBSTR(s.description, 7, POSITION('], true' IN s.description) - 7), '#[0-9]+L?', ''), ' NULLS (FIRST|LAST)', '') AS sort_keys,
  n.kind, n.is_write, n.functions,
  REGEXP_REPLACE(REGEXP_REPLACE(n.description, '#[0-9]+L?', ''), ' NULLS (FIRST|LAST)', '') AS next_description
FROM sorts AS s
-- Those without a next step keep their order.
LEFT JOIN next_steps AS n
  ON n.platform = s.platform AND n.cluster_id = s.cluster_id
  AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.sort_id = s.node_id
LEFT JOIN few AS r
  ON r.platform = s.platform AND r.cluster_id = s.cluster_id
  AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id AND r.sql_id = s.sql_id AND r.node_id = s.child_id
