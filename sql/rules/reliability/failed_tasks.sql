-- id: failed_tasks
-- title: Tasks fail and are run again
-- category: reliability
-- severity: medium
-- version: 2
-- description: Fires for a stage attempt that failed with tasks of its own, or where more than a handful
--   of its task attempts did. Lost is the time of the attempts that did not succeed: the time of all
--   attempts less that of the successful ones. A finished task whose output was lost with its executor
--   and had to be run again counts once as lost. Killed attempts (losers of speculation, cancelled
--   jobs) are no failures: where a stage had both, the time is split by their number, and confidence is
--   medium.
-- subject: stage
-- group_by: stage_name
-- parameter: min_failed_ratio double = 0.01 [ratio] failed attempts over planned tasks, at least
-- parameter: min_failed_tasks bigint = 2 [count] failed attempts, at least
-- parameter: min_lost_ms bigint = 30000 [ms] time of failed attempts, at least
-- evidence: Failed task attempts: {num_failed_tasks:int} in a stage of {num_tasks:int} tasks, which cost {lost_core_ms:s} of
--   task time[; {outcome}][: {reason}].
-- advice: cause = 'heap' AND is_local | - | - | Tasks ran out of heap: give the driver, which runs the tasks in local mode, more
--   memory, or make partitions smaller.
-- advice: cause = 'heap' AND platform <> 'databricks' AND memory_doubled_gib <= 31 | spark.executor.memory |
--   CONCAT(CAST(memory_doubled_gib AS STRING), 'g') | Tasks ran out of heap: give executors more memory for each core, or
--   make partitions smaller.
-- advice: cause = 'heap' AND executor_cores > 1 AND platform <> 'databricks' | spark.executor.cores |
--   TRY_CAST(CEIL(executor_cores / 2e0) AS BIGINT) | Tasks ran out of heap: run fewer of them at once in an executor, or make
--   partitions smaller.
-- advice: cause = 'heap' | - | - | Tasks ran out of heap: choose more memory for each core, or make partitions smaller.
-- advice: cause = 'container' AND NOT is_local AND platform <> 'databricks' AND spark_minor >= 203 |
--   spark.executor.memoryOverhead | CONCAT(CAST(overhead_needed_mib AS STRING), 'm') | The cluster manager killed the executor
--   for its memory: raise the memory outside of the heap.
-- advice: cause = 'container' | - | - | The cluster manager killed the executor for its memory: give it more memory outside
--   of the heap, or run fewer tasks at once in it.
-- advice: cause = 'fetch' | - | - | Shuffle data was lost with its executor: find out why executors go (spot, memory,
--   scale-in), and keep shuffle data safe with decommissioning or an external shuffle service.
-- advice: cause = 'disk' | - | - | The local disks are full: use larger ones, or spill and shuffle less.
-- recommendation: Find the cause in the error of the failed tasks and fix it; retries only hide it.
WITH judged AS (
  SELECT
    f.*,
    TRY_CAST(ROUND(
      GREATEST(attempts_time - duration_total, 0)
        * (CAST(num_failed_tasks AS DOUBLE) / GREATEST(num_failed_tasks + num_killed_tasks, 1))
    ) AS BIGINT) AS lost_core_ms,
    CASE
      WHEN reason LIKE '%OutOfMemoryError%' THEN 'heap'
      WHEN reason LIKE '%exit code 137%' OR reason LIKE '%Exit status: 137%' OR reason LIKE '%code was 137%'
        OR reason LIKE '%memoryOverhead%' OR reason LIKE '%memory limits%' THEN 'container'
      WHEN reason LIKE '%FetchFailed%' OR reason LIKE '%missing an output location%' THEN 'fetch'
      WHEN reason LIKE '%No space left on device%' THEN 'disk'
      ELSE 'other'
    END AS cause
  FROM stage_facts AS f
  WHERE num_failed_tasks > 0
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  -- A stage that failed matters even where little core time went with it.
  CASE WHEN status = 'FAILED' AND lost_core_ms < 600000 THEN 'medium' END AS severity,
  CASE WHEN num_killed_tasks > 0 THEN 'medium' ELSE 'high' END AS confidence,
  CASE WHEN status = 'FAILED' THEN 'The stage failed' ELSE 'Tasks fail and are run again' END AS title,
  lost_core_ms,
  TRY_CAST(LEAST(CAST(lost_core_ms AS DOUBLE) / task_slots, duration_ms) AS BIGINT) AS recoverable_ms,
  stage_name, cause, num_failed_tasks, num_killed_tasks, num_tasks, attempts_time, duration_total,
  CASE WHEN status = 'FAILED' THEN 'the stage attempt failed' END AS outcome,
  SUBSTR(reason, 1, 200) AS reason,
  is_local, spark_minor, executor_cores,
  TRY_CAST(CEIL(executor_memory_bytes / 536870912e0) AS BIGINT) AS memory_doubled_gib,
  -- Twice what it had, which by default is a tenth of the heap and at least 384 MiB.
  TRY_CAST(2 * COALESCE(overhead_bytes, GREATEST(executor_memory_bytes * 0.1e0, 402653184e0)) / 1048576e0 AS BIGINT)
    AS overhead_needed_mib
FROM judged
WHERE (status = 'FAILED' AND COALESCE(reason NOT LIKE '%cancelled%', TRUE))
  OR (num_failed_tasks >= $min_failed_tasks AND num_failed_tasks >= $min_failed_ratio * num_tasks
    AND lost_core_ms >= $min_lost_ms)
