-- id: night_severities
-- title: Findings of a run by severity
-- description: How many findings the applications that one run loaded have, by severity.
-- parameter: run_id string = - [run id] the run
WITH loaded AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM ingest_sources
  WHERE run_id = $run_id AND status IN ('loaded', 'partial')
)
SELECT f.severity, COUNT(*) AS findings
FROM findings AS f
JOIN loaded AS l
  ON l.platform = f.platform AND l.cluster_id = f.cluster_id
  AND l.application_id = f.application_id AND l.attempt_id = f.attempt_id
GROUP BY f.severity
ORDER BY f.severity
