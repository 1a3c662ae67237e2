-- id: subject_findings
-- title: Findings about it
-- description: What the rules found about one stage attempt, or about one SQL execution, its plan nodes and
--   its stages.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
-- parameter: sql_id bigint = -1 [id] the SQL execution; -1 for the stage
WITH about_stages AS (
  SELECT DISTINCT finding_id AS about
  FROM stage_findings
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND CASE WHEN $sql_id >= 0 THEN sql_id = $sql_id ELSE stage_id = $stage_id AND stage_attempt_id = $stage_attempt_id END
)
SELECT
  finding_id, severity, rule_id, subject_type, subject_id, title, evidence, recommendation,
  config_key, config_current, config_recommended, recoverable_ms, lost_core_ms, confidence
FROM findings AS f
LEFT JOIN about_stages AS s
  ON s.about = f.finding_id
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND (
    s.about IS NOT NULL
    OR ($sql_id >= 0 AND subject_type IN ('sql', 'node')
      AND SPLIT_PART(subject_id, '.', 1) = CAST($sql_id AS STRING))
  )
ORDER BY COALESCE(recoverable_ms, 0) DESC, COALESCE(lost_core_ms, 0) DESC, finding_id
