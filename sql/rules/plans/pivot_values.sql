-- id: pivot_values
-- title: Queries run only to find the values of a pivot
-- category: plans
-- severity: low
-- version: 7
-- description: Fires where Spark ran queries only to find the values of the column that a pivot turns into columns (view pivot_queries),
--   and they took a large part of the task time: a pivot without a list of values computes all that is below it once for them and once
--   for the result. Lost is the task time of these queries, which a list of values leaves out; those that read a cache, or fill it, are
--   left out: what is below the cache is kept. Above medium only where it is two fifths of the wall time: the author knows whether the
--   values are known.
-- parameter: min_lost_ms double = 5000 [ms] task time of these queries, at least
-- parameter: min_query_ms double = 2000 [ms] task time of one of them on average, at least: shorter ones cost their start more than their work
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- parameter: min_large_ms double = 600000 [ms] task time that is worth a word below that share
-- parameter: min_large_share double = 0.02 [ratio] but with this share, at least
-- parameter: medium_lost_ms double = 600000 [ms] task time from which it is of medium severity
-- evidence: {num_queries:query|queries} only found the values of the pivot column[ {pivot_column}] (the longest is query {sql_id:int}, {query_name:query});
--   that took {run_ms:s} of {app_ms:s} of task time[ and {wall_ms:s} of wall time].
-- recommendation: Give the values to the pivot: pivot(column, values), written out where they are known or read from a small table; then
--   Spark computes what is below the pivot only once.
WITH run_times AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms
  FROM timed_stages
  WHERE status = 'COMPLETE'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- The last step is the sort of the values: Sort [host#21 ASC NULLS FIRST], true, 0.
sorts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    MIN(REGEXP_REPLACE(SPLIT_PART(SUBSTR(description, 7), ' ASC', 1), '#[0-9]+L?', '')) AS pivot_column
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Sort' AND description LIKE 'Sort [%ASC%], true, 0'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
cached AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id
  FROM sql_nodes
  WHERE node_name LIKE '%InMemoryTableScan%'
),
pivots AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, q.description, CAST(q.duration_ms AS DOUBLE) AS duration_ms, r.run_ms, s.pivot_column,
    ROW_NUMBER() OVER (PARTITION BY p.platform, p.cluster_id, p.application_id, p.attempt_id ORDER BY r.run_ms DESC, p.sql_id) AS place
  FROM pivot_queries AS p
  INNER JOIN sql AS q
    ON q.platform = p.platform AND q.cluster_id = p.cluster_id
    AND q.application_id = p.application_id AND q.attempt_id = p.attempt_id AND q.sql_id = p.sql_id
  INNER JOIN run_times AS r
    ON r.platform = p.platform AND r.cluster_id = p.cluster_id
    AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id AND r.sql_id = p.sql_id
  LEFT JOIN sorts AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id AND s.sql_id = p.sql_id
  LEFT JOIN cached AS c
    ON c.platform = p.platform AND c.cluster_id = p.cluster_id
    AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id AND c.sql_id = p.sql_id
  WHERE c.platform IS NULL
),
totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_queries, SUM(run_ms) AS run_ms,
    CASE WHEN COUNT(duration_ms) = COUNT(*) THEN SUM(duration_ms) END AS wall_ms,
    MAX(CASE WHEN place = 1 THEN sql_id END) AS sql_id, MAX(CASE WHEN place = 1 THEN description END) AS description,
    -- One name only where all of them look at the same column.
    CASE WHEN MIN(pivot_column) = MAX(pivot_column) THEN MIN(pivot_column) END AS pivot_column
  FROM pivots
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, t.application_id AS subject_id,
  -- Half of the wall time is told for what it is.
  CASE WHEN t.run_ms >= $medium_lost_ms AND COALESCE(t.wall_ms < 0.4e0 * a.app_duration_ms, TRUE) THEN 'medium' END AS severity,
  'high' AS confidence,
  TRY_CAST(t.run_ms AS BIGINT) AS lost_core_ms,
  -- Queries of several threads run side by side.
  CASE WHEN t.wall_ms IS NOT NULL THEN TRY_CAST(LEAST(t.wall_ms, a.app_duration_ms - COALESCE(a.driver_only_time_ms, 0)) AS BIGINT) END AS recoverable_ms,
  t.sql_id, SUBSTR(COALESCE(t.description, 'pivot'), 1, 200) AS query_name, SUBSTR(t.pivot_column, 1, 80) AS pivot_column,
  t.num_queries, t.run_ms, t.wall_ms, CAST(r.executor_run_time AS DOUBLE) AS app_ms
FROM totals AS t
INNER JOIN application_run_times AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id
LEFT JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
WHERE t.run_ms >= $min_query_ms * t.num_queries
  AND ((t.run_ms >= $min_lost_ms AND t.run_ms >= $min_share * r.executor_run_time)
    OR (t.run_ms >= $min_large_ms AND t.run_ms >= $min_large_share * r.executor_run_time))
