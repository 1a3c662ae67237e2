-- id: next_changes
-- title: The next change of each job
-- question: What is the next setting to change in each job, and what will it save?
SELECT
  job_key, config_key, current_value, recommended_value, reason,
  expected_saving_core_ms / 36e5 AS saved_core_hours, expected_saving_usd,
  confidence, risk, num_runs
FROM recommendations
WHERE is_next
ORDER BY expected_saving_core_ms DESC NULLS LAST, job_key
LIMIT 20
