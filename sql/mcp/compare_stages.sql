-- id: compare_stages
-- title: Stages of both runs
-- description: Stages of two application attempts, matched by name and order; those whose duration differs most first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: other_platform string = - [text] platform of the other application
-- parameter: other_cluster_id string = - [text] its cluster
-- parameter: other_application_id string = - [text] its id
-- parameter: other_attempt_id string = - [text] its attempt
-- parameter: other_app_date string = 1970-01-01 [date] UTC date of its start
WITH a AS (
  SELECT
    stage_name, ROW_NUMBER() OVER (PARTITION BY stage_name ORDER BY stage_id, stage_attempt_id) AS nth,
    stage_id, duration_ms, num_tasks, executor_run_time, input_bytes, shuffle_read_bytes, disk_bytes_spilled
  FROM stages
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND status NOT IN ('SKIPPED', 'PENDING')
),
b AS (
  SELECT
    stage_name, ROW_NUMBER() OVER (PARTITION BY stage_name ORDER BY stage_id, stage_attempt_id) AS nth,
    stage_id, duration_ms, num_tasks, executor_run_time, input_bytes, shuffle_read_bytes, disk_bytes_spilled
  FROM stages
  WHERE platform = $other_platform AND cluster_id = $other_cluster_id
    AND application_id = $other_application_id AND attempt_id = $other_attempt_id
    AND app_date = CAST($other_app_date AS DATE)
    AND status NOT IN ('SKIPPED', 'PENDING')
)
SELECT
  COALESCE(a.stage_name, b.stage_name) AS stage_name, a.stage_id AS a_stage_id, b.stage_id AS b_stage_id,
  a.duration_ms AS a_duration_ms, b.duration_ms AS b_duration_ms,
  COALESCE(b.duration_ms, 0) - COALESCE(a.duration_ms, 0) AS change_ms,
  a.num_tasks AS a_num_tasks, b.num_tasks AS b_num_tasks,
  a.executor_run_time AS a_executor_run_time_ms, b.executor_run_time AS b_executor_run_time_ms,
  a.input_bytes AS a_input_bytes, b.input_bytes AS b_input_bytes,
  a.shuffle_read_bytes AS a_shuffle_read_bytes, b.shuffle_read_bytes AS b_shuffle_read_bytes,
  a.disk_bytes_spilled AS a_disk_bytes_spilled, b.disk_bytes_spilled AS b_disk_bytes_spilled,
  COUNT(*) OVER () AS total_rows
FROM a
FULL OUTER JOIN b
  ON b.stage_name = a.stage_name AND b.nth = a.nth
ORDER BY ABS(COALESCE(b.duration_ms, 0) - COALESCE(a.duration_ms, 0)) DESC, stage_name, a_stage_id, b_stage_id
LIMIT 20
