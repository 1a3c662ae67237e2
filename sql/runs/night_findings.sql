-- id: night_findings
-- title: Findings of a run
-- description: The findings of the applications that one run loaded, the most severe first, then those
--   that cost the most core time.
-- parameter: run_id string = - [run id] the run
-- parameter: min_severity bigint = 2 [level] least severity: 0 info, 1 low, 2 medium, 3 high, 4 critical
-- parameter: limit bigint = 20 [count] most findings
WITH loaded AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM ingest_sources
  WHERE run_id = $run_id AND status IN ('loaded', 'partial')
),
of_run AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.application_name, f.job_key, f.team,
    f.severity, f.confidence, f.rule_id, f.subject_type, f.subject_id, f.title, f.evidence,
    f.recommendation, f.config_key, f.config_current, f.config_recommended, f.lost_core_ms,
    f.est_savings_usd,
    CASE f.severity
      WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0
    END AS level
  FROM finding_details AS f
  JOIN loaded AS l
    ON l.platform = f.platform AND l.cluster_id = f.cluster_id
    AND l.application_id = f.application_id AND l.attempt_id = f.attempt_id
)
SELECT *
FROM of_run
WHERE level >= $min_severity
ORDER BY level DESC, lost_core_ms DESC NULLS LAST, application_id, rule_id, subject_id
LIMIT $limit
