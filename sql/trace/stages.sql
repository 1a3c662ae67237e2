-- id: stages
-- title: Stages of a trace
-- description: One row per stage attempt that ran, from submission to completion; begin_ms and end_ms in ms since
--   1970, every other column becomes an argument.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
WITH life AS (
  SELECT UNIX_MILLIS(a.start_time) + COALESCE(a.observed_duration_ms, a.duration_ms, 0) AS end_ms
  FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster
    AND a.application_id = $application AND a.attempt_id = $attempt
)
SELECT
  CONCAT('stage ', CAST(s.stage_id AS STRING), '.', CAST(s.stage_attempt_id AS STRING)) AS name,
  UNIX_MILLIS(s.submission_time) AS begin_ms,
  COALESCE(UNIX_MILLIS(s.completion_time), l.end_ms) AS end_ms,
  SUBSTR(s.stage_name, 1, 300) AS stage_name, s.status, s.sql_id, s.num_tasks, s.num_failed_tasks, s.num_killed_tasks,
  s.input_bytes, s.output_bytes, s.shuffle_read_bytes, s.shuffle_write_bytes,
  s.memory_bytes_spilled, s.disk_bytes_spilled, s.executor_run_time AS executor_run_time_ms,
  s.jvm_gc_time AS jvm_gc_time_ms, SUBSTR(s.failure_reason, 1, 500) AS failure_reason
FROM stages AS s
CROSS JOIN life AS l
WHERE s.platform = $platform AND s.cluster_id = $cluster
  AND s.application_id = $application AND s.attempt_id = $attempt
  AND s.submission_time IS NOT NULL AND s.status NOT IN ('SKIPPED', 'PENDING')
ORDER BY begin_ms, s.stage_id, s.stage_attempt_id
