-- id: deprecated_settings
-- title: Settings under old names
-- category: settings
-- severity: info
-- version: 2
-- description: Fires for settings that were replaced by others. They work still, until a later version drops them.
-- evidence: {num_settings:setting has|settings have} a newer name: {settings}[, {more_settings}][ and {more:int} more].
-- recommendation: Use the new names before the next upgrade.
WITH told AS (
  SELECT DISTINCT
    platform, cluster_id, application_id, attempt_id, key,
    CONCAT(key, ' (since Spark ', deprecated_since, ': ', suggestion, ')') AS text
  FROM setting_problems
  WHERE problem IN ('deprecated')
),
-- As many as two texts of a finding hold, each whole.
counted AS (
  SELECT
    t.*,
    SUM(LENGTH(text) + 2) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY text
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS letters
  FROM told AS t
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'info' AS severity, 'high' AS confidence,
  COUNT(*) AS num_settings,
  NULLIF(SUM(CASE WHEN letters > 560 THEN 1 ELSE 0 END), 0) AS more,
  ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CASE WHEN letters <= 280 THEN text END)), ', ') AS settings,
  NULLIF(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CASE WHEN letters > 280 AND letters <= 560 THEN text END)), ', '), '') AS more_settings
FROM counted
GROUP BY platform, cluster_id, application_id, attempt_id
