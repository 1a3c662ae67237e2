-- id: process_errors
-- title: Errors in process logs
-- question: What do the logs of drivers and executors complain about?
SELECT
  signature, MAX(severity) AS severity, SUM(count) AS lines,
  COUNT(DISTINCT application_id) AS applications, MAX(last_seen) AS last_seen,
  MAX(excerpt) AS example, MAX(recommendation) AS recommendation
FROM log_findings
WHERE signature IS NOT NULL
GROUP BY signature
ORDER BY lines DESC, signature
LIMIT 20
