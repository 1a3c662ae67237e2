-- id: application_sizing
-- title: Application sizing
-- description: The executors of every application: what it had, what it needed by measured peaks, and what
--   is recommended, with the reason. In local mode, on Databricks and without settings the recommendation
--   is empty. Needs are NULL where the history holds no peaks, never 0.
--   The recommended container holds off-heap and PySpark memory as they are set.
--   recommended_executors carry the work of the run with a fifth of the core time idle, at least half of
--   what ran at most, and no more than fit the cluster where its nodes are known.
-- reads: executor_sizing
WITH recommended AS (
  SELECT
    s.*,
    target_heap_mib * 1048576 AS target_memory_bytes,
    target_overhead_mib * 1048576 AS target_overhead_bytes,
    GREATEST(1, LEAST(
      GREATEST(
        needed_executors,
        TRY_CAST(CEIL(num_executors_max * CAST(executor_cores AS DOUBLE) / NULLIF(target_cores, 0) / 2e0) AS BIGINT)
      ),
      TRY_CAST(CEIL(num_executors_max * CAST(executor_cores AS DOUBLE) / NULLIF(target_cores, 0)) AS BIGINT)
    )) AS executors_of_work
  FROM executor_sizing AS s
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, application_name, job_key,
  num_executors_max AS executors, executor_cores, executor_memory_bytes, memory_overhead_bytes, container_memory_bytes,
  core_time_ms,
  -- A task of several cores holds all of them.
  1e0 - CAST(COALESCE(NULLIF(cores_busy_time_ms, 0), total_task_time_ms) AS DOUBLE) / NULLIF(core_time_ms, 0) AS idle_ratio,
  needed_executors, needed_memory_bytes, needed_container_bytes, peak_heap_bytes, peak_rss_bytes,
  is_pressed, is_memory_bound,
  cluster_memory_ratio, cluster_cores_ratio, cluster_cores, num_nodes, current_fit AS executors_fit,
  CASE
    WHEN is_memory_bound AND NOT is_pressed AND target_cores IS NOT NULL THEN target_fit
    WHEN target_fit IS NOT NULL THEN LEAST(executors_of_work, target_fit)
    WHEN target_cores IS NOT NULL THEN executors_of_work
  END AS recommended_executors,
  target_cores AS recommended_cores,
  target_memory_bytes AS recommended_memory_bytes,
  target_overhead_bytes AS recommended_overhead_bytes,
  target_container_bytes AS recommended_container_bytes,
  target_fit AS recommended_fit,
  CASE
    WHEN target_cores IS NULL THEN CASE WHEN is_local THEN 'no executors' WHEN is_databricks THEN 'the instance type decides' ELSE 'not known' END
    WHEN is_pressed AND target_cores < executor_cores THEN 'tasks need memory: fewer at once'
    WHEN is_pressed AND target_memory_bytes > executor_memory_bytes THEN 'tasks need memory: more of it'
    WHEN has_killed THEN 'containers were killed: more memory beside the heap'
    WHEN is_pressed THEN 'tasks need memory: keep it'
    WHEN is_memory_bound THEN 'the memory of the cluster is full'
    WHEN target_memory_bytes < 0.9e0 * executor_memory_bytes THEN 'less memory is enough'
    WHEN needed_memory_bytes IS NULL THEN 'memory was not measured'
    WHEN executors_of_work < num_executors_max THEN 'fewer executors are enough'
    ELSE 'fits'
  END AS reason,
  app_date
FROM recommended
