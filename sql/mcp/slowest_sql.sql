-- id: slowest_sql
-- title: Slowest SQL executions
-- description: SQL executions by duration, of one application or of all, with the work of their stages.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = * [text] its id; * for all applications
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: Of {total_rows:SQL execution|SQL executions} the slowest is {sql_id} of {application_id}: {duration_ms:s}[, {status}][, {task_time_ms:s} of task time][: {description}].
-- empty: No SQL execution is known.
WITH longest AS (
  SELECT *, COUNT(*) OVER () AS total_rows
  FROM sql
  WHERE ($application_id = '*' OR (platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)))
  ORDER BY duration_ms DESC, application_id, attempt_id, sql_id
  LIMIT $limit OFFSET $offset
)
SELECT
  q.application_id, q.attempt_id, q.sql_id, q.status, q.duration_ms, q.description,
  SUM(s.executor_run_time) AS task_time_ms, SUM(s.num_tasks) AS num_tasks,
  COUNT(s.stage_id) AS num_stages, SUM(s.input_bytes) AS input_bytes,
  SUM(s.shuffle_read_bytes) AS shuffle_read_bytes, SUM(s.disk_bytes_spilled) AS disk_bytes_spilled,
  q.num_nodes, q.submission_time, q.user_name, q.notebook_path, q.root_execution_id, q.error_message, q.total_rows
FROM longest AS q
LEFT JOIN stages AS s
  ON s.platform = q.platform AND s.cluster_id = q.cluster_id
  AND s.application_id = q.application_id AND s.attempt_id = q.attempt_id AND s.app_date = q.app_date
  AND s.sql_id = q.sql_id AND s.status NOT IN ('SKIPPED', 'PENDING')
GROUP BY
  q.application_id, q.attempt_id, q.sql_id, q.status, q.duration_ms, q.description, q.num_nodes,
  q.submission_time, q.user_name, q.notebook_path, q.root_execution_id, q.error_message, q.total_rows
ORDER BY q.duration_ms DESC, q.application_id, q.attempt_id, q.sql_id
