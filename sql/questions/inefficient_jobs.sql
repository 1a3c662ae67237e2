-- id: inefficient_jobs
-- title: Inefficient jobs and why
-- question: Which of my jobs are inefficient, and why?
SELECT
  job_key,
  COUNT(*) AS runs,
  AVG(ineffstageagg) AS average_inefficient_percent,
  SUM(lost_core_ms) / 36e5 AS lost_core_hours,
  100e0 * SUM(lost_core_ms) / CAST(NULLIF(SUM(core_time_ms), 0) AS DOUBLE) AS lost_percent,
  MAX(top_rule) AS top_rule
FROM application_overview
WHERE is_inefficient OR lost_core_ms > 0
GROUP BY job_key
ORDER BY lost_core_hours DESC NULLS LAST, job_key
LIMIT 20
