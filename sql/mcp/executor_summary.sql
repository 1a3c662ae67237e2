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
  COUNT(*) AS num_executors, SUM(e.total_cores) AS cores_added, SUM(e.core_time_ms) AS core_time_ms,
  SUM(w.task_time_ms) AS task_time_ms,
  SUM(w.task_time_ms) / CAST(NULLIF(SUM(e.core_time_ms), 0) AS DOUBLE) AS busy_ratio,
  SUM(e.total_gc_time) / CAST(NULLIF(SUM(w.task_time_ms), 0) AS DOUBLE) AS gc_ratio,
  NULLIF(MAX(e.peak_jvm_heap_memory), 0) AS peak_heap_bytes, MAX(e.executor_memory_bytes) AS heap_bytes,
  NULLIF(MAX(e.peak_jvm_heap_memory), 0) / CAST(NULLIF(MAX(e.executor_memory_bytes), 0) AS DOUBLE) AS peak_heap_ratio,
  MAX(e.memory_overhead_bytes) AS memory_overhead_bytes,
  SUM(e.failed_tasks) AS failed_tasks,
  SUM(CASE WHEN e.total_tasks = 0 THEN 1 ELSE 0 END) AS num_without_task,
  NULLIF(SUM(CASE WHEN e.loss_kind IN ('oom', 'killed', 'lost', 'spot', 'decommissioned') THEN 1 ELSE 0 END), 0) AS num_lost,
  NULLIF(SUM(CASE WHEN e.loss_kind = 'oom' THEN 1 ELSE 0 END), 0) AS num_out_of_memory,
  NULLIF(SUM(CASE WHEN e.loss_kind = 'spot' THEN 1 ELSE 0 END), 0) AS num_spot,
  NULLIF(SUM(CASE WHEN e.loss_kind = 'idle' THEN 1 ELSE 0 END), 0) AS num_released_idle,
  MAX(s.recommended_executors) AS recommended_executors, MAX(s.recommended_cores) AS recommended_cores,
  MAX(s.recommended_memory_bytes) AS recommended_memory_bytes,
  MAX(s.recommended_overhead_bytes) AS recommended_overhead_bytes,
  MAX(s.needed_memory_bytes) AS needed_memory_bytes, MAX(s.sizing_reason) AS sizing_reason
FROM executors AS e
LEFT JOIN executor_work AS w
  ON w.platform = e.platform AND w.cluster_id = e.cluster_id AND w.application_id = e.application_id
  AND w.attempt_id = e.attempt_id AND w.app_date = e.app_date AND w.executor_id = e.executor_id
CROSS JOIN sized AS s
WHERE e.platform = $platform AND e.cluster_id = $cluster_id
  AND e.application_id = $application_id AND e.attempt_id = $attempt_id
  AND e.app_date = CAST($app_date AS DATE)
  AND (e.executor_id NOT IN ('driver', '<driver>') OR e.total_tasks > 0)
HAVING COUNT(*) > 0
