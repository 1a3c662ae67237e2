-- id: sizes_to_change
-- title: Executors of the wrong size
-- question: Which applications have executors of the wrong size, and what would fit?
SELECT
  application_name, application_id, executors, executor_cores, executor_memory_bytes / 1073741824e0 AS memory_gib,
  recommended_executors, recommended_cores, recommended_memory_bytes / 1073741824e0 AS recommended_memory_gib, reason
FROM application_sizing
WHERE recommended_executors IS NOT NULL OR recommended_cores IS NOT NULL OR recommended_memory_bytes IS NOT NULL
ORDER BY core_time_ms DESC, application_id, attempt_id
LIMIT 20
