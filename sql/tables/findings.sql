-- id: findings
-- title: Findings
-- description: Gives every row that a rule found its identity, its application's keys, a severity by
--   what it costs, and the rule's defaults for what the rule left open. A rule may set the severity
--   itself. What comes from an incomplete history is of low confidence, because its totals are lower
--   bounds.
-- parameter: critical_core_ms bigint = 72000000 [core_ms] lost core time from which a finding is critical (20 core-hours)
-- parameter: high_core_ms bigint = 7200000 [core_ms] lost core time from which it is high (2 core-hours)
-- parameter: medium_core_ms bigint = 600000 [core_ms] lost core time from which it is medium (10 core-minutes)
-- parameter: high_share double = 0.25 [ratio] lost over all core time of the application from which a medium one is high
-- reads: applications, rule_results
SELECT
  a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id,
  MD5(CONCAT_WS(
    '|', r.rule_id, r.platform, r.cluster_id, r.application_id, r.attempt_id, r.subject_type,
    r.subject_id
  )) AS finding_id,
  r.rule_id,
  r.rule_version,
  r.category,
  CASE
    WHEN r.severity IS NOT NULL THEN r.severity
    WHEN r.lost_core_ms IS NULL THEN r.rule_severity
    WHEN r.lost_core_ms >= $critical_core_ms THEN 'critical'
    WHEN r.lost_core_ms >= $high_core_ms THEN 'high'
    WHEN r.lost_core_ms >= $medium_core_ms AND r.lost_core_ms >= $high_share * NULLIF(a.core_time_ms, 0)
      THEN 'high'
    WHEN r.lost_core_ms >= $medium_core_ms THEN 'medium'
    ELSE 'low'
  END AS severity,
  CASE WHEN a.complete THEN COALESCE(r.confidence, 'medium') ELSE 'low' END AS confidence,
  r.subject_type,
  r.subject_id,
  a.job_key,
  COALESCE(r.title, r.rule_title) AS title,
  r.evidence,
  r.evidence_json,
  r.lost_core_ms,
  r.recoverable_ms,
  -- No price is known yet.
  CAST(NULL AS DOUBLE) AS est_savings_usd,
  COALESCE(r.recommendation, r.rule_recommendation) AS recommendation,
  COALESCE(r.config_key, r.rule_config_key) AS config_key,
  r.config_current,
  r.config_recommended,
  a.app_date
FROM rule_results AS r
INNER JOIN applications AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
