-- id: compare_settings
-- title: Settings that differ
-- description: Spark settings that two application attempts had set differently; NULL where one did not set it.
--   Names, ids, addresses and paths, which differ between all runs, are left out.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: other_platform string = - [text] platform of the other application
-- parameter: other_cluster_id string = - [text] its cluster
-- parameter: other_application_id string = - [text] its id
-- parameter: other_attempt_id string = - [text] its attempt
-- parameter: other_app_date string = 1970-01-01 [date] UTC date of its start
WITH a AS (
  SELECT key, MAX(value) AS value
  FROM environment
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND section = 'spark'
  GROUP BY key
),
b AS (
  SELECT key, MAX(value) AS value
  FROM environment
  WHERE platform = $other_platform AND cluster_id = $other_cluster_id
    AND application_id = $other_application_id AND attempt_id = $other_attempt_id
    AND app_date = CAST($other_app_date AS DATE)
    AND section = 'spark'
  GROUP BY key
)
SELECT COALESCE(a.key, b.key) AS key, a.value AS a, b.value AS b, COUNT(*) OVER () AS total_rows
FROM a
FULL OUTER JOIN b
  ON b.key = a.key
WHERE (a.value <> b.value OR a.value IS NULL OR b.value IS NULL)
  AND COALESCE(a.key, b.key) NOT IN (
    'spark.app.id', 'spark.app.name', 'spark.app.startTime', 'spark.app.submitTime', 'spark.driver.port',
    'spark.driver.host', 'spark.driver.appUIAddress', 'spark.yarn.app.id', 'spark.eventLog.dir',
    'spark.repl.class.uri', 'spark.repl.class.outputDir', 'spark.submit.pyFiles', 'spark.app.initial.jar.urls',
    'spark.yarn.app.container.log.dir', 'spark.sql.warehouse.dir', 'spark.ui.port', 'spark.jars'
  )
  AND COALESCE(a.key, b.key) NOT LIKE 'spark.org.apache.hadoop.yarn.server.webproxy.%'
ORDER BY key
LIMIT 50
