-- id: single_core
-- title: Everything runs on one core
-- category: resources
-- severity: low
-- version: 5
-- description: Fires where an application never had more than one core for its tasks although its stages have many: they ran one after the
--   other. Nothing is idle, so no core time is lost; the wall time could shrink with every core more. What could be won is what four
--   cores would save at best; where that is half of the wall time, a minute or more, it is medium. A session
--   counts too where its jobs ran for most of it: somebody waited for them.
-- parameter: min_tasks_ms bigint = 120000 [ms] time of tasks in stages of many tasks, at least
-- parameter: min_share double = 0.5 [ratio] this time over the wall time, at least
-- parameter: medium_ms bigint = 60000 [ms] wall time that could be won from which it is medium, where it is half of all
-- parameter: min_tasks bigint = 4 [count] tasks of such a stage, at least
-- evidence: {num_tasks:task|tasks} ran one after another on the only core, for {tasks_ms:s} of {app_duration_ms:s}[; the executor has {memory:bytes} of heap].
-- advice: is_local | - | - | Give local mode more cores: its master says how many, as a number in brackets or * for all.
-- advice: has_all_cores | - | - | An executor of a standalone cluster takes all cores of its worker up to spark.cores.max, here one: raise that where it is set, or start more
--   workers or larger ones (SPARK_WORKER_CORES). Tasks of a stage run side by side then.
-- advice: executor_cores = 1 AND NOT is_databricks | spark.executor.cores | '4' | Give the executor more cores, or start more executors: tasks of a stage run side by side then.
-- recommendation: Use more cores: larger or more executors. Tasks of a stage run side by side then.
WITH wide AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN num_complete_tasks >= $min_tasks THEN num_complete_tasks ELSE 0 END) AS num_tasks,
    SUM(CASE WHEN num_complete_tasks >= $min_tasks THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) AS tasks_ms
  FROM timed_stages
  WHERE status = 'COMPLETE'
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  CASE WHEN 0.75e0 * LEAST(w.tasks_ms, a.app_duration_ms) >= GREATEST(0.5e0 * a.app_duration_ms, $medium_ms) THEN 'medium' ELSE 'low' END AS severity, 'high' AS confidence,
  TRY_CAST(0.75e0 * LEAST(w.tasks_ms, a.app_duration_ms) AS BIGINT) AS recoverable_ms,
  w.num_tasks, TRY_CAST(w.tasks_ms AS BIGINT) AS tasks_ms, a.app_duration_ms, CASE WHEN NOT a.is_local THEN a.executor_memory_bytes END AS memory, a.is_local,
  COALESCE(a.executor_cores, 1) AS executor_cores, COALESCE(a.is_databricks, FALSE) AS is_databricks,
  COALESCE((a.master LIKE 'spark:%' OR a.master LIKE 'mesos:%') AND k.platform IS NULL AND NOT COALESCE(a.is_databricks, FALSE), FALSE) AS has_all_cores
FROM application_facts AS a
LEFT JOIN (
  -- Where it is not set, an executor of a standalone cluster has all cores of its worker.
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM spark_settings WHERE key = 'spark.executor.cores'
) AS k
  ON k.platform = a.platform AND k.cluster_id = a.cluster_id
  AND k.application_id = a.application_id AND k.attempt_id = a.attempt_id
INNER JOIN wide AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
-- Spark counts a task as done a moment after it started the next one.
WHERE a.tasks_running_max <= 2 AND CASE WHEN a.is_local THEN a.executor_cores = 1 ELSE a.cores_max = 1 END
  AND w.tasks_ms >= $min_tasks_ms AND w.tasks_ms >= $min_share * a.app_duration_ms
