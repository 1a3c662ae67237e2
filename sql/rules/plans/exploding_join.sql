-- id: exploding_join
-- title: A join multiplies its rows
-- category: plans
-- severity: low
-- version: 4
-- description: Fires for a join on equal keys that put out many times the rows of the largest source of its query, because both sides
--   have several rows for a key. All steps after it work on those rows. Of several such joins above each other the
--   first is reported. Whether the rows are wanted is for the author to know; lost is what making a row takes at least, for those beyond the largest source. Joins without
--   an equality are what cross_join reports.
-- subject: node
-- parameter: min_factor double = 4.0 [ratio] rows that the join put out over those of the largest source, at least
-- parameter: min_rows double = 2e6 [count] rows that the join put out, at least
-- parameter: min_share double = 0.2 [ratio] task time of the stages of the join over that of the application, at least
-- parameter: min_stage_ms double = 10000 [ms] that task time, at least
-- parameter: row_ms double = 0.00002 [ms] core time to make a row and hand it on, at least (20 ns; 39 ns were measured with Spark 4.3 and a distinct above)
-- parameter: min_lost_share double = 0.05 [ratio] that time over the task time of the application from which it decides the severity
-- parameter: medium_stage_ms double = 3600000 [ms] that task time, from which it is of medium severity
-- evidence: {node_name} of query {sql_id:int} ({query_description}) put out {rows:row|rows}, {factor:1} times the {source_rows:int} of its
--   largest source; the stages that it works in took {stage_ms:s} of {app_ms:s} of task time.
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
work AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, SUM(CAST(o.run_ms AS DOUBLE)) AS stage_ms,
    LEAST(SUM(CAST(o.run_ms AS DOUBLE)), MAX(j.rows - j.source_rows) * $row_ms) AS lost_ms
  FROM operator_stages AS o
  INNER JOIN joins AS j
    ON j.platform = o.platform AND j.cluster_id = o.cluster_id
    AND j.application_id = o.application_id AND j.attempt_id = o.attempt_id AND j.sql_id = o.sql_id AND j.node_id = o.node_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  CONCAT(CAST(j.sql_id AS STRING), '.', CAST(j.node_id AS STRING)) AS subject_id,
  CASE WHEN w.stage_ms >= $medium_stage_ms THEN 'medium' WHEN w.lost_ms >= $min_lost_share * a.executor_run_time THEN NULL ELSE 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(w.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(w.lost_ms * f.wall_ratio AS BIGINT) AS recoverable_ms,
  j.node_name, j.sql_id, SUBSTR(q.description, 1, 100) AS query_description, j.rows, TRY_CAST(j.source_rows AS BIGINT) AS source_rows,
  j.rows / NULLIF(j.source_rows, 0) AS factor, w.stage_ms, a.executor_run_time AS app_ms
FROM joins AS j
INNER JOIN work AS w
  ON w.platform = j.platform AND w.cluster_id = j.cluster_id
  AND w.application_id = j.application_id AND w.attempt_id = j.attempt_id
  AND w.sql_id = j.sql_id AND w.node_id = j.node_id
INNER JOIN sql AS q
  ON q.platform = j.platform AND q.cluster_id = j.cluster_id
  AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
INNER JOIN application_facts AS f
  ON f.platform = j.platform AND f.cluster_id = j.cluster_id
  AND f.application_id = j.application_id AND f.attempt_id = j.attempt_id
INNER JOIN application_run_times AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
WHERE j.place = 1 AND w.stage_ms >= $min_stage_ms AND w.stage_ms >= $min_share * a.executor_run_time
