-- id: retried_stages
-- title: Stages that ran again
-- question: Which stages had to run again, and why?
SELECT application_name, application_id, stage_id, stage_attempt_id, stage_name, status, num_tasks, failure_reason
FROM stage_overview
WHERE stage_attempt_id > 0
ORDER BY executor_run_time DESC, application_id, attempt_id, stage_id, stage_attempt_id
LIMIT 20
