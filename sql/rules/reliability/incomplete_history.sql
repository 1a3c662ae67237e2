-- id: incomplete_history
-- title: The history of the application ends before it does
-- category: reliability
-- severity: info
-- version: 1
-- description: Fires where the log lacks the end of the application although it is not running any more, or
--   lines were lost. All numbers of such an application are lower bounds.
-- parameter: min_core_time_ms bigint = 60000 [core_ms] task time that is there, at least
-- evidence: The history ends[ after {app_duration_ms:s}] with {num_jobs:int} jobs and without the end of the application; all its numbers
--   are lower bounds.
-- recommendation: Look whether the driver was killed (memory, the cluster ended, a time limit). Where the driver dropped
--   events, raise spark.scheduler.listenerbus.eventqueue.eventLog.capacity.
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'info' AS severity,
  app_duration_ms, num_jobs, total_task_time_ms
FROM application_facts
WHERE NOT complete AND total_task_time_ms >= $min_core_time_ms
