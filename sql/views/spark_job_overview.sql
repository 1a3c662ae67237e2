-- id: spark_job_overview
-- title: Spark jobs with their application and work, for people and language models
-- description: One row per Spark job (one action of a program) with the name of its application and the work of the
--   stages that it ran. No join is needed. A Spark job is a part of one application; for jobs that run again and
--   again use recurring_job_overview and job_run_overview. A stage that several jobs list counts for the first.
-- grain: one row per Spark job of an application attempt
-- keys: platform, cluster_id, application_id, attempt_id, job_id
-- column: num_stages [count] Stage attempts that ran for the job.
-- column: task_time_ms [ms] Time that the tasks of these stages ran, together.
-- column: input_bytes [bytes] Bytes that these stages read from storage.
-- column: output_bytes [bytes] Bytes that these stages wrote to storage.
-- column: shuffle_read_bytes [bytes] Shuffle bytes that these stages read.
-- column: shuffle_write_bytes [bytes] Shuffle bytes that these stages wrote.
-- column: disk_bytes_spilled [bytes] Size on disk of what these stages spilled.
-- reads: applications, jobs, timed_stages
WITH work AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, ARRAY_MIN(job_ids) AS job_id,
    COUNT(*) AS num_stages,
    SUM(executor_run_time) AS task_time_ms,
    SUM(input_bytes) AS input_bytes,
    SUM(output_bytes) AS output_bytes,
    SUM(shuffle_read_bytes) AS shuffle_read_bytes,
    SUM(shuffle_write_bytes) AS shuffle_write_bytes,
    SUM(disk_bytes_spilled) AS disk_bytes_spilled
  FROM timed_stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, ARRAY_MIN(job_ids)
)
SELECT
  j.platform, j.cluster_id, j.cluster_name, j.application_id, j.attempt_id, j.app_date,
  a.application_name, a.job_key, a.spark_user, a.team,
  j.job_id, j.job_name, j.description, j.job_group, j.status, j.failure_reason,
  j.submission_time, j.completion_time, j.duration_ms, j.sql_id,
  j.num_tasks, j.num_completed_tasks, j.num_failed_tasks, j.num_skipped_stages, j.num_failed_stages,
  COALESCE(w.num_stages, 0) AS num_stages,
  COALESCE(w.task_time_ms, 0) AS task_time_ms,
  COALESCE(w.input_bytes, 0) AS input_bytes,
  COALESCE(w.output_bytes, 0) AS output_bytes,
  COALESCE(w.shuffle_read_bytes, 0) AS shuffle_read_bytes,
  COALESCE(w.shuffle_write_bytes, 0) AS shuffle_write_bytes,
  COALESCE(w.disk_bytes_spilled, 0) AS disk_bytes_spilled,
  j.user_name, j.notebook_path
FROM jobs AS j
LEFT JOIN applications AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
LEFT JOIN work AS w
  ON w.platform = j.platform AND w.cluster_id = j.cluster_id
  AND w.application_id = j.application_id AND w.attempt_id = j.attempt_id AND w.job_id = j.job_id
