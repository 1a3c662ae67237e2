-- id: findings
-- title: Bottlenecks
-- description: What the rules found in an application, the worst first.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: limit bigint = 100 [count] most findings
SELECT
  f.finding_id, f.rule_id, f.severity, f.confidence, f.category, f.subject_type, f.subject_id, f.title, f.evidence,
  f.recommendation, f.config_key, f.config_current, f.config_recommended,
  f.lost_core_ms, f.recoverable_ms, f.est_savings_usd,
  COUNT(*) OVER () AS num_findings
FROM findings AS f
WHERE f.platform = $platform AND f.cluster_id = $cluster_id
  AND f.application_id = $application_id AND f.attempt_id = $attempt_id
  AND f.app_date = CAST($app_date AS DATE)
ORDER BY
  CASE f.severity WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4 ELSE 5 END,
  f.lost_core_ms DESC NULLS LAST, f.rule_id, f.subject_id
LIMIT $limit
