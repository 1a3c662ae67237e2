-- id: finding_details
-- title: Findings with the application they are about, for people and language models
-- description: One row per finding with the name, user, team, duration and core time of its application.
--   No join is needed. lost_percent is the core time that the finding costs, as share of the core time
--   that the application held. Findings can overlap: never add them up.
-- grain: one row per finding: a rule and the subject that it judged inefficient
-- keys: platform, cluster_id, application_id, attempt_id, finding_id
-- column: lost_percent [percent] Core time that the finding costs, as share of the core time that its
--   application held. Findings overlap: never add them up.
-- reads: applications, findings
SELECT
  f.platform, f.cluster_id, f.cluster_name, f.application_id, f.attempt_id, f.app_date,
  f.finding_id, f.rule_id, f.category, f.severity, f.confidence, f.subject_type, f.subject_id,
  f.title, f.evidence, f.recommendation, f.config_key, f.config_current, f.config_recommended,
  f.lost_core_ms, f.recoverable_ms, f.est_savings_usd,
  100e0 * f.lost_core_ms / CAST(NULLIF(a.core_time_ms, 0) AS DOUBLE) AS lost_percent,
  f.job_key, a.application_name, a.spark_user, a.team, a.spark_version, a.start_time, a.duration_ms,
  a.core_time_ms
FROM findings AS f
LEFT JOIN applications AS a
  ON a.platform = f.platform AND a.cluster_id = f.cluster_id
  AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
