-- id: uneven_end
-- title: Cores wait for the last tasks of a stage
-- category: partitioning
-- severity: low
-- version: 5
-- description: Fires where a stage has a few tasks for each core, so that its last ones leave many cores without work: the last round is
--   hardly filled, or tasks of uneven length end far apart. Counted is the time from the start of the last task on, when nothing
--   was left to start, without cores that had been given back. Smaller tasks end closer together. A stage that waits for tasks much longer than the others is told by
--   task_skew; one that other stages ran beside is not judged, since their tasks took the cores, nor one whose tasks mostly loaded classes on executors that had just started. View uneven_ends
--   finds them. What could be won assumes tasks of a quarter of the length.
-- subject: stage
-- group_by: stage_name
-- evidence: {num_tasks:task|tasks} ran on {slots:core|cores}, {median_ms:s} the median and {longest_ms:s} the longest. When the last one began, nothing was left for cores that
--   became free: on average each waited {waited_ms:s} of the {duration_ms:s} that the stage took[; {given_slots:1} of them had been given back meanwhile, on average].
-- advice: cause = 'packed' AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text | A task reads several whole files, put together up to this size: with less, {wanted:int} tasks or so end closer together.
-- advice: cause = 'splits' AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text | Read smaller splits: {wanted:int} tasks or so end closer together.
-- advice: cause = 'shuffle partitions' | spark.sql.shuffle.partitions | wanted | Use {wanted:int} shuffle partitions, whole rounds of the cores.
-- advice: cause = 'merged' AND COALESCE(advisory_mib * 1048576e0 < advisory_bytes, TRUE) | spark.sql.adaptive.advisoryPartitionSizeInBytes | advisory_text | Let adaptive execution merge partitions less, so that tasks are smaller.
-- advice: cause = 'files' | - | - | The files are read by a task each and cannot be cut (compressed text, one row group): write more and smaller ones, best a multiple of
--   {slots:int}.
-- advice: TRUE | - | - | Give the operation that makes these partitions about {wanted:int} of them (numSlices, minPartitions, numPartitions, repartition), whole rounds of
--   the cores.
-- recommendation: Make more and smaller partitions, in whole rounds of the cores, so that the last tasks end closer together.
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'medium' AS confidence,
  TRY_CAST(idle_core_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(0.75e0 * idle_ms AS BIGINT) AS recoverable_ms,
  stage_name, num_tasks, task_slots AS slots, duration_median AS median_ms, duration_max AS longest_ms, TRY_CAST(idle_ms AS BIGINT) AS idle_ms,
  TRY_CAST(idle_core_ms / NULLIF(CAST(task_slots AS DOUBLE) * task_cpus, 0e0) AS BIGINT) AS waited_ms, CASE WHEN given_slots >= 1e0 THEN given_slots END AS given_slots,
  duration_ms, wanted,
  CASE
    WHEN is_packed THEN 'packed'
    WHEN is_scan AND sql_id IS NOT NULL AND (is_row_group_bound OR files_read >= num_tasks) THEN 'files'
    WHEN is_scan AND sql_id IS NOT NULL THEN 'splits'
    WHEN sql_id IS NOT NULL AND shuffle_read_bytes > 0 AND num_tasks = shuffle_partitions AND NOT COALESCE(is_repartitioned, FALSE) THEN 'shuffle partitions'
    WHEN sql_id IS NOT NULL AND adaptive AND coalesce_partitions AND shuffle_read_bytes > 0 AND num_tasks < shuffle_partitions
      AND NOT COALESCE(is_repartitioned, FALSE) THEN 'merged'
    ELSE 'code'
  END AS cause,
  CONCAT(CAST(GREATEST(TRY_CAST(CEIL((split_bytes
    -- Each file counts 4 MiB more (spark.sql.files.openCostInBytes).
    + CASE WHEN is_packed THEN 4194304e0 * files_read ELSE 0e0 END) / NULLIF(wanted, 0) / 1048576e0) AS BIGINT), 1) AS STRING), 'MB') AS split_text,
  CONCAT(CAST(GREATEST(TRY_CAST(CEIL(shuffle_read_bytes / NULLIF(wanted, 0) / 1048576e0) AS BIGINT), 1) AS STRING), 'MB') AS advisory_text,
  GREATEST(TRY_CAST(CEIL((split_bytes + CASE WHEN is_packed THEN 4194304e0 * files_read ELSE 0e0 END) / NULLIF(wanted, 0) / 1048576e0) AS BIGINT), 1) AS split_mib,
  GREATEST(TRY_CAST(CEIL(shuffle_read_bytes / NULLIF(wanted, 0) / 1048576e0) AS BIGINT), 1) AS advisory_mib, max_partition_bytes, advisory_bytes
FROM uneven_ends
