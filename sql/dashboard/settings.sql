-- id: settings
-- title: Configuration of an application, page by page
-- description: Properties that an application set, and where asked for the settings that it did not, with what is known of
--   each: Spark's default in the application's version, scope, age, replacement, and what the rules found about it.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: text string = [text] part of a name or value in lower case; all where empty
-- parameter: section string = spark [section] of the properties; defaults for what was not set; all for every section
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 200 [count] most rows
WITH spark AS (
  SELECT
    TRY_CAST(SPLIT_PART(a.spark_version, '.', 1) AS BIGINT) * 10000
      + TRY_CAST(SPLIT_PART(a.spark_version, '.', 2) AS BIGINT) AS version
  FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster_id
    AND a.application_id = $application_id AND a.attempt_id = $attempt_id
    AND a.app_date = CAST($app_date AS DATE)
),
given AS (
  SELECT v.section, v.key, MAX(v.value) AS value
  FROM environment AS v
  WHERE v.platform = $platform AND v.cluster_id = $cluster_id
    AND v.application_id = $application_id AND v.attempt_id = $attempt_id
    AND v.app_date = CAST($app_date AS DATE)
  GROUP BY v.section, v.key
),
known AS (
  SELECT
    r.key, MAX(NULLIF(r.default_value, '')) AS default_value, MAX(r.type) AS type, MAX(r.unit) AS unit, MAX(r.scope) AS scope,
    MAX(CAST(r.since_version AS STRING)) AS since_version, MAX(CAST(r.deprecated_since AS STRING)) AS deprecated_since,
    MAX(CAST(r.removed_in AS STRING)) AS removed_in,
    MAX(r.replaced_by) AS replaced_by, MAX(r.fallback_key) AS fallback_key,
    MIN(CASE WHEN r.has_effect THEN 1 ELSE 0 END) AS effects, MAX(CASE WHEN r.is_internal THEN 1 ELSE 0 END) AS internals
  FROM ref_spark_settings AS r
  INNER JOIN spark AS s ON r.valid_from_number <= s.version AND s.version <= r.valid_until_number
  WHERE r.kind = 'exact'
  GROUP BY r.key
),
found AS (
  SELECT f.config_key, MAX(f.config_recommended) AS recommended, MAX(f.title) AS finding_title, COUNT(*) AS num_findings
  FROM findings AS f
  WHERE f.config_key IS NOT NULL
    AND f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
  GROUP BY f.config_key
),
every_row AS (
  SELECT COALESCE(g.section, 'defaults') AS section, COALESCE(g.key, k.key) AS key, g.value
  FROM given AS g
  FULL OUTER JOIN known AS k ON k.key = g.key
  WHERE g.key IS NOT NULL OR (k.internals = 0 AND k.default_value IS NOT NULL)
)
SELECT
  e.section, e.key, LEFT(e.value, 1000) AS value, k.default_value, k.type, k.unit, k.scope, k.since_version, k.deprecated_since,
  k.removed_in, k.replaced_by, k.fallback_key, k.effects = 1 AS has_effect, f.recommended, f.finding_title, COALESCE(f.num_findings, 0) AS num_findings,
  COUNT(*) OVER () AS num_rows
FROM every_row AS e
LEFT JOIN known AS k ON k.key = e.key
LEFT JOIN found AS f ON f.config_key = e.key
-- Not by `=`: DataFusion 55 would take the column for a constant, drop it from the sort, and miss it there.
WHERE (NULLIF(e.section, $section) IS NULL OR $section = 'all')
  AND (
    $text = ''
    OR INSTR(LOWER(e.key), $text) > 0
    OR INSTR(LOWER(COALESCE(e.value, '')), $text) > 0
  )
ORDER BY COALESCE(f.num_findings, 0) DESC, e.section, e.key
LIMIT $limit OFFSET $offset
