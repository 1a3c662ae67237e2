-- id: join_sides
-- title: What stands below each side of a join by shuffle
-- description: One row per side (left, right) of a sort merge or shuffled hash join of a last plan: how many leaves its part of the plan has,
--   what it reads where that is one scan (source, filters and file_bytes as the plan has them, filters without the numbers of expressions,
--   row_filters without checks for NULL too), how often it shuffles, and what in it makes or drops rows: num_growers (Generate, Expand) and
--   num_cutters (windows, limits, samples, caches). aggregate_id is the last aggregate's node, group_keys what it groups by. uses_buckets and
--   ignores_buckets say what the planner made of a bucketed table. own_ms is the task time of the stages in which operators of the side
--   worked and the join did not.
-- reads: operator_stages, sql_nodes, sql_scans
WITH joins AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    ARRAY_MIN(child_node_ids) AS left_id, ARRAY_MAX(child_node_ids) AS right_id
  FROM sql_nodes
  WHERE operator_kind = 'join' AND CARDINALITY(child_node_ids) = 2
    AND (node_name LIKE '%SortMergeJoin%' OR node_name LIKE '%ShuffledHashJoin%')
),
sides AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'left' AS side, left_id AS side_id FROM joins
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'right' AS side, right_id AS side_id FROM joins
),
members AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.side, s.side_id,
    n.node_id AS member_id, n.node_name, n.operator_kind, REPLACE(n.description, 'key=[', 'keys=[') AS description,
    CARDINALITY(n.child_node_ids) AS num_children
  FROM sides AS s
  INNER JOIN sql_nodes AS m
    ON m.platform = s.platform AND m.cluster_id = s.cluster_id
    AND m.application_id = s.application_id AND m.attempt_id = s.attempt_id AND m.sql_id = s.sql_id AND m.node_id = s.side_id
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
    AND n.node_id >= m.node_id AND n.node_id <= m.last_node_id
  WHERE n.node_name NOT LIKE 'WholeStageCodegen%'
),
shapes AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.side, m.side_id,
    SUM(CASE WHEN m.num_children = 0 THEN 1 ELSE 0 END) AS num_leaves,
    SUM(CASE WHEN m.operator_kind = 'exchange' THEN 1 ELSE 0 END) AS num_shuffles,
    SUM(CASE WHEN m.node_name LIKE 'Generate%' OR m.node_name LIKE 'Expand%' THEN 1 ELSE 0 END) AS num_growers,
    SUM(CASE WHEN m.node_name LIKE 'Window%' OR m.node_name LIKE '%Limit%' OR m.node_name LIKE '%Sample%'
      OR m.node_name LIKE '%InMemoryTableScan%' THEN 1 ELSE 0 END) AS num_cutters,
    MIN(CASE WHEN m.node_name LIKE '%Aggregate' THEN m.member_id END) AS aggregate_id,
    MAX(CASE WHEN m.description LIKE '% Bucketed: true%' THEN 1 ELSE 0 END) = 1 AS uses_buckets,
    MAX(CASE WHEN m.description LIKE '% Bucketed: false (disabled by query planner)%' THEN 1 ELSE 0 END) = 1 AS ignores_buckets,
    -- Where the location is cut short, several tables can have it.
    MAX(CASE WHEN s.table_name IS NULL AND s.location LIKE '%...'
      THEN CONCAT(s.location, ' (', CAST(s.files_read AS STRING), ' files, ', CAST(s.bytes_read AS STRING), ' bytes)')
      ELSE COALESCE(s.table_name, s.location) END) AS source, MAX(s.table_name) AS table_name, MAX(s.format) AS format,
    MAX(COALESCE(REGEXP_REPLACE(s.partition_filters, '#[0-9]+L?', ''), '')) AS partition_filters,
    MAX(COALESCE(REPLACE(REPLACE(REPLACE(REPLACE(
      REGEXP_REPLACE(REGEXP_REPLACE(s.data_filters, 'isnotnull[(][^()]*[)]', ''), '#[0-9]+L?', ''), '[', ''), ']', ''), ',', ''), ' ', ''), '')) AS row_filters,
    SUM(CAST(s.bytes_read AS DOUBLE)) AS file_bytes
  FROM members AS m
  LEFT JOIN sql_scans AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id AND s.sql_id = m.sql_id AND s.node_id = m.member_id
    AND s.operation = 'read'
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.side, m.side_id
),
join_stages AS (
  SELECT DISTINCT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, o.stage_id
  FROM joins AS j
  INNER JOIN operator_stages AS o
    ON o.platform = j.platform AND o.cluster_id = j.cluster_id
    AND o.application_id = j.application_id AND o.attempt_id = j.attempt_id AND o.sql_id = j.sql_id AND o.node_id = j.node_id
),
own_stages AS (
  SELECT DISTINCT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.side, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms
  FROM members AS m
  INNER JOIN operator_stages AS o
    ON o.platform = m.platform AND o.cluster_id = m.cluster_id
    AND o.application_id = m.application_id AND o.attempt_id = m.attempt_id AND o.sql_id = m.sql_id AND o.node_id = m.member_id
  LEFT JOIN join_stages AS j
    ON j.platform = m.platform AND j.cluster_id = m.cluster_id
    AND j.application_id = m.application_id AND j.attempt_id = m.attempt_id AND j.sql_id = m.sql_id AND j.node_id = m.node_id
    AND j.stage_id = o.stage_id
  WHERE j.platform IS NULL
),
times AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, side, SUM(run_ms) AS own_ms
  FROM own_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id, side
)
SELECT
  p.*, SPLIT_PART(SPLIT_PART(a.description, 'keys=[', 2), ']', 1) AS group_keys, COALESCE(t.own_ms, 0e0) AS own_ms
FROM shapes AS p
LEFT JOIN members AS a
  ON a.platform = p.platform AND a.cluster_id = p.cluster_id
  AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id AND a.sql_id = p.sql_id AND a.node_id = p.node_id
  AND a.side = p.side AND a.member_id = p.aggregate_id
LEFT JOIN times AS t
  ON t.platform = p.platform AND t.cluster_id = p.cluster_id
  AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.sql_id = p.sql_id AND t.node_id = p.node_id
  AND t.side = p.side
