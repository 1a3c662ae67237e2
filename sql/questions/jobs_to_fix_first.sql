-- id: jobs_to_fix_first
-- title: Recurring jobs to fix first
-- question: Which recurring jobs should I fix first, and what do I change?
SELECT
  job_key, team, num_runs, runs_per_year, cost_usd_per_year, wasted_usd_per_year,
  100e0 * wasted_ratio AS wasted_percent, largest_waste, next_config_key, next_recommended_value,
  next_expected_saving_core_ms / 36e5 AS saving_core_hours_per_run
FROM recurring_job_overview
ORDER BY COALESCE(wasted_usd_per_year, 0) DESC, wasted_ratio * core_time_ms DESC, job_key
LIMIT 20
