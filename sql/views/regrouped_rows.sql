-- id: regrouped_rows
-- title: Arrays that are taken apart and grouped again by the columns of their rows
-- description: One row per Generate (explode) of a plan whose rows the next step groups by columns that were there before (none that explode made): what is computed of
--   each array needs no rows of their own. groups are those that the first step of the grouping puts out.
-- reads: sql_nodes
WITH steps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    -- Generate explode(items#3), [order_id#0L, customer#1], false, [it#5]: all but what it makes.
    SPLIT_PART(SPLIT_PART(description, ', false, [', 1), ', true, [', 1) AS kept
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Generate'
),
-- The nearest step above that does more than choosing, ordering or computing columns of each row.
nearest AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.kept, MAX(n.node_id) AS next_id
  FROM steps AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
    AND n.node_id < s.node_id AND n.last_node_id >= s.node_id
  WHERE TRIM(n.node_name) NOT IN ('Project', 'Filter', 'Sort', 'InputAdapter') AND n.node_name NOT LIKE 'WholeStageCodegen%'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.kept
),
grouped AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.kept, CAST(n.rows_output AS DOUBLE) AS groups,
    -- HashAggregate(keys=[order_id#0L, customer#1], functions=[...]) and SortAggregate(key=[...], ...).
    SPLIT_PART(SPLIT_PART(REPLACE(n.description, '(key=[', '(keys=['), '(keys=[', 2), '], functions=', 1) AS group_keys
  FROM nearest AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.next_id
  WHERE n.node_name LIKE '%Aggregate'
)
SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, groups
FROM grouped
-- Without functions it is a distinct.
WHERE group_keys <> '' AND (INSTR(CONCAT(kept, ']'), CONCAT(group_keys, ',')) > 0 OR INSTR(CONCAT(kept, ']'), CONCAT(group_keys, ']')) > 0)
