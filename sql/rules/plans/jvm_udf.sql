-- id: jvm_udf
-- title: Functions over objects keep Spark from optimizing
-- category: plans
-- severity: low
-- version: 7
-- description: Fires where stages with Scala or Java functions (UDFs, registered under a name or not, and map, flatMap or filter over
--   objects of a Dataset; view user_functions) took a large share of an application's task time. Spark cannot look into them: filters stay above the scan, rows
--   become objects and back, and native engines do not run them. The time is that of whole stages, an upper bound. Stages whose functions only
--   wait are left to external_wait. Where the stages of the query with most of this time took very long for each row that its functions got, the advice says so: usually each call makes something that it could keep.
-- parameter: min_share double = 0.5 [ratio] task time of stages with such functions over that of all, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] task time of these stages, at least
-- parameter: most_share double = 0.8 [ratio] that share from which less task time is enough
-- parameter: most_run_time_ms bigint = 20000 [ms] task time of these stages, at least, where they are most of all
-- parameter: min_row_us double = 50 [us] task time of the stages of the main query for each row that its functions got, from which it is told: text and arithmetic take a few, joins and aggregates beside them up to twenty
-- evidence: Stages that call Scala or Java functions took {udf_ms:s} of {run_ms:s} of task time, {udf_share:pct}, in {num_operators:operator|operators}
--   ({operators})[; {row_us:int} µs for each of {rows:row|rows} in query {main_query:int}].
-- advice: groups_objects | - | - | groupByKey of a Dataset (AppendColumns) with mapGroups or flatMapGroups (MapGroups) shuffles and sorts whole rows and makes an object of each: use groupBy with agg and built-in functions, or a typed
--   Aggregator or reduceGroups, which combine before the shuffle, and select the columns that are needed first.
-- advice: row_us IS NOT NULL | - | - | That is long for a function of one row. What does not depend on the row (compiled patterns, date formats, parsers, clients, lookup tables) belongs out of the function: made once for each executor as a lazy val of an object that the function
--   refers to. Use built-in functions where there are any, and filter rows before the call.
-- recommendation: Use built-in functions where there are any, above all in filters, so that Spark can push them to the scan and native
--   engines can run them.
WITH calls AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, SPLIT_PART(node_name, ' ', 1) AS operator
  FROM sql_nodes
  WHERE operator_kind = 'udf' AND node_name NOT LIKE '%Python%' AND node_name NOT LIKE '%Pandas%' AND node_name NOT LIKE '%Arrow%'
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, function AS operator
  FROM user_functions
),
stage_calls AS (
  SELECT DISTINCT c.platform, c.cluster_id, c.application_id, c.attempt_id, o.stage_id
  FROM calls AS c
  INNER JOIN operator_stages AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id
    AND o.sql_id = c.sql_id AND o.node_id = c.node_id
),
-- The query whose stages with functions took longest, and the rows that its functions got: as the nearest operator below counts them.
query_stages AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, o.stage_id, MAX(c.node_id) AS node_id
  FROM calls AS c
  INNER JOIN operator_stages AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id
    AND o.sql_id = c.sql_id AND o.node_id = c.node_id
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, o.stage_id
),
query_times AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, q.stage_id, q.node_id, f.executor_run_time AS run_ms,
    ROW_NUMBER() OVER (PARTITION BY q.platform, q.cluster_id, q.application_id, q.attempt_id ORDER BY f.executor_run_time DESC, q.stage_id) AS place
  FROM query_stages AS q
  INNER JOIN stage_facts AS f
    ON f.platform = q.platform AND f.cluster_id = q.cluster_id
    AND f.application_id = q.application_id AND f.attempt_id = q.attempt_id AND f.stage_id = q.stage_id
  WHERE NOT f.has_python
),
fed AS (
  SELECT t.platform, t.cluster_id, t.application_id, t.attempt_id, t.sql_id, t.run_ms, MIN(n.node_id) AS counted_id
  FROM query_times AS t
  INNER JOIN sql_nodes AS c
    ON c.platform = t.platform AND c.cluster_id = t.cluster_id
    AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id AND c.sql_id = t.sql_id AND c.node_id = t.node_id
  INNER JOIN sql_nodes AS n
    ON n.platform = t.platform AND n.cluster_id = t.cluster_id
    AND n.application_id = t.application_id AND n.attempt_id = t.attempt_id AND n.sql_id = t.sql_id
    AND n.node_id > c.node_id AND n.node_id <= c.last_node_id AND n.rows_output IS NOT NULL
  -- A join calls its functions for pairs of rows.
  WHERE t.place = 1 AND COALESCE(c.operator_kind <> 'join', TRUE)
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.sql_id, t.run_ms
),
main_queries AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.sql_id AS main_query, n.rows_output AS rows, CAST(t.run_ms AS DOUBLE) * 1e3 / NULLIF(CAST(n.rows_output AS DOUBLE), 0e0) AS row_us
  FROM fed AS t
  INNER JOIN sql_nodes AS n
    ON n.platform = t.platform AND n.cluster_id = t.cluster_id
    AND n.application_id = t.application_id AND n.attempt_id = t.attempt_id AND n.sql_id = t.sql_id AND n.node_id = t.counted_id
),
counted AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(DISTINCT CONCAT(CAST(sql_id AS STRING), ' ', CAST(node_id AS STRING))) AS num_operators,
    SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT operator)), ', '), 1, 120) AS operators,
    MAX(CASE WHEN operator IN ('MapGroups', 'CoGroup') THEN 1 ELSE 0 END) = 1 AS groups_objects
  FROM calls
  GROUP BY platform, cluster_id, application_id, attempt_id
),
times AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id,
    SUM(CASE WHEN s.stage_id IS NOT NULL AND NOT f.has_python AND w.platform IS NULL THEN CAST(f.executor_run_time AS DOUBLE) ELSE 0e0 END) AS udf_ms,
    SUM(CAST(f.executor_run_time AS DOUBLE)) AS run_ms
  FROM stage_facts AS f
  LEFT JOIN stage_calls AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id AND s.stage_id = f.stage_id
  LEFT JOIN external_waits AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.subject_id = f.subject_id
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, t.application_id AS subject_id,
  'low' AS severity, 'low' AS confidence,
  t.udf_ms, t.run_ms, t.udf_ms / NULLIF(t.run_ms, 0) AS udf_share, c.num_operators, c.operators, c.groups_objects,
  CASE WHEN m.row_us >= $min_row_us THEN m.row_us END AS row_us, CASE WHEN m.row_us >= $min_row_us THEN m.rows END AS rows, CASE WHEN m.row_us >= $min_row_us THEN m.main_query END AS main_query
FROM times AS t
INNER JOIN counted AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
LEFT JOIN main_queries AS m
  ON m.platform = t.platform AND m.cluster_id = t.cluster_id
  AND m.application_id = t.application_id AND m.attempt_id = t.attempt_id
WHERE (t.udf_ms >= $min_run_time_ms AND t.udf_ms >= $min_share * t.run_ms)
  OR (t.udf_ms >= $most_run_time_ms AND t.udf_ms >= $most_share * t.run_ms)
