-- id: common_findings
-- title: What is wrong most often
-- question: Which findings come most often, and in how many jobs?
SELECT
  rule_id, MAX(category) AS category, COUNT(*) AS findings,
  COUNT(DISTINCT job_key) AS jobs, COUNT(DISTINCT application_id) AS applications,
  MAX(evidence) AS example
FROM findings
GROUP BY rule_id
ORDER BY findings DESC, rule_id
