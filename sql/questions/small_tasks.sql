-- id: small_tasks
-- title: Many short tasks
-- question: Which stages have thousands of tasks that each run only a moment?
SELECT
  application_name, application_id, stage_id, stage_attempt_id, num_tasks,
  median_task_duration AS median_task_ms, duration_ms / 1e3 AS seconds
FROM stage_overview
WHERE num_tasks >= 1000 AND median_task_duration < 200
ORDER BY num_tasks DESC, application_id, stage_id, stage_attempt_id
LIMIT 20
