-- id: costliest_findings
-- title: Findings that cost most
-- question: What wastes the most core time, where is it, and how do I fix it?
SELECT
  severity, application_id, subject_type, subject_id, title, evidence,
  lost_core_ms / 36e5 AS lost_core_hours,
  recommendation, config_key, config_current, config_recommended
FROM findings
WHERE lost_core_ms > 0
ORDER BY lost_core_ms DESC, finding_id
LIMIT 20
