-- id: stage_findings
-- title: Which stage attempts a finding is about
-- description: One row per finding about stages and stage attempt that it is about: the attempt it names, and those
--   that it stands for because they show the same (`others` of its evidence). is_named tells them apart: lost times
--   and savings are those of all of them together, so sum them where is_named holds. sql_id is the query that the stage
--   ran for. Findings about a query or a plan node are not here.
-- reads: findings, stages
WITH attempts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, app_date, stage_id, stage_attempt_id, sql_id,
    CONCAT(CAST(stage_id AS STRING), '.', CAST(stage_attempt_id AS STRING)) AS subject
  FROM stages
),
about AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, app_date, finding_id, rule_id, severity, confidence, category,
    subject_type, subject_id, title, evidence, recommendation, config_key, config_current, config_recommended,
    lost_core_ms, recoverable_ms, est_savings_usd,
    CASE WHEN evidence_json LIKE '%"others":[%' THEN SPLIT_PART(evidence_json, '"others":[', 2) ELSE '' END AS others,
    CASE severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS severity_rank
  FROM findings
  WHERE subject_type = 'stage'
)
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, f.app_date, s.stage_id, s.stage_attempt_id, s.sql_id,
  f.finding_id, f.rule_id, f.severity, f.severity_rank, f.confidence, f.category, f.subject_type, f.subject_id,
  f.title, f.evidence, f.recommendation, f.config_key, f.config_current, f.config_recommended,
  f.lost_core_ms, f.recoverable_ms, f.est_savings_usd, f.subject_id = s.subject AS is_named
FROM about AS f
INNER JOIN attempts AS s
  ON s.platform = f.platform AND s.cluster_id = f.cluster_id AND s.application_id = f.application_id
  AND s.attempt_id = f.attempt_id AND s.app_date = f.app_date
  AND (s.subject = f.subject_id OR (f.others <> '' AND f.others LIKE CONCAT('%"', s.subject, '"%')))
