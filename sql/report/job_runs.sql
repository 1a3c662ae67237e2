-- id: job_runs
-- title: Runs of a job
-- description: The newest runs of one recurring job beside their baseline, oldest first.
-- parameter: job_key string = - [job key] the recurring job
-- parameter: limit bigint = 60 [count] most runs
SELECT *
FROM (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.run_number, t.start_time, t.is_comparable,
    t.duration_ms, t.core_time_ms, t.input_bytes, t.waste_ratio, t.cost_usd, t.spark_version,
    t.baseline_runs, t.baseline_duration_ms, t.duration_change_ratio, t.core_time_change_ratio, t.input_change_ratio,
    t.is_regression, t.regression_cause, LEFT(t.changed_settings, 300) AS changed_settings,
    COUNT(*) OVER () AS num_runs
  FROM job_trends AS t
  WHERE t.job_key = $job_key
  ORDER BY t.run_number DESC
  LIMIT $limit
) AS newest
ORDER BY run_number
