-- id: canceled_jobs
-- title: Jobs are canceled
-- category: reliability
-- severity: medium
-- version: 1
-- description: Fires where jobs were canceled (by the program, by a person, by a time limit) after their tasks had worked. Lost is the task time of
--   their stages that no successful job shares. Jobs of a stream, which ends so, those of a query that failed by itself, and those that the end of
--   the application cut off are not counted; an interactive session, where people cancel what they see to be wrong, counts from an hour on.
-- subject: job
-- group_by: cause
-- parameter: min_lost_ms bigint = 2000 [ms] task time of all of them, at least
-- parameter: min_share double = 0.02 [ratio] the same over the task time of the application, at least
-- parameter: min_interactive_ms bigint = 3600000 [ms] task time of all of them in an interactive session, at least
-- evidence: Job {job_id:int} ({job_name}) was canceled[ after {duration_ms:s}]: {reason}. Its stages had taken {stages_ms:s} of task time.
-- advice: cause = 'stage' | - | - | Somebody stopped one of its stages in Spark's web page, which ends the job: find out what was wrong with it, and fix that.
-- advice: cause = 'page' | - | - | Somebody stopped it in Spark's web page: find out what was wrong with it, and fix that.
-- advice: cause = 'group' | - | - | The program, its notebook or its scheduler gave the work up (a time limit, a newer request, cancelJobGroup): find out why, and
--   start less that is thrown away.
-- recommendation: The program canceled it: find out why (a time limit, an error in another thread), and start less that is thrown away.
WITH canceled AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, j.job_name, j.duration_ms,
    REGEXP_REPLACE(REGEXP_REPLACE(SPLIT_PART(j.failure_reason, CHR(10), 1), '^.*?Job [0-9]+ cancelled ', ''),
      '[. ]*(SQLSTATE: [A-Z0-9]+)?[. ]*$', '') AS reason
  FROM jobs AS j
  LEFT JOIN sql AS q
    ON q.platform = j.platform AND q.cluster_id = j.cluster_id
    AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
  WHERE j.status = 'FAILED' AND (LOWER(j.failure_reason) LIKE '%cancelled%' OR LOWER(j.failure_reason) LIKE '%canceled%')
    AND j.failure_reason NOT LIKE '%SparkContext was shut down%' AND j.streaming_query_id IS NULL
    -- What a query cancels because it failed is told with it.
    AND (q.status IS NULL OR q.error_message IS NULL OR LOWER(q.error_message) LIKE '%cancelled%' OR LOWER(q.error_message) LIKE '%canceled%')
),
judged AS (
  SELECT
    c.*, l.lost_core_ms,
    SUM(CAST(l.lost_core_ms AS DOUBLE)) OVER (PARTITION BY c.platform, c.cluster_id, c.application_id, c.attempt_id) AS all_lost_ms
  FROM canceled AS c
  INNER JOIN job_losses AS l
    ON l.platform = c.platform AND l.cluster_id = c.cluster_id
    AND l.application_id = c.application_id AND l.attempt_id = c.attempt_id AND l.job_id = c.job_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, CAST(j.job_id AS STRING) AS subject_id,
  CASE WHEN j.all_lost_ms < 600000e0 THEN 'low' END AS severity, 'high' AS confidence,
  j.lost_core_ms, j.duration_ms AS recoverable_ms, j.lost_core_ms AS stages_ms,
  j.job_id, j.job_name, j.duration_ms, SUBSTR(j.reason, 1, 200) AS reason,
  CASE
    WHEN LOWER(j.reason) LIKE '%because stage %was cancelled%' THEN 'stage'
    WHEN LOWER(j.reason) LIKE '%web ui%' THEN 'page'
    WHEN LOWER(j.reason) LIKE '%job group%' OR LOWER(j.reason) LIKE '%job tag%' THEN 'group'
    ELSE 'program'
  END AS cause
FROM judged AS j
INNER JOIN application_facts AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
WHERE j.all_lost_ms >= $min_lost_ms AND j.all_lost_ms >= $min_share * COALESCE(a.total_task_time_ms, 0)
  AND (NOT a.is_interactive OR j.all_lost_ms >= $min_interactive_ms)
