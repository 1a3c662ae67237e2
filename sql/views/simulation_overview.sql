-- id: simulation_overview
-- title: Simulations with what they would save and how far they are off
-- description: One row per application attempt and size that was simulated: change of run time and cost
--   against what it ran with, and how far the predictions of its job's earlier runs were off. Errors are
--   NULL where the job has no earlier run. No join is needed.
-- grain: one row per application attempt and simulated number of executors and cores
-- keys: platform, cluster_id, application_id, attempt_id, executors, cores_per_executor
-- column: duration_change_ratio [ratio] Predicted run time against the predicted run time of the size it ran
--   with, minus 1: 0.1 is a tenth slower.
-- column: current_cost_usd [usd] Predicted cost of the size that it ran with.
-- column: cost_change_usd [usd] Predicted cost minus current_cost_usd; negative is a saving.
-- column: cost_change_ratio [ratio] Predicted cost against current_cost_usd, minus 1.
-- column: backtest_runs [count] Runs of its job that were predicted from the run before them.
-- column: backtest_error_ratio [ratio] Mean size of the errors of these predictions.
-- column: backtest_bias_ratio [ratio] Mean of these errors with their signs; positive is predicted too long.
-- column: backtest_coverage_ratio [ratio] Share of these runs that lay between low_ms and high_ms.
-- column: last_run_error_ratio [ratio] Mean size of the errors of the simplest prediction: as long as the last
--   run.
-- column: by_input_error_ratio [ratio] Mean size of the errors of scaling the last run by its input.
-- column: perfect_scaling_error_ratio [ratio] Mean size of the errors of dividing the last run by the cores.
-- reads: applications, simulation_backtests, simulations
WITH tested AS (
  SELECT
    job_key,
    COUNT(*) AS backtest_runs,
    AVG(ABS(error_ratio)) AS backtest_error_ratio,
    AVG(error_ratio) AS backtest_bias_ratio,
    AVG(CASE WHEN is_covered THEN 1e0 ELSE 0e0 END) AS backtest_coverage_ratio,
    AVG(ABS(last_run_error_ratio)) AS last_run_error_ratio,
    AVG(ABS(by_input_error_ratio)) AS by_input_error_ratio,
    AVG(ABS(perfect_scaling_error_ratio)) AS perfect_scaling_error_ratio
  FROM simulation_backtests
  GROUP BY job_key
)
SELECT
  s.platform, s.cluster_id, s.cluster_name, s.application_id, s.attempt_id, s.app_date,
  a.application_name, s.job_key, a.team, a.start_time,
  s.executors, s.cores_per_executor, s.memory_bytes, s.is_current, s.is_knee, s.fits_memory, s.dynamic_allocation,
  s.duration_ms, s.low_ms, s.high_ms, s.cost_usd, s.core_time_ms, s.idle_ratio,
  CAST(s.duration_ms AS DOUBLE) / NULLIF(c.duration_ms, 0) - 1e0 AS duration_change_ratio,
  c.cost_usd AS current_cost_usd,
  s.cost_usd - c.cost_usd AS cost_change_usd,
  s.cost_usd / NULLIF(c.cost_usd, 0e0) - 1e0 AS cost_change_ratio,
  s.measured_ms, s.driver_ms, s.critical_path_ms, s.ideal_ms, s.model_error_ratio, s.task_source,
  t.backtest_runs, t.backtest_error_ratio, t.backtest_bias_ratio, t.backtest_coverage_ratio,
  t.last_run_error_ratio, t.by_input_error_ratio, t.perfect_scaling_error_ratio
FROM simulations AS s
INNER JOIN applications AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
LEFT JOIN simulations AS c
  ON c.platform = s.platform AND c.cluster_id = s.cluster_id
  AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.is_current
LEFT JOIN tested AS t ON t.job_key = s.job_key
