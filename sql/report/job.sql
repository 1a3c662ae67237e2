-- id: job
-- title: A recurring job
-- description: Runs, frequency, cost and waste of one recurring job.
-- parameter: job_key string = - [job key] the recurring job
SELECT
  j.job_key, j.team, j.num_runs, j.num_unpriced, j.first_run_at, j.last_run_at, j.runs_per_year,
  j.core_time_ms, j.wasted_ratio, j.largest_waste, j.cost_basis,
  j.cost_usd_per_run, j.wasted_usd_per_run, j.cost_usd_per_year, j.wasted_usd_per_year,
  j.cost_usd_per_year / 12e0 AS cost_usd_per_month, j.wasted_usd_per_year / 12e0 AS wasted_usd_per_month
FROM job_costs AS j
WHERE j.job_key = $job_key
LIMIT 1
