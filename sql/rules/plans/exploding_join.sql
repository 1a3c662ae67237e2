-- id: exploding_join
-- title: A join multiplies its rows
-- category: plans
-- severity: low
-- version: 8
-- description: Fires for a join on equal keys that put out many times the rows of the largest source of its query, because both sides
--   have several rows for a key. All steps after it work on those rows. Of several such joins above each other the
--   first is reported. Lost is a careful part of the processor time of the join's stages (run time where none was measured), in which making the rows and taking them through the steps above is most of the work: a row of the largest source is taken to cost as
--   much as source_rows_each of the further rows, since it is read, decoded and looked up as well. Whether those are wanted is for the author to know, so that it is never above medium where much time is lost; but where a
--   DISTINCT right above brings them back to about as many as a side of the join had, they are not, and all rows beyond these count. Joins without
--   an equality are what cross_join reports.
-- subject: node
-- parameter: min_factor double = 4.0 [ratio] rows that the join put out over those of the largest source, at least
-- parameter: min_rows double = 2e6 [count] rows that the join put out, at least
-- parameter: min_share double = 0.2 [ratio] task time of the stages of the join over that of the application, at least
-- parameter: min_stage_ms double = 10000 [ms] that task time, at least
-- parameter: source_rows_each double = 5.0 [ratio] further rows that cost as much as a row of the source, at most (of two stages with 9 and 11 further rows for each row of the source and an aggregate above, these took 69 and 72 % of the processor time or more, and 64 and 69 % are counted)
-- parameter: distinct_part double = 0.6 [ratio] part of that which is lost where a DISTINCT brings the rows back, which keeps the rest busy (12.4 of 23.7 s were measured with seven columns, 11.7 are counted)
-- parameter: max_row_ms double = 0.0005 [ms] core time of such a row that is believed (134 and 217 ns were measured, 450 ns with a sha2 of each)
-- parameter: usual_row_ms double = 0.00025 [ms] core time of such a row where the stages took more for it, as where they work at something else
-- parameter: medium_lost_ms double = 600000 [ms] lost time from which a join whose rows may be wanted is of medium severity and no more
-- parameter: medium_wall_share double = 0.4 [ratio] or wall time over that of the application
-- evidence: {node_name} of query {sql_id:int} ({query_description:query}) put out {rows:row|rows}, {factor:1} times the {source_rows:int} of its
--   largest source[; its sides have {left_rows:int} and {right_rows:row|rows}][; the {returned_name} above it (node {returned_id:int}) brings them back to {returned_rows:int}]; the stages that it works in took {stage_ms:s} of {app_ms:s} of task time[, {cpu_ms:s} of it on the processor], an estimated {lost_ms:s} of it for the rows beyond its largest source.
-- advice: is_undone | - | - | Add the condition that the join lacks (a day, a version, a valid-from and valid-to), or remove duplicates of a key from the other side before the join: the DISTINCT above shows that the further rows
--   only repeat what is there, and is not needed then. Where only columns of one side are kept, a left semi join asks whether there is a match and makes no rows.
-- recommendation: Look for several rows for a key on both sides: aggregate or remove duplicates before the join (where what follows, such as a sum, does not count on them), add the condition that
--   is missing (a day, a version), and filter before it what later steps drop anyway. Where only columns of one side are kept, a left semi join asks whether
--   there is a match and makes no rows.
WITH sources AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    MAX(CASE
      WHEN operator_kind IN ('scan', 'cache') OR node_name LIKE 'Scan%'
        OR node_name IN ('Range', 'ColumnarToRow', 'Generate', 'Expand', 'SerializeFromObject') THEN rows_output
    END) AS source_rows
  FROM sql_nodes
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- Nodes are numbered from the result down to the sources: the first join has the largest number.
joins AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.node_name,
    CAST(n.rows_output AS DOUBLE) AS rows, CAST(s.source_rows AS DOUBLE) AS source_rows,
    ROW_NUMBER() OVER (
      PARTITION BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id ORDER BY n.node_id DESC
    ) AS place
  FROM sql_nodes AS n
  INNER JOIN sources AS s
    ON s.platform = n.platform AND s.cluster_id = n.cluster_id
    AND s.application_id = n.application_id AND s.attempt_id = n.attempt_id AND s.sql_id = n.sql_id
  WHERE n.operator_kind = 'join' AND n.node_name NOT LIKE '%NestedLoopJoin%' AND n.node_name NOT LIKE 'CartesianProduct%'
    AND n.rows_output >= $min_rows AND s.source_rows > 0 AND n.rows_output >= $min_factor * s.source_rows
),
firsts AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_name, rows, source_rows
  FROM joins
  WHERE place = 1
),
-- The steps above the join that count rows, the nearest first: those of the first aggregate come before all others.
steps_above AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, n.node_id AS above_id, CAST(n.rows_output AS DOUBLE) AS rows, n.description,
    n.node_name LIKE '%Aggregate%' AND n.operator_kind = 'aggregate' AS is_aggregate,
    MAX(CASE WHEN n.operator_kind <> 'aggregate' THEN n.node_id ELSE -1 END) OVER (
      PARTITION BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id) AS other_id
  FROM firsts AS j
  INNER JOIN sql_nodes AS n
    ON n.platform = j.platform AND n.cluster_id = j.cluster_id
    AND n.application_id = j.application_id AND n.attempt_id = j.attempt_id AND n.sql_id = j.sql_id AND n.node_id < j.node_id AND n.last_node_id >= j.node_id
  WHERE n.rows_output > 0
),
returned AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, a.sql_id, a.node_id, a.above_id, a.rows, a.description LIKE '%functions=[]%' AS is_distinct
  FROM (
    SELECT
      x.*, ROW_NUMBER() OVER (PARTITION BY x.platform, x.cluster_id, x.application_id, x.attempt_id, x.sql_id, x.node_id ORDER BY x.above_id) AS place
    FROM steps_above AS x
    WHERE x.is_aggregate AND x.above_id > x.other_id
  ) AS a
  INNER JOIN join_rows AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id AND s.sql_id = a.sql_id AND s.node_id = a.node_id
  -- The last step of the aggregate, and about as many rows as one of the sides.
  WHERE a.place = 1 AND (a.rows >= 0.5e0 * s.left_rows AND a.rows <= 1.1e0 * s.left_rows OR a.rows >= 0.5e0 * s.right_rows AND a.rows <= 1.1e0 * s.right_rows)
),
cpu AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(executor_cpu_time AS DOUBLE)) / 1e6 AS cpu_ms
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
work AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, SUM(CAST(o.run_ms AS DOUBLE)) AS stage_ms,
    SUM(LEAST(CAST(o.run_ms AS DOUBLE), COALESCE(NULLIF(c.cpu_ms, 0e0), CAST(o.run_ms AS DOUBLE)))) AS work_ms, SUM(NULLIF(c.cpu_ms, 0e0)) AS cpu_ms
  FROM operator_stages AS o
  INNER JOIN firsts AS j
    ON j.platform = o.platform AND j.cluster_id = o.cluster_id
    AND j.application_id = o.application_id AND j.attempt_id = o.attempt_id AND j.sql_id = o.sql_id AND j.node_id = o.node_id
  LEFT JOIN cpu AS c
    ON c.platform = o.platform AND c.cluster_id = o.cluster_id
    AND c.application_id = o.application_id AND c.attempt_id = o.attempt_id AND c.stage_id = o.stage_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
),
further AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, j.node_name, j.rows, j.source_rows, w.stage_ms, w.work_ms, w.cpu_ms,
    s.left_rows, s.right_rows, t.above_id, t.rows AS returned_rows, t.is_distinct,
    j.rows - CASE WHEN t.is_distinct THEN LEAST(t.rows, j.source_rows) ELSE j.source_rows END AS further_rows
  FROM firsts AS j
  INNER JOIN work AS w
    ON w.platform = j.platform AND w.cluster_id = j.cluster_id
    AND w.application_id = j.application_id AND w.attempt_id = j.attempt_id AND w.sql_id = j.sql_id AND w.node_id = j.node_id
  LEFT JOIN join_rows AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id AND s.sql_id = j.sql_id AND s.node_id = j.node_id
  LEFT JOIN returned AS t
    ON t.platform = j.platform AND t.cluster_id = j.cluster_id
    AND t.application_id = j.application_id AND t.attempt_id = j.attempt_id AND t.sql_id = j.sql_id AND t.node_id = j.node_id
),
judged AS (
  SELECT f.*, CASE WHEN is_distinct THEN $distinct_part ELSE 1e0 END * further_rows * CASE WHEN row_ms <= $max_row_ms THEN row_ms ELSE $usual_row_ms END AS lost_ms
  FROM (SELECT x.*, work_ms / NULLIF(further_rows + $source_rows_each * (rows - further_rows), 0e0) AS row_ms FROM further AS x) AS f
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  CONCAT(CAST(j.sql_id AS STRING), '.', CAST(j.node_id AS STRING)) AS subject_id,
  CASE WHEN NOT COALESCE(j.is_distinct, FALSE) AND (j.lost_ms >= $medium_lost_ms OR j.lost_ms * f.wall_ratio >= GREATEST(15000e0, $medium_wall_share * f.app_duration_ms)) THEN 'medium' END AS severity,
  'medium' AS confidence,
  TRY_CAST(j.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(j.lost_ms * f.wall_ratio AS BIGINT) AS recoverable_ms,
  j.node_name, j.sql_id, SUBSTR(q.description, 1, 200) AS query_description, j.rows, TRY_CAST(j.source_rows AS BIGINT) AS source_rows,
  j.rows / NULLIF(j.source_rows, 0) AS factor, j.stage_ms, a.executor_run_time AS app_ms, j.cpu_ms, j.lost_ms,
  TRY_CAST(j.left_rows AS BIGINT) AS left_rows, TRY_CAST(j.right_rows AS BIGINT) AS right_rows, j.above_id AS returned_id, TRY_CAST(j.returned_rows AS BIGINT) AS returned_rows,
  CASE WHEN j.is_distinct THEN 'DISTINCT' WHEN j.above_id IS NOT NULL THEN 'aggregate' END AS returned_name, COALESCE(j.is_distinct, FALSE) AS is_undone
FROM judged AS j
INNER JOIN sql AS q
  ON q.platform = j.platform AND q.cluster_id = j.cluster_id
  AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
INNER JOIN application_facts AS f
  ON f.platform = j.platform AND f.cluster_id = j.cluster_id
  AND f.application_id = j.application_id AND f.attempt_id = j.attempt_id
INNER JOIN application_run_times AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
WHERE j.stage_ms >= $min_stage_ms AND j.stage_ms >= $min_share * a.executor_run_time
