-- id: subject_findings
-- title: Findings about a stage or a query
-- description: What the rules found about one stage attempt (subject_type stage, subject_id 2.0), or about one SQL
--   execution, its plan nodes and its stages (subject_type sql).
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: subject_type string = stage [type] stage or sql
-- parameter: subject_id string = - [id] of the stage attempt or the SQL execution
WITH about_stages AS (
  SELECT DISTINCT finding_id
  FROM stage_findings
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND CASE $subject_type
      WHEN 'stage' THEN CONCAT(CAST(stage_id AS STRING), '.', CAST(stage_attempt_id AS STRING))
      ELSE CAST(sql_id AS STRING)
    END = $subject_id
)
SELECT
  f.finding_id, f.rule_id, f.severity, f.confidence, f.category, f.subject_type, f.subject_id, f.title, f.evidence, f.recommendation,
  f.config_key, f.config_current, f.config_recommended, f.lost_core_ms, f.recoverable_ms, f.est_savings_usd, COUNT(*) OVER () AS num_findings
FROM findings AS f
LEFT JOIN about_stages AS s
  ON s.finding_id = f.finding_id
WHERE (
    s.finding_id IS NOT NULL
    OR ($subject_type = 'sql' AND f.subject_type IN ('sql', 'node') AND SPLIT_PART(f.subject_id, '.', 1) = $subject_id)
  )
  AND f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
ORDER BY COALESCE(f.lost_core_ms, 0) DESC, f.finding_id
LIMIT 50
