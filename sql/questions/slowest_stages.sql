-- id: slowest_stages
-- title: Slowest stages
-- question: Which stages run longest?
SELECT
  application_name, application_id, stage_id, stage_attempt_id, stage_name, duration_ms / 1e3 AS seconds, num_tasks,
  median_task_duration / 1e3 AS median_task_seconds, max_task_duration / 1e3 AS max_task_seconds,
  disk_bytes_spilled / 1048576e0 AS spilled_mib
FROM stage_overview
WHERE duration_ms IS NOT NULL
ORDER BY duration_ms DESC, application_id, attempt_id, stage_id, stage_attempt_id
LIMIT 20
