-- id: unknown_settings
-- title: Settings that no Spark knows
-- category: settings
-- severity: low
-- version: 5
-- description: Fires for settings whose name no version of Spark has, where it is a letter or two from one that exists (or lacks its last letters), or is in a
--   family (adaptive execution, dynamic allocation, memory and others) whose names are all known, which is not judged where names of a platform show that it runs there. Spark takes
--   any name without a word, so what was meant does not happen. Names of platforms, libraries and of the
--   application itself are not judged (view setting_problems).
-- evidence: {num_settings:setting is|settings are} set that Spark does not know: {settings}[, {more_settings}][ and {more:int} more].
-- advice: num_local = num_settings | - | - | Delete them: with the right names they would do nothing either, since local mode runs its tasks in the driver, whose
--   memory (spark.driver.memory) and cores (the number in brackets of the master) count.
-- recommendation: Correct the names, or delete the settings: they do nothing.
WITH told AS (
  SELECT DISTINCT
    platform, cluster_id, application_id, attempt_id, key, is_local_mode,
    CASE WHEN problem = 'misspelled' AND is_local_mode THEN CONCAT(key, ' (', suggestion, ' does nothing in local mode)')
      WHEN problem = 'misspelled' THEN CONCAT(key, ' (', suggestion, '?)') ELSE key END AS text
  FROM setting_problems
  WHERE problem IN ('misspelled', 'unknown')
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
  'low' AS severity, 'high' AS confidence,
  COUNT(*) AS num_settings, SUM(CASE WHEN is_local_mode THEN 1 ELSE 0 END) AS num_local,
  NULLIF(SUM(CASE WHEN letters > 560 THEN 1 ELSE 0 END), 0) AS more,
  ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CASE WHEN letters <= 280 THEN text END)), ', ') AS settings,
  NULLIF(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CASE WHEN letters > 280 AND letters <= 560 THEN text END)), ', '), '') AS more_settings
FROM counted
GROUP BY platform, cluster_id, application_id, attempt_id
