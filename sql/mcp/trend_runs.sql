-- id: trend_runs
-- title: Runs of the job
-- description: The runs of one recurring job against their earlier runs, the newest first.
-- parameter: job_key string = - [text] the recurring job
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {job_key} has {total_rows:run|runs}; the newest ({application_id}) took {duration_ms:s}[; the median of earlier runs is {baseline_duration_ms:s}][ ({duration_change:pct} {direction})][; it is a regression, because of {regression_cause}][; {no_verdict}].
-- empty: there is no such job; `trends` without a job lists all jobs
SELECT
  application_id, attempt_id, run_number, start_time, duration_ms, baseline_duration_ms, duration_change_ratio,
  core_time_ms, core_time_change_ratio, input_bytes, input_change_ratio, is_regression, regression_cause,
  changed_settings, changed_operators, reference_application_id, cost_usd, waste_ratio, spark_version,
  duration_per_gb_ms, baseline_runs, num_executors_max, job_key,
  ABS(duration_change_ratio) AS duration_change,
  CASE WHEN duration_change_ratio >= 0e0 THEN 'longer' WHEN duration_change_ratio < 0e0 THEN 'shorter' END AS direction,
  CASE WHEN is_regression IS NULL THEN 'too few comparable earlier runs for a verdict' WHEN NOT is_regression THEN 'no regression' END AS no_verdict,
  COUNT(*) OVER () AS total_rows
FROM job_trends
WHERE job_key = $job_key
ORDER BY start_time DESC, run_number DESC, application_id
LIMIT $limit OFFSET $offset
