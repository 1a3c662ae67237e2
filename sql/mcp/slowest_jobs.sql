-- id: slowest_jobs
-- title: Slowest jobs
-- description: Spark jobs by duration, of one application or of all.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = * [text] its id; * for all applications
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: Of {total_rows:job|jobs} the slowest is job {job_id} of {application_id}: {duration_ms:s}[, {status}][, {num_tasks:task|tasks}][: {job_name}].
-- empty: No Spark job is known.
SELECT
  application_id, attempt_id, job_id, status, duration_ms, job_name, description, num_tasks, num_failed_tasks,
  CARDINALITY(stage_ids) AS num_stages, num_skipped_stages, sql_id, submission_time, stage_ids, user_name, job_group,
  failure_reason, COUNT(*) OVER () AS total_rows
FROM jobs
WHERE ($application_id = '*' OR (platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)))
ORDER BY duration_ms DESC, application_id, attempt_id, job_id
LIMIT $limit OFFSET $offset
