-- id: largest_shuffles
-- title: Largest shuffles
-- question: Which stages write and read the most shuffle data?
SELECT
  application_name, application_id, stage_id, stage_attempt_id, stage_name,
  shuffle_write_bytes / 1048576e0 AS shuffle_write_mib,
  shuffle_read_bytes / 1048576e0 AS shuffle_read_mib,
  num_tasks
FROM stage_overview
WHERE shuffle_write_bytes > 0 OR shuffle_read_bytes > 0
ORDER BY shuffle_write_mib DESC, shuffle_read_mib DESC, application_id, stage_id, stage_attempt_id
LIMIT 20
