-- id: simulation_errors
-- title: How far predictions are off
-- question: How well does the simulation predict the runs of our recurring jobs, compared with the last run?
SELECT
  job_key,
  COUNT(*) AS predicted_runs,
  AVG(ABS(error_ratio)) AS error_ratio,
  AVG(error_ratio) AS bias_ratio,
  AVG(CASE WHEN is_covered THEN 1e0 ELSE 0e0 END) AS covered_ratio,
  AVG(ABS(last_run_error_ratio)) AS last_run_error_ratio,
  AVG(ABS(by_input_error_ratio)) AS by_input_error_ratio,
  AVG(ABS(perfect_scaling_error_ratio)) AS perfect_scaling_error_ratio
FROM simulation_backtests
GROUP BY job_key
ORDER BY predicted_runs DESC, job_key
LIMIT 20
