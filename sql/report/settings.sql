-- id: settings
-- title: Configuration in force
-- description: The settings that decide performance: what was set, and the default of the application's
--   Spark for those that matter most. Without hosts, paths and ids.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
WITH spark AS (
  SELECT
    TRY_CAST(SPLIT_PART(a.spark_version, '.', 1) AS BIGINT) * 10000
      + TRY_CAST(SPLIT_PART(a.spark_version, '.', 2) AS BIGINT) AS version,
    COALESCE(a.is_local, false) AS is_local, COALESCE(a.master LIKE 'spark://%', false) AS is_standalone
  FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster_id
    AND a.application_id = $application_id AND a.attempt_id = $attempt_id
    AND a.app_date = CAST($app_date AS DATE)
),
given AS (
  SELECT v.key, MAX(v.value) AS value
  FROM environment AS v
  WHERE v.section = 'spark' AND v.platform = $platform AND v.cluster_id = $cluster_id
    AND v.application_id = $application_id AND v.attempt_id = $attempt_id
    AND v.app_date = CAST($app_date AS DATE)
  GROUP BY v.key
),
main_keys AS (
  SELECT column1 AS key, column2 AS place
  FROM (VALUES
    ('spark.master', 1), ('spark.submit.deployMode', 2),
    ('spark.executor.instances', 3), ('spark.executor.cores', 4), ('spark.executor.memory', 5),
    ('spark.executor.memoryOverhead', 6), ('spark.driver.memory', 7),
    ('spark.dynamicAllocation.enabled', 8), ('spark.dynamicAllocation.minExecutors', 9),
    ('spark.dynamicAllocation.maxExecutors', 10), ('spark.default.parallelism', 11),
    ('spark.sql.shuffle.partitions', 12), ('spark.sql.adaptive.enabled', 13),
    ('spark.sql.autoBroadcastJoinThreshold', 14), ('spark.sql.files.maxPartitionBytes', 15),
    ('spark.serializer', 16), ('spark.speculation', 17)
  ) AS main_settings
),
defaults AS (
  -- An executor of a standalone cluster takes all cores of its worker unless told otherwise; local mode has no executors.
  SELECT r.key, MAX(CASE WHEN s.is_standalone AND r.key = 'spark.executor.cores' THEN 'all of the worker' ELSE r.default_value END) AS value
  FROM ref_spark_settings AS r
  INNER JOIN spark AS s ON r.valid_from_number <= s.version AND s.version <= r.valid_until_number
  WHERE r.kind = 'exact' AND r.default_value IS NOT NULL AND r.default_value <> ''
    AND NOT (s.is_local AND r.key IN ('spark.executor.cores', 'spark.executor.memory', 'spark.executor.instances'))
  GROUP BY r.key
),
chosen AS (
  SELECT COALESCE(g.key, m.key) AS key, g.value AS given_value, d.value AS default_value, COALESCE(m.place, 99) AS place, m.key IS NOT NULL AS is_main
  FROM given AS g
  FULL OUTER JOIN main_keys AS m ON m.key = g.key
  LEFT JOIN defaults AS d ON d.key = COALESCE(g.key, m.key)
),
-- What sessions changed for their queries.
changed AS (
  SELECT v.key, MIN(v.value) AS least, MAX(v.value) AS most, COUNT(DISTINCT v.value) AS num_values, COUNT(DISTINCT v.sql_id) AS num_queries
  FROM session_settings AS v
  WHERE v.sql_id IS NOT NULL AND v.key LIKE 'spark.sql.%' AND LENGTH(v.value) <= 120
    AND v.platform = $platform AND v.cluster_id = $cluster_id
    AND v.application_id = $application_id AND v.attempt_id = $attempt_id
    AND v.app_date = CAST($app_date AS DATE)
  GROUP BY v.key
),
listed AS (
  SELECT
    key, LEFT(COALESCE(given_value, default_value), 200) AS value,
    CASE WHEN given_value IS NULL THEN 'default' ELSE 'set' END AS origin,
    default_value, place
  FROM chosen
  WHERE COALESCE(given_value, default_value) IS NOT NULL
    AND (SELECT COUNT(*) FROM given) > 0
    AND (
      (is_main AND (given_value IS NOT NULL OR key NOT LIKE 'spark.dynamicAllocation.m%Executors'))
      OR (
        (key LIKE 'spark.sql.%' OR key LIKE 'spark.executor.%' OR key LIKE 'spark.dynamicAllocation.%'
          OR key LIKE 'spark.shuffle.%' OR key LIKE 'spark.memory.%' OR key LIKE 'spark.speculation%'
          OR key LIKE 'spark.task.%' OR key LIKE 'spark.locality.%' OR key LIKE 'spark.driver.%'
          OR key LIKE 'spark.kubernetes.%' OR key LIKE 'spark.yarn.%' OR key LIKE 'spark.rdd.%'
          OR key LIKE 'spark.io.%' OR key LIKE 'spark.network.%' OR key LIKE 'spark.stage.%'
          OR key LIKE 'spark.excludeOnFailure.%' OR key LIKE 'spark.blacklist.%' OR key IN (
            'spark.cores.max', 'spark.scheduler.minRegisteredResourcesRatio', 'spark.scheduler.maxRegisteredResourcesWaitingTime') OR key LIKE 'spark.decommission.%' OR key LIKE 'spark.storage.%'
          OR key LIKE 'spark.databricks.%')
        AND key NOT LIKE '%JavaOptions%' AND key NOT LIKE '%ClassPath%' AND key NOT LIKE '%LibraryPath%'
        AND key NOT LIKE '%.dir' AND key NOT LIKE '%.id' AND key NOT LIKE '%.host' AND key NOT LIKE '%.port'
        AND key NOT LIKE '%Address' AND key NOT LIKE '%.archives' AND key NOT LIKE '%.jars'
        AND key NOT LIKE 'spark.databricks.clusterUsageTags.%' AND key NOT LIKE '%.container.image'
        AND LENGTH(given_value) <= 120
      )
    )
),
united AS (
  SELECT key, value, origin, default_value, place FROM listed
  UNION ALL
  SELECT
    c.key,
    CASE WHEN c.num_values = 1 THEN c.least WHEN c.num_values = 2 THEN CONCAT(c.least, ' and ', c.most)
      ELSE CONCAT(c.least, ', ', c.most, ' and ', CAST(c.num_values - 2 AS STRING), ' more') END AS value,
    CONCAT('session of ', CAST(c.num_queries AS STRING), CASE WHEN c.num_queries = 1 THEN ' query' ELSE ' queries' END) AS origin,
    CAST(NULL AS STRING) AS default_value, COALESCE(m.place, 99) AS place
  FROM changed AS c
  LEFT JOIN main_keys AS m ON m.key = c.key
)
SELECT key, value, origin, default_value
FROM united
ORDER BY place, key, origin
LIMIT 80
