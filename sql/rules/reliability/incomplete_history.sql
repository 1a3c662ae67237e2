-- id: incomplete_history
-- title: The application was killed, or its history ends before it does
-- category: reliability
-- severity: info
-- version: 4
-- description: Fires where the log lacks the end of the application: it was killed, or it still ran when its log was
--   read. A note, no loss: all numbers of such an application are lower bounds. Databricks never logs the end
--   of an application, so there it fires only where a job was still running. Fires too where the end comes before the
--   start, by a clock that was set back: what needs the run time is not judged then.
-- parameter: min_core_time_ms bigint = 60000 [core_ms] task time that is there, at least, where no job was running
-- evidence: The history {missing}[ after {app_duration_ms:s}][, while {num_running:job|jobs} of {num_jobs:int}
--   still ran]; {consequence}.
-- advice: is_backwards | - | - | Keep the clocks of the cluster in step (NTP, chrony); a run that begins after the correction can be judged.
-- recommendation: If it does not run any more, look why the driver went (memory, the cluster ended, a time limit). If it does,
--   its history will be read again.
WITH open_jobs AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_running
  FROM jobs
  WHERE status = 'RUNNING'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
backwards AS (
  SELECT platform, cluster_id, application_id, attempt_id, end_time
  FROM applications
  WHERE end_time < start_time
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'info' AS severity,
  CASE
    WHEN c.end_time IS NOT NULL THEN 'The application ends before it starts'
    WHEN a.app_duration_ms IS NULL THEN 'The history lacks its beginning and its end'
  END AS title,
  CASE
    WHEN c.end_time IS NOT NULL THEN 'has the end of the application before its start, by a clock that was set back'
    WHEN a.app_duration_ms IS NULL THEN 'lacks its beginning and its end'
    ELSE 'ends without the end of the application'
  END AS missing,
  CASE WHEN c.end_time IS NOT NULL THEN 'how long it ran and what it held is not known, and rules that need it are silent' ELSE 'all its numbers are lower bounds' END
    AS consequence,
  c.end_time IS NOT NULL AS is_backwards,
  -- A single event of months later, by a clock that was wrong, tells no duration.
  CASE WHEN a.app_duration_ms < 2678400000 OR a.total_task_time_ms >= 1e-3 * a.app_duration_ms THEN a.app_duration_ms END AS app_duration_ms,
  a.num_jobs, r.num_running, a.total_task_time_ms
FROM application_facts AS a
LEFT JOIN open_jobs AS r
  ON r.platform = a.platform AND r.cluster_id = a.cluster_id
  AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
LEFT JOIN backwards AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
WHERE c.end_time IS NOT NULL OR NOT a.completed
  AND (r.num_running > 0 OR (a.total_task_time_ms >= $min_core_time_ms AND a.platform <> 'databricks' AND a.application_name <> 'Databricks Shell'))
