-- id: jvm_udf
-- title: Functions over objects keep Spark from optimizing
-- category: plans
-- severity: low
-- version: 8
-- description: Fires where stages with Scala or Java functions (UDFs, registered under a name or not, and map, flatMap or filter over
--   objects of a Dataset; view user_functions) took a large share of an application's task time. Spark cannot look into them: filters stay above the scan, rows
--   become objects and back, and native engines do not run them. The time is that of whole stages, an upper bound. Stages whose functions only
--   wait are left to external_wait. Where the stages of the query with most of this time took very long for each row that its functions got, the advice says so: usually each call makes something that it could keep. Where functions over
--   the objects of a Dataset (filter and map of a class) stand right above the scan of many columns and put out few, Spark could neither leave columns unread nor push the filter, and made an object of each row: lost is then a part of the time of these
--   stages, at most what reading and converting so many values takes, and less of the task time is enough to be told.
-- parameter: min_share double = 0.5 [ratio] task time of stages with such functions over that of all, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] task time of these stages, at least
-- parameter: most_share double = 0.8 [ratio] that share from which less task time is enough
-- parameter: most_run_time_ms bigint = 20000 [ms] task time of these stages, at least, where they are most of all
-- parameter: min_row_us double = 50 [us] task time of the stages of the main query for each row that its functions got, from which it is told: text and arithmetic take a few, joins and aggregates beside them up to twenty
-- parameter: min_columns bigint = 15 [count] columns that a scan below such functions reads, at least, for these to be lost
-- parameter: max_kept double = 0.34 [ratio] columns that they put out over those read, at most
-- parameter: typed_part double = 0.4 [ratio] time of these stages that column expressions are taken to save
-- parameter: value_us double = 0.2 [us] time that reading and converting one value takes, at most
-- parameter: min_typed_ms bigint = 10000 [ms] task time of these stages, at least, to be told alone
-- parameter: min_typed_share double = 0.3 [ratio] the same over all task time, at least
-- evidence: Stages that call Scala or Java functions took {udf_ms:s} of {run_ms:s} of task time, {udf_share:pct}, in {num_operators:operator|operators}
--   ({operators})[; {row_us:int} µs for each of {rows:row|rows} in query {main_query:int}][; {typed_queries:query|queries} read
--   {typed_columns:int} columns ({typed_rows:row|rows}, {typed_bytes:bytes}{pushed}) and made an object of each row, of which the functions put out {kept_columns:int} columns at most, in {typed_ms:s}].
-- advice: groups_objects | - | - | groupByKey of a Dataset (AppendColumns) with mapGroups or flatMapGroups (MapGroups) shuffles and sorts whole rows and makes an object of each: use groupBy with agg and built-in functions, or a typed
--   Aggregator or reduceGroups, which combine before the shuffle, and select the columns that are needed first.
-- advice: typed_queries IS NOT NULL | - | - | filter and map with Scala functions over the objects of a class make Spark read every column of the class ({typed_columns:int}), push no filter to the scan and build an object of each row. Write them as
--   column expressions (where and select with col("…")), or select the columns that the functions use and filter by expressions before .as of a smaller class.
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
  UNION ALL
  -- filter with a function over objects.
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'Filter' AS operator
  FROM sql_nodes
  WHERE operator_kind = 'filter' AND description LIKE 'Filter %.apply' AND description NOT LIKE 'Filter org.apache.spark.%'
    AND (description LIKE '%Lambda%' OR description LIKE '%anonfun%' OR description LIKE '%<function1>%')
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
-- Objects made of the rows of a wide scan, and the nearest step above that makes rows of objects again.
objects AS (
  SELECT
    d.platform, d.cluster_id, d.application_id, d.attempt_id, d.sql_id, d.node_id, d.last_node_id, s.node_id AS scan_node, s.num_columns, s.rows_read, s.bytes_read,
    s.pushed_filters IS NOT NULL AS is_pushed, MAX(f.node_id) AS out_node
  FROM sql_nodes AS d
  INNER JOIN sql_scans AS s
    ON s.platform = d.platform AND s.cluster_id = d.cluster_id
    AND s.application_id = d.application_id AND s.attempt_id = d.attempt_id AND s.sql_id = d.sql_id
    AND s.node_id > d.node_id AND s.node_id <= d.last_node_id
  INNER JOIN sql_nodes AS f
    ON f.platform = d.platform AND f.cluster_id = d.cluster_id
    AND f.application_id = d.application_id AND f.attempt_id = d.attempt_id AND f.sql_id = d.sql_id
    AND f.node_id < d.node_id AND f.last_node_id >= d.node_id
  WHERE TRIM(d.node_name) = 'DeserializeToObject' AND TRIM(f.node_name) = 'SerializeFromObject'
    AND s.operation = 'read' AND s.format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi') AND s.num_columns >= $min_columns AND s.rows_read > 0
  GROUP BY d.platform, d.cluster_id, d.application_id, d.attempt_id, d.sql_id, d.node_id, d.last_node_id, s.node_id, s.num_columns, s.rows_read, s.bytes_read, s.pushed_filters
),
typed_scans AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.scan_node, MAX(o.num_columns) AS num_columns, MAX(CAST(o.rows_read AS DOUBLE)) AS rows_read, MAX(CAST(o.bytes_read AS DOUBLE)) AS bytes_read,
    MAX(CASE WHEN o.is_pushed THEN 1 ELSE 0 END) = 1 AS is_pushed,
    MAX(CASE WHEN n.node_id = o.out_node THEN CAST(LENGTH(n.description) - LENGTH(REPLACE(n.description, ' AS ', '')) AS DOUBLE) / 4e0 END) AS kept_columns
  FROM objects AS o
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id
    AND n.node_id >= o.out_node AND n.node_id <= o.last_node_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.scan_node
  -- Nothing but the functions over objects and the scan.
  HAVING MAX(CASE WHEN TRIM(n.node_name) IN ('SerializeFromObject', 'DeserializeToObject', 'MapElements', 'MapPartitions', 'Filter', 'ColumnarToRow', 'InputAdapter')
      OR n.node_name LIKE 'WholeStageCodegen%' OR n.node_id = o.scan_node THEN 0 ELSE 1 END) = 0
    AND MAX(CASE WHEN n.node_id = o.out_node AND n.description LIKE '%more fields%' THEN 1 ELSE 0 END) = 0
),
typed_stages AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.sql_id, t.num_columns, t.kept_columns, t.rows_read, t.bytes_read, t.is_pushed, CAST(f.executor_run_time AS DOUBLE) AS run_ms, CAST(f.duration_ms AS DOUBLE) AS wall_ms,
    LEAST(CAST(f.executor_run_time AS DOUBLE), t.rows_read * t.num_columns * $value_us / 1e3) * $typed_part AS lost_ms
  FROM typed_scans AS t
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, node_id, stage_id FROM operator_stages) AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND o.node_id = t.scan_node
  INNER JOIN stage_facts AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.stage_id = o.stage_id
  LEFT JOIN external_waits AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.subject_id = f.subject_id
  WHERE t.kept_columns >= 1 AND t.kept_columns <= $max_kept * t.num_columns AND w.platform IS NULL AND NOT f.has_python AND f.executor_run_time > 0
),
typed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(DISTINCT sql_id) AS typed_queries, MAX(num_columns) AS typed_columns, MAX(kept_columns) AS kept_columns, SUM(rows_read) AS typed_rows, SUM(bytes_read) AS typed_bytes,
    MAX(CASE WHEN is_pushed THEN 1 ELSE 0 END) = 1 AS is_pushed, SUM(run_ms) AS typed_ms, SUM(lost_ms) AS lost_ms, SUM(lost_ms * wall_ms / NULLIF(run_ms, 0e0)) AS won_ms
  FROM typed_stages
  GROUP BY platform, cluster_id, application_id, attempt_id
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
  CASE WHEN y.is_told THEN NULL ELSE 'low' END AS severity, CASE WHEN y.is_told THEN 'medium' ELSE 'low' END AS confidence,
  CASE WHEN y.is_told THEN 'Typed functions keep Spark from leaving columns unread' END AS title,
  CASE WHEN y.is_told THEN TRY_CAST(y.lost_ms AS BIGINT) END AS lost_core_ms, CASE WHEN y.is_told THEN TRY_CAST(y.won_ms AS BIGINT) END AS recoverable_ms,
  CASE WHEN y.is_told THEN y.typed_queries END AS typed_queries, y.typed_columns, TRY_CAST(y.kept_columns AS BIGINT) AS kept_columns, TRY_CAST(y.typed_rows AS BIGINT) AS typed_rows, TRY_CAST(y.typed_bytes AS BIGINT) AS typed_bytes, TRY_CAST(y.typed_ms AS BIGINT) AS typed_ms,
  CASE WHEN y.is_pushed THEN '' ELSE ', no filter pushed' END AS pushed,
  t.udf_ms, t.run_ms, t.udf_ms / NULLIF(t.run_ms, 0) AS udf_share, c.num_operators, c.operators, c.groups_objects,
  CASE WHEN m.row_us >= $min_row_us THEN m.row_us END AS row_us, CASE WHEN m.row_us >= $min_row_us THEN m.rows END AS rows, CASE WHEN m.row_us >= $min_row_us THEN m.main_query END AS main_query
FROM times AS t
INNER JOIN counted AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
LEFT JOIN main_queries AS m
  ON m.platform = t.platform AND m.cluster_id = t.cluster_id
  AND m.application_id = t.application_id AND m.attempt_id = t.attempt_id
LEFT JOIN (
  SELECT
    y.*,
    -- Where the functions themselves take most of the time, they are the cause.
    y.lost_ms >= 0.5e0 * $typed_part * y.typed_ms AND y.typed_ms >= $min_typed_ms AND y.typed_ms >= $min_typed_share * x.run_ms AS is_told
  FROM typed AS y
  INNER JOIN times AS x
    ON x.platform = y.platform AND x.cluster_id = y.cluster_id
    AND x.application_id = y.application_id AND x.attempt_id = y.attempt_id
) AS y
  ON y.platform = t.platform AND y.cluster_id = t.cluster_id
  AND y.application_id = t.application_id AND y.attempt_id = t.attempt_id
WHERE y.is_told OR (t.udf_ms >= $min_run_time_ms AND t.udf_ms >= $min_share * t.run_ms)
  OR (t.udf_ms >= $most_run_time_ms AND t.udf_ms >= $most_share * t.run_ms)
