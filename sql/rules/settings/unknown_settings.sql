-- id: unknown_settings
-- title: Settings that no Spark knows
-- category: settings
-- severity: low
-- version: 7
-- description: Fires for settings whose name no version of Spark has, where it is a letter or two from one that exists (or lacks its last letters), or is in a
--   family (adaptive execution, dynamic allocation, memory and others) whose names are all known, which is not judged where names of a platform show that it runs there. Spark takes
--   any name without a word, so what was meant does not happen. Names of platforms, libraries and of the
--   application itself are not judged (view setting_problems). A note where the right names are all set as well, which hold.
-- evidence: {num_settings:setting is|settings are} set that Spark does not know: {settings}[, {more_settings}][ and {more:int} more].
-- advice: num_local = num_settings AND num_settings = 1 | - | - | Delete it: with the right name it would do nothing either, since local mode runs its tasks in the driver, whose
--   memory (spark.driver.memory) and cores (the number in brackets of the master) count.
-- advice: num_local = num_settings | - | - | Delete them: with the right names they would do nothing either, since local mode runs its tasks in the driver, whose
--   memory (spark.driver.memory) and cores (the number in brackets of the master) count.
-- advice: num_set = num_settings AND num_settings = 1 | - | - | Delete it: the right name is set as well, and its value holds.
-- advice: num_set = num_settings | - | - | Delete them: the right names are set as well, and their values hold.
-- advice: num_settings = 1 | - | - | Correct the name, or delete the setting: it does nothing.
-- recommendation: Correct the names, or delete the settings: they do nothing.
WITH told AS (
  SELECT DISTINCT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.key, p.is_local_mode, s.key IS NOT NULL AS is_set,
    CASE WHEN p.problem = 'misspelled' AND p.is_local_mode THEN CONCAT(p.key, ' (', p.suggestion, ' does nothing in local mode)')
      WHEN p.problem = 'misspelled' AND s.key IS NOT NULL THEN CONCAT(p.key, ' (', p.suggestion, ' is set as well)')
      WHEN p.problem = 'misspelled' THEN CONCAT(p.key, ' (', p.suggestion, '?)') ELSE p.key END AS text
  FROM setting_problems AS p
  LEFT JOIN spark_settings AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id AND s.key = p.suggestion AND p.problem = 'misspelled'
  WHERE p.problem IN ('misspelled', 'unknown')
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
  CASE WHEN SUM(CASE WHEN is_set THEN 1 ELSE 0 END) = COUNT(*) THEN 'info' ELSE 'low' END AS severity, 'high' AS confidence,
  COUNT(*) AS num_settings, SUM(CASE WHEN is_set THEN 1 ELSE 0 END) AS num_set, SUM(CASE WHEN is_local_mode THEN 1 ELSE 0 END) AS num_local,
  NULLIF(SUM(CASE WHEN letters > 560 THEN 1 ELSE 0 END), 0) AS more,
  ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CASE WHEN letters <= 280 THEN text END)), ', ') AS settings,
  NULLIF(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CASE WHEN letters > 280 AND letters <= 560 THEN text END)), ', '), '') AS more_settings
FROM counted
GROUP BY platform, cluster_id, application_id, attempt_id
