-- id: incomplete_history
-- title: The application was killed, or its history ends before it does
-- category: reliability
-- severity: info
-- version: 12
-- description: Fires where the log lacks the end of the application: it was killed, or it still ran when its log was
--   read. A note, no loss: all numbers of such an application are lower bounds. Databricks never logs the end
--   of an application, so there it fires only where a job was still running. Fires too where the end comes before the
--   start, by a clock that was set back: what needs the run time is not judged then. And where the context was shut down
--   while jobs ran, as a signal or an error of the program does; a streaming query ends that way as a rule. Where the beginning lacks, the cores are not known: stages of few tasks are told here then. And where the end says that the
--   application failed (an exit code other than 0) without a job that did. Lost is what its unfinished
--   tasks took then, unless hung_tasks tells them. An application that never got an executor is left to slow_start and failed_launches, unless its clock was set back.
-- parameter: min_core_time_ms bigint = 60000 [core_ms] task time that is there, at least, where no job was running
-- parameter: max_few_tasks bigint = 4 [count] tasks of its largest stage, at most, to be told where the cores are not known
-- parameter: min_few_ms double = 600000 [ms] task time then, at least
-- parameter: medium_share double = 0.3 [ratio] core time of unfinished tasks over that of the application, from which a shutdown is of medium severity
-- evidence: The history {missing}[ after {app_duration_ms:s}][, while {num_running:job|jobs} of {num_jobs:int}
--   still ran][ and unfinished tasks had taken {lost_core_ms:s}]; {consequence}[; none of its stages has more than {most_tasks:task|tasks}].
-- advice: is_backwards | - | - | Keep the clocks of the cluster in step (NTP, chrony); a run that begins after the correction can be judged.
-- advice: is_headless AND most_tasks IS NOT NULL | - | - | The first part of the log is missing: copy all files of its folder (Databricks and rolled logs have several) and load them again. What the application had set and held is in that part, and rules that
--   need it are silent. If it held more cores than its stages have tasks, the others had nothing to do: ask for more partitions (repartition, minPartitions, numPartitions of groupByKey and other shuffles of RDDs).
-- advice: is_headless | - | - | The first part of the log is missing: copy all files of its folder (Databricks and rolled logs have several) and load them again. What the application had set and held is in that part, and rules that
--   need it are silent.
-- advice: is_killed | - | - | Exit code 137 is signal 9. The JVM of the driver lived to write this, so it was its program that was killed (the process of Python),
--   most often by the cluster manager or the system for its memory: keep less in it (toPandas, collect), or leave more memory beside the
--   heap (spark.driver.memoryOverhead); look at the cluster's log for who did it.
-- advice: exit_text <> '' | - | - | No job failed: the program ended itself with an error. Look at the log of the driver.
-- advice: is_cut AND has_hung | - | - | Tasks hung when it was stopped: see the finding about tasks that never ended.
-- advice: is_cut | - | - | Look why the driver stopped in the middle of its work: a time limit, somebody who killed it, an error of the program
--   outside of Spark.
-- recommendation: If it does not run any more, look why the driver went (memory, the cluster ended, a time limit). If it does,
--   its history will be read again.
WITH open_jobs AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_running
  FROM jobs
  WHERE status = 'RUNNING'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
cut_jobs AS (
  SELECT j.platform, j.cluster_id, j.application_id, j.attempt_id, COUNT(*) AS num_cut
  FROM jobs AS j
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM streaming_progress) AS t
    ON t.platform = j.platform AND t.cluster_id = j.cluster_id
    AND t.application_id = j.application_id AND t.attempt_id = j.attempt_id
  -- What a query had begun that failed before is told with it.
  LEFT JOIN sql AS q
    ON q.platform = j.platform AND q.cluster_id = j.cluster_id
    AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id AND q.status = 'FAILED'
    AND UNIX_MILLIS(q.submission_time) + q.duration_ms < UNIX_MILLIS(j.completion_time)
  WHERE j.failure_reason LIKE '%SparkContext was shut down%' AND t.platform IS NULL AND q.platform IS NULL
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id
),
-- An end with an error that no job had.
exits AS (
  SELECT a.platform, a.cluster_id, a.application_id, a.attempt_id, a.failure_reason AS exit_text
  FROM applications AS a
  WHERE a.failure_reason LIKE 'exited with code %'
    AND NOT EXISTS (
      SELECT 1 FROM jobs AS j
      WHERE j.platform = a.platform AND j.cluster_id = a.cluster_id
        AND j.application_id = a.application_id AND j.attempt_id = a.attempt_id AND j.status = 'FAILED'
    )
),
hung AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM stuck_stages
  GROUP BY platform, cluster_id, application_id, attempt_id
  -- As much as hung_tasks tells.
  HAVING MAX(lost_core_ms) >= 60000
),
widths AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(num_tasks) AS most_tasks
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id
),
backwards AS (
  SELECT platform, cluster_id, application_id, attempt_id, end_time
  FROM applications
  WHERE end_time < start_time
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  CASE WHEN k.num_cut > 0 AND h.platform IS NULL AND p.unfinished_core_ms >= $medium_share * p.core_time_ms THEN 'medium' WHEN k.num_cut > 0 OR x.exit_text IS NOT NULL THEN 'low' ELSE 'info' END AS severity,
  CASE WHEN k.num_cut > 0 AND h.platform IS NULL AND p.unfinished_core_ms >= 1e3 THEN TRY_CAST(p.unfinished_core_ms AS BIGINT) END AS lost_core_ms,
  CASE
    WHEN k.num_cut > 0 THEN 'The application was stopped while jobs ran'
    WHEN x.exit_text IS NOT NULL THEN 'The application ended with an error'
    WHEN c.end_time IS NOT NULL THEN 'The application ends before it starts'
    WHEN a.app_duration_ms IS NULL THEN 'The history lacks its beginning and its end'
  END AS title,
  CASE
    WHEN c.end_time IS NOT NULL THEN 'has the end of the application before its start, by a clock that was set back'
    WHEN a.app_duration_ms IS NULL THEN 'lacks its beginning and its end'
    WHEN k.num_cut > 0 THEN 'ends with a shutdown of the context'
    WHEN x.exit_text IS NOT NULL THEN CONCAT('says that the application ', x.exit_text)
    ELSE 'ends without the end of the application'
  END AS missing,
  CASE WHEN c.end_time IS NOT NULL THEN 'how long it ran and what it held is not known, and rules that need it are silent' WHEN k.num_cut > 0 THEN 'somebody or something stopped it, or its program ended with an error, and what these jobs had done is lost'
    WHEN x.exit_text IS NOT NULL THEN 'its scheduler counts it as failed, although no job failed'
    ELSE 'all its numbers are lower bounds' END
    AS consequence,
  c.end_time IS NOT NULL AS is_backwards, c.end_time IS NULL AND a.app_duration_ms IS NULL AND NOT COALESCE(k.num_cut > 0, FALSE) AND x.exit_text IS NULL AS is_headless, COALESCE(k.num_cut > 0, FALSE) AS is_cut, h.platform IS NOT NULL AS has_hung,
  COALESCE(x.exit_text, '') AS exit_text, COALESCE(x.exit_text LIKE 'exited with code 137%', FALSE) AS is_killed,
  -- A single event of months later, by a clock that was wrong, tells no duration.
  CASE WHEN a.app_duration_ms < 2678400000 OR a.total_task_time_ms >= 1e-3 * a.app_duration_ms THEN a.app_duration_ms END AS app_duration_ms,
  a.num_jobs, CASE WHEN x.exit_text IS NULL OR k.num_cut > 0 THEN COALESCE(k.num_cut, r.num_running) END AS num_running, a.total_task_time_ms,
  CASE WHEN c.end_time IS NULL AND a.app_duration_ms IS NULL AND COALESCE(a.cores_max, 0) = 0 AND w.most_tasks > 1 AND w.most_tasks <= $max_few_tasks AND a.total_task_time_ms >= $min_few_ms THEN w.most_tasks END AS most_tasks
FROM application_facts AS a
LEFT JOIN core_time_parts AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
LEFT JOIN open_jobs AS r
  ON r.platform = a.platform AND r.cluster_id = a.cluster_id
  AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
LEFT JOIN cut_jobs AS k
  ON k.platform = a.platform AND k.cluster_id = a.cluster_id
  AND k.application_id = a.application_id AND k.attempt_id = a.attempt_id
LEFT JOIN hung AS h
  ON h.platform = a.platform AND h.cluster_id = a.cluster_id
  AND h.application_id = a.application_id AND h.attempt_id = a.attempt_id
LEFT JOIN exits AS x
  ON x.platform = a.platform AND x.cluster_id = a.cluster_id
  AND x.application_id = a.application_id AND x.attempt_id = a.attempt_id
LEFT JOIN backwards AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
LEFT JOIN widths AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN unserved_jobs AS u
  ON u.platform = a.platform AND u.cluster_id = a.cluster_id
  AND u.application_id = a.application_id AND u.attempt_id = a.attempt_id
WHERE c.end_time IS NOT NULL
  OR COALESCE(u.wait_ms < 20000, TRUE) AND (x.exit_text IS NOT NULL
  OR (k.num_cut > 0 AND NOT a.is_interactive)
  OR NOT a.completed
  AND (r.num_running > 0 OR (a.total_task_time_ms >= $min_core_time_ms AND a.platform <> 'databricks' AND a.application_name <> 'Databricks Shell')))
