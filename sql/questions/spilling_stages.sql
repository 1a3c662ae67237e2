-- id: spilling_stages
-- title: Stages that spill
-- question: Which stages spill the most data to disk?
SELECT
  application_name, application_id, stage_id, stage_attempt_id, num_tasks,
  disk_bytes_spilled / 1048576e0 AS disk_spilled_mib,
  memory_bytes_spilled / 1048576e0 AS memory_spilled_mib,
  duration_ms / 1e3 AS seconds
FROM stage_overview
WHERE disk_bytes_spilled > 0 OR memory_bytes_spilled > 0
ORDER BY disk_spilled_mib DESC, memory_spilled_mib DESC, application_id, stage_id, stage_attempt_id
LIMIT 20
