-- id: skewed_stages
-- title: Skewed stages
-- question: Which stages wait longest for a few slow tasks?
SELECT
  application_id, stage_id, stage_attempt_id, num_tasks,
  median_task_duration, max_task_duration, skew_ratio,
  (max_task_duration - median_task_duration) / 1e3 AS wait_seconds
FROM ineffjobraw
WHERE skewbinary = 1
ORDER BY wait_seconds DESC, application_id, stage_id, stage_attempt_id
LIMIT 20
