-- id: uneven_end
-- title: Cores wait for the last tasks of a stage
-- category: partitioning
-- severity: low
-- version: 8
-- description: Fires where a stage has a few tasks for each core, so that its last ones leave many cores without work: the last round is
--   hardly filled, or tasks of uneven length end far apart. Counted is the time from the start of the last task on, when nothing
--   was left to start, of cores that were held then. Smaller tasks end closer together. A stage that waits for tasks much longer than the others is told by
--   task_skew; one that other stages ran beside is not judged, since their tasks took the cores, nor one whose tasks mostly loaded classes on executors that had just started. View uneven_ends
--   finds them, view stage_sizes says into how many partitions they should be cut. What could be won assumes tasks of a quarter of the length.
--   A stage that schema_inference tells is left to it: with a schema it does not run.
-- subject: stage
-- group_by: stage_name
-- evidence: {num_tasks:task|tasks} ran on {slots:core|cores}, {median_ms:s} the median and {longest_ms:s} the longest. When the last one began, no task was left for cores that became free: on average each waited {idle_ms:s} of the {duration_ms:s} that the stage took[; executors were removed meanwhile, so that {held_idle_ms:s} of it were
--   held].
-- advice: cause = 'packed' AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text | A task reads several whole files, put together up to this size: with less, {split_tasks:int} tasks or so end closer together.
-- advice: cause = 'splits' AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text | Read smaller splits: {wanted:int} tasks or so end closer together.
-- advice: cause = 'text' AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text | Read smaller splits: with {wanted:int} tasks or so
--   they end closer together. That cuts the files unless they are compressed or read as multi-line text. Those have to be written as more and smaller ones.
-- advice: cause = 'inference' AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text | The stage infers the schema of text files: give the
--   reader a schema (schema(...)), and it does not run. Else read smaller splits: {wanted:int} tasks or so end closer together.
-- advice: cause = 'inference' | - | - | The stage infers the schema of text files: give the reader a schema (schema(...)), and it does not run.
-- advice: (cause = 'merged' OR (cause = 'shuffle partitions' AND adaptive AND coalesce_partitions)) AND wanted > shuffle_partitions AND advisory_mib * 1048576e0 < advisory_bytes | spark.sql.shuffle.partitions | wanted | Use {wanted:int} shuffle partitions, whole rounds of
--   the cores, and let adaptive execution merge them less (spark.sql.adaptive.advisoryPartitionSizeInBytes={advisory_text}).
-- advice: cause = 'shuffle partitions' | spark.sql.shuffle.partitions | wanted | Use {wanted:int} shuffle partitions, whole rounds of the cores.
-- advice: cause = 'merged' AND wanted > shuffle_partitions | spark.sql.shuffle.partitions | wanted | Use {wanted:int} shuffle partitions, whole rounds of the cores.
-- advice: cause = 'merged' AND COALESCE(advisory_mib * 1048576e0 < advisory_bytes, TRUE) | spark.sql.adaptive.advisoryPartitionSizeInBytes | advisory_text | Let adaptive execution merge partitions less, so that tasks are smaller.
-- advice: cause = 'files' | - | - | The files are read by a task each and cannot be cut (compressed text, one row group): write more and smaller ones, best a multiple of
--   {slots:int}.
-- advice: cause IN ('packed', 'splits', 'text') | - | - | Write more and smaller files, best a multiple of {slots:int}, or repartition right after reading, into about {wanted:int} partitions.
-- advice: TRUE | - | - | Give the operation that makes these partitions about {wanted:int} of them (numSlices, minPartitions, numPartitions, repartition), whole rounds of
--   the cores.
-- recommendation: Make more and smaller partitions, in whole rounds of the cores, so that the last tasks end closer together.
SELECT
  u.platform, u.cluster_id, u.application_id, u.attempt_id, u.subject_id,
  'medium' AS confidence,
  TRY_CAST(idle_core_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(0.75e0 * idle_ms AS BIGINT) AS recoverable_ms,
  u.stage_name, u.num_tasks, u.task_slots AS slots, u.duration_median AS median_ms, u.duration_max AS longest_ms, TRY_CAST(u.idle_ms AS BIGINT) AS idle_ms,
  CASE WHEN u.held_idle_ms < 0.95e0 * u.idle_ms THEN TRY_CAST(u.held_idle_ms AS BIGINT) END AS held_idle_ms, u.duration_ms,
  z.partitions_wanted AS wanted, z.split_tasks,
  CASE
    WHEN i.platform IS NOT NULL THEN 'inference'
    WHEN u.is_packed THEN 'packed'
    -- Nothing shows that they could not be cut: they are smaller than a split. Neither their names nor their sizes tell of gzip and the like.
    WHEN is_scan AND sql_id IS NOT NULL AND files_read >= u.num_tasks AND file_format IN ('csv', 'json', 'text', 'avro') AND NOT COALESCE(u.is_uncut, FALSE)
      AND COALESCE(file_source NOT LIKE '%.gz' AND file_source NOT LIKE '%.zst' AND file_source NOT LIKE '%.snappy' AND file_source NOT LIKE '%.lz4'
        AND file_source NOT LIKE '%.deflate', TRUE) THEN 'text'
    WHEN is_scan AND sql_id IS NOT NULL AND (is_row_group_bound OR files_read >= u.num_tasks) THEN 'files'
    WHEN is_scan AND sql_id IS NOT NULL THEN 'splits'
    WHEN sql_id IS NOT NULL AND u.shuffle_read_bytes > 0 AND u.num_tasks = shuffle_partitions AND NOT COALESCE(is_repartitioned, FALSE) THEN 'shuffle partitions'
    WHEN sql_id IS NOT NULL AND adaptive AND coalesce_partitions AND u.shuffle_read_bytes > 0 AND u.num_tasks < shuffle_partitions
      AND NOT COALESCE(is_repartitioned, FALSE) THEN 'merged'
    ELSE 'code'
  END AS cause,
  CONCAT(CAST(z.split_mib AS STRING), 'MB') AS split_text, CONCAT(CAST(z.advisory_mib AS STRING), 'MB') AS advisory_text,
  z.split_mib, z.advisory_mib, u.max_partition_bytes, u.advisory_bytes, u.shuffle_partitions, adaptive, coalesce_partitions
FROM uneven_ends AS u
INNER JOIN stage_sizes AS z
  ON z.platform = u.platform AND z.cluster_id = u.cluster_id
  AND z.application_id = u.application_id AND z.attempt_id = u.attempt_id
  AND z.subject_id = u.subject_id
LEFT JOIN inferred_schemas AS i
  ON i.platform = u.platform AND i.cluster_id = u.cluster_id
  AND i.application_id = u.application_id AND i.attempt_id = u.attempt_id
  AND i.subject_id = u.subject_id
WHERE NOT COALESCE(i.is_told, FALSE)
