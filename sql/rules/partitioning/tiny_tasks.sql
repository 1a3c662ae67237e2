-- id: tiny_tasks
-- title: The stage is cut into far too many tiny tasks
-- category: partitioning
-- severity: medium
-- version: 18
-- description: Fires where a stage has many more tasks than cores and the typical task is so short
--   that starting it (scheduling, sending and unpacking the task, sending the result) is a good part
--   of its time, or longer but with hardly a row (a process of Python has to be started for it too); of tasks with hardly a row (of a shuffle, or of a union of many small DataFrames that the program made) a hundred are
--   enough, where such stages take much of the application. That overhead is
--   measured, not assumed; of tasks of Python with hardly a row their run time is part of it as far as it does not grow with the rows. The first task on each core loads classes and fetches broadcasts, which fewer tasks would do as well, so
--   the tasks that took longest to start (a quarter of them, a twentieth where the cores are few beside the tasks) count with that quantile. Where the median task read no row, its run time is
--   overhead too: it opened a file and found nothing in its split. What fewer tasks would save is the
--   overhead of those that would not be there. The number recommended keeps several waves a core,
--   partitions of the target size, and tasks below the longest run time, in whole waves of the cores in use.
--   Stages of one name with as many tasks each, ten or more, are a loop (the iterations of an estimator of machine learning, above all): they count together, however short each is, with other stages outside of queries that have as many from a shuffle or a cache.
--   Stages whose shuffle partitions adaptive execution may not merge, or only up to a small advisory size, are one finding with the sum of all, the time to open and close the files included that would not be there.
--   View tiny_stages finds them. Those that mostly deserialize a large closure are told by heavy_closures.
-- subject: stage
-- group_by: kind
-- evidence: {succeeded_tasks:task|tasks}[ (of {planned_tasks:int}; the ends of the others are missing from the history)] on {task_slots:core|cores}, the median one running {run_time_median:int} ms[ without
--   a row in its split: {files_cut:file|files} of {file_bytes:bytes} in all were cut into splits of
--   {max_partition_bytes:bytes}][, {rows_each:row|rows} per task]; starting and ending them[ and opening {open_files:file|files}
--   again and again] took {overhead_ms:s},
--   {overhead_ratio:pct} of their time[, {python_ms:s} of it in Python before it had a row]; {tasks_needed:task|tasks} would do, {waves_needed:int} for each core[; to open and close {files_made:file|files} that they wrote took about {file_ms:s}][.
--   In all, {all_stages:stage|stages} of {all_tasks:int} such tasks took {all_task_ms:s} of {app_task_ms:s} of task time][ for {all_bytes:bytes} of shuffle data].
-- advice: cause = 'splits' AND COALESCE(split_mib * 1048576e0 > max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text |
--   {files_read:file|files} are cut into {num_tasks:split|splits}: let a split hold more. Spark still makes at least one split
--   for each core.
-- advice: cause = 'splits' | - | - | {files_read:file|files} are cut into {num_tasks:split|splits}: read with fewer of them
--   (spark.sql.files.minPartitionNum, spark.default.parallelism), or coalesce after reading.
-- advice: cause = 'cache' AND is_loop AND sql_id IS NULL | - | - | A loop runs so many tasks in each round over what is cached: coalesce before caching (an estimator of MLlib caches what it trains on itself: the DataFrame
--   that goes into fit()), or give the shuffle before it fewer partitions; {tasks_needed:int} would do.
-- advice: cause = 'cache' | - | - | The stage reads a cache of so many partitions: coalesce before caching, {tasks_needed:int} would do.
-- advice: cause = 'input' AND sql_id IS NOT NULL AND files_read IS NULL | - | - | The source gives many partitions: read it with fewer of them, or coalesce
--   after reading.
-- advice: cause = 'input' | - | - | The input lies in many small files or partitions: compact it, or coalesce after reading.
-- advice: cause = 'made' AND num_frames > 0 | - | - | {num_frames:int} small DataFrames are united, and each brings partitions of its own: collect the rows first and make one
--   DataFrame of all of them (one createDataFrame), or coalesce after the union; {tasks_needed:int} would do.
-- advice: cause = 'made' | - | - | Make the data with fewer partitions (a smaller numSlices or range): {tasks_needed:int}
--   would do.
-- advice: is_exchange AND 2 * worst_fit < num_tasks | spark.sql.shuffle.partitions | partitions_wanted |
--   The stage reads a shuffle of a query: use fewer shuffle partitions, {partitions_wanted:int} instead of {shuffle_partitions:int}, as many as the largest shuffle of the application needs.
-- advice: sql_id IS NULL | - | - | Give the operation before this stage fewer partitions: {tasks_needed:int} would do.
-- advice: spark_minor >= 300 AND NOT adaptive AND NOT is_repartitioned | spark.sql.adaptive.enabled | 'true' | Turn adaptive execution on: it merges
--   small shuffle partitions by itself.[ Without it, lower spark.sql.shuffle.partitions from {set_partitions:int} to {partitions_wanted:int}.]
-- advice: adaptive AND NOT coalesce_partitions AND NOT is_repartitioned | spark.sql.adaptive.coalescePartitions.enabled | 'true' |
--   Let adaptive execution merge small shuffle partitions.[ Without it, lower spark.sql.shuffle.partitions from {set_partitions:int} to {partitions_wanted:int}.]
-- advice: merge_bytes > 0 | spark.sql.adaptive.advisoryPartitionSizeInBytes | '64MB' | Adaptive execution merges small shuffle partitions only up to {merge_bytes:bytes}: let it merge them up to the
--   default size.
-- advice: num_tasks = shuffle_partitions AND NOT is_repartitioned AND 2 * worst_fit >= num_tasks | - | - | Another stage with as many shuffle partitions
--   needs about {worst_fit:int} of them: set spark.sql.shuffle.partitions for this query alone, or repartition to
--   {tasks_needed:int} here.
-- advice: num_tasks = shuffle_partitions AND NOT is_repartitioned | spark.sql.shuffle.partitions | partitions_wanted |
--   Use fewer shuffle partitions, {partitions_wanted:int} instead of {shuffle_partitions:int}, as many as the largest shuffle of the application needs.
-- recommendation: The code sets the number of partitions (repartition): ask for fewer there.
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'high' AS confidence,
  lost_core_ms,
  TRY_CAST(LEAST(CAST(lost_core_ms AS DOUBLE) / NULLIF(task_slots, 0), duration_ms) AS BIGINT) AS recoverable_ms,
  stage_name, cause, num_frames, is_exchange, succeeded_tasks, CASE WHEN is_partly_seen THEN num_tasks END AS planned_tasks, num_tasks, task_slots, run_time_median, overhead_ms, python_ms, overhead_ratio,
  tasks_needed, TRY_CAST(FLOOR(CAST(tasks_needed AS DOUBLE) / NULLIF(task_slots, 0)) AS BIGINT) AS waves_needed, files_read, input_bytes,
  file_bytes, max_partition_bytes,
  CASE WHEN is_empty THEN files_read END AS files_cut, CASE WHEN is_empty THEN files_read END AS open_files,
  -- Of a cache it is batches that are counted.
  CASE WHEN num_frames > 0 THEN GREATEST(TRY_CAST(ROUND(frame_rows / CAST(num_tasks AS DOUBLE)) AS BIGINT), 1)
    WHEN cause NOT IN ('splits', 'cache') AND NOT COALESCE(is_cache_read, FALSE) AND GREATEST(shuffle_read_records, input_records) > 0
      THEN NULLIF(TRY_CAST(GREATEST(shuffle_read_records, input_records) / CAST(num_tasks AS DOUBLE) AS BIGINT), 0) END AS rows_each,
  -- Never below Spark's default, which is right for data of any size.
  CONCAT(CAST(GREATEST(
    TRY_CAST(CEIL(COALESCE(file_bytes, input_bytes) / 1048576e0 / NULLIF(tasks_needed, 0)) AS BIGINT), 128
  ) AS STRING), 'MB') AS split_text,
  GREATEST(TRY_CAST(CEIL(COALESCE(file_bytes, input_bytes) / 1048576e0 / NULLIF(tasks_needed, 0)) AS BIGINT), 128) AS split_mib,
  -- Stages of one place in the code with as many tasks, up to the number of digits; those with hardly a row share a setting.
  CASE WHEN is_few THEN 'few rows' WHEN is_unmerged AND merge_bytes > 0 THEN 'hardly merged' WHEN is_unmerged THEN 'unmerged' WHEN is_loop AND sql_id IS NULL THEN CONCAT('loop ', CAST(num_tasks AS STRING)) WHEN is_loop THEN CONCAT('loop ', stage_name, ' ', CAST(num_tasks AS STRING)) ELSE CONCAT(stage_name, ' ', CAST(LENGTH(CAST(num_tasks AS STRING)) AS STRING)) END AS kind,
  sql_id, worst_fit, partitions_wanted, merge_bytes, CASE WHEN file_ms > 0 THEN TRY_CAST(files_made AS BIGINT) END AS files_made, NULLIF(file_ms, 0) AS file_ms,
  CASE WHEN (is_unmerged OR is_loop) AND together_stages > 1 THEN together_stages END AS all_stages, together_tasks AS all_tasks, together_task_ms AS all_task_ms,
  total_task_time_ms AS app_task_ms, CASE WHEN (is_unmerged OR is_loop) AND together_stages > 1 AND cause <> 'cache' AND together_bytes > 0e0 THEN together_bytes END AS all_bytes, is_loop,
  -- The setting made the partitions, and all shuffles can do with fewer.
  CASE WHEN cause = 'shuffle' AND sql_id IS NOT NULL AND num_tasks = shuffle_partitions AND NOT COALESCE(is_repartitioned, FALSE)
    AND NOT COALESCE(2 * partitions_wanted > num_tasks, FALSE) THEN shuffle_partitions END AS set_partitions,
  COALESCE(is_repartitioned, FALSE) AS is_repartitioned, spark_minor, adaptive, coalesce_partitions, shuffle_partitions
FROM (
  SELECT t.*
  FROM tiny_stages AS t
  LEFT JOIN closure_stages AS c
    ON c.platform = t.platform AND c.cluster_id = t.cluster_id
    AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id AND c.subject_id = t.subject_id
  WHERE c.platform IS NULL
) AS told
