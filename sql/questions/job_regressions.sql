-- id: job_regressions
-- title: Jobs that became slower or dearer
-- question: Which recurring jobs have become slower or take more core time, and why?
SELECT
  job_key, application_id, start_time, regression_cause,
  duration_ms / 6e4 AS minutes, baseline_duration_ms / 6e4 AS usual_minutes,
  100e0 * duration_change_ratio AS slower_percent,
  100e0 * core_time_change_ratio AS more_core_time_percent,
  100e0 * input_change_ratio AS more_input_percent,
  changed_settings, changed_operators
FROM job_trends
WHERE is_regression
ORDER BY core_time_ms - baseline_core_time_ms DESC NULLS LAST, job_key, start_time
LIMIT 20
