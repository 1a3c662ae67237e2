-- id: costliest_jobs_per_year
-- title: What jobs waste in a year
-- question: Which recurring jobs should we fix first, in money a year?
SELECT
  job_key, team, num_runs, runs_per_year, largest_waste, wasted_ratio,
  cost_usd_per_year, wasted_usd_per_year, wasted_usd_per_run, cost_basis
FROM job_costs
WHERE wasted_usd_per_run IS NOT NULL
ORDER BY wasted_usd_per_year DESC, wasted_usd_per_run DESC, job_key
LIMIT 20
