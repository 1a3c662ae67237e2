-- id: unreliable_jobs
-- title: Recurring jobs that fail or regress
-- question: Which recurring jobs fail or get slower again and again?
SELECT job_key, team, num_runs, num_failed_runs, num_regressions, mean_duration_ms / 6e4 AS mean_minutes, last_run_at
FROM recurring_job_overview
WHERE num_failed_runs > 0 OR num_regressions > 0
ORDER BY num_failed_runs DESC, num_regressions DESC, job_key
LIMIT 20
