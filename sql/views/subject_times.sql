-- id: subject_times
-- title: When the stages, jobs and queries of findings ran
-- description: One row per stage attempt, job and SQL query, with the subject_type and subject_id that findings have. begin_ms and end_ms are NULL where
--   they are not known.
-- reads: jobs, sql, stages
SELECT
  platform, cluster_id, application_id, attempt_id, app_date, 'stage' AS subject_type,
  CONCAT(CAST(stage_id AS STRING), '.', CAST(stage_attempt_id AS STRING)) AS subject_id,
  UNIX_MILLIS(submission_time) AS begin_ms, UNIX_MILLIS(completion_time) AS end_ms
FROM stages
UNION ALL
SELECT
  platform, cluster_id, application_id, attempt_id, app_date, 'job' AS subject_type, CAST(job_id AS STRING) AS subject_id,
  UNIX_MILLIS(submission_time) AS begin_ms, UNIX_MILLIS(completion_time) AS end_ms
FROM jobs
UNION ALL
SELECT
  platform, cluster_id, application_id, attempt_id, app_date, 'sql' AS subject_type, CAST(sql_id AS STRING) AS subject_id,
  UNIX_MILLIS(submission_time) AS begin_ms, UNIX_MILLIS(submission_time) + duration_ms AS end_ms
FROM sql
