-- id: settings
-- title: Settings that differ between two runs
-- description: Settings that one run has and the other has not, or has with another value. A value that a
--   session set wins over the application's (origin session). Where only one run sets it, Spark's default of
--   the other's version counts, and a setting that equals the other's default does not differ. Left out is
--   what differs in every run: names, ids, hosts, ports, paths, times, and values that hold the application's
--   id. is_tuning marks the settings that decide how fast an application runs.
-- parameter: platform_a string = - [platform] platform of run A
-- parameter: cluster_a string = - [cluster id] cluster of run A
-- parameter: application_a string = - [application id] application of run A
-- parameter: attempt_a string = - [attempt id] attempt of run A
-- parameter: platform_b string = - [platform] platform of run B
-- parameter: cluster_b string = - [cluster id] cluster of run B
-- parameter: application_b string = - [application id] application of run B
-- parameter: attempt_b string = - [attempt id] attempt of run B
WITH compared AS (
  SELECT
    'a' AS run, CAST($platform_a AS STRING) AS platform, CAST($cluster_a AS STRING) AS cluster_id,
    CAST($application_a AS STRING) AS application_id, CAST($attempt_a AS STRING) AS attempt_id
  UNION ALL
  SELECT
    'b' AS run, CAST($platform_b AS STRING) AS platform, CAST($cluster_b AS STRING) AS cluster_id,
    CAST($application_b AS STRING) AS application_id, CAST($attempt_b AS STRING) AS attempt_id
),
versions AS (
  SELECT
    r.run,
    10000 * TRY_CAST(SPLIT_PART(a.spark_version, '.', 1) AS BIGINT)
      + TRY_CAST(REGEXP_REPLACE(SPLIT_PART(a.spark_version, '.', 2), '[^0-9].*$', '') AS BIGINT) AS number
  FROM applications AS a
  INNER JOIN compared AS r
    ON r.platform = a.platform AND r.cluster_id = a.cluster_id
    AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
  WHERE a.application_id IN ($application_a, $application_b)
),
declared AS (
  SELECT r.run, e.section, e.key, e.value
  FROM environment AS e
  INNER JOIN compared AS r
    ON r.platform = e.platform AND r.cluster_id = e.cluster_id
    AND r.application_id = e.application_id AND r.attempt_id = e.attempt_id
  WHERE e.application_id IN ($application_a, $application_b)
    AND e.section IN ('spark', 'hadoop', 'runtime')
    AND STRPOS(COALESCE(e.value, ''), e.application_id) = 0
),
changed AS (
  SELECT
    r.run, 'spark' AS section, s.key,
    ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT s.value)), ', ') AS value
  FROM session_settings AS s
  INNER JOIN compared AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE s.application_id IN ($application_a, $application_b)
    AND s.value IS NOT NULL
  GROUP BY r.run, s.key
),
in_force AS (
  SELECT
    COALESCE(c.run, d.run) AS run, COALESCE(c.section, d.section) AS section, COALESCE(c.key, d.key) AS key,
    COALESCE(c.value, d.value) AS value,
    CASE WHEN c.key IS NULL THEN 'application' ELSE 'session' END AS origin
  FROM declared AS d
  FULL OUTER JOIN changed AS c ON c.run = d.run AND c.section = d.section AND c.key = d.key
),
paired AS (
  SELECT
    section, key,
    MAX(CASE WHEN run = 'a' THEN value END) AS value_a, MAX(CASE WHEN run = 'b' THEN value END) AS value_b,
    MAX(CASE WHEN run = 'a' THEN origin END) AS origin_a, MAX(CASE WHEN run = 'b' THEN origin END) AS origin_b
  FROM in_force
  WHERE key NOT LIKE 'spark.app.%' AND key NOT LIKE 'spark.repl.%' AND key NOT LIKE 'spark.ui.%'
    AND key NOT LIKE 'spark.eventLog.%' AND key NOT LIKE 'spark.history.%' AND key NOT LIKE '%JavaOptions'
    AND key NOT LIKE '%.port' AND key NOT LIKE '%.host' AND key NOT LIKE '%.address' AND key NOT LIKE '%Address'
    AND key NOT LIKE '%.dir' AND key NOT LIKE '%.dirs' AND key NOT LIKE '%.path' AND key NOT LIKE '%Path'
    AND key NOT LIKE '%.url' AND key NOT LIKE '%.uri' AND key NOT LIKE '%.id' AND key NOT LIKE '%Id'
    AND key NOT LIKE '%.name' AND key NOT LIKE '%NamePrefix' AND key NOT LIKE '%Time' AND key NOT LIKE '%.home'
    AND key NOT LIKE '%.jars' AND key NOT LIKE '%.files' AND key NOT LIKE '%.archives' AND key NOT LIKE '%.pyFiles'
    AND key NOT LIKE 'spark.driver.extra%' AND key NOT LIKE 'spark.org.apache.hadoop.%'
    AND key NOT LIKE 'spark.databricks.clusterUsageTags%' AND key NOT LIKE 'spark.executorEnv.%'
    AND key <> 'spark.executor.id' AND key <> 'Java Home'
  GROUP BY section, key
),
defaults AS (
  SELECT
    p.section, p.key,
    MAX(CASE WHEN v.run = 'a' THEN d.default_value END) AS default_a,
    MAX(CASE WHEN v.run = 'b' THEN d.default_value END) AS default_b,
    MAX(CASE WHEN v.run = 'a' THEN 1 ELSE 0 END) = MAX(CASE WHEN v.run = 'b' THEN 1 ELSE 0 END) AS in_both
  FROM paired AS p
  INNER JOIN ref_spark_settings AS d ON d.key = p.key
  CROSS JOIN versions AS v
  WHERE d.kind = 'exact' AND v.number BETWEEN d.valid_from_number AND d.valid_until_number
  GROUP BY p.section, p.key
)
SELECT
  p.section, p.key, p.value_a, p.value_b, p.origin_a, p.origin_b,
  CASE WHEN p.value_a IS NULL THEN d.default_a END AS default_a,
  CASE WHEN p.value_b IS NULL THEN d.default_b END AS default_b,
  -- What the Spark of one run does not know is no setting that somebody changed.
  p.section = 'spark' AND COALESCE(d.in_both, TRUE) AND (
    p.key LIKE 'spark.sql.%' OR p.key LIKE 'spark.executor.%' OR p.key LIKE 'spark.dynamicAllocation.%'
    OR p.key LIKE 'spark.memory.%' OR p.key LIKE 'spark.shuffle.%' OR p.key LIKE 'spark.speculation%'
    OR p.key LIKE 'spark.task.%' OR p.key LIKE 'spark.io.%' OR p.key LIKE 'spark.reducer.%'
    OR p.key LIKE 'spark.locality.%' OR p.key LIKE 'spark.databricks.%' OR p.key LIKE 'spark.driver.%'
    OR p.key IN (
      'spark.cores.max', 'spark.master', 'spark.default.parallelism', 'spark.serializer', 'spark.rdd.compress',
      'spark.kryoserializer.buffer.max', 'spark.network.timeout', 'spark.plugins'
    )
  ) AS is_tuning
FROM paired AS p
LEFT JOIN defaults AS d ON d.section = p.section AND d.key = p.key
CROSS JOIN (SELECT COALESCE(MIN(number) = MAX(number), FALSE) AS is_same FROM versions) AS v
WHERE (p.value_a IS NULL OR p.value_b IS NULL OR p.value_a <> p.value_b)
  AND NOT COALESCE(
    LOWER(TRIM(COALESCE(p.value_a, d.default_a))) = LOWER(TRIM(COALESCE(p.value_b, d.default_b))), FALSE
  )
  -- Each version brings defaults of Hadoop's; what users set is among Spark's settings too.
  AND (p.section <> 'hadoop' OR (v.is_same AND p.value_a IS NOT NULL AND p.value_b IS NOT NULL))
  -- Paths and addresses say where, not how.
  AND NOT (
    COALESCE(p.value_a LIKE '/%' OR p.value_a LIKE '%://%', TRUE)
    AND COALESCE(p.value_b LIKE '/%' OR p.value_b LIKE '%://%', TRUE)
    AND p.key <> 'spark.master'
  )
ORDER BY is_tuning DESC, p.section DESC, p.key
