-- id: slower_than_usual
-- title: Jobs slower than usual
-- question: Which jobs took much longer in their last run than they usually do?
WITH runs_by_job AS (
  SELECT
    job_key, application_id, start_time, duration_ms,
    ROW_NUMBER() OVER (PARTITION BY job_key ORDER BY start_time DESC, application_id) AS age,
    COUNT(*) OVER (PARTITION BY job_key) AS runs
  FROM applications
  WHERE duration_ms > 0 AND job_key IS NOT NULL
),
usual AS (
  SELECT job_key, AVG(duration_ms) AS usual_ms
  FROM runs_by_job
  WHERE age > 1
  GROUP BY job_key
)
SELECT
  r.job_key, r.application_id, r.start_time, r.runs,
  r.duration_ms / 6e4 AS minutes, u.usual_ms / 6e4 AS usual_minutes,
  r.duration_ms / CAST(NULLIF(u.usual_ms, 0) AS DOUBLE) AS times_as_long
FROM runs_by_job AS r
JOIN usual AS u ON u.job_key = r.job_key
WHERE r.age = 1 AND r.runs >= 3
ORDER BY times_as_long DESC, r.job_key
LIMIT 20
