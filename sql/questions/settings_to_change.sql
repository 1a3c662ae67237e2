-- id: settings_to_change
-- title: Settings that would help most
-- question: Which Spark settings should I change for which job?
SELECT
  job_key, config_key, config_current, config_recommended,
  COUNT(*) AS findings,
  COUNT(DISTINCT application_id) AS runs,
  SUM(lost_core_ms) / 36e5 AS lost_core_hours
FROM findings
WHERE config_key IS NOT NULL AND config_recommended IS NOT NULL
GROUP BY job_key, config_key, config_current, config_recommended
ORDER BY lost_core_hours DESC, job_key, config_key
LIMIT 20
