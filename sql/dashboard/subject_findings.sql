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
WITH -- Findings about stages of the query.
of_stages AS (
  SELECT DISTINCT f.finding_id
  FROM stage_findings AS f
  INNER JOIN stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id AND s.application_id = f.application_id
    AND s.attempt_id = f.attempt_id AND s.app_date = f.app_date
    AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
  WHERE f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
    AND $subject_type = 'sql' AND CAST(s.sql_id AS STRING) = $subject_id
)
SELECT
  f.finding_id, f.rule_id, f.severity, f.confidence, f.category, f.subject_type, f.subject_id, f.title, f.evidence, f.recommendation,
  f.config_key, f.config_current, f.config_recommended, f.lost_core_ms, f.recoverable_ms, f.est_savings_usd, COUNT(*) OVER () AS num_findings
FROM findings AS f
LEFT JOIN of_stages AS o
  ON o.finding_id = f.finding_id
WHERE (
    (f.subject_type = $subject_type AND f.subject_id = $subject_id)
    -- A finding stands for others of its kind, which its evidence lists.
    OR (f.subject_type = $subject_type AND f.evidence_json LIKE '%"others":[%'
      AND SPLIT_PART(f.evidence_json, '"others":[', 2) LIKE CONCAT('%"', $subject_id, '"%'))
    OR ($subject_type = 'sql' AND f.subject_type = 'node' AND SPLIT_PART(f.subject_id, '.', 1) = $subject_id)
    OR o.finding_id IS NOT NULL
  )
  AND f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
ORDER BY COALESCE(f.lost_core_ms, 0) DESC, f.finding_id
LIMIT 50
