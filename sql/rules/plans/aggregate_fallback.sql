-- id: aggregate_fallback
-- title: An aggregate gives up hashing and sorts its rows
-- category: plans
-- severity: low
-- version: 9
-- description: Fires where tasks of an ObjectHashAggregate (percentile, collect_list, collect_set, sketches, typed aggregates) met more groups
--   than spark.sql.objectHashAggregate.sortBased.fallbackThreshold (128) and went on by sorting all of their rows, in stages that take a
--   large part of the task time. Spark counts these tasks since 3.2. What the stages would take without the sort is not known, so nothing is counted as
--   lost; it is of medium severity where they took half of the wall time. The stages do other work too; what the aggregate itself took there is told as far as it measured that (building its groups, without the steps below). Where the same aggregate counts distinct values, it first groups by these too, which makes that many groups. A higher threshold is advised where the groups of a task are few enough for memory, and its stages did not spill:
--   with more groups, garbage collection takes what the sort did, so that sketches (percentile_approx, approx_count_distinct) of very many groups are not told, nor exact percentiles of very many groups of few rows, which a sketch keeps just as well.
-- subject: node
-- group_by: query_description
-- parameter: default_threshold double = 128 [count] groups of a task from which Spark sorts, unless it is set
-- parameter: max_groups double = 50000 [count] groups of a task up to which a higher threshold is advised
-- parameter: min_group_rows double = 100 [rows] rows of a group on average from which percentile_approx is advised
-- parameter: min_run_ms double = 20000 [ms] task time of the stages that the aggregate works in, at least
-- parameter: min_share double = 0.3 [ratio] the same over the task time of the application, at least
-- parameter: min_own_share double = 0.2 [ratio] what the aggregate measured itself over that time, from which it is told: its timer ends where it hands on the sorted groups
-- parameter: large_run_ms double = 3600000 [ms] the same task time from which its share does not count, and it is medium
-- parameter: medium_wall_ms double = 10000 [ms] wall time of these stages (their task time on the cores that the application kept busy) from which it is medium too, at least
-- parameter: medium_wall_share double = 0.5 [ratio] the same over the wall time of the application, at least
-- evidence: {node_name} {node_id:int} of query {sql_id:int} ({query_description:query}) met more than {threshold:int} groups in {num_tasks:task|tasks}, about
--   {groups_each:int} in each, and sorted all of their rows[, as did {more_tasks:task|tasks} of its other step]; its stages, which do other work too, took {run_ms:s} of {app_ms:s} of task time[, the aggregate itself at least {own_ms:s} of it].
-- advice: is_distinct | - | - | The same aggregate counts distinct values, for which Spark first groups by these values too and keeps an object for each: count them in an aggregate of its
--   own and join the results, or use approx_count_distinct.
-- advice: is_percentile AND is_raisable AND threshold_needed > threshold | spark.sql.objectHashAggregate.sortBased.fallbackThreshold | threshold_needed | percentile() and median() keep every
--   distinct value of each group: use percentile_approx, where nearly exact is enough. A threshold above the number of groups of a task saves the sort.
-- advice: is_percentile | - | - | percentile() and median() keep every distinct value of each group: use percentile_approx, where nearly exact is enough.
-- advice: is_raisable AND threshold_needed > threshold | spark.sql.objectHashAggregate.sortBased.fallbackThreshold | threshold_needed | A threshold above the number of groups of a task saves the
--   sort; each group holds an object in memory meanwhile.
-- advice: has_explode | - | - | collect_list and collect_set keep an object for each of very many groups: work on the arrays with functions (transform, filter, aggregate) instead of explode and collect, and collect only
--   lists that are needed (max_by and min_by give one value of a group).
-- recommendation: collect_list and collect_set keep an object for each of very many groups: collect only lists that are needed (max_by and min_by give one value of a group, count and
--   approx_count_distinct a number), and group by fewer columns where that is possible.
WITH fallen AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, MAX(total) AS num_tasks
  FROM sql_node_metrics
  WHERE metric_name = 'number of sort fallback tasks' AND total > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
nodes AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, TRIM(n.node_name) AS node_name, f.num_tasks,
    COALESCE(n.description LIKE '%percentile(%' OR n.description LIKE '%median(%', FALSE) AS is_percentile,
    COALESCE(n.description LIKE '%collect_list(%' OR n.description LIKE '%collect_set(%', FALSE) AS is_collect,
    CAST(n.rows_output AS DOUBLE) / NULLIF(f.num_tasks, 0) AS groups_each
  FROM sql_nodes AS n
  INNER JOIN fallen AS f
    ON f.platform = n.platform AND f.cluster_id = n.cluster_id
    AND f.application_id = n.application_id AND f.attempt_id = n.attempt_id AND f.sql_id = n.sql_id AND f.node_id = n.node_id
  WHERE n.node_name LIKE 'ObjectHashAggregate%'
),
-- The two steps of an aggregate fall back together: the one whose stages took longest is told.
step_times AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.node_name, n.num_tasks, n.groups_each,
    ROW_NUMBER() OVER (PARTITION BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id ORDER BY COALESCE(o.run_ms, 0e0) DESC, n.node_id) AS place
  FROM nodes AS n
  LEFT JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, SUM(CAST(run_ms AS DOUBLE)) AS run_ms
    FROM operator_stages
    GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
  ) AS o
    ON o.platform = n.platform AND o.cluster_id = n.cluster_id
    AND o.application_id = n.application_id AND o.attempt_id = n.attempt_id AND o.sql_id = n.sql_id AND o.node_id = n.node_id
),
queries AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, MAX(t.node_id) AS node_id, MAX(t.node_name) AS node_name,
    MAX(t.num_tasks) AS num_tasks, SUM(n.num_tasks) AS all_tasks, MAX(t.groups_each) AS groups_each, MAX(n.groups_each) AS groups_most, MIN(n.node_id) AS first_node_id, MAX(n.node_id) AS last_fallen_id,
    MAX(CASE WHEN n.is_percentile THEN 1 ELSE 0 END) = 1 AS is_percentile, MAX(CASE WHEN n.is_collect THEN 1 ELSE 0 END) = 1 AS is_collect
  FROM nodes AS n
  INNER JOIN step_times AS t
    ON t.platform = n.platform AND t.cluster_id = n.cluster_id
    AND t.application_id = n.application_id AND t.attempt_id = n.attempt_id AND t.sql_id = n.sql_id AND t.place = 1
  GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id
),
-- Rows that went into the aggregate, as the nearest operator below counts them, for each of its groups.
inputs AS (
  SELECT q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, q.first_node_id, MIN(n.node_id) AS counted_id
  FROM queries AS q
  INNER JOIN sql_nodes AS c
    ON c.platform = q.platform AND c.cluster_id = q.cluster_id
    AND c.application_id = q.application_id AND c.attempt_id = q.attempt_id AND c.sql_id = q.sql_id AND c.node_id = q.last_fallen_id
  INNER JOIN sql_nodes AS n
    ON n.platform = q.platform AND n.cluster_id = q.cluster_id
    AND n.application_id = q.application_id AND n.attempt_id = q.attempt_id AND n.sql_id = q.sql_id
    AND n.node_id > c.node_id AND n.node_id <= c.last_node_id AND n.rows_output IS NOT NULL
  GROUP BY q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, q.first_node_id
),
group_rows AS (
  SELECT i.platform, i.cluster_id, i.application_id, i.attempt_id, i.sql_id, MAX(CAST(n.rows_output AS DOUBLE) / NULLIF(CAST(g.rows_output AS DOUBLE), 0e0)) AS rows_each
  FROM inputs AS i
  INNER JOIN sql_nodes AS n
    ON n.platform = i.platform AND n.cluster_id = i.cluster_id
    AND n.application_id = i.application_id AND n.attempt_id = i.attempt_id AND n.sql_id = i.sql_id AND n.node_id = i.counted_id
  INNER JOIN sql_nodes AS g
    ON g.platform = i.platform AND g.cluster_id = i.cluster_id
    AND g.application_id = i.application_id AND g.attempt_id = i.attempt_id AND g.sql_id = i.sql_id AND g.node_id = i.first_node_id
  GROUP BY i.platform, i.cluster_id, i.application_id, i.attempt_id, i.sql_id
),
exploded AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Generate'
),
spills AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(memory_bytes_spilled AS DOUBLE)) AS spilled_bytes
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
worked_stages AS (
  SELECT DISTINCT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms
  FROM nodes AS n
  INNER JOIN operator_stages AS o
    ON o.platform = n.platform AND o.cluster_id = n.cluster_id
    AND o.application_id = n.application_id AND o.attempt_id = n.attempt_id AND o.sql_id = n.sql_id AND o.node_id = n.node_id
),
own_times AS (
  SELECT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, SUM(CAST(o.own_ms AS DOUBLE)) AS own_ms
  FROM nodes AS n
  INNER JOIN operator_stages AS o
    ON o.platform = n.platform AND o.cluster_id = n.cluster_id
    AND o.application_id = n.application_id AND o.attempt_id = n.attempt_id AND o.sql_id = n.sql_id AND o.node_id = n.node_id
  GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id
),
worked AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, SUM(o.run_ms) AS run_ms, SUM(s.spilled_bytes) AS spilled_bytes
  FROM worked_stages AS o
  LEFT JOIN spills AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND s.stage_id = o.stage_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id
),
-- Aggregates that count distinct values, as their last steps show.
distincts AS (
  SELECT DISTINCT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id
  FROM queries AS q
  INNER JOIN sql_nodes AS n
    ON n.platform = q.platform AND n.cluster_id = q.cluster_id
    AND n.application_id = q.application_id AND n.attempt_id = q.attempt_id AND n.sql_id = q.sql_id
  WHERE n.node_name LIKE 'ObjectHashAggregate%' AND n.node_id < q.first_node_id AND n.description LIKE '%(distinct %'
),
thresholds AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(TRY_CAST(TRIM(value) AS DOUBLE)) AS threshold
  FROM spark_settings
  WHERE key = 'spark.sql.objectHashAggregate.sortBased.fallbackThreshold'
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  n.platform, n.cluster_id, n.application_id, n.attempt_id,
  CONCAT(CAST(n.sql_id AS STRING), '.', CAST(n.node_id AS STRING)) AS subject_id,
  CASE WHEN w.run_ms >= $large_run_ms OR (w.run_ms * f.wall_ratio >= $medium_wall_ms AND w.run_ms * f.wall_ratio >= $medium_wall_share * f.app_duration_ms) THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  n.node_name, n.node_id, n.sql_id, SUBSTR(q.description, 1, 200) AS query_description, TRY_CAST(n.num_tasks AS BIGINT) AS num_tasks, NULLIF(TRY_CAST(n.all_tasks - n.num_tasks AS BIGINT), 0) AS more_tasks,
  TRY_CAST(COALESCE(h.threshold, $default_threshold) AS BIGINT) AS threshold, TRY_CAST(ROUND(n.groups_each) AS BIGINT) AS groups_each,
  w.run_ms, CASE WHEN t.own_ms >= $min_own_share * w.run_ms AND t.own_ms <= w.run_ms THEN t.own_ms END AS own_ms, CAST(a.executor_run_time AS DOUBLE) AS app_ms, n.is_percentile AND COALESCE(e.rows_each >= $min_group_rows, TRUE) AS is_percentile, e.rows_each, d.platform IS NOT NULL AS is_distinct,
  COALESCE(n.groups_most <= $max_groups AND w.spilled_bytes = 0e0, FALSE) AS is_raisable, n.is_collect, x.platform IS NOT NULL AS has_explode,
  -- Twice the groups that a task met, in whole thousands.
  TRY_CAST(1000 * CEIL(2 * n.groups_most / 1000e0) AS BIGINT) AS threshold_needed
FROM queries AS n
INNER JOIN worked AS w
  ON w.platform = n.platform AND w.cluster_id = n.cluster_id
  AND w.application_id = n.application_id AND w.attempt_id = n.attempt_id AND w.sql_id = n.sql_id
INNER JOIN sql AS q
  ON q.platform = n.platform AND q.cluster_id = n.cluster_id
  AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = n.platform AND a.cluster_id = n.cluster_id
  AND a.application_id = n.application_id AND a.attempt_id = n.attempt_id
LEFT JOIN application_facts AS f
  ON f.platform = n.platform AND f.cluster_id = n.cluster_id
  AND f.application_id = n.application_id AND f.attempt_id = n.attempt_id
LEFT JOIN own_times AS t
  ON t.platform = n.platform AND t.cluster_id = n.cluster_id
  AND t.application_id = n.application_id AND t.attempt_id = n.attempt_id AND t.sql_id = n.sql_id
LEFT JOIN distincts AS d
  ON d.platform = n.platform AND d.cluster_id = n.cluster_id
  AND d.application_id = n.application_id AND d.attempt_id = n.attempt_id AND d.sql_id = n.sql_id
LEFT JOIN exploded AS x
  ON x.platform = n.platform AND x.cluster_id = n.cluster_id
  AND x.application_id = n.application_id AND x.attempt_id = n.attempt_id AND x.sql_id = n.sql_id
LEFT JOIN group_rows AS e
  ON e.platform = n.platform AND e.cluster_id = n.cluster_id
  AND e.application_id = n.application_id AND e.attempt_id = n.attempt_id AND e.sql_id = n.sql_id
LEFT JOIN thresholds AS h
  ON h.platform = n.platform AND h.cluster_id = n.cluster_id
  AND h.application_id = n.application_id AND h.attempt_id = n.attempt_id
WHERE w.run_ms >= $min_run_ms AND (w.run_ms >= $min_share * a.executor_run_time OR w.run_ms >= $large_run_ms)
  -- Only what has a cure.
  AND (d.platform IS NOT NULL OR (n.is_percentile AND COALESCE(e.rows_each >= $min_group_rows, TRUE)) OR n.is_collect
    OR (n.groups_most <= $max_groups AND w.spilled_bytes = 0e0 AND 1000 * CEIL(2 * n.groups_most / 1000e0) > COALESCE(h.threshold, $default_threshold)))
