-- id: lake_changes
-- title: Next change of each job
-- description: The next setting to change in each recurring job, by what it saves.
-- parameter: limit bigint = 10 [count] most jobs
SELECT
  job_key, config_key, current_value, recommended_value, reason, expected_saving_core_ms, expected_saving_ratio,
  expected_saving_usd, confidence, risk, num_runs
FROM recommendations
WHERE is_next
ORDER BY expected_saving_core_ms DESC NULLS LAST, job_key
LIMIT $limit
