-- id: ineffective_settings
-- title: Settings without effect
-- category: settings
-- severity: info
-- version: 2
-- description: Fires for settings that the application's version of Spark does not know yet or no more, that Spark accepts and
--   ignores, and for those of a feature that is switched off (view setting_problems).
-- evidence: {num_settings:setting does|settings do} nothing here: {settings}[, {more_settings}][ and {more:int} more].
-- recommendation: Delete them, or turn on what they belong to.
WITH told AS (
  SELECT DISTINCT
    platform, cluster_id, application_id, attempt_id, key,
    CASE problem
      WHEN 'too_new' THEN CONCAT(key, ' (from Spark ', since_version, ' on)')
      WHEN 'removed' THEN CONCAT(key, ' (gone since Spark ', removed_in, ')')
      WHEN 'switched_off' THEN CONCAT(key, ' (', suggestion, ' is off)')
      ELSE key
    END AS text
  FROM setting_problems
  WHERE problem IN ('too_new', 'removed', 'no_effect', 'switched_off')
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
