-- id: jvm_udf
-- title: Functions over objects keep Spark from optimizing
-- category: plans
-- severity: low
-- version: 6
-- description: Fires where stages with Scala or Java functions (UDFs, registered under a name or not, and map, flatMap or filter over
--   objects of a Dataset; view user_functions) took a large share of an application's task time. Spark cannot look into them: filters stay above the scan, rows
--   become objects and back, and native engines do not run them. The time is that of whole stages, an upper bound. Stages whose functions only
--   wait are left to external_wait.
-- parameter: min_share double = 0.5 [ratio] task time of stages with such functions over that of all, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] task time of these stages, at least
-- parameter: most_share double = 0.8 [ratio] that share from which less task time is enough
-- parameter: most_run_time_ms bigint = 20000 [ms] task time of these stages, at least, where they are most of all
-- evidence: Stages that call Scala or Java functions took {udf_ms:s} of {run_ms:s} of task time, {udf_share:pct}, in {num_operators:operator|operators}
--   ({operators}).
-- advice: groups_objects | - | - | groupByKey of a Dataset (AppendColumns) with mapGroups or flatMapGroups (MapGroups) shuffles and sorts whole rows and makes an object of each: use groupBy with agg and built-in functions, or a typed
--   Aggregator or reduceGroups, which combine before the shuffle, and select the columns that are needed first.
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
  t.udf_ms, t.run_ms, t.udf_ms / NULLIF(t.run_ms, 0) AS udf_share, c.num_operators, c.operators, c.groups_objects
FROM times AS t
INNER JOIN counted AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
WHERE (t.udf_ms >= $min_run_time_ms AND t.udf_ms >= $min_share * t.run_ms)
  OR (t.udf_ms >= $most_run_time_ms AND t.udf_ms >= $most_share * t.run_ms)
