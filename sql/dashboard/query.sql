-- id: query
-- title: A SQL execution
-- description: One SQL execution with the work of its stages and the text of its plan.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: sql_id bigint = 0 [id] the SQL execution
WITH work AS (
  SELECT
    SUM(s.executor_run_time) AS task_time_ms, COUNT(*) AS num_stages, SUM(s.num_tasks) AS num_tasks,
    SUM(s.input_bytes) AS input_bytes, SUM(s.output_bytes) AS output_bytes, SUM(s.shuffle_read_bytes) AS shuffle_read_bytes,
    SUM(s.shuffle_write_bytes) AS shuffle_write_bytes, SUM(s.disk_bytes_spilled) AS disk_bytes_spilled
  FROM stages AS s
  WHERE s.sql_id = $sql_id AND s.status NOT IN ('SKIPPED', 'PENDING')
    AND s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
)
SELECT
  q.sql_id, q.status, q.duration_ms, LEFT(q.description, 2000) AS description, LEFT(q.statement, 20000) AS statement,
  CASE WHEN q.submission_time >= a.start_time
    THEN UNIX_MILLIS(q.submission_time) - UNIX_MILLIS(a.start_time) END AS start_ms,
  q.job_ids, q.num_nodes, q.is_adaptive, q.num_plan_updates, q.user_name, q.notebook_path, q.root_execution_id,
  LEFT(q.error_message, 4000) AS error_message, LEFT(q.plan_description, 200000) AS plan_description,
  w.task_time_ms, w.num_stages, w.num_tasks, w.input_bytes, w.output_bytes, w.shuffle_read_bytes, w.shuffle_write_bytes,
  w.disk_bytes_spilled
FROM sql AS q
INNER JOIN applications AS a
  ON a.platform = q.platform AND a.cluster_id = q.cluster_id
  AND a.application_id = q.application_id AND a.attempt_id = q.attempt_id AND a.app_date = q.app_date
CROSS JOIN work AS w
WHERE q.sql_id = $sql_id
  AND q.platform = $platform AND q.cluster_id = $cluster_id
    AND q.application_id = $application_id AND q.attempt_id = $attempt_id
    AND q.app_date = CAST($app_date AS DATE)
