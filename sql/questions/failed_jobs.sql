-- id: failed_jobs
-- title: Failed jobs and their errors
-- question: Which Spark jobs failed, and with what error?
SELECT
  application_id, job_id, job_name, submission_time, duration_ms / 1e3 AS seconds, failure_reason
FROM jobs
WHERE status = 'FAILED'
ORDER BY submission_time DESC, application_id, job_id
LIMIT 20
