-- id: most_expensive_jobs
-- title: Jobs that take the most core time
-- question: Which recurring jobs take the most core time, and how much of it is lost?
SELECT
  job_key, COUNT(*) AS runs,
  SUM(core_time_ms) / 36e5 AS core_hours,
  SUM(lost_core_ms) / 36e5 AS lost_core_hours,
  100e0 * SUM(lost_core_ms) / CAST(NULLIF(SUM(core_time_ms), 0) AS DOUBLE) AS lost_percent
FROM application_overview
GROUP BY job_key
ORDER BY core_hours DESC NULLS LAST, job_key
LIMIT 20
