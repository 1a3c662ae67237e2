-- id: tiny_tasks
-- title: The stage is cut into far too many tiny tasks
-- category: partitioning
-- severity: medium
-- version: 2
-- description: Fires where a stage has many more tasks than cores and the typical task is so short
--   that starting it (scheduling, sending and unpacking the task, sending the result) is a good part
--   of its time. That overhead is measured, not assumed. What fewer tasks would save is the overhead
--   of those that would not be there. The number recommended keeps several waves a core, tasks of
--   the target run time, and partitions of the target size, in whole waves of the cores in use.
-- subject: stage
-- group_by: stage_name
-- parameter: min_tasks bigint = 500 [count] successful tasks, at least
-- parameter: min_tasks_per_slot double = 8.0 [ratio] successful tasks for each core that worked on the stage, at least
-- parameter: max_median_ms bigint = 200 [ms] run time of the median task, at most
-- parameter: min_overhead_ratio double = 0.1 [ratio] overhead over the time of all tasks, at least
-- parameter: min_overhead_ms bigint = 30000 [ms] overhead of all tasks together, at least
-- parameter: waves double = 4.0 [ratio] tasks to keep for each core
-- parameter: target_run_time_ms bigint = 2000 [ms] run time that a task should have
-- parameter: target_bytes bigint = 134217728 [bytes] what a partition should hold at most
-- evidence: {succeeded_tasks:int} tasks on {task_slots:int} cores, the median one running {run_time_median:int} ms[, cut
--   from {files_read:int} files]; starting and ending them took {overhead_ms:s}, {overhead_ratio:pct} of their time;
--   {tasks_needed:int} tasks would do.
-- advice: cause = 'splits' | spark.sql.files.maxPartitionBytes |
--   CONCAT(CAST(TRY_CAST(CEIL(input_bytes / 1048576e0 / tasks_needed) AS BIGINT) AS STRING), 'MB') |
--   Few files are cut into many splits: let a split hold more.
-- advice: cause = 'input' | - | - | The input lies in many small files or partitions: compact it, or coalesce after reading.
-- advice: cause = 'made' | - | - | Make the data with fewer partitions (a smaller numSlices or range): {tasks_needed:int}
--   would do.
-- advice: sql_id IS NULL | - | - | Give the operation before this stage fewer partitions: {tasks_needed:int} would do.
-- advice: spark_minor >= 300 AND NOT adaptive | spark.sql.adaptive.enabled | 'true' | Turn adaptive execution on: it merges
--   small shuffle partitions by itself.
-- advice: adaptive AND NOT coalesce_partitions | spark.sql.adaptive.coalescePartitions.enabled | 'true' |
--   Let adaptive execution merge small shuffle partitions.
-- advice: num_tasks = shuffle_partitions | spark.sql.shuffle.partitions | tasks_needed | Use fewer shuffle partitions.
-- recommendation: The code sets the number of partitions (repartition): ask for fewer there.
WITH measured AS (
  SELECT
    f.*,
    COALESCE(scheduler_delay_total, 0) + COALESCE(deserialize_time_total, 0) + COALESCE(serialize_time_total, 0)
      AS overhead_ms,
    task_slots * TRY_CAST(CEIL(GREATEST(
      $waves,
      CAST(run_time_total AS DOUBLE) / $target_run_time_ms / task_slots,
      CAST(data_bytes AS DOUBLE) / $target_bytes / task_slots
    )) AS BIGINT) AS tasks_needed
  FROM stage_facts AS f
  WHERE succeeded_tasks >= $min_tasks AND succeeded_tasks >= $min_tasks_per_slot * task_slots
    AND run_time_median <= $max_median_ms AND NOT is_listing
),
judged AS (
  SELECT
    m.*,
    CAST(overhead_ms AS DOUBLE) / GREATEST(duration_total, 1) AS overhead_ratio,
    TRY_CAST(ROUND(overhead_ms * (1e0 - CAST(tasks_needed AS DOUBLE) / num_tasks)) AS BIGINT) AS lost_core_ms,
    CASE
      WHEN input_bytes > shuffle_read_bytes AND files_read * 4 < num_tasks THEN 'splits'
      WHEN input_bytes > shuffle_read_bytes THEN 'input'
      WHEN shuffle_read_bytes = 0 THEN 'made'
      ELSE 'shuffle'
    END AS cause
  FROM measured AS m
  WHERE overhead_ms >= $min_overhead_ms AND tasks_needed < num_tasks
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'high' AS confidence,
  lost_core_ms,
  TRY_CAST(LEAST(CAST(lost_core_ms AS DOUBLE) / task_slots, duration_ms) AS BIGINT) AS recoverable_ms,
  stage_name, cause, succeeded_tasks, num_tasks, task_slots, run_time_median, overhead_ms, overhead_ratio,
  tasks_needed, files_read, input_bytes, sql_id, spark_minor, adaptive, coalesce_partitions, shuffle_partitions
FROM judged
WHERE overhead_ratio >= $min_overhead_ratio
