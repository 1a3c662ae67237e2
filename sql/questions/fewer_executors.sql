-- id: fewer_executors
-- title: Applications that would run almost as fast on fewer executors
-- question: Which applications could run on fewer executors or cores, at most a tenth slower, and what would that save?
SELECT
  application_name, application_id, executors, cores_per_executor,
  duration_ms, low_ms, high_ms, duration_change_ratio, cost_change_usd, backtest_error_ratio
FROM simulation_overview
WHERE duration_change_ratio <= 0.1e0 AND cost_change_usd < 0e0 AND NOT is_current
ORDER BY cost_change_usd, application_id, executors, cores_per_executor
LIMIT 20
