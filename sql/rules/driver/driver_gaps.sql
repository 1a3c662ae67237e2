-- id: driver_gaps
-- title: Executors wait while the driver works alone
-- category: driver
-- severity: medium
-- version: 1
-- description: Fires where no job ran for a large part of an application's wall time while executors were
--   held. Between jobs the driver plans queries, lists files, commits output or runs code of its own.
--   Counted are gaps of some length only, from the start of the application to its first job, between
--   jobs, and after the last. Lost is the time of these gaps on the cores that were held on average.
--   An interactive session waits for its people and is not judged.
-- parameter: min_gap_ms bigint = 5000 [ms] gap that counts, at least
-- parameter: min_gaps_ms bigint = 60000 [ms] all such gaps together, at least
-- parameter: min_gap_ratio double = 0.2 [ratio] the same over the wall time, at least
-- evidence: No job ran for {gap_ms:s} of {app_duration_ms:s}, {gap_ratio:pct} of the run, in {num_gaps:int} gaps while {average_cores:1}
--   cores were held; the longest took {longest_gap_ms:s}[ and came before job {longest_before_job:int}].
-- advice: longest_before_job IS NULL | - | - | The longest gap follows the last job: look at what the code does at its end
--   (writes by the driver alone, calls to other services), and stop the session as soon as the work is done.
-- advice: longest_before_first | - | - | The longest gap is before the first job: create the session later, after downloads,
--   imports and listings, or start with fewer executors.
-- recommendation: Look at what the driver does before that job (large plans built in loops, file listings, collect and
--   Python code, commits of many files), and do it in Spark, side by side, or less often.
WITH intervals AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id,
    UNIX_MILLIS(j.submission_time) AS begin_ms,
    UNIX_MILLIS(j.completion_time) AS end_ms
  FROM jobs AS j
  WHERE j.submission_time IS NOT NULL AND j.completion_time IS NOT NULL
),
bounds AS (
  SELECT platform, cluster_id, application_id, attempt_id, job_id, begin_ms, end_ms FROM intervals
  UNION ALL
  -- The end of the application, as a job that takes no time.
  SELECT
    platform, cluster_id, application_id, attempt_id, TRY_CAST(NULL AS BIGINT) AS job_id,
    UNIX_MILLIS(start_time) + duration_ms AS begin_ms, UNIX_MILLIS(start_time) + duration_ms AS end_ms
  FROM applications
  WHERE start_time IS NOT NULL AND duration_ms > 0
),
gaps AS (
  SELECT
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.job_id,
    MAX(b.end_ms) OVER (
      PARTITION BY b.platform, b.cluster_id, b.application_id, b.attempt_id
      ORDER BY b.begin_ms, b.end_ms, b.job_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) IS NULL AS is_first,
    b.begin_ms - GREATEST(
      UNIX_MILLIS(a.start_time),
      MAX(b.end_ms) OVER (
        PARTITION BY b.platform, b.cluster_id, b.application_id, b.attempt_id
        ORDER BY b.begin_ms, b.end_ms, b.job_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      )
    ) AS gap_ms
  FROM bounds AS b
  INNER JOIN applications AS a
    ON a.platform = b.platform AND a.cluster_id = b.cluster_id
    AND a.application_id = b.application_id AND a.attempt_id = b.attempt_id
),
ranked AS (
  SELECT
    g.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY gap_ms DESC, job_id
    ) AS place
  FROM gaps AS g
  WHERE gap_ms >= $min_gap_ms
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_gaps,
    SUM(gap_ms) AS gap_ms,
    MAX(gap_ms) AS longest_gap_ms,
    MAX(CASE WHEN place = 1 THEN job_id END) AS longest_before_job,
    MAX(CASE WHEN place = 1 AND is_first THEN 1 ELSE 0 END) = 1 AS longest_before_first
  FROM ranked
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'medium' AS confidence,
  TRY_CAST(s.gap_ms * a.average_cores AS BIGINT) AS lost_core_ms,
  s.gap_ms AS recoverable_ms,
  s.gap_ms, CAST(s.gap_ms AS DOUBLE) / a.app_duration_ms AS gap_ratio, s.num_gaps, s.longest_gap_ms,
  s.longest_before_job, s.longest_before_first, a.app_duration_ms, a.average_cores
FROM application_facts AS a
INNER JOIN summed AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
WHERE NOT a.is_interactive AND NOT a.is_local AND a.num_jobs > 0
  AND s.gap_ms >= $min_gaps_ms AND s.gap_ms >= $min_gap_ratio * a.app_duration_ms
