-- id: deprecated_settings
-- title: Settings under old names
-- category: settings
-- severity: info
-- version: 1
-- description: Fires for settings that were replaced by others. They work still, until a later version drops them.
-- evidence: {num_settings:setting has|settings have} a newer name: {settings}.
-- recommendation: Use the new names before the next upgrade.
WITH told AS (
  SELECT DISTINCT
    platform, cluster_id, application_id, attempt_id, key,
    CONCAT(key, ' (since Spark ', deprecated_since, ': ', suggestion, ')') AS text
  FROM setting_problems
  WHERE problem IN ('deprecated')
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'info' AS severity, 'high' AS confidence,
  COUNT(*) AS num_settings,
  SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(text)), ', '), 1, 500) AS settings
FROM told
GROUP BY platform, cluster_id, application_id, attempt_id
