-- id: unknown_settings
-- title: Settings that no Spark knows
-- category: settings
-- severity: low
-- version: 1
-- description: Fires for settings whose name no version of Spark has, where it is a letter or two from one that exists, or is in a
--   family (adaptive execution, dynamic allocation, memory and others) whose names are all known. Spark takes
--   any name without a word, so what was meant does not happen. Names of platforms, libraries and of the
--   application itself are not judged (view setting_problems).
-- evidence: {num_settings:setting is|settings are} set that Spark does not know: {settings}.
-- recommendation: Correct the names, or delete the settings: they do nothing.
WITH told AS (
  SELECT DISTINCT
    platform, cluster_id, application_id, attempt_id, key,
    CASE WHEN problem = 'misspelled' THEN CONCAT(key, ' (did you mean ', suggestion, '?)') ELSE key END AS text
  FROM setting_problems
  WHERE problem IN ('misspelled', 'unknown')
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'low' AS severity, 'high' AS confidence,
  COUNT(*) AS num_settings,
  SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(text)), ', '), 1, 500) AS settings
FROM told
GROUP BY platform, cluster_id, application_id, attempt_id
