-- id: adaptive_off
-- title: Adaptive query execution is off
-- category: plans
-- severity: low
-- version: 9
-- description: Fires where adaptive execution is off by the default of an old Spark in an
--   application whose queries moved much data through shuffles, and where it was switched off already if shuffles are a good part of
--   the application. Queries of streams are not judged, nor those of which no partition is skewed and all are too large to merge, or would spill then. It would merge small partitions, split
--   skewed ones and choose joins by real sizes; how much that saves is not known beforehand, but for what it takes to start and end
--   tasks with hardly any data, of which one for each core would be left: that is lost,
--   but for the stages that tiny_tasks tells.
-- parameter: min_shuffle_bytes bigint = 1073741824 [bytes] shuffle data read by queries, at least
-- parameter: min_run_time_ms bigint = 600000 [ms] task time of stages that read it, at least
-- parameter: min_small_bytes bigint = 134217728 [bytes] or this much where these stages are most of the application
-- parameter: min_small_run_time_ms bigint = 30000 [ms] and their task time then, at least
-- parameter: min_set_run_time_ms bigint = 10000 [ms] or their task time where it was switched off, at least
-- parameter: min_set_share double = 0.1 [ratio] and their share of the application's task time then, at least
-- parameter: min_helped_share double = 0.1 [ratio] part of that task time in stages whose partitions it would merge or split, at least
-- parameter: skew_ratio double = 5.0 [ratio] largest over median partition from which adaptive execution splits it
-- parameter: small_task_bytes double = 1048576.0 [bytes] what the tasks of a stage read on average, below which it is told
-- parameter: min_small_tasks bigint = 100 [count] tasks of such stages, at least, for them to be told
-- parameter: min_small_share double = 0.5 [ratio] and their share of the application's task time, at least
-- parameter: waves double = 4.0 [ratio] tasks to keep for each core where the number of partitions is advised
-- parameter: medium_lost_ms double = 600000 [core_ms] loss from which it is of medium severity, where it is a tenth of the task time
-- evidence: Queries read {shuffle_bytes:bytes} through shuffles in {num_stages:stage|stages} of {run_ms:s} of task time with adaptive
--   execution off[; {small_tasks:task|tasks} of {small_stages:stage|stages} read {small_bytes:bytes} each on average, which it would merge][; starting and ending them took {start_ms:s} on top of their run time][, which the
--   tiny_tasks finding counts for {told_stages:stage|stages}].
-- advice: spark_minor >= 300 | spark.sql.adaptive.enabled | 'true' | Turn adaptive execution on.[ Without it, lower spark.sql.shuffle.partitions
--   from {set_partitions:int} to {partitions_wanted:int}.]
-- recommendation: Move to Spark 3.2 or later, where adaptive execution is on by default.
WITH stages_of AS (
  SELECT
    f.*, t.platform IS NOT NULL AS is_told, t.partitions_wanted,
    -- As tiny_tasks counts them.
    CASE WHEN f.num_tasks = f.shuffle_partitions AND NOT COALESCE(f.is_repartitioned, FALSE)
      THEN f.task_slots * CEIL(GREATEST($waves, CAST(LEAST(f.partitions_fit, f.num_tasks) AS DOUBLE) / NULLIF(f.task_slots, 0))) END AS own_wanted,
    CASE WHEN f.duration_total > f.run_time_total THEN CAST(f.duration_total AS DOUBLE) - f.run_time_total END AS start_ms,
    f.num_tasks > 1 AND CAST(f.shuffle_read_bytes AS DOUBLE) < $small_task_bytes * f.num_tasks AND NOT COALESCE(f.is_repartitioned, FALSE) AS is_cut_small,
    NOT COALESCE(f.is_repartitioned, FALSE) AND COALESCE(
      (f.num_tasks > GREATEST(COALESCE(f.stage_slots, 1), 1) AND 2e0 * f.shuffle_read_bytes <= CAST(f.advisory_bytes AS DOUBLE) * f.num_tasks
        -- Merged partitions need as much more memory as they are larger; of tiny ones the peak is what every task begins with.
        AND COALESCE(CAST(f.shuffle_read_bytes AS DOUBLE) < $small_task_bytes * f.num_tasks OR
          CAST(f.peak_memory_max AS DOUBLE) / GREATEST(f.shuffle_read_max, 1)
            * LEAST(CAST(f.advisory_bytes AS DOUBLE), CAST(f.shuffle_read_bytes AS DOUBLE) / GREATEST(COALESCE(f.stage_slots, 1), 1))
            <= CAST(f.unified_memory_bytes AS DOUBLE) / GREATEST(f.executor_cores, 1), TRUE
        ))
      OR CAST(f.shuffle_read_max AS DOUBLE) >= $skew_ratio * GREATEST(f.shuffle_read_median, 1), TRUE
    ) AS is_helped
  FROM stage_facts AS f
  INNER JOIN sql AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  LEFT JOIN tiny_stages AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id
    AND t.stage_id = f.stage_id AND t.stage_attempt_id = f.stage_attempt_id
  -- Spark itself turns it off for stateful streams.
  WHERE f.has_settings AND NOT f.adaptive AND f.shuffle_read_bytes > 0 AND q.streaming_query_id IS NULL
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_stages,
    SUM(CAST(shuffle_read_bytes AS DOUBLE)) AS shuffle_bytes,
    SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms,
    -- A stage that was stopped did not run all of them.
    SUM(CASE WHEN is_cut_small THEN COALESCE(succeeded_tasks, num_tasks) ELSE 0 END) AS small_tasks,
    SUM(CASE WHEN is_cut_small THEN start_ms END) AS start_ms,
    SUM(CASE WHEN is_cut_small AND NOT is_told THEN start_ms
      * GREATEST(1e0 - GREATEST(CAST(stage_slots AS DOUBLE), 1e0) / NULLIF(succeeded_tasks, 0), 0e0) END) AS lost_ms,
    SUM(CASE WHEN is_cut_small AND NOT is_told THEN start_ms
      * GREATEST(1e0 / GREATEST(CAST(stage_slots AS DOUBLE), 1e0) - 1e0 / NULLIF(succeeded_tasks, 0), 0e0) END) AS won_ms,
    SUM(CASE WHEN is_cut_small THEN 1 ELSE 0 END) AS small_stages,
    SUM(CASE WHEN is_cut_small THEN CAST(shuffle_read_bytes AS DOUBLE) ELSE 0e0 END) AS small_bytes,
    SUM(CASE WHEN is_cut_small AND is_told THEN 1 ELSE 0 END) AS told_stages,
    -- One value for all of them, where the setting made them.
    CASE WHEN SUM(CASE WHEN is_cut_small AND NOT COALESCE(num_tasks = shuffle_partitions, FALSE) THEN 1 ELSE 0 END) = 0
      AND MIN(shuffle_partitions) = MAX(shuffle_partitions) THEN MAX(shuffle_partitions) END AS set_partitions,
    TRY_CAST(COALESCE(MAX(partitions_wanted), MAX(own_wanted)) AS BIGINT) AS partitions_wanted,
    MAX(spark_minor) AS spark_minor, CAST(MAX(total_task_time_ms) AS DOUBLE) AS app_ms
  FROM stages_of
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING SUM(CASE WHEN is_helped THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) >= $min_helped_share * SUM(CAST(executor_run_time AS DOUBLE))
  AND ((SUM(CAST(shuffle_read_bytes AS DOUBLE)) >= $min_shuffle_bytes
      AND SUM(CAST(executor_run_time AS DOUBLE)) >= $min_run_time_ms)
    OR (SUM(CAST(shuffle_read_bytes AS DOUBLE)) >= $min_small_bytes
      AND SUM(CAST(executor_run_time AS DOUBLE)) >= $min_small_run_time_ms
      AND SUM(CAST(executor_run_time AS DOUBLE)) >= $min_small_share * MAX(total_task_time_ms))
    -- On by default since Spark 3.2: somebody switched it off.
    OR (MAX(spark_minor) >= 302 AND SUM(CAST(executor_run_time AS DOUBLE)) >= $min_set_run_time_ms
      AND SUM(CAST(executor_run_time AS DOUBLE)) >= $min_set_share * MAX(total_task_time_ms)))
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  -- Only what starting and ending tasks took is known to be lost.
  CASE
    WHEN small_tasks >= $min_small_tasks AND lost_ms >= $medium_lost_ms AND lost_ms >= 0.1e0 * app_ms THEN 'medium'
    WHEN small_tasks >= $min_small_tasks AND lost_ms >= $medium_lost_ms THEN 'low'
  END AS severity, 'medium' AS confidence,
  CASE WHEN small_tasks >= $min_small_tasks THEN TRY_CAST(lost_ms AS BIGINT) END AS lost_core_ms,
  CASE WHEN small_tasks >= $min_small_tasks THEN TRY_CAST(won_ms AS BIGINT) END AS recoverable_ms,
  num_stages, shuffle_bytes, run_ms, spark_minor,
  CASE WHEN small_tasks >= $min_small_tasks THEN small_tasks END AS small_tasks, small_stages,
  CASE WHEN small_tasks >= $min_small_tasks THEN start_ms END AS start_ms,
  small_bytes / NULLIF(small_tasks, 0) AS small_bytes,
  CASE WHEN small_tasks >= $min_small_tasks THEN NULLIF(told_stages, 0) END AS told_stages,
  CASE WHEN small_tasks >= $min_small_tasks AND 2 * partitions_wanted <= set_partitions THEN set_partitions END AS set_partitions, partitions_wanted
FROM summed
