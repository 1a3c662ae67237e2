-- id: failed_tasks
-- title: Tasks fail and are run again
-- category: reliability
-- severity: medium
-- version: 1
-- description: Fires for a stage attempt that failed, or where more than a handful of its task
--   attempts did. Lost is the time of the attempts that did not succeed: the time of all attempts
--   less that of the successful ones. A finished task whose output was lost with its executor and had
--   to be run again counts once as lost. Killed attempts (losers of speculation) are no failures:
--   where a stage had both, the time is split by their number, and confidence is medium.
-- parameter: min_failed_ratio double = 0.01 [ratio] failed attempts over planned tasks, at least
-- parameter: min_failed_tasks bigint = 2 [count] failed attempts, at least
-- parameter: min_lost_ms bigint = 30000 [ms] time of failed attempts, at least
-- reads: application_settings, stage_facts, tasks
-- recommendation: Find the cause in the error of the failed tasks and mend it; retries only hide it.
WITH errors AS (
  -- What one of the failed tasks said; a stage says why only when it failed as a whole.
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    MAX(COALESCE(error_message, end_reason)) AS error
  FROM tasks
  WHERE status = 'FAILED'
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
failed AS (
  SELECT f.*, COALESCE(f.failure_reason, e.error) AS reason
  FROM stage_facts AS f
  LEFT JOIN errors AS e
    ON e.platform = f.platform AND e.cluster_id = f.cluster_id
    AND e.application_id = f.application_id AND e.attempt_id = f.attempt_id
    AND e.stage_id = f.stage_id AND e.stage_attempt_id = f.stage_attempt_id
  WHERE f.num_failed_tasks > 0 OR f.status = 'FAILED'
),
judged AS (
  SELECT
    f.*,
    CAST(ROUND(
      GREATEST(f.attempts_time - f.duration_total, 0)
        * (CAST(f.num_failed_tasks AS DOUBLE) / GREATEST(f.num_failed_tasks + f.num_killed_tasks, 1))
    ) AS BIGINT) AS lost_core_ms,
    CASE
      WHEN f.reason IS NULL THEN 'unknown'
      WHEN f.reason LIKE '%OutOfMemoryError%' THEN 'heap'
      WHEN f.reason LIKE '%exit code 137%' OR f.reason LIKE '%Exit status: 137%'
        OR f.reason LIKE '%memoryOverhead%' OR f.reason LIKE '%memory limits%'
        THEN 'container'
      WHEN f.reason LIKE '%FetchFailed%' OR f.reason LIKE '%MetadataFetchFailed%'
        OR f.reason LIKE '%missing an output location%' THEN 'fetch'
      WHEN f.reason LIKE '%No space left on device%' THEN 'disk'
      ELSE 'other'
    END AS cause
  FROM failed AS f
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  'stage' AS subject_type,
  j.subject_id,
  -- A stage that failed matters even where little core time went with it.
  CASE WHEN j.status = 'FAILED' AND j.lost_core_ms < 600000 THEN 'medium' END AS severity,
  CASE WHEN j.num_killed_tasks > 0 THEN 'medium' ELSE 'high' END AS confidence,
  CASE WHEN j.status = 'FAILED' THEN 'The stage failed' ELSE 'Tasks fail and are run again' END
    AS title,
  CONCAT(
    CAST(j.num_failed_tasks AS STRING), ' task attempts failed in a stage of ',
    CAST(j.num_tasks AS STRING), ' tasks and took ',
    CAST(CAST(j.lost_core_ms / 1e3 AS DECIMAL(18, 1)) AS STRING), ' s with them',
    CASE WHEN j.status = 'FAILED' THEN '; the stage attempt failed' ELSE '' END,
    CASE
      WHEN j.reason IS NOT NULL THEN CONCAT(': ', SUBSTR(j.reason, 1, 200))
      ELSE '.'
    END
  ) AS evidence,
  CONCAT(
    '{"failed_tasks":', CAST(j.num_failed_tasks AS STRING),
    ',"killed_tasks":', CAST(j.num_killed_tasks AS STRING),
    ',"tasks":', CAST(j.num_tasks AS STRING),
    ',"attempts_ms":', CAST(j.attempts_time AS STRING),
    ',"successful_ms":', CAST(j.duration_total AS STRING),
    ',"stage_failed":', CASE WHEN j.status = 'FAILED' THEN 'true' ELSE 'false' END,
    ',"cause":"', j.cause, '"}'
  ) AS evidence_json,
  j.lost_core_ms,
  LEAST(CAST(j.lost_core_ms / CAST(j.task_slots AS DOUBLE) AS BIGINT), j.duration_ms)
    AS recoverable_ms,
  CASE j.cause
    WHEN 'heap' THEN
      'Tasks ran out of heap: give executors more memory for each core, or make partitions smaller.'
    WHEN 'container' THEN
      'The cluster manager killed the executor for its memory: raise the memory outside of the heap.'
    WHEN 'fetch' THEN
      'Shuffle data was lost with its executor: find out why executors go (spot, memory, scale-in), and keep shuffle data safe with decommissioning or an external shuffle service.'
    WHEN 'disk' THEN
      'The local disks are full: use larger ones, or spill and shuffle less.'
  END AS recommendation,
  CASE j.cause
    WHEN 'heap' THEN 'spark.executor.memory'
    WHEN 'container' THEN 'spark.executor.memoryOverhead'
  END AS config_key,
  CASE j.cause
    WHEN 'heap' THEN c.executor_memory
    WHEN 'container' THEN c.memory_overhead
  END AS config_current
FROM judged AS j
LEFT JOIN application_settings AS c
  ON c.platform = j.platform AND c.cluster_id = j.cluster_id
  AND c.application_id = j.application_id AND c.attempt_id = j.attempt_id
WHERE j.status = 'FAILED'
  OR (
    j.num_failed_tasks >= $min_failed_tasks
    AND j.num_failed_tasks >= $min_failed_ratio * j.num_tasks
    AND j.lost_core_ms >= $min_lost_ms
  )
