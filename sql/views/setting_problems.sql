-- id: setting_problems
-- title: Settings that do nothing, or not what was meant
-- description: One row per setting that an application set and kind of problem. misspelled: no Spark knows the name, but one
--   that differs by a letter or two, or lacks its last letters, which suggestion names. unknown: no Spark knows the name although it is in a
--   family whose names are all known, or a letter or two off a family. Names without spark. before them count where Spark knows them with it. too_new, removed: another version of Spark knows it, not the application's.
--   no_effect: Spark accepts it and does nothing with it. switched_off: what it belongs to is off, which suggestion
--   names. deprecated: another name replaced it. local_mode: it is about executors, of which local mode starts none. is_local_mode says that what suggestion names would do nothing for that reason either. Names of platforms, libraries and users are theirs and not
--   judged; on Databricks and EMR, which set names of old and later versions themselves, only misspelled and switched_off are,
--   and where names of a platform (Dataproc, EMR, Databricks, Synapse, Fabric, HDInsight, Glue) show that it runs there, or the version is that of a vendor's own build, what no
--   Spark knows may be the platform's own, so that unknown is told only for families that are a letter or two off.
-- reads: application_facts, applications, ref_spark_settings, spark_settings
WITH set_values AS (
  SELECT platform, cluster_id, application_id, attempt_id, key, MAX(value) AS value
  FROM spark_settings
  WHERE key LIKE 'spark.%' OR key IN ('num.executors', 'num-executors', 'num_executors')
    -- Names that Spark would know with its prefix.
    OR key LIKE 'executor.%' OR key LIKE 'driver.%' OR key LIKE 'sql.%' OR key LIKE 'shuffle.%' OR key LIKE 'memory.%'
    OR key LIKE 'dynamicAllocation.%' OR key LIKE 'speculation%' OR key LIKE 'serializer%'
  GROUP BY platform, cluster_id, application_id, attempt_id, key
),
-- Delta Lake has settings of that name outside of Databricks too.
vendors AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(CASE WHEN key LIKE 'spark.databricks.%' AND key NOT LIKE 'spark.databricks.delta.%' THEN 1 ELSE 0 END) = 1 AS is_databricks,
    MAX(CASE WHEN key LIKE 'spark.dataproc.%' OR key LIKE 'spark.emr.%' OR key LIKE 'spark.emr-serverless.%' OR key LIKE 'spark.sql.emr.%'
      OR key LIKE 'spark.synapse.%' OR key LIKE 'spark.microsoft.%' OR key LIKE 'spark.fabric.%' OR key LIKE 'spark.hdinsight.%'
      OR key LIKE 'spark.glue.%' THEN 1 ELSE 0 END) = 1 AS is_managed
  FROM set_values
  GROUP BY platform, cluster_id, application_id, attempt_id
),
versions AS (
  SELECT
    v.platform, v.cluster_id, v.application_id, v.attempt_id,
    v.is_databricks OR v.platform = 'databricks' AS is_databricks,
    -- A platform has settings of its own in the families of Spark too.
    v.is_managed OR v.is_databricks OR v.platform NOT IN ('event_log', 'history_server')
      -- So has a build of a vendor's own (3.1.1.119, 3.1.2-sdi-013, 3.0.1-amzn-0); Apache's are 3.5.1, 4.0.0-SNAPSHOT and 3.0.0-preview2.
      OR COALESCE(REGEXP_REPLACE(a.spark_version, '^[0-9]+[.][0-9]+([.][0-9]+)?(-SNAPSHOT|-preview[0-9]*|-rc[0-9]+)?$', '') <> '', FALSE) AS is_managed,
    COALESCE((a.master = 'local' OR a.master LIKE 'local[%') AND NOT v.is_databricks AND v.platform = 'event_log', FALSE) AS is_local,
    -- A vendor's or unreleased version has settings of later ones.
    NOT v.is_databricks AND v.platform = 'event_log' AND a.spark_version NOT LIKE '%-%' AND a.spark_version NOT LIKE '%.%.%.%' AS is_plain,
    TRY_CAST(SPLIT_PART(a.spark_version, '.', 1) AS BIGINT) * 10000
      + TRY_CAST(SPLIT_PART(a.spark_version, '.', 2) AS BIGINT) AS version_number
  FROM vendors AS v
  INNER JOIN applications AS a
    ON a.platform = v.platform AND a.cluster_id = v.cluster_id
    AND a.application_id = v.application_id AND a.attempt_id = v.attempt_id
),
known AS (
  SELECT
    key,
    MIN(TRY_CAST(SPLIT_PART(CAST(since_version AS STRING), '.', 1) AS BIGINT) * 10000
      + TRY_CAST(SPLIT_PART(CAST(since_version AS STRING), '.', 2) AS BIGINT)) AS since_number,
    MAX(TRY_CAST(SPLIT_PART(CAST(removed_in AS STRING), '.', 1) AS BIGINT) * 10000
      + TRY_CAST(SPLIT_PART(CAST(removed_in AS STRING), '.', 2) AS BIGINT)) AS removed_number,
    MAX(TRY_CAST(SPLIT_PART(CAST(deprecated_since AS STRING), '.', 1) AS BIGINT) * 10000
      + TRY_CAST(SPLIT_PART(CAST(deprecated_since AS STRING), '.', 2) AS BIGINT)) AS deprecated_number,
    MAX(NULLIF(CAST(since_version AS STRING), '')) AS since_version, MAX(NULLIF(CAST(removed_in AS STRING), '')) AS removed_in,
    MAX(NULLIF(CAST(deprecated_since AS STRING), '')) AS deprecated_since, MAX(NULLIF(replaced_by, '')) AS replaced_by,
    MIN(CASE WHEN has_effect THEN 1 ELSE 0 END) = 0 AS is_without_effect,
    MIN(CASE WHEN is_internal THEN 1 ELSE 0 END) = 1 AS is_internal
  FROM ref_spark_settings
  WHERE kind = 'exact'
  GROUP BY key
),
names AS (
  SELECT DISTINCT key FROM set_values
),
foreign_names AS (
  SELECT DISTINCT n.key
  FROM names AS n
  CROSS JOIN ref_spark_settings AS r
  WHERE r.kind = 'prefix' AND SUBSTR(n.key, 1, LENGTH(r.key)) = r.key
),
unknown_names AS (
  SELECT n.key
  FROM names AS n
  LEFT JOIN known AS k ON k.key = n.key
  LEFT JOIN foreign_names AS f ON f.key = n.key
  WHERE k.key IS NULL AND f.key IS NULL
),
families AS (
  SELECT SPLIT_PART(key, '.', 2) AS family, COUNT(*) AS num_keys
  FROM known
  GROUP BY SPLIT_PART(key, '.', 2)
),
-- A letter or two off a large family of settings: spark.dirver.maxResults.
near_families AS (
  SELECT DISTINCT u.key, f.family
  FROM unknown_names AS u
  CROSS JOIN families AS f
  LEFT JOIN families AS o ON o.family = SPLIT_PART(u.key, '.', 2)
  WHERE u.key LIKE 'spark.%.%' AND o.family IS NULL AND f.num_keys >= 6 AND LENGTH(f.family) >= 6
    AND LEVENSHTEIN(SPLIT_PART(u.key, '.', 2), f.family) <= 2
),
nearest AS (
  SELECT key, suggestion
  FROM (
    SELECT
      u.key, k.key AS suggestion,
      ROW_NUMBER() OVER (PARTITION BY u.key ORDER BY LEVENSHTEIN(LOWER(u.key), LOWER(k.key)), k.key) AS place
    FROM unknown_names AS u
    CROSS JOIN known AS k
    LEFT JOIN near_families AS m ON m.key = u.key
    WHERE NOT k.is_internal AND ((u.key NOT LIKE 'spark.%' AND k.key = CONCAT('spark.', u.key))
      OR (k.key = 'spark.executor.instances' AND u.key IN ('num.executors', 'num-executors', 'num_executors', 'spark.num.executors', 'spark.num-executors', 'spark.num_executors', 'spark.executor.num', 'spark.executor.count'))
      OR (LENGTH(u.key) >= 15 AND u.key LIKE 'spark.%' AND ((ABS(LENGTH(u.key) - LENGTH(k.key)) <= 2 AND LEVENSHTEIN(LOWER(u.key), LOWER(k.key)) <= 2)
        -- Its last letters were forgotten: spark.driver.maxResults for …maxResultSize.
        OR (LENGTH(k.key) - LENGTH(u.key) <= 4 AND LENGTH(REPLACE(k.key, '.', '')) - LENGTH(REPLACE(u.key, '.', '')) = LENGTH(k.key) - LENGTH(u.key)
          AND SUBSTR(LOWER(k.key), 1, LENGTH(u.key)) = LOWER(u.key))
        -- The family and what follows it are each a letter or two off, or letters of the end were forgotten: spark.dirver.maxResults.
        OR (SPLIT_PART(k.key, '.', 2) = m.family AND LENGTH(u.key) - LENGTH(SPLIT_PART(u.key, '.', 2)) >= 13
          AND (LEVENSHTEIN(SUBSTR(LOWER(u.key), LENGTH(SPLIT_PART(u.key, '.', 2)) + 8), SUBSTR(LOWER(k.key), LENGTH(m.family) + 8)) <= 2
            OR (LENGTH(k.key) - LENGTH(m.family) - LENGTH(u.key) + LENGTH(SPLIT_PART(u.key, '.', 2)) <= 4
              AND SUBSTR(LOWER(k.key), LENGTH(m.family) + 8, GREATEST(LENGTH(u.key) - LENGTH(SPLIT_PART(u.key, '.', 2)) - 7, 0))
                = SUBSTR(LOWER(u.key), LENGTH(SPLIT_PART(u.key, '.', 2)) + 8))))
        -- Its last word was forgotten: spark.sql.parquet.compression for …compression.codec.
        OR k.key LIKE CONCAT(u.key, '.codec') OR k.key LIKE CONCAT(u.key, '.enabled'))))
  ) AS candidates
  WHERE place = 1
),
-- Where the name means nothing to the application's Spark.
named AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.key, s.value,
    CASE
      WHEN u.key IS NOT NULL AND n.suggestion IS NOT NULL THEN 'misspelled'
      WHEN u.key IS NOT NULL AND NOT v.is_managed AND v.version_number >= 30000 AND (s.key LIKE 'spark.sql.adaptive.%' OR s.key LIKE 'spark.dynamicAllocation.%' OR s.key LIKE 'spark.speculation.%' OR s.key LIKE 'spark.memory.%' OR s.key LIKE 'spark.sql.shuffle.%' OR s.key LIKE 'spark.sql.files.%' OR s.key LIKE 'spark.sql.cbo.%' OR s.key LIKE 'spark.sql.inMemoryColumnarStorage.%' OR s.key LIKE 'spark.locality.%' OR s.key LIKE 'spark.reducer.%' OR s.key LIKE 'spark.excludeOnFailure.%' OR s.key LIKE 'spark.sql.sources.bucketing.%' OR s.key LIKE 'spark.sql.autoBroadcast%' OR s.key LIKE 'spark.sql.broadcast%') THEN 'unknown'
      WHEN m.key IS NOT NULL THEN 'unknown'
      WHEN NOT v.is_plain THEN CAST(NULL AS STRING)
      -- It had one before it was deprecated, as it may where the version is not known.
      WHEN v.is_local AND s.key IN ('spark.executor.memory', 'spark.executor.cores', 'spark.executor.instances', 'spark.executor.memoryOverhead', 'spark.cores.max') THEN 'local_mode'
      WHEN k.is_without_effect AND (k.deprecated_number IS NULL OR k.deprecated_number <= v.version_number) THEN 'no_effect'
      WHEN k.since_number > v.version_number THEN 'too_new'
      WHEN k.removed_number <= v.version_number AND (k.replaced_by IS NULL OR k.deprecated_number IS NULL) THEN 'removed'
      WHEN k.deprecated_number <= v.version_number AND k.replaced_by IS NOT NULL THEN 'deprecated'
    END AS problem,
    COALESCE(n.suggestion, k.replaced_by) AS suggestion,
    v.is_local AND COALESCE(n.suggestion, k.replaced_by, '') IN ('spark.executor.memory', 'spark.executor.cores', 'spark.executor.instances', 'spark.executor.memoryOverhead', 'spark.cores.max') AS is_local_mode,
    k.since_version, k.removed_in, k.deprecated_since
  FROM set_values AS s
  INNER JOIN versions AS v
    ON v.platform = s.platform AND v.cluster_id = s.cluster_id
    AND v.application_id = s.application_id AND v.attempt_id = s.attempt_id
  LEFT JOIN known AS k ON k.key = s.key
  LEFT JOIN unknown_names AS u ON u.key = s.key
  LEFT JOIN nearest AS n ON n.key = s.key
  LEFT JOIN (SELECT DISTINCT key FROM near_families) AS m ON m.key = s.key
),
-- Where what it belongs to is off.
switched AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.key, s.value,
    'switched_off' AS problem,
    CASE
      WHEN s.key LIKE 'spark.sql.adaptive.%' THEN 'spark.sql.adaptive.enabled'
      WHEN s.key LIKE 'spark.dynamicAllocation.%' THEN 'spark.dynamicAllocation.enabled'
      WHEN s.key LIKE 'spark.speculation.%' THEN 'spark.speculation'
    END AS suggestion
  FROM set_values AS s
  INNER JOIN versions AS v
    ON v.platform = s.platform AND v.cluster_id = s.cluster_id
    AND v.application_id = s.application_id AND v.attempt_id = s.attempt_id
  INNER JOIN application_facts AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
  INNER JOIN known AS k ON k.key = s.key
  WHERE NOT v.is_databricks AND (
    (s.key LIKE 'spark.sql.adaptive.%' AND s.key <> 'spark.sql.adaptive.enabled' AND s.key NOT LIKE '%logLevel' AND NOT a.adaptive)
    OR (s.key LIKE 'spark.dynamicAllocation.%' AND s.key <> 'spark.dynamicAllocation.enabled' AND NOT a.dynamic_allocation
      AND NOT a.is_local)
    OR (s.key LIKE 'spark.speculation.%' AND s.key <> 'spark.speculation.enabled' AND NOT a.speculation)
  )
)
SELECT
  platform, cluster_id, application_id, attempt_id, key, value, problem, suggestion, since_version, removed_in, deprecated_since, is_local_mode
FROM named
WHERE problem IS NOT NULL
UNION ALL
SELECT
  platform, cluster_id, application_id, attempt_id, key, value, problem, suggestion,
  CAST(NULL AS STRING) AS since_version, CAST(NULL AS STRING) AS removed_in, CAST(NULL AS STRING) AS deprecated_since, FALSE AS is_local_mode
FROM switched
