-- id: executor_work
-- title: Time of the tasks of executors
-- description: One row per executor with the time of its tasks. For the driver Spark gives the run time of the application
--   as total_duration: here it is the time of the tasks that ran in it, which is that of local mode, and NULL elsewhere.
-- reads: executors, stage_executors
SELECT
  e.platform, e.cluster_id, e.application_id, e.attempt_id, e.app_date, e.executor_id,
  CASE WHEN e.executor_id IN ('driver', '<driver>') THEN d.task_time_ms ELSE e.total_duration END AS task_time_ms
FROM executors AS e
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, app_date, executor_id, SUM(task_time) AS task_time_ms
  FROM stage_executors
  WHERE executor_id IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id, app_date, executor_id
) AS d
  ON d.platform = e.platform AND d.cluster_id = e.cluster_id AND d.application_id = e.application_id
  AND d.attempt_id = e.attempt_id AND d.app_date = e.app_date AND d.executor_id = e.executor_id
