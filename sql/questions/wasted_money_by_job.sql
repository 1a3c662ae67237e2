-- id: wasted_money_by_job
-- title: Jobs that waste the most money
-- question: Which jobs waste the most money, and on what?
SELECT
  COALESCE(job_key, application_name) AS job,
  COUNT(*) AS runs,
  SUM(cost_usd) AS cost_usd,
  SUM(wasted_usd) AS wasted_usd,
  100e0 * SUM(wasted_core_ms) / SUM(core_time_ms) AS wasted_percent,
  MAX(largest_waste) AS largest_waste,
  MAX(cost_basis) AS cost_basis
FROM application_waste
WHERE cost_usd IS NOT NULL
GROUP BY COALESCE(job_key, application_name)
ORDER BY wasted_usd DESC, job
LIMIT 20
