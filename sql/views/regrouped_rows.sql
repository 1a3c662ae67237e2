-- id: regrouped_rows
-- title: Arrays that are taken apart and grouped again
-- description: One row per Generate (explode) of a plan whose rows the next step groups. is_same: by columns that were there before (none that explode made), so that what is computed of
--   each array needs no rows of their own. made_key is the column that explode made where the next step groups by it, so that the rows may be needed; uses_made then says whether what
--   it computes reads that column too, or may do so. groups are those that the first step of the grouping puts out.
-- reads: sql_nodes
WITH steps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    -- Generate explode(items#3), [order_id#0L, customer#1], false, [it#5]: all but what it makes.
    SPLIT_PART(SPLIT_PART(description, ', false, [', 1), ', true, [', 1) AS kept,
    -- The last column that it makes: posexplode makes the position before.
    REPLACE(REPLACE(REGEXP_REPLACE(description, '^.*, ', ''), '[', ''), ']', '') AS made
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Generate'
),
-- The nearest step above that does more than choosing, ordering or computing columns of each row.
nearest AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.kept, s.made, MAX(n.node_id) AS next_id
  FROM steps AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
    AND n.node_id < s.node_id AND n.last_node_id >= s.node_id
  WHERE TRIM(n.node_name) NOT IN ('Project', 'Filter', 'Sort', 'InputAdapter') AND n.node_name NOT LIKE 'WholeStageCodegen%'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.kept, s.made
),
grouped AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.kept, s.made, CAST(n.rows_output AS DOUBLE) AS groups,
    -- HashAggregate(keys=[order_id#0L, customer#1], functions=[...]) and SortAggregate(key=[...], ...).
    SPLIT_PART(SPLIT_PART(REPLACE(n.description, '(key=[', '(keys=['), '(keys=[', 2), '], functions=', 1) AS group_keys,
    SPLIT_PART(n.description, '], functions=', 2) AS functions
  FROM nearest AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.next_id
  WHERE n.node_name LIKE '%Aggregate'
)
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id, node_id, groups,
  INSTR(CONCAT(kept, ']'), CONCAT(group_keys, ',')) > 0 OR INSTR(CONCAT(kept, ']'), CONCAT(group_keys, ']')) > 0 AS is_same,
  CASE WHEN made <> '' AND INSTR(CONCAT(', ', group_keys, ','), CONCAT(', ', made, ',')) > 0 THEN REGEXP_REPLACE(made, '#[0-9]+L?$', '') END AS made_key,
  INSTR(functions, ' more fields') > 0 OR INSTR(functions, CONCAT(made, ')')) > 0 OR INSTR(functions, CONCAT(made, ',')) > 0 OR INSTR(functions, CONCAT(made, ' ')) > 0 AS uses_made
FROM grouped
-- Without keys it is one group, without functions a distinct.
WHERE group_keys <> ''
