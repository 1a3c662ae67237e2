-- id: contradictory_settings
-- title: Settings contradict each other
-- category: settings
-- severity: low
-- version: 3
-- description: Fires for pairs of settings that cannot both hold: bounds of dynamic allocation that cross, more cores for a task
--   than an executor has, a heartbeat slower than its time-out, results larger than the driver's memory.
--   Spark refuses some of them at the start and lets one of the two win silently in the others. A time-out of an hour or more that is longer than the application ran had no effect on it:
--   risky_settings tells it.
-- evidence: {left_key} = {left_value} and {right_key} = {right_value}: {problem}.
-- recommendation: Keep the one that was meant, and change the other.
WITH numbers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, key, MAX(value) AS value,
    MAX(TRY_CAST(REGEXP_REPLACE(LOWER(TRIM(value)), '[a-z]+$', '') AS DOUBLE)) AS number,
    -- Times in seconds, sizes in bytes; both need their unit here.
    MAX(TRY_CAST(REGEXP_REPLACE(LOWER(TRIM(value)), '[a-z]+$', '') AS DOUBLE) * CASE REGEXP_REPLACE(LOWER(TRIM(value)), '^[0-9.]+', '')
      WHEN 'ms' THEN 1e-3 WHEN 's' THEN 1e0 WHEN 'min' THEN 6e1 WHEN 'm' THEN 6e1 WHEN 'h' THEN 3.6e3
    END) AS seconds
  FROM spark_settings
  WHERE key IN (
    'spark.dynamicAllocation.minExecutors', 'spark.dynamicAllocation.maxExecutors', 'spark.dynamicAllocation.initialExecutors',
    'spark.executor.instances', 'spark.task.cpus', 'spark.executor.cores', 'spark.executor.heartbeatInterval', 'spark.network.timeout'
  )
  GROUP BY platform, cluster_id, application_id, attempt_id, key
),
pairs AS (
  SELECT
    l.platform, l.cluster_id, l.application_id, l.attempt_id,
    l.key AS left_key, l.value AS left_value, r.key AS right_key, r.value AS right_value, r.seconds AS right_seconds,
    CASE
      WHEN l.key = 'spark.dynamicAllocation.minExecutors' AND r.key = 'spark.dynamicAllocation.maxExecutors' AND l.number > r.number
        THEN 'the lower bound is above the upper one'
      WHEN l.key = 'spark.dynamicAllocation.initialExecutors' AND r.key = 'spark.dynamicAllocation.maxExecutors' AND l.number > r.number
        THEN 'it would start with more than it may have'
      WHEN l.key = 'spark.dynamicAllocation.initialExecutors' AND r.key = 'spark.dynamicAllocation.minExecutors' AND l.number < r.number
        THEN 'the number to start with is below the lower bound, which wins'
      WHEN l.key = 'spark.executor.instances' AND r.key = 'spark.dynamicAllocation.maxExecutors' AND l.number > r.number
        THEN 'it would start with more than it may have'
      WHEN l.key = 'spark.task.cpus' AND r.key = 'spark.executor.cores' AND l.number > r.number
        THEN 'no task fits an executor'
      WHEN l.key = 'spark.executor.heartbeatInterval' AND r.key = 'spark.network.timeout' AND l.seconds >= r.seconds
        THEN 'executors count as dead before they report'
      WHEN l.key = 'spark.executor.heartbeatInterval' AND r.key = 'spark.network.timeout' AND 2 * l.seconds > r.seconds
        THEN 'one late heartbeat, and the executor counts as dead'
    END AS problem
  FROM numbers AS l
  INNER JOIN numbers AS r
    ON r.platform = l.platform AND r.cluster_id = l.cluster_id
    AND r.application_id = l.application_id AND r.attempt_id = l.attempt_id
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id,
  CONCAT(p.left_key, ' ', p.right_key) AS subject_id,
  'low' AS severity, 'high' AS confidence,
  p.left_key, p.left_value, p.right_key, p.right_value, p.problem
FROM pairs AS p
INNER JOIN application_facts AS a
  ON a.platform = p.platform AND a.cluster_id = p.cluster_id
  AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
WHERE p.problem IS NOT NULL AND NOT a.is_local
  AND NOT COALESCE(p.right_key = 'spark.network.timeout' AND p.right_seconds >= 3.6e3 AND p.right_seconds * 1e3 > a.app_duration_ms, FALSE)
  -- Bounds that are not in use contradict nothing.
  AND (p.right_key NOT LIKE 'spark.dynamicAllocation.%' OR a.dynamic_allocation)
