-- id: trend_rows
-- title: Newest run of each job
-- description: The newest run of each recurring job against its earlier runs, regressions first.
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {total_rows:recurring job|recurring jobs}, {num_regressions:int} of them slower or dearer than usual in the newest run[; the worst is {worst_job}][, {worst_change_ratio:pct} longer][, because of {regression_cause}].[ {num_unjudged:job has|jobs have} too few comparable earlier runs for a verdict.]
-- empty: No job has a history yet.
WITH newest AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY job_key ORDER BY start_time DESC, run_number DESC, application_id) AS age
  FROM job_trends
)
SELECT
  job_key, application_id, attempt_id, run_number, start_time, duration_ms, baseline_duration_ms, duration_change_ratio,
  core_time_change_ratio, input_change_ratio, is_regression, regression_cause, reference_application_id,
  changed_settings, changed_operators, baseline_runs, core_time_ms, cost_usd, waste_ratio, input_bytes,
  CASE WHEN is_regression THEN job_key END AS worst_job,
  CASE WHEN is_regression AND duration_change_ratio > 0e0 THEN duration_change_ratio END AS worst_change_ratio,
  NULLIF(SUM(CASE WHEN is_regression IS NULL THEN 1 ELSE 0 END) OVER (), 0) AS num_unjudged,
  SUM(CASE WHEN is_regression THEN 1 ELSE 0 END) OVER () AS num_regressions,
  COUNT(*) OVER () AS total_rows
FROM newest
WHERE age = 1
ORDER BY CASE WHEN is_regression THEN 0 ELSE 1 END, duration_change_ratio DESC, job_key
LIMIT $limit OFFSET $offset
