-- id: sql_stage_rows
-- title: Stages of the query
-- description: The stages of one SQL execution, the slowest first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: sql_id bigint = 0 [id] the SQL execution
SELECT
  stage_id, stage_attempt_id, status, duration_ms, num_tasks, num_failed_tasks,
  executor_run_time AS executor_run_time_ms, input_bytes, shuffle_read_bytes, shuffle_write_bytes,
  disk_bytes_spilled, COUNT(*) OVER () AS total_rows
FROM stages
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND sql_id = $sql_id AND status NOT IN ('SKIPPED', 'PENDING')
ORDER BY duration_ms DESC, stage_id, stage_attempt_id
LIMIT 20
