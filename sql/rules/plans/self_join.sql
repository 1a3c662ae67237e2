-- id: self_join
-- title: Rows are joined with an aggregate of themselves
-- category: plans
-- severity: low
-- version: 6
-- description: Fires for a join by shuffle of which one side reads some files or a table and the other one groups the same rows, with the same
--   filters but for those on NULL, by columns that the join then compares: the row with the latest time of each key, or a share of a sum. A window function
--   does it with one read and the shuffle that the join needs anyway. Lost is the task time of the stages that read and group the second
--   time, and what could be won their part of the wall time in which jobs ran; where the grouped side is small enough to be broadcast, the join is the cheaper way and is not told.
-- subject: node
-- group_by: query_description
-- parameter: min_lost_ms double = 60000 [ms] task time of these stages, at least
-- parameter: min_small_lost_ms double = 5000 [ms] the same where it is a large share of the task time, at least
-- parameter: min_share double = 0.15 [ratio] that share, at least
-- parameter: medium_lost_ms double = 600000 [ms] the time from which it is of medium severity where it is less than two fifths of the wall time
-- evidence: {node_name} {node_id:int} of query {sql_id:int} ({query_description:query}) joins {data} with an aggregate of the same rows by {group_keys}; the stages that
--   read and group them the second time took {lost_ms:s} of {app_ms:s} of task time.
-- advice: takes_one | - | - | Read it once: number the rows of each key with a window (row_number() over (partition by … order by … desc), rank() to keep
--   all rows of a tie) and keep the first, or
--   group with max_by or max(struct(…)).
-- recommendation: Read it once: compute the aggregate beside each row with a window function (for example sum(…) over (partition by …)).
WITH pairs AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, g.sql_id, g.node_id, g.source, g.own_ms AS lost_ms,
    TRIM(j.node_name) AS node_name, REGEXP_REPLACE(g.group_keys, '#[0-9]+L?', '') AS group_keys,
    LENGTH(g.group_keys) - LENGTH(REPLACE(g.group_keys, ',', '')) AS num_group_commas,
    SPLIT_PART(SPLIT_PART(j.description, '[', 2), ']', 1) AS join_keys
  FROM join_sides AS g
  INNER JOIN join_sides AS r
    ON r.platform = g.platform AND r.cluster_id = g.cluster_id
    AND r.application_id = g.application_id AND r.attempt_id = g.attempt_id AND r.sql_id = g.sql_id AND r.node_id = g.node_id
    AND r.side <> g.side AND r.source = g.source AND r.partition_filters = g.partition_filters AND r.row_filters = g.row_filters
  INNER JOIN sql_nodes AS j
    ON j.platform = g.platform AND j.cluster_id = g.cluster_id
    AND j.application_id = g.application_id AND j.attempt_id = g.attempt_id AND j.sql_id = g.sql_id AND j.node_id = g.node_id
  -- One read on each side, and nothing that makes or drops rows but the aggregate.
  WHERE g.num_leaves = 1 AND r.num_leaves = 1 AND g.num_growers + g.num_cutters = 0 AND r.num_growers + r.num_cutters = 0
    AND g.group_keys <> '' AND r.aggregate_id IS NULL
),
counted AS (
  SELECT p.*, LENGTH(join_keys) - LENGTH(REPLACE(join_keys, ',', '')) AS num_join_commas FROM pairs AS p
)
SELECT
  c.platform, c.cluster_id, c.application_id, c.attempt_id,
  CONCAT(CAST(c.sql_id AS STRING), '.', CAST(c.node_id AS STRING)) AS subject_id,
  CASE WHEN c.lost_ms >= $medium_lost_ms AND COALESCE(c.lost_ms * f.wall_ratio < 0.4e0 * f.app_duration_ms, TRUE) THEN 'medium' END AS severity,
  'medium' AS confidence,
  TRY_CAST(c.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(c.lost_ms * f.wall_ratio AS BIGINT) AS recoverable_ms,
  c.node_name, c.node_id, c.sql_id, SUBSTR(q.description, 1, 200) AS query_description, SUBSTR(c.source, 1, 200) AS data, c.group_keys,
  -- It compares what the aggregate found too, not its keys alone.
  c.num_join_commas > c.num_group_commas AS takes_one, c.lost_ms, CAST(a.executor_run_time AS DOUBLE) AS app_ms
FROM counted AS c
INNER JOIN sql AS q
  ON q.platform = c.platform AND q.cluster_id = c.cluster_id
  AND q.application_id = c.application_id AND q.attempt_id = c.attempt_id AND q.sql_id = c.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = c.platform AND a.cluster_id = c.cluster_id
  AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
LEFT JOIN application_facts AS f
  ON f.platform = c.platform AND f.cluster_id = c.cluster_id
  AND f.application_id = c.application_id AND f.attempt_id = c.attempt_id
WHERE c.num_join_commas >= c.num_group_commas
  AND (c.lost_ms >= $min_lost_ms OR (c.lost_ms >= $min_small_lost_ms AND c.lost_ms >= $min_share * a.executor_run_time))
