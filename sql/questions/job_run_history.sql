-- id: job_run_history
-- title: Runs of each recurring job
-- question: How did the runs of our recurring jobs develop in time and cost?
SELECT
  job_key, run_number, application_id, start_time, duration_ms / 6e4 AS minutes, core_time_ms / 36e5 AS core_hours,
  input_bytes / 1073741824e0 AS input_gib, cost_usd, wasted_usd, is_regression
FROM job_run_overview
ORDER BY job_key, run_number, application_id
LIMIT 200
