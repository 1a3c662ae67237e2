-- id: ineffective_settings
-- title: Settings without effect
-- category: settings
-- severity: info
-- version: 5
-- description: Fires for settings that the application's version of Spark does not know yet or no more, that Spark accepts and
--   ignores, for those of a feature that is switched off, and for those of executors in local mode (view setting_problems).
-- evidence: {num_settings:setting does|settings do} nothing here: {settings}[, {more_settings}][ and {more:int} more].
-- advice: num_off = num_settings | - | - | Delete them, or turn on what they belong to.
-- advice: num_off > 0 | - | - | Delete them, or turn on what some of them belong to where that is said to be off.
-- advice: num_local > 0 | - | - | Delete them: local mode runs its tasks in the driver, whose memory (spark.driver.memory) and cores (the number in brackets of the master) count.
-- recommendation: Delete them.
WITH problems AS (
  SELECT
    p.*,
    -- What this Spark does not know is not told again for being off.
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, key ORDER BY CASE problem WHEN 'switched_off' THEN 1 ELSE 0 END, problem
    ) AS place
  FROM setting_problems AS p
  WHERE problem IN ('too_new', 'removed', 'no_effect', 'switched_off', 'local_mode')
),
told AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, key, problem,
    CASE problem
      WHEN 'too_new' THEN CONCAT(key, ' (from Spark ', since_version, ' on)')
      WHEN 'removed' THEN CONCAT(key, ' (gone since Spark ', removed_in, ')')
      WHEN 'local_mode' THEN CONCAT(key, ' (local mode has no executors)')
      WHEN 'switched_off' THEN CONCAT(key, ' (', suggestion, ' is off)')
      ELSE key
    END AS text
  FROM problems
  WHERE place = 1
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
  COUNT(*) AS num_settings, SUM(CASE WHEN problem = 'switched_off' THEN 1 ELSE 0 END) AS num_off,
  SUM(CASE WHEN problem = 'local_mode' THEN 1 ELSE 0 END) AS num_local,
  NULLIF(SUM(CASE WHEN letters > 560 THEN 1 ELSE 0 END), 0) AS more,
  ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CASE WHEN letters <= 280 THEN text END)), ', ') AS settings,
  NULLIF(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CASE WHEN letters > 280 AND letters <= 560 THEN text END)), ', '), '') AS more_settings
FROM counted
GROUP BY platform, cluster_id, application_id, attempt_id
