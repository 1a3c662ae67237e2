-- id: lake_regressions
-- title: Jobs that became slower
-- description: The newest regression of each recurring job.
-- parameter: limit bigint = 10 [count] most jobs
SELECT
  job_key, application_id, start_time, duration_ms, baseline_duration_ms, duration_change_ratio, core_time_change_ratio,
  input_change_ratio, regression_cause, LEFT(changed_settings, 300) AS changed_settings
FROM (
  SELECT t.*, ROW_NUMBER() OVER (PARTITION BY t.job_key ORDER BY t.run_number DESC) AS place
  FROM job_trends AS t
  WHERE t.is_regression
) AS t
WHERE place = 1
ORDER BY core_time_ms - baseline_core_time_ms DESC NULLS LAST, job_key
LIMIT $limit
