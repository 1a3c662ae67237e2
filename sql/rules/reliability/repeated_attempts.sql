-- id: repeated_attempts
-- title: The application was started again after this attempt
-- category: reliability
-- severity: medium
-- version: 2
-- description: Fires on each attempt of an application after which its cluster manager started another (YARN: spark.yarn.maxAppAttempts) within the hour.
--   Lost is the core time of the attempt. It can have done all of its work: the manager looks at the exit code, not at the
--   jobs. Attempts that are judged in another run are not seen.
-- parameter: min_lost_ms bigint = 60000 [core_ms] core time of the attempt, at least
-- parameter: max_pause_ms bigint = 3600000 [ms] time from its end to the next one, at most
-- evidence: Attempt {attempt} of {num_attempts:int} ran for {run_ms:s} and held {core_ms:s} of core time[; all of its {jobs_done:job|jobs}
--   succeeded]; attempt {next_attempt} began {pause_ms:s} after it.
-- advice: jobs_done > 0 | spark.yarn.maxAppAttempts | '1' | The cluster manager counted the attempt as failed although all of its jobs had succeeded: look at the exit code of the application
--   master and at what the program does after its last job (a context that is not stopped, sys.exit). Until that is clear one attempt is enough.
-- advice: has_failed | spark.yarn.maxAppAttempts | '1' | The error of its jobs comes back in each attempt unless it came from outside: fix it, and let the scheduler
--   of the job decide whether it is started again.
-- recommendation: Look at the log of the cluster manager for why the attempt ended (memory of the driver, a node that was lost).
WITH attempts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, core_time_ms, num_jobs,
    COALESCE(observed_duration_ms, duration_ms, 0) AS run_ms,
    failure_reason IS NOT NULL AS has_failed,
    completed AND num_jobs > 0 AND failure_reason IS NULL AS is_done,
    UNIX_MILLIS(start_time) AS start_ms,
    LEAD(attempt_id) OVER attempts_of_one AS next_attempt,
    LEAD(UNIX_MILLIS(start_time)) OVER attempts_of_one AS next_start_ms,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id) AS num_attempts
  FROM applications
  WINDOW attempts_of_one AS (PARTITION BY platform, cluster_id, application_id ORDER BY start_time, attempt_id)
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'high' AS confidence,
  core_time_ms AS lost_core_ms, run_ms AS recoverable_ms,
  attempt_id AS attempt, num_attempts, next_attempt, run_ms, core_time_ms AS core_ms,
  CASE WHEN is_done THEN num_jobs END AS jobs_done, has_failed,
  GREATEST(next_start_ms - start_ms - run_ms, 0) AS pause_ms
FROM attempts
-- Attempts of one application never run side by side: such ones only share an id.
WHERE core_time_ms >= $min_lost_ms AND next_start_ms - start_ms - run_ms BETWEEN -1000 AND $max_pause_ms
