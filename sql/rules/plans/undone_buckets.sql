-- id: undone_buckets
-- title: A join shuffles a table that is bucketed
-- category: plans
-- severity: low
-- version: 1
-- description: Fires for a join by shuffle of two bucketed tables of which Spark used the buckets of one and not of the other, which it shuffles: the join
--   compares the column after a cast, or the tables have other numbers of buckets or other columns. Lost is the task time of the stages
--   that read and shuffle that table; reading it would take a part of it in any case.
-- subject: node
-- group_by: data
-- parameter: min_lost_ms double = 60000 [ms] task time of these stages of all joins of a table, at least
-- parameter: min_small_lost_ms double = 5000 [ms] the same where it is a large share of the task time, at least
-- parameter: min_share double = 0.1 [ratio] that share, at least
-- parameter: medium_lost_ms double = 3600000 [ms] the time from which it is of medium severity
-- evidence: {node_name} {node_id:int} of query {sql_id:int} ({query_description}) shuffles {data}, though it is bucketed as the other side is[: it compares
--   {join_keys}]; the stages that read and shuffle it took {lost_ms:s} of {app_ms:s} of task time.
-- advice: is_cast | - | - | The join compares the columns after a cast, which the buckets do not hold: give the key the same type in both tables and
--   write them again, bucketed by it. Then neither side is shuffled.
-- recommendation: Bucket both tables by the columns of the join, into the same number of buckets (or one a multiple of the other, with
--   spark.sql.bucketing.coalesceBucketsInJoin.enabled). Then neither side is shuffled.
WITH joins AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, TRIM(node_name) AS node_name, description,
    ARRAY_MIN(child_node_ids) AS left_id, ARRAY_MAX(child_node_ids) AS right_id
  FROM sql_nodes
  WHERE operator_kind = 'join' AND CARDINALITY(child_node_ids) = 2
    AND (node_name LIKE '%SortMergeJoin%' OR node_name LIKE '%ShuffledHashJoin%')
),
sides AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, left_id AS side_id FROM joins
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, right_id AS side_id FROM joins
),
members AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.side_id, n.node_id AS member_id, n.node_name, n.description,
    n.operator_kind, CARDINALITY(n.child_node_ids) AS num_children
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
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.side_id,
    SUM(CASE WHEN m.num_children = 0 THEN 1 ELSE 0 END) AS num_leaves,
    SUM(CASE WHEN m.operator_kind = 'exchange' THEN 1 ELSE 0 END) AS num_shuffles,
    MAX(CASE WHEN m.description LIKE '% Bucketed: true%' THEN 1 ELSE 0 END) AS is_used,
    MAX(CASE WHEN m.description LIKE '% Bucketed: false (disabled by query planner)%' THEN 1 ELSE 0 END) AS is_undone,
    MAX(COALESCE(s.table_name, s.location)) AS source
  FROM members AS m
  LEFT JOIN sql_scans AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id AND s.sql_id = m.sql_id AND s.node_id = m.member_id
    AND s.operation = 'read'
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.side_id
),
undone AS (
  SELECT b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, b.side_id, b.source
  FROM shapes AS b
  INNER JOIN shapes AS o
    ON o.platform = b.platform AND o.cluster_id = b.cluster_id
    AND o.application_id = b.application_id AND o.attempt_id = b.attempt_id AND o.sql_id = b.sql_id AND o.node_id = b.node_id
    AND o.side_id <> b.side_id
  WHERE b.num_leaves = 1 AND o.num_leaves = 1 AND b.num_shuffles = 1 AND o.num_shuffles = 0 AND b.is_undone = 1 AND o.is_used = 1
),
own_stages AS (
  SELECT DISTINCT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, o.stage_id
  FROM joins AS j
  INNER JOIN operator_stages AS o
    ON o.platform = j.platform AND o.cluster_id = j.cluster_id
    AND o.application_id = j.application_id AND o.attempt_id = j.attempt_id AND o.sql_id = j.sql_id AND o.node_id = j.node_id
),
shuffling AS (
  SELECT DISTINCT
    u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id, u.source, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms
  FROM undone AS u
  INNER JOIN members AS m
    ON m.platform = u.platform AND m.cluster_id = u.cluster_id
    AND m.application_id = u.application_id AND m.attempt_id = u.attempt_id AND m.sql_id = u.sql_id AND m.node_id = u.node_id AND m.side_id = u.side_id
  INNER JOIN operator_stages AS o
    ON o.platform = m.platform AND o.cluster_id = m.cluster_id
    AND o.application_id = m.application_id AND o.attempt_id = m.attempt_id AND o.sql_id = m.sql_id AND o.node_id = m.member_id
  LEFT JOIN own_stages AS w
    ON w.platform = u.platform AND w.cluster_id = u.cluster_id
    AND w.application_id = u.application_id AND w.attempt_id = u.attempt_id AND w.sql_id = u.sql_id AND w.node_id = u.node_id
    AND w.stage_id = o.stage_id
  WHERE w.platform IS NULL
),
joined AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, MAX(source) AS source, SUM(run_ms) AS lost_ms
  FROM shuffling
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
losses AS (
  SELECT j.*, SUM(lost_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, source) AS all_lost_ms
  FROM joined AS j
)
SELECT
  l.platform, l.cluster_id, l.application_id, l.attempt_id,
  CONCAT(CAST(l.sql_id AS STRING), '.', CAST(l.node_id AS STRING)) AS subject_id,
  CASE WHEN l.lost_ms >= $medium_lost_ms THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(l.lost_ms AS BIGINT) AS lost_core_ms,
  j.node_name, j.node_id, j.sql_id, SUBSTR(q.description, 1, 100) AS query_description, SUBSTR(l.source, 1, 200) AS data,
  COALESCE(j.description LIKE '%cast(%', FALSE) AS is_cast,
  CASE WHEN j.description LIKE '%cast(%' THEN SUBSTR(REGEXP_REPLACE(CONCAT(
    SPLIT_PART(SPLIT_PART(j.description, '[', 2), ']', 1), ' with ', SPLIT_PART(SPLIT_PART(j.description, '[', 3), ']', 1)
  ), '#[0-9]+L?', ''), 1, 200) END AS join_keys,
  l.lost_ms, CAST(a.executor_run_time AS DOUBLE) AS app_ms
FROM losses AS l
INNER JOIN joins AS j
  ON j.platform = l.platform AND j.cluster_id = l.cluster_id
  AND j.application_id = l.application_id AND j.attempt_id = l.attempt_id AND j.sql_id = l.sql_id AND j.node_id = l.node_id
INNER JOIN sql AS q
  ON q.platform = l.platform AND q.cluster_id = l.cluster_id
  AND q.application_id = l.application_id AND q.attempt_id = l.attempt_id AND q.sql_id = l.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = l.platform AND a.cluster_id = l.cluster_id
  AND a.application_id = l.application_id AND a.attempt_id = l.attempt_id
WHERE l.all_lost_ms >= $min_lost_ms OR (l.all_lost_ms >= $min_small_lost_ms AND l.all_lost_ms >= $min_share * a.executor_run_time)
