-- id: undone_buckets
-- title: A join shuffles a table that is bucketed
-- category: plans
-- severity: low
-- version: 2
-- description: Fires for a join by shuffle of two bucketed tables of which Spark used the buckets of one and not of the other, which it shuffles: the join
--   compares the column after a cast, or the tables have other numbers of buckets or other columns. Lost is the task time of the stages
--   that read and shuffle that table; reading it would take a part of it in any case.
-- subject: node
-- group_by: data
-- parameter: min_lost_ms double = 60000 [ms] task time of these stages of all joins of a table, at least
-- parameter: min_small_lost_ms double = 5000 [ms] the same where it is a large share of the task time, at least
-- parameter: min_share double = 0.1 [ratio] that share, at least
-- parameter: medium_lost_ms double = 3600000 [ms] the time from which it is of medium severity
-- evidence: {node_name} {node_id:int} of query {sql_id:int} ({query_description:query}) shuffles {data}, although both tables are bucketed[: it compares
--   {join_keys}]; the stages that read and shuffle it took {lost_ms:s} of {app_ms:s} of task time.
-- advice: is_cast | - | - | The join compares the columns after a cast, which the buckets do not hold: give the key the same type in both tables and
--   write them again, bucketed by it. Then neither side is shuffled.
-- recommendation: Bucket both tables by the columns of the join, into the same number of buckets (or one a multiple of the other, with
--   spark.sql.bucketing.coalesceBucketsInJoin.enabled). Then neither side is shuffled.
WITH undone AS (
  SELECT
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, b.source, b.own_ms AS lost_ms,
    SUM(b.own_ms) OVER (PARTITION BY b.platform, b.cluster_id, b.application_id, b.attempt_id, b.source) AS all_lost_ms
  FROM join_sides AS b
  INNER JOIN join_sides AS o
    ON o.platform = b.platform AND o.cluster_id = b.cluster_id
    AND o.application_id = b.application_id AND o.attempt_id = b.attempt_id AND o.sql_id = b.sql_id AND o.node_id = b.node_id
    AND o.side <> b.side
  WHERE b.num_leaves = 1 AND o.num_leaves = 1 AND b.num_shuffles = 1 AND o.num_shuffles = 0 AND b.ignores_buckets AND o.uses_buckets
)
SELECT
  l.platform, l.cluster_id, l.application_id, l.attempt_id,
  CONCAT(CAST(l.sql_id AS STRING), '.', CAST(l.node_id AS STRING)) AS subject_id,
  CASE WHEN l.lost_ms >= $medium_lost_ms THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(l.lost_ms AS BIGINT) AS lost_core_ms,
  TRIM(j.node_name) AS node_name, j.node_id, j.sql_id, SUBSTR(q.description, 1, 200) AS query_description, SUBSTR(l.source, 1, 200) AS data,
  COALESCE(j.description LIKE '%cast(%', FALSE) AS is_cast,
  CASE WHEN j.description LIKE '%cast(%' THEN SUBSTR(REGEXP_REPLACE(CONCAT(
    SPLIT_PART(SPLIT_PART(j.description, '[', 2), ']', 1), ' with ', SPLIT_PART(SPLIT_PART(j.description, '[', 3), ']', 1)
  ), '#[0-9]+L?', ''), 1, 200) END AS join_keys,
  l.lost_ms, CAST(a.executor_run_time AS DOUBLE) AS app_ms
FROM undone AS l
INNER JOIN sql_nodes AS j
  ON j.platform = l.platform AND j.cluster_id = l.cluster_id
  AND j.application_id = l.application_id AND j.attempt_id = l.attempt_id AND j.sql_id = l.sql_id AND j.node_id = l.node_id
INNER JOIN sql AS q
  ON q.platform = l.platform AND q.cluster_id = l.cluster_id
  AND q.application_id = l.application_id AND q.attempt_id = l.attempt_id AND q.sql_id = l.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = l.platform AND a.cluster_id = l.cluster_id
  AND a.application_id = l.application_id AND a.attempt_id = l.attempt_id
WHERE l.all_lost_ms >= $min_lost_ms OR (l.all_lost_ms >= $min_small_lost_ms AND l.all_lost_ms >= $min_share * a.executor_run_time)
