-- id: slowest_spark_jobs
-- title: Slowest Spark jobs
-- question: Which Spark jobs run longest, and what do they do?
SELECT
  application_name, application_id, job_id, job_name, status, duration_ms / 1e3 AS seconds, num_stages, num_tasks,
  task_time_ms / 36e5 AS task_hours, input_bytes / 1048576e0 AS input_mib, shuffle_write_bytes / 1048576e0 AS shuffle_mib
FROM spark_job_overview
WHERE duration_ms IS NOT NULL
ORDER BY duration_ms DESC, application_id, attempt_id, job_id
LIMIT 20
