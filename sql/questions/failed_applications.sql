-- id: failed_applications
-- title: Failures and their cost
-- question: Which applications had failing tasks or stages, and what did the retries cost?
SELECT
  f.job_key, f.application_id,
  COUNT(*) AS stages,
  SUM(f.lost_core_ms) / 6e4 AS lost_core_minutes,
  MAX(f.evidence) AS example
FROM findings AS f
WHERE f.rule_id = 'failed_tasks'
GROUP BY f.job_key, f.application_id
ORDER BY lost_core_minutes DESC, f.application_id
LIMIT 20
