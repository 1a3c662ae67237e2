-- id: application_run_times
-- title: Applications with the task time of their stages
-- description: One row per application attempt with the executor run time of all attempts of its stages, in ms: the whole of
--   which a rule names the part that some stages or operators took (stage_facts, operator_stages), by the same measure.
--   total_task_time_ms of an application is another one, from launch to finish of each task.
-- reads: timed_stages
SELECT
  platform, cluster_id, application_id, attempt_id,
  TRY_CAST(SUM(CAST(executor_run_time AS DECIMAL(38, 0))) AS BIGINT) AS executor_run_time
FROM timed_stages
WHERE status <> 'SKIPPED'
GROUP BY platform, cluster_id, application_id, attempt_id
