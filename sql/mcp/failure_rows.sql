-- id: failure_rows
-- title: Failed applications
-- description: Applications that failed or had failing tasks, the newest first.
-- parameter: since string = 1970-01-01 [date] first UTC date of starts
-- parameter: until string = 9999-12-31 [date] last UTC date of starts
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {total_failed:application|applications} failed[; {total_only_tasks:other|others} had failed tasks and went on]; the newest is {application_name} ({application_id})[: {failure_reason}].
-- empty: No application failed, and no task did.
SELECT
  application_id, attempt_id, application_name, job_key, start_time, failure_reason, num_failed_tasks, num_tasks,
  duration_ms, cluster_id, spark_user, team, completed,
  SUM(CASE WHEN failure_reason IS NOT NULL THEN 1 ELSE 0 END) OVER () AS total_failed, NULLIF(SUM(CASE WHEN failure_reason IS NULL THEN 1 ELSE 0 END) OVER (), 0) AS total_only_tasks,
  COUNT(*) OVER () AS total_rows
FROM applications
WHERE (failure_reason IS NOT NULL OR num_failed_tasks > 0)
  AND app_date >= CAST($since AS DATE) AND app_date <= CAST($until AS DATE)
ORDER BY CASE WHEN failure_reason IS NULL THEN 1 ELSE 0 END, start_time DESC, application_id
LIMIT $limit OFFSET $offset
