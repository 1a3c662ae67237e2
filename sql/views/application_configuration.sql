-- id: application_configuration
-- title: The effective configuration of each application: what was set, else the default of its Spark
-- description: One row for each setting that the application set, and for each public setting that its
--   Spark version declares and that it did not set. is_default says that nothing was set; then value
--   is the default of that version, NULL where the default depends on other settings or on the
--   machine. is_known is false for names that no Spark and no known platform or library has.
--   Nothing is listed where the history holds no environment.
-- reads: applications, ref_spark_settings, spark_settings
WITH versions AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, app_date, spark_version,
    -- A missing version is Databricks, which follows the newest Spark.
    COALESCE(
      TRY_CAST(SPLIT_PART(spark_version, '.', 1) AS BIGINT) * 10000
        + TRY_CAST(SPLIT_PART(spark_version, '.', 2) AS BIGINT),
      999998
    ) AS version_number
  FROM applications
),
set_values AS (
  SELECT platform, cluster_id, application_id, attempt_id, key, MAX(value) AS value
  FROM spark_settings
  GROUP BY platform, cluster_id, application_id, attempt_id, key
),
with_environment AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM set_values
),
declared AS (
  SELECT
    v.platform, v.cluster_id, v.application_id, v.attempt_id, v.app_date, v.spark_version,
    r.key, r.category, r.type, r.unit, r.default_value, r.scope, r.is_internal
  FROM versions AS v
  JOIN with_environment AS w
    ON w.platform = v.platform AND w.cluster_id = v.cluster_id
    AND w.application_id = v.application_id AND w.attempt_id = v.attempt_id
  CROSS JOIN ref_spark_settings AS r
  WHERE r.kind = 'exact'
    AND v.version_number >= r.valid_from_number AND v.version_number <= r.valid_until_number
),
prefixes AS (
  -- Names alone: those of all applications are few.
  SELECT DISTINCT s.key
  FROM (SELECT DISTINCT key FROM spark_settings) AS s
  CROSS JOIN ref_spark_settings AS r
  WHERE r.kind = 'prefix' AND SUBSTR(s.key, 1, LENGTH(r.key)) = r.key
)
SELECT
  v.platform, v.cluster_id, v.application_id, v.attempt_id, s.key, d.category,
  s.value, FALSE AS is_default, d.default_value, d.type, d.unit, d.scope,
  d.key IS NOT NULL OR p.key IS NOT NULL AS is_known, v.spark_version, v.app_date
FROM set_values AS s
JOIN versions AS v
  ON v.platform = s.platform AND v.cluster_id = s.cluster_id
  AND v.application_id = s.application_id AND v.attempt_id = s.attempt_id
-- Not what every application declares: that is a thousand rows for each.
LEFT JOIN ref_spark_settings AS d
  ON d.kind = 'exact' AND d.key = s.key
  AND d.valid_from_number <= v.version_number AND d.valid_until_number >= v.version_number
LEFT JOIN prefixes AS p
  ON p.key = s.key
UNION ALL
SELECT
  d.platform, d.cluster_id, d.application_id, d.attempt_id, d.key, d.category,
  d.default_value AS value, TRUE AS is_default, d.default_value, d.type, d.unit, d.scope,
  TRUE AS is_known, d.spark_version, d.app_date
FROM declared AS d
LEFT JOIN set_values AS s
  ON s.platform = d.platform AND s.cluster_id = d.cluster_id
  AND s.application_id = d.application_id AND s.attempt_id = d.attempt_id AND s.key = d.key
WHERE s.key IS NULL AND NOT d.is_internal
