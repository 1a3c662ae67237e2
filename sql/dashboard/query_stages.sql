-- id: query_stages
-- title: Stages of a SQL execution
-- description: The stage attempts of one SQL execution, the longest first.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: sql_id bigint = 0 [id] the SQL execution
SELECT
  s.stage_id, s.stage_attempt_id, LEFT(n.stage_name, 200) AS stage_name, s.status,
  CASE WHEN s.completion_time >= s.submission_time
    THEN UNIX_MILLIS(s.completion_time) - UNIX_MILLIS(s.submission_time) END AS duration_ms,
  s.num_tasks, s.num_failed_tasks, CASE WHEN s.executor_run_time >= 0 THEN s.executor_run_time END AS run_time_ms,
  s.input_bytes, s.shuffle_read_bytes, s.shuffle_write_bytes, s.disk_bytes_spilled, COUNT(*) OVER () AS num_rows
FROM stages AS s
LEFT JOIN stage_names AS n
  ON n.platform = s.platform AND n.cluster_id = s.cluster_id AND n.application_id = s.application_id
  AND n.attempt_id = s.attempt_id AND n.app_date = s.app_date
  AND n.stage_id = s.stage_id AND n.stage_attempt_id = s.stage_attempt_id
WHERE s.sql_id = $sql_id AND s.status NOT IN ('SKIPPED', 'PENDING')
  AND s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
ORDER BY duration_ms DESC NULLS LAST, s.stage_id, s.stage_attempt_id
LIMIT 50
