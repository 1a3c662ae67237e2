-- id: configuration_rows
-- title: Settings that were set
-- description: The properties that one application set. Settings that decide performance come first, then Spark's other ones;
--   names, hosts, paths and times of this one run come last.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: text string = * [text] part of a setting's name; * for all
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {total_rows:property|properties} set[, {num_tuning:int} of them settings that decide performance, first {tuning}].[ Findings would change: {to_change}.]
-- empty: No property matches, or the history holds no environment.
WITH changes AS (
  SELECT ARRAY_JOIN(ARRAY_SORT(ARRAY_DISTINCT(ARRAY_AGG(config_key))), ', ') AS to_change
  FROM findings
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND config_key IS NOT NULL
),
chosen AS (
  SELECT
    section, key, value,
    CASE
      WHEN section <> 'spark' THEN 3
      WHEN key LIKE 'spark.app.%' OR key LIKE '%JavaOptions' OR key LIKE '%.id' OR key LIKE '%.host' OR key LIKE '%.port'
        OR key LIKE '%.dir' OR key LIKE '%.jars' OR key LIKE '%Address%' OR key LIKE '%ClassPath%' OR key LIKE '%LibraryPath%'
        OR key LIKE '%.proxyBase%' OR key LIKE '%clusterUsageTags%' THEN 2
      WHEN key = 'spark.master' OR key LIKE 'spark.executor.%' OR key LIKE 'spark.driver.%' OR key LIKE 'spark.sql.%'
        OR key LIKE 'spark.dynamicAllocation.%' OR key LIKE 'spark.shuffle.%' OR key LIKE 'spark.memory.%'
        OR key LIKE 'spark.speculation%' OR key LIKE 'spark.default.%' OR key LIKE 'spark.task.%' OR key LIKE 'spark.locality.%'
        OR key LIKE 'spark.reducer.%' OR key LIKE 'spark.rdd.%' OR key LIKE 'spark.io.%' OR key LIKE 'spark.network.%'
        OR key LIKE 'spark.databricks.%' OR key = 'spark.serializer' THEN 0
      ELSE 1
    END AS place
  FROM environment
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND (section = 'spark' OR $text <> '*')
    AND ($text = '*' OR STRPOS(LOWER(key), LOWER(CAST($text AS STRING))) > 0)
)
SELECT
  e.section, e.key, e.value, COUNT(*) OVER () AS total_rows,
  NULLIF(SUM(CASE WHEN e.place = 0 THEN 1 ELSE 0 END) OVER (), 0) AS num_tuning,
  CASE WHEN e.place = 0 THEN CONCAT(e.key, ' = ', LEFT(e.value, 80)) END AS tuning,
  NULLIF(c.to_change, '') AS to_change
FROM chosen AS e
CROSS JOIN changes AS c
ORDER BY e.place, e.section, e.key
LIMIT $limit OFFSET $offset
