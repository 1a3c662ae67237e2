-- id: application_findings
-- title: Findings
-- description: What the rules found about one application, the worst first. Findings can overlap: never add them up.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
SELECT
  finding_id, severity, confidence, rule_id, subject_type, subject_id, title, evidence, recommendation,
  config_key, config_current, config_recommended, recoverable_ms, lost_core_ms, est_savings_usd,
  category, evidence_json, COUNT(*) OVER () AS total_rows
FROM findings
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
ORDER BY
  CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END,
  COALESCE(recoverable_ms, 0) DESC, COALESCE(lost_core_ms, 0) DESC, finding_id
LIMIT $limit OFFSET $offset
