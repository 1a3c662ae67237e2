-- id: queued_jobs
-- title: Short jobs wait behind a long one
-- category: driver
-- severity: low
-- version: 2
-- description: Fires where a program runs several jobs at once (threads, a server of queries), and short jobs wait for their first task while one that
--   came before them holds all cores: in the order FIFO, the default, a job takes all cores that it has tasks for. The application as
--   a whole gets no faster by another order; who waits for the short jobs gets them sooner.
-- subject: application
-- parameter: min_wait_ms bigint = 5000 [ms] from the submission of a stage to its first task, at least
-- parameter: min_jobs bigint = 2 [count] jobs that waited so, at least
-- parameter: min_all_ms bigint = 20000 [ms] what they waited together, at least
-- parameter: min_share double = 0.2 [ratio] the longest wait over the wall time of the application, at least
-- parameter: min_size_ratio double = 5.0 [ratio] task time of the stage that held the cores over that of the one that waited, at least
-- parameter: min_covered double = 0.8 [ratio] part of the wait in which that stage ran, at least
-- evidence: {num_jobs:job|jobs} with at most {longest_run_ms:s} of task time each waited up to {longest_wait_ms:s} for a first task, {all_wait_ms:s} in
--   all, while job {blocking_job:int} ran, whose stage {blocking_stage:int} took {blocking_ms:s} of task time.
-- advice: mode <> 'FAIR' | spark.scheduler.mode | 'FAIR' | Jobs of several threads share the cores in the order in which they came: let them take turns, with a pool for each thread
--   (spark.scheduler.pool), or start the long job last.
-- recommendation: Give the threads pools of their own (spark.scheduler.pool), with a minimum share for the short jobs, or start the long job last.
WITH waiting AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, sql_id, ARRAY_MIN(job_ids) AS job_id,
    CAST(executor_run_time AS DOUBLE) AS run_ms,
    UNIX_MILLIS(submission_time) AS begin_ms, UNIX_MILLIS(first_task_launched_time) AS first_ms
  FROM timed_stages
  WHERE status = 'COMPLETE' AND stage_attempt_id = 0
    AND UNIX_MILLIS(first_task_launched_time) - UNIX_MILLIS(submission_time) >= $min_wait_ms
),
blocked AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.job_id, w.run_ms, w.first_ms - w.begin_ms AS wait_ms,
    b.stage_id AS blocking_stage, ARRAY_MIN(b.job_ids) AS blocking_job, CAST(b.executor_run_time AS DOUBLE) AS blocking_ms,
    ROW_NUMBER() OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id ORDER BY b.executor_run_time DESC, b.stage_id
    ) AS place
  FROM waiting AS w
  INNER JOIN timed_stages AS b
    ON b.platform = w.platform AND b.cluster_id = w.cluster_id
    AND b.application_id = w.application_id AND b.attempt_id = w.attempt_id
  WHERE b.stage_id < w.stage_id AND ARRAY_MIN(b.job_ids) < w.job_id AND NOT ARRAY_CONTAINS(b.job_ids, w.job_id)
    -- Stages of one query wait for each other for other reasons.
    AND COALESCE(b.sql_id <> w.sql_id, TRUE)
    AND b.executor_run_time >= $min_size_ratio * w.run_ms
    AND LEAST(w.first_ms, UNIX_MILLIS(b.completion_time)) - GREATEST(w.begin_ms, UNIX_MILLIS(b.first_task_launched_time))
      >= $min_covered * (w.first_ms - w.begin_ms)
),
-- A job waits once.
jobs_blocked AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, job_id, MAX(wait_ms) AS wait_ms, MAX(run_ms) AS run_ms,
    MAX(blocking_ms) AS blocking_ms, MIN(blocking_stage) AS blocking_stage, MIN(blocking_job) AS blocking_job
  FROM blocked
  WHERE place = 1
  GROUP BY platform, cluster_id, application_id, attempt_id, job_id
),
waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, blocking_job, MIN(blocking_stage) AS blocking_stage, MAX(blocking_ms) AS blocking_ms,
    COUNT(*) AS num_jobs, SUM(wait_ms) AS all_wait_ms, MAX(wait_ms) AS longest_wait_ms, MAX(run_ms) AS longest_run_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY SUM(wait_ms) DESC, blocking_job) AS place
  FROM jobs_blocked
  GROUP BY platform, cluster_id, application_id, attempt_id, blocking_job
),
modes AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(UPPER(value)) AS mode
  FROM spark_settings
  WHERE key = 'spark.scheduler.mode'
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.application_id AS subject_id,
  'medium' AS confidence,
  w.num_jobs, w.all_wait_ms, w.longest_wait_ms, TRY_CAST(w.longest_run_ms AS BIGINT) AS longest_run_ms,
  w.blocking_job, w.blocking_stage, TRY_CAST(w.blocking_ms AS BIGINT) AS blocking_ms, COALESCE(m.mode, 'FIFO') AS mode
FROM waits AS w
INNER JOIN application_facts AS a
  ON a.platform = w.platform AND a.cluster_id = w.cluster_id
  AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
LEFT JOIN modes AS m
  ON m.platform = w.platform AND m.cluster_id = w.cluster_id
  AND m.application_id = w.application_id AND m.attempt_id = w.attempt_id
WHERE w.place = 1 AND w.num_jobs >= $min_jobs AND w.all_wait_ms >= $min_all_ms AND w.longest_wait_ms >= $min_share * a.app_duration_ms
