-- id: copied_rows
-- title: Copies for distinct counts and grouping sets that are aggregated at once
-- description: One row per Expand of a plan (the copies of every row that several distinct counts, cubes and grouping sets need) whose copies the next step aggregates. groups are what this step
--   put out, of all copies together. exchange_id is the shuffle that it writes at once: the stages that read it have nothing but copies. is_distinct: the copies are for distinct counts, which have their own number (gid) among the
--   keys; is_summable: the step computes nothing but sums, counts, minima, maxima and averages, so that what was aggregated before could be copied instead.
-- reads: sql_nodes
WITH steps AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Expand'
),
nearest AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, MAX(n.node_id) AS next_id
  FROM steps AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
    AND n.node_id < s.node_id AND n.last_node_id >= s.node_id
  WHERE TRIM(n.node_name) NOT IN ('Project', 'Filter', 'InputAdapter') AND n.node_name NOT LIKE 'WholeStageCodegen%'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id
),
aggregated AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.next_id, CAST(n.rows_output AS DOUBLE) AS groups, n.description,
    REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(n.description, 'partial_sum(', ''), 'partial_count(', ''), 'partial_min(', ''), 'partial_max(', ''), 'partial_avg(', '') AS other_functions
  FROM nearest AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.next_id
  WHERE n.node_name LIKE '%Aggregate'
),
written AS (
  SELECT a.platform, a.cluster_id, a.application_id, a.attempt_id, a.sql_id, a.node_id, MAX(e.node_id) AS exchange_id
  FROM aggregated AS a
  INNER JOIN sql_nodes AS e
    ON e.platform = a.platform AND e.cluster_id = a.cluster_id
    AND e.application_id = a.application_id AND e.attempt_id = a.attempt_id AND e.sql_id = a.sql_id
  WHERE TRIM(e.node_name) = 'Exchange' AND ARRAY_CONTAINS(e.child_node_ids, a.next_id)
  GROUP BY a.platform, a.cluster_id, a.application_id, a.attempt_id, a.sql_id, a.node_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.sql_id, a.node_id, a.next_id AS aggregate_id, a.groups, w.exchange_id,
  COALESCE(INSTR(a.description, 'gid#') > 0 AND INSTR(a.description, 'spark_grouping_id#') = 0, FALSE) AS is_distinct,
  COALESCE(INSTR(a.description, 'spark_grouping_id#') > 0 AND INSTR(a.description, 'partial_') > 0 AND INSTR(a.other_functions, 'partial_') = 0
    AND INSTR(a.description, ' more fields') = 0, FALSE) AS is_summable
FROM aggregated AS a
LEFT JOIN written AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id AND w.sql_id = a.sql_id AND w.node_id = a.node_id
