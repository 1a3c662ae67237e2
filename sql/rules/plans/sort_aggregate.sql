-- id: sort_aggregate
-- title: An aggregate sorts its rows because it cannot hash them
-- category: plans
-- severity: low
-- version: 3
-- description: Fires where an aggregate sorts its rows before and after its shuffle (SortAggregate), in stages that take a large part of the task time. Spark hashes groups only where what it keeps
--   for a group has a fixed width: first, last, min and max of text, arrays or structs do not, nor do max_by and min_by with them, and dropDuplicates of some of the columns takes the first of all others. Lost is the time that
--   the sorts measured, without what spilled and hardly became fewer rows, which hashing could not keep in memory either, and without the sort whose order a merge join or a window above needs. What spilled is told by the
--   rules for spill. Whether the query can be written otherwise is for the author to know: the core time alone makes it never above medium.
-- subject: node
-- group_by: query_description
-- parameter: min_rows double = 1e6 [rows] rows that one of the sorts gets, at least
-- parameter: min_run_ms double = 20000 [ms] task time of the stages of the sorts, at least
-- parameter: min_share double = 0.2 [ratio] the same over the task time of the application, at least
-- parameter: min_sort_share double = 0.1 [ratio] time of the sorts over that of their stages, at least
-- parameter: min_spill_bytes double = 1073741824 [bytes] or what they spilled, at least
-- parameter: min_lost_share double = 0.02 [ratio] time of the sorts that hashing would save over the task time of the application, at least
-- parameter: max_kept double = 0.5 [ratio] rows after over rows before a step up to which hashing is taken to save a sort that spilled
-- parameter: medium_ms double = 600000 [ms] time of the sorts from which it is of medium severity
-- parameter: large_run_ms double = 3600000 [ms] task time of the stages from which its share does not count
-- evidence: SortAggregate {node_id:int} of query {sql_id:int} ({query_description:query}) groups by {group_keys} for {functions}, and sorts instead of hashing: {num_sorts:sort|sorts} of up to {rows:row|rows}
--   took {sort_ms:s}[ and spilled {spilled:bytes} of memory]; their stages took {run_ms:s} of {app_ms:s} of task time.
-- advice: takes_first | - | - | Spark hashes a group only where the results that it keeps for it are numbers, dates or times; keys may be of any type. Where the other columns depend on the key, add them to the grouping (distinct instead of
--   dropDuplicates of some columns). Otherwise find the rows to keep by narrow columns (keys, numbers, times), and join the others back.
-- recommendation: Spark hashes a group only where the results that it keeps for it are numbers, dates or times, not texts, arrays or structs. Two changes help: cast texts that hold numbers, dates or times before min and max,
--   and add columns that depend on the key to the grouping, whose columns may be of any type. Native engines (Photon, Gluten) hash texts too.
WITH aggregates AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, ARRAY_MIN(child_node_ids) AS sort_id, rows_output,
    SPLIT_PART(SPLIT_PART(description, 'key=[', 2), '], functions=', 1) AS group_keys,
    SPLIT_PART(description, '], functions=[', 2) AS functions, INSTR(description, 'functions=[partial_') > 0 AS is_partial
  FROM sql_nodes
  WHERE TRIM(node_name) = 'SortAggregate' AND CARDINALITY(child_node_ids) = 1
),
sorts AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, a.sql_id, a.node_id, a.group_keys, a.functions, a.is_partial, a.rows_output,
    s.node_id AS sort_id, s.last_node_id AS sort_last_id, ARRAY_MIN(s.child_node_ids) AS input_id, CAST(s.time_ms AS DOUBLE) AS sort_ms
  FROM aggregates AS a
  INNER JOIN sql_nodes AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id AND s.sql_id = a.sql_id AND s.node_id = a.sort_id
  WHERE TRIM(s.node_name) = 'Sort' AND s.description LIKE '%], false, 0%'
),
-- The last step sorts what a shuffle brings: nothing above or below asked for that order, as where Spark replaces hashing above rows that are sorted anyhow.
finals AS (
  SELECT s.*, CASE WHEN n.operator_kind = 'exchange' THEN n.node_id ELSE x.node_id END AS exchange_id
  FROM sorts AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.input_id
  LEFT JOIN sql_nodes AS x
    ON x.platform = n.platform AND x.cluster_id = n.cluster_id
    AND x.application_id = n.application_id AND x.attempt_id = n.attempt_id AND x.sql_id = n.sql_id AND ARRAY_CONTAINS(n.child_node_ids, x.node_id)
  WHERE NOT s.is_partial AND (n.operator_kind = 'exchange' OR (n.node_name LIKE '%ShuffleRead%' AND x.operator_kind = 'exchange'))
    AND (s.functions LIKE '%first(%' OR s.functions LIKE '%last(%' OR s.functions LIKE '%max(%' OR s.functions LIKE '%min(%' OR s.functions LIKE '%any_value(%' OR s.functions LIKE '%max_by(%'
      OR s.functions LIKE '%min_by(%' OR s.functions LIKE '% more field%')
),
-- A merge join or window right above uses the order.
used AS (
  SELECT DISTINCT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id
  FROM finals AS f
  INNER JOIN sql_nodes AS p
    ON p.platform = f.platform AND p.cluster_id = f.cluster_id
    AND p.application_id = f.application_id AND p.attempt_id = f.attempt_id AND p.sql_id = f.sql_id AND ARRAY_CONTAINS(p.child_node_ids, f.node_id)
  LEFT JOIN sql_nodes AS o
    ON o.platform = p.platform AND o.cluster_id = p.cluster_id
    AND o.application_id = p.application_id AND o.attempt_id = p.attempt_id AND o.sql_id = p.sql_id AND ARRAY_CONTAINS(o.child_node_ids, p.node_id)
  WHERE p.node_name LIKE '%SortMergeJoin%' OR p.node_name LIKE 'Window%'
    OR (TRIM(p.node_name) IN ('Project', 'Filter') AND (o.node_name LIKE '%SortMergeJoin%' OR o.node_name LIKE 'Window%'))
),
-- Both steps of an aggregate.
steps AS (
  SELECT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id AS final_id, f.node_id, f.sort_id, f.sort_last_id, f.sort_ms, f.rows_output, u.platform IS NOT NULL AS is_used
  FROM finals AS f
  LEFT JOIN used AS u
    ON u.platform = f.platform AND u.cluster_id = f.cluster_id
    AND u.application_id = f.application_id AND u.attempt_id = f.attempt_id AND u.sql_id = f.sql_id AND u.node_id = f.node_id
  UNION ALL
  SELECT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id AS final_id, p.node_id, p.sort_id, p.sort_last_id, p.sort_ms, p.rows_output, FALSE AS is_used
  FROM finals AS f
  INNER JOIN sql_nodes AS e
    ON e.platform = f.platform AND e.cluster_id = f.cluster_id
    AND e.application_id = f.application_id AND e.attempt_id = f.attempt_id AND e.sql_id = f.sql_id AND e.node_id = f.exchange_id
  INNER JOIN sorts AS p
    ON p.platform = e.platform AND p.cluster_id = e.cluster_id
    AND p.application_id = e.application_id AND p.attempt_id = e.attempt_id AND p.sql_id = e.sql_id AND ARRAY_CONTAINS(e.child_node_ids, p.node_id)
  WHERE p.is_partial
),
-- Rows that a sort gets: as the nearest operator below counts them.
fed AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.sort_id, MIN(n.node_id) AS counted_id
  FROM steps AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
    AND n.node_id > s.sort_id AND n.node_id <= s.sort_last_id AND n.rows_output IS NOT NULL
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.sort_id
),
spills AS (
  SELECT m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, MAX(m.total) AS spilled
  FROM sql_node_metrics AS m
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, sort_id FROM steps) AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id AND s.sql_id = m.sql_id AND s.sort_id = m.node_id
  WHERE m.metric_name = 'spill size'
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id
),
summed AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.final_id,
    COUNT(*) AS num_sorts, SUM(s.sort_ms) AS sort_ms, MAX(CAST(n.rows_output AS DOUBLE)) AS rows, SUM(CAST(l.spilled AS DOUBLE)) AS spilled,
    SUM(CASE
      WHEN s.is_used OR (l.spilled > 0 AND COALESCE(s.rows_output > $max_kept * n.rows_output, TRUE)) THEN 0e0
      ELSE COALESCE(s.sort_ms, 0e0)
    END) AS lost_ms
  FROM steps AS s
  LEFT JOIN fed AS f
    ON f.platform = s.platform AND f.cluster_id = s.cluster_id
    AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id AND f.sql_id = s.sql_id AND f.sort_id = s.sort_id
  LEFT JOIN sql_nodes AS n
    ON n.platform = f.platform AND n.cluster_id = f.cluster_id
    AND n.application_id = f.application_id AND n.attempt_id = f.attempt_id AND n.sql_id = f.sql_id AND n.node_id = f.counted_id
  LEFT JOIN spills AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id AND l.sql_id = s.sql_id AND l.node_id = s.sort_id
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.final_id
),
stage_times AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, final_id, SUM(run_ms) AS run_ms
  FROM (
    SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.final_id, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms
    FROM steps AS s
    INNER JOIN operator_stages AS o
      ON o.platform = s.platform AND o.cluster_id = s.cluster_id
      AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.sort_id
  ) AS t
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, final_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(t.sql_id AS STRING), '.', CAST(t.final_id AS STRING)) AS subject_id,
  CASE WHEN t.lost_ms >= $medium_ms THEN 'medium' END AS severity, 'medium' AS confidence,
  TRY_CAST(t.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(t.lost_ms * c.wall_ratio AS BIGINT) AS recoverable_ms,
  t.sql_id, t.final_id AS node_id, SUBSTR(q.description, 1, 200) AS query_description,
  SUBSTR(REGEXP_REPLACE(f.group_keys, '#[0-9]+L?', ''), 1, 150) AS group_keys,
  SUBSTR(REPLACE(REGEXP_REPLACE(f.functions, '#[0-9]+L?', ''), '])', ''), 1, 150) AS functions,
  f.functions LIKE '%first(%' AS takes_first, t.num_sorts, TRY_CAST(t.rows AS BIGINT) AS rows, TRY_CAST(t.sort_ms AS BIGINT) AS sort_ms, NULLIF(t.spilled, 0e0) AS spilled, w.run_ms,
  CAST(r.executor_run_time AS DOUBLE) AS app_ms
FROM summed AS t
INNER JOIN finals AS f
  ON f.platform = t.platform AND f.cluster_id = t.cluster_id
  AND f.application_id = t.application_id AND f.attempt_id = t.attempt_id AND f.sql_id = t.sql_id AND f.node_id = t.final_id
INNER JOIN stage_times AS w
  ON w.platform = t.platform AND w.cluster_id = t.cluster_id
  AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id AND w.sql_id = t.sql_id AND w.final_id = t.final_id
INNER JOIN sql AS q
  ON q.platform = t.platform AND q.cluster_id = t.cluster_id
  AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
INNER JOIN application_facts AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
INNER JOIN application_run_times AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id
WHERE t.rows >= $min_rows AND w.run_ms >= $min_run_ms AND (w.run_ms >= $min_share * r.executor_run_time OR w.run_ms >= $large_run_ms)
  AND (t.sort_ms >= $min_sort_share * w.run_ms OR t.spilled >= $min_spill_bytes) AND t.lost_ms >= $min_lost_share * r.executor_run_time
