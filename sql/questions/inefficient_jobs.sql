-- id: inefficient_jobs
-- title: Inefficient jobs and why
-- question: Which of my jobs are inefficient, and why?
SELECT
  a.job_key,
  COUNT(*) AS runs,
  AVG(a.ineffstageagg) AS average_inefficient_percent,
  SUM(a.lost_core_ms) / 36e5 AS lost_core_hours,
  MAX(a.top_rule) AS top_rule
FROM ineffjobagg AS a
WHERE a.is_inefficient
GROUP BY a.job_key
ORDER BY lost_core_hours DESC, a.job_key
LIMIT 20
