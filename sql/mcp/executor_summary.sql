-- id: executor_summary
-- title: The executors together
-- description: How many executors one application had, how busy they were, what memory they used, how they were lost,
--   and which number and size of executors is recommended.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- verdict: {num_executors:executor|executors}[ were busy {busy_ratio:pct} of their core time][, {gc_ratio:pct} of task time in garbage collection][; the fullest heap held {peak_heap_bytes:bytes} of {heap_bytes:bytes}][; {num_lost:int} were lost][, {num_out_of_memory:int} of them out of memory or by signal 9][, {num_spot:int} to spot reclaims].[ Recommended: {recommended_executors:executor|executors} of {recommended_cores:core|cores} and {recommended_memory_bytes:bytes} of heap ({sizing_reason}).]
-- empty: The history shows no executor.
WITH sized AS (
  SELECT
    MAX(recommended_executors) AS recommended_executors, MAX(recommended_cores) AS recommended_cores,
    MAX(recommended_memory_bytes) AS recommended_memory_bytes, MAX(recommended_overhead_bytes) AS recommended_overhead_bytes,
    MAX(needed_memory_bytes) AS needed_memory_bytes, MAX(reason) AS sizing_reason
  FROM application_sizing
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND recommended_executors IS NOT NULL
)
SELECT
  COUNT(*) AS num_executors, SUM(total_cores) AS cores_added, SUM(core_time_ms) AS core_time_ms,
  SUM(total_duration) AS task_time_ms,
  SUM(total_duration) / CAST(NULLIF(SUM(core_time_ms), 0) AS DOUBLE) AS busy_ratio,
  SUM(total_gc_time) / CAST(NULLIF(SUM(total_duration), 0) AS DOUBLE) AS gc_ratio,
  NULLIF(MAX(peak_jvm_heap_memory), 0) AS peak_heap_bytes, MAX(executor_memory_bytes) AS heap_bytes,
  NULLIF(MAX(peak_jvm_heap_memory), 0) / CAST(NULLIF(MAX(executor_memory_bytes), 0) AS DOUBLE) AS peak_heap_ratio,
  MAX(memory_overhead_bytes) AS memory_overhead_bytes,
  SUM(failed_tasks) AS failed_tasks,
  SUM(CASE WHEN total_tasks = 0 THEN 1 ELSE 0 END) AS num_without_task,
  NULLIF(SUM(CASE WHEN loss_kind IN ('oom', 'killed', 'lost', 'spot', 'decommissioned') THEN 1 ELSE 0 END), 0) AS num_lost,
  NULLIF(SUM(CASE WHEN loss_kind = 'oom' THEN 1 ELSE 0 END), 0) AS num_out_of_memory,
  NULLIF(SUM(CASE WHEN loss_kind = 'spot' THEN 1 ELSE 0 END), 0) AS num_spot,
  NULLIF(SUM(CASE WHEN loss_kind = 'idle' THEN 1 ELSE 0 END), 0) AS num_released_idle,
  MAX(s.recommended_executors) AS recommended_executors, MAX(s.recommended_cores) AS recommended_cores,
  MAX(s.recommended_memory_bytes) AS recommended_memory_bytes,
  MAX(s.recommended_overhead_bytes) AS recommended_overhead_bytes,
  MAX(s.needed_memory_bytes) AS needed_memory_bytes, MAX(s.sizing_reason) AS sizing_reason
FROM executors
CROSS JOIN sized AS s
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND (executor_id <> 'driver' OR total_tasks > 0)
HAVING COUNT(*) > 0
