-- id: self_join
-- title: Rows are joined with an aggregate of themselves
-- category: plans
-- severity: low
-- version: 1
-- description: Fires for a join by shuffle of which one side reads some files or a table and the other one groups the same rows, with the same
--   filters but for those on NULL, by columns that the join then compares: the row with the latest time of each key, or a share of a sum. A window function
--   does it with one read and the shuffle that the join needs anyway. Lost is the task time of the stages that read and group the second
--   time; where the grouped side is small enough to be broadcast, the join is the cheaper way and is not told.
-- subject: node
-- group_by: query_description
-- parameter: min_lost_ms double = 60000 [ms] task time of these stages, at least
-- parameter: min_small_lost_ms double = 5000 [ms] the same where it is a large share of the task time, at least
-- parameter: min_share double = 0.15 [ratio] that share, at least
-- parameter: medium_lost_ms double = 3600000 [ms] the time from which it is of medium severity
-- evidence: {node_name} {node_id:int} of query {sql_id:int} ({query_description}) joins {data} with an aggregate of the same rows by {group_keys}; the stages that
--   read and group them the second time took {lost_ms:s} of {app_ms:s} of task time.
-- advice: takes_one | - | - | Read it once: number the rows of each key with a window (row_number() over (partition by … order by … desc)) and keep the first, or
--   group with max_by or max(struct(…)).
-- recommendation: Read it once: compute the aggregate beside each row with a window function (for example sum(…) over (partition by …)).
WITH joins AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, TRIM(node_name) AS node_name,
    SPLIT_PART(SPLIT_PART(description, '[', 2), ']', 1) AS join_keys,
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
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.side, n.node_id AS member_id, n.node_name,
    REPLACE(n.description, 'key=[', 'keys=[') AS description, CARDINALITY(n.child_node_ids) AS num_children
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
-- One read, and nothing that makes or drops rows by anything else.
shapes AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.side,
    SUM(CASE WHEN m.num_children = 0 THEN 1 ELSE 0 END) AS num_leaves,
    SUM(CASE WHEN m.node_name LIKE 'Generate%' OR m.node_name LIKE 'Expand%' OR m.node_name LIKE 'Window%' OR m.node_name LIKE '%Limit%'
      OR m.node_name LIKE '%Sample%' OR m.node_name LIKE '%InMemoryTableScan%' THEN 1 ELSE 0 END) AS num_others,
    MIN(CASE WHEN m.node_name LIKE '%Aggregate' THEN m.member_id END) AS aggregate_id,
    MAX(COALESCE(s.table_name, s.location)) AS source,
    MAX(COALESCE(REGEXP_REPLACE(s.partition_filters, '#[0-9]+L?', ''), '')) AS partition_filters,
    MAX(COALESCE(REPLACE(REPLACE(REPLACE(REPLACE(
      REGEXP_REPLACE(REGEXP_REPLACE(s.data_filters, 'isnotnull[(][^()]*[)]', ''), '#[0-9]+L?', ''), '[', ''), ']', ''), ',', ''), ' ', ''), '')) AS row_filters
  FROM members AS m
  LEFT JOIN sql_scans AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id AND s.sql_id = m.sql_id AND s.node_id = m.member_id
    AND s.operation = 'read'
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.side
),
pairs AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, g.sql_id, g.node_id, g.side, g.aggregate_id, g.source
  FROM shapes AS g
  INNER JOIN shapes AS r
    ON r.platform = g.platform AND r.cluster_id = g.cluster_id
    AND r.application_id = g.application_id AND r.attempt_id = g.attempt_id AND r.sql_id = g.sql_id AND r.node_id = g.node_id
    AND r.side <> g.side AND r.source = g.source AND r.partition_filters = g.partition_filters AND r.row_filters = g.row_filters
  WHERE g.num_leaves = 1 AND r.num_leaves = 1 AND g.num_others = 0 AND r.num_others = 0
    AND g.aggregate_id IS NOT NULL AND r.aggregate_id IS NULL
),
keyed AS (
  SELECT
    p.*, SPLIT_PART(SPLIT_PART(m.description, 'keys=[', 2), ']', 1) AS group_keys
  FROM pairs AS p
  INNER JOIN members AS m
    ON m.platform = p.platform AND m.cluster_id = p.cluster_id
    AND m.application_id = p.application_id AND m.attempt_id = p.attempt_id AND m.sql_id = p.sql_id AND m.node_id = p.node_id
    AND m.side = p.side AND m.member_id = p.aggregate_id
),
own_stages AS (
  SELECT DISTINCT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, o.stage_id
  FROM joins AS j
  INNER JOIN operator_stages AS o
    ON o.platform = j.platform AND o.cluster_id = j.cluster_id
    AND o.application_id = j.application_id AND o.attempt_id = j.attempt_id AND o.sql_id = j.sql_id AND o.node_id = j.node_id
),
second_stages AS (
  SELECT DISTINCT
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.sql_id, k.node_id, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms
  FROM keyed AS k
  INNER JOIN members AS m
    ON m.platform = k.platform AND m.cluster_id = k.cluster_id
    AND m.application_id = k.application_id AND m.attempt_id = k.attempt_id AND m.sql_id = k.sql_id AND m.node_id = k.node_id AND m.side = k.side
  INNER JOIN operator_stages AS o
    ON o.platform = m.platform AND o.cluster_id = m.cluster_id
    AND o.application_id = m.application_id AND o.attempt_id = m.attempt_id AND o.sql_id = m.sql_id AND o.node_id = m.member_id
  LEFT JOIN own_stages AS w
    ON w.platform = k.platform AND w.cluster_id = k.cluster_id
    AND w.application_id = k.application_id AND w.attempt_id = k.attempt_id AND w.sql_id = k.sql_id AND w.node_id = k.node_id
    AND w.stage_id = o.stage_id
  WHERE w.platform IS NULL
),
losses AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, SUM(run_ms) AS lost_ms
  FROM second_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
counted AS (
  SELECT
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.sql_id, k.node_id, j.node_name, k.source,
    REGEXP_REPLACE(k.group_keys, '#[0-9]+L?', '') AS group_keys,
    LENGTH(k.group_keys) - LENGTH(REPLACE(k.group_keys, ',', '')) AS num_group_commas,
    LENGTH(j.join_keys) - LENGTH(REPLACE(j.join_keys, ',', '')) AS num_join_commas,
    l.lost_ms
  FROM keyed AS k
  INNER JOIN joins AS j
    ON j.platform = k.platform AND j.cluster_id = k.cluster_id
    AND j.application_id = k.application_id AND j.attempt_id = k.attempt_id AND j.sql_id = k.sql_id AND j.node_id = k.node_id
  INNER JOIN losses AS l
    ON l.platform = k.platform AND l.cluster_id = k.cluster_id
    AND l.application_id = k.application_id AND l.attempt_id = k.attempt_id AND l.sql_id = k.sql_id AND l.node_id = k.node_id
  WHERE k.group_keys <> ''
)
SELECT
  c.platform, c.cluster_id, c.application_id, c.attempt_id,
  CONCAT(CAST(c.sql_id AS STRING), '.', CAST(c.node_id AS STRING)) AS subject_id,
  CASE WHEN c.lost_ms >= $medium_lost_ms THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(c.lost_ms AS BIGINT) AS lost_core_ms,
  c.node_name, c.node_id, c.sql_id, SUBSTR(q.description, 1, 100) AS query_description, SUBSTR(c.source, 1, 200) AS data, c.group_keys,
  -- It compares what the aggregate found too, not its keys alone.
  c.num_join_commas > c.num_group_commas AS takes_one, c.lost_ms, CAST(a.executor_run_time AS DOUBLE) AS app_ms
FROM counted AS c
INNER JOIN sql AS q
  ON q.platform = c.platform AND q.cluster_id = c.cluster_id
  AND q.application_id = c.application_id AND q.attempt_id = c.attempt_id AND q.sql_id = c.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = c.platform AND a.cluster_id = c.cluster_id
  AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
WHERE c.num_join_commas >= c.num_group_commas
  AND (c.lost_ms >= $min_lost_ms OR (c.lost_ms >= $min_small_lost_ms AND c.lost_ms >= $min_share * a.executor_run_time))
