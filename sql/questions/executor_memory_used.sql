-- id: executor_memory_used
-- title: Memory that executors use
-- question: How much of their heap do executors use at most, by application?
WITH peaks AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS executors, MAX(peak_jvm_heap_memory) AS peak_heap_bytes
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.application_name, a.application_id, p.executors,
  a.executor_memory_bytes / 1048576e0 AS executor_memory_mib,
  p.peak_heap_bytes / 1048576e0 AS peak_heap_mib,
  100e0 * p.peak_heap_bytes / CAST(NULLIF(a.executor_memory_bytes, 0) AS DOUBLE) AS used_percent
FROM applications AS a
JOIN peaks AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
WHERE p.peak_heap_bytes > 0
ORDER BY used_percent, a.application_id
LIMIT 20
