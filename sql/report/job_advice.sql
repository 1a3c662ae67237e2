-- id: job_advice
-- title: Changes of a job
-- description: The recommendations of one recurring job: what to change next, what was applied and what that
--   brought.
-- parameter: job_key string = - [job key] the recurring job
SELECT
  r.step, r.status, r.is_next, r.config_key, r.current_value, r.recommended_value, r.reason, r.num_runs,
  r.expected_saving_core_ms, r.expected_saving_ms, r.expected_saving_usd, r.confidence, r.risk,
  r.applied_at, r.runs_after, r.realized_saving_ratio
FROM recommendations AS r
WHERE r.job_key = $job_key
ORDER BY
  CASE r.status WHEN 'regressed' THEN 0 WHEN 'proposed' THEN 1 WHEN 'applied' THEN 2 ELSE 3 END,
  r.step NULLS LAST, r.expected_saving_core_ms DESC NULLS LAST, r.config_key
LIMIT 50
