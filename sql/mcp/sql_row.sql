-- id: sql_row
-- title: The SQL execution
-- description: One SQL execution with the work of its stages.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: sql_id bigint = 0 [id] the SQL execution
-- verdict: SQL execution {sql_id} ({status}) took {duration_ms:s}[ and {task_time_ms:s} of task time] in {num_stages:stage|stages}[; its slowest operator is {slowest_node_name} (node {slowest_node_id}, {slowest_node_ms:s})][; it failed: {error_message}].
-- empty: there is no such SQL execution in this application; `slowest` with kind=sql lists them
WITH work AS (
  SELECT
    SUM(executor_run_time) AS task_time_ms, SUM(num_tasks) AS num_tasks, COUNT(*) AS num_stages,
    SUM(input_bytes) AS input_bytes, SUM(output_bytes) AS output_bytes,
    SUM(shuffle_read_bytes) AS shuffle_read_bytes, SUM(shuffle_write_bytes) AS shuffle_write_bytes,
    SUM(disk_bytes_spilled) AS disk_bytes_spilled
  FROM stages
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND sql_id = $sql_id AND status NOT IN ('SKIPPED', 'PENDING')
),
slowest AS (
  SELECT node_id, node_name, time_ms, ROW_NUMBER() OVER (ORDER BY time_ms DESC, node_id) AS place
  FROM sql_nodes
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND sql_id = $sql_id AND time_ms > 0
)
SELECT
  q.application_id, q.attempt_id, q.sql_id, q.status, q.duration_ms, q.description, q.statement, q.submission_time,
  q.job_ids, q.num_nodes, w.task_time_ms, w.num_stages, w.num_tasks, w.input_bytes, w.output_bytes,
  w.shuffle_read_bytes, w.shuffle_write_bytes, w.disk_bytes_spilled, q.is_adaptive, q.num_plan_updates,
  q.user_name, q.notebook_path, q.root_execution_id, q.error_message,
  n.node_id AS slowest_node_id, n.node_name AS slowest_node_name, n.time_ms AS slowest_node_ms
FROM sql AS q
CROSS JOIN work AS w
LEFT JOIN slowest AS n
  ON n.place = 1
WHERE q.platform = $platform AND q.cluster_id = $cluster_id
  AND q.application_id = $application_id AND q.attempt_id = $attempt_id
  AND q.app_date = CAST($app_date AS DATE)
  AND q.sql_id = $sql_id
