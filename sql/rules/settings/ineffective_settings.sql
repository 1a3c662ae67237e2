-- id: ineffective_settings
-- title: Settings without effect
-- category: settings
-- severity: info
-- version: 1
-- description: Fires for settings that the application's version of Spark does not know yet or no more, that Spark accepts and
--   ignores, and for those of a feature that is switched off (view setting_problems).
-- evidence: {num_settings:setting does|settings do} nothing here: {settings}.
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
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'info' AS severity, 'high' AS confidence,
  COUNT(*) AS num_settings,
  SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(text)), ', '), 1, 500) AS settings
FROM told
GROUP BY platform, cluster_id, application_id, attempt_id
