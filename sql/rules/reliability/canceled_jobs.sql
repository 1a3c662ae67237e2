-- id: canceled_jobs
-- title: Jobs are canceled
-- category: reliability
-- severity: medium
-- version: 6
-- description: Fires where jobs were canceled (by the program, by a person, by a time limit) after their tasks had worked. Lost is the task time of
--   their stages that no successful job shares, without that of tasks that went with lost executors, which lost_executors tells; of their wall time, what unfinished_skew does not tell already. Jobs of a stream, which ends so, those of a query that failed by itself, and those that the end of
--   the application cut off are not counted; an interactive session, where people cancel what they see to be wrong, counts from an hour on.
--   Tasks that had failed until then, and in no attempt succeeded, are named with the error that most of their attempts ended with.
-- subject: job
-- group_by: cause
-- parameter: min_lost_ms bigint = 2000 [ms] task time of all of them, at least
-- parameter: min_share double = 0.02 [ratio] the same over the task time of the application, at least
-- parameter: min_interactive_ms bigint = 3600000 [ms] task time of all of them in an interactive session, at least
-- evidence: Job {job_id:int} ({job_name}) was canceled[ after {duration_ms:s}]: {reason}. Its stages had taken {stages_ms:s} of task time[, without {gone_ms:s} that went with lost executors][; before, {failed_attempts:attempt|attempts} of {failed_tasks:task|tasks} of
--   stage {failed_stage:int} had failed, after up to {failed_ms:s}, and none had succeeded: {task_error}].
-- advice: error_kind = 'gpu_rows' | - | - | {who}, but its task would have failed again: a table on a GPU holds up to 2,147,483,647 rows, and one task made more of them in one piece. Where its
--   partition is far larger than the others, spread the key (filter out NULL and defaults, salt it; adaptive execution splits skewed joins); else use more shuffle partitions, or run that
--   operator on the CPU (spark.rapids.sql.exec.…). Smaller batches do not help where all rows have to be in one.
-- advice: error_kind = 'lost' | - | - | {who}, after executors had been lost with its tasks: see the finding about them before it is started again.
-- advice: error_kind = 'other' | - | - | {who}, but its tasks had failed before: look at that error first, which might have ended it as well.
-- advice: cause = 'stage' | - | - | Somebody stopped one of its stages in Spark's web page, which ends the job: find out what was wrong with it, and fix that.
-- advice: cause = 'page' | - | - | Somebody stopped it in Spark's web page: find out what was wrong with it, and fix that.
-- advice: cause = 'group' | - | - | The program, its notebook or its scheduler gave the work up (a time limit, a newer request, cancelJobGroup): find out why, and
--   start less that is thrown away.
-- advice: is_interactive | - | - | Somebody stopped it in the session: find out what took too long, or was wrong, before it is started again.
-- recommendation: The program canceled it: find out why (a time limit, an error in another thread), and start less that is thrown away.
WITH canceled AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, j.job_name, j.duration_ms, j.stage_ids, j.completion_time,
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
    c.*, l.lost_core_ms, l.gone_ms,
    SUM(CAST(l.lost_core_ms AS DOUBLE)) OVER (PARTITION BY c.platform, c.cluster_id, c.application_id, c.attempt_id) AS all_lost_ms
  FROM canceled AS c
  INNER JOIN job_losses AS l
    ON l.platform = c.platform AND l.cluster_id = c.cluster_id
    AND l.application_id = c.application_id AND l.attempt_id = c.attempt_id AND l.job_id = c.job_id
),
-- Attempts that failed before, by task.
failed AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, j.job_id, t.stage_id, t.stage_attempt_id, t.index,
    COUNT(*) AS attempts, MAX(t.duration) AS longest_ms,
    MAX(CASE WHEN t.end_reason = 'ExecutorLostFailure' THEN 'lost' WHEN t.error_message LIKE '%size_type%' THEN 'gpu_rows' ELSE 'other' END) AS error_kind,
    MAX(TRIM(CASE
      WHEN t.error_message LIKE '%Traceback (most recent call last)%' THEN REGEXP_REPLACE(
        SUBSTR(t.error_message, 1, 20000),
        CONCAT('^(?s:.*?)Traceback [(]most recent call last[)]:(?s:.*?)', CHR(10), '([A-Za-z_][^', CHR(10), ']*)(?s:.*)$'), '$1'
      )
      -- Where the library was built says nothing.
      ELSE REGEXP_REPLACE(SPLIT_PART(COALESCE(t.error_message, t.end_reason), CHR(10), 1), 'failure at: [^ ]*/', 'failure at ')
    END)) AS task_error
  FROM judged AS j
  INNER JOIN tasks AS t
    ON t.platform = j.platform AND t.cluster_id = j.cluster_id
    AND t.application_id = j.application_id AND t.attempt_id = j.attempt_id
  WHERE t.status = 'FAILED' AND ARRAY_CONTAINS(j.stage_ids, t.stage_id)
    -- What was stopped with the job can fail of that.
    AND COALESCE(UNIX_MILLIS(t.launch_time) + t.duration < UNIX_MILLIS(j.completion_time), FALSE)
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, j.job_id, t.stage_id, t.stage_attempt_id, t.index
),
succeeded AS (
  SELECT DISTINCT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.index
  FROM failed AS f
  INNER JOIN tasks AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id
    AND t.stage_id = f.stage_id AND t.index = f.index
  WHERE t.status = 'SUCCESS'
),
errors AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.job_id, f.stage_id, f.error_kind, f.task_error,
    SUM(f.attempts) AS failed_attempts, COUNT(*) AS failed_tasks, MAX(f.longest_ms) AS failed_ms,
    ROW_NUMBER() OVER (
      PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.job_id ORDER BY SUM(f.attempts) DESC, f.stage_id, f.task_error
    ) AS place
  FROM failed AS f
  LEFT JOIN succeeded AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id AND s.stage_id = f.stage_id AND s.index = f.index
  WHERE s.platform IS NULL
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.job_id, f.stage_id, f.error_kind, f.task_error
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, CAST(j.job_id AS STRING) AS subject_id,
  CASE WHEN j.all_lost_ms < 600000e0 THEN 'low' END AS severity, 'high' AS confidence,
  j.lost_core_ms, GREATEST(j.duration_ms - COALESCE(d.told_ms, 0), 0) AS recoverable_ms, j.lost_core_ms AS stages_ms, j.gone_ms,
  j.job_id, j.job_name, j.duration_ms, SUBSTR(j.reason, 1, 200) AS reason,
  CASE
    WHEN LOWER(j.reason) LIKE '%because stage %was cancelled%' THEN 'stage'
    WHEN LOWER(j.reason) LIKE '%web ui%' THEN 'page'
    WHEN LOWER(j.reason) LIKE '%job group%' OR LOWER(j.reason) LIKE '%job tag%' THEN 'group'
    ELSE 'program'
  END AS cause,
  a.is_interactive, CASE WHEN a.is_interactive THEN 'Somebody stopped it in the session' ELSE 'It was canceled' END AS who,
  e.error_kind, e.failed_attempts, e.failed_tasks, e.stage_id AS failed_stage, e.failed_ms, SUBSTR(e.task_error, 1, 200) AS task_error
FROM judged AS j
INNER JOIN application_facts AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
LEFT JOIN errors AS e
  ON e.platform = j.platform AND e.cluster_id = j.cluster_id
  AND e.application_id = j.application_id AND e.attempt_id = j.attempt_id AND e.job_id = j.job_id AND e.place = 1
LEFT JOIN job_tails AS d
  ON d.platform = j.platform AND d.cluster_id = j.cluster_id
  AND d.application_id = j.application_id AND d.attempt_id = j.attempt_id AND d.job_id = j.job_id
WHERE j.all_lost_ms >= $min_lost_ms AND j.all_lost_ms >= $min_share * COALESCE(a.total_task_time_ms, 0)
  AND (NOT a.is_interactive OR j.all_lost_ms >= $min_interactive_ms)
