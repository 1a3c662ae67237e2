-- id: failure_executors
-- title: Lost executors
-- description: The executors of one application that were lost, with the reason.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT executor_id, host_port, loss_kind, remove_reason, remove_time, lifetime_ms, failed_tasks, peak_jvm_heap_memory AS peak_heap_bytes, executor_memory_bytes AS heap_bytes, exit_code
FROM executors
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND loss_kind IN ('oom', 'killed', 'lost', 'spot', 'decommissioned')
ORDER BY remove_time, executor_id
LIMIT 10
