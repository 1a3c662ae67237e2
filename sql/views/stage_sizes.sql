-- id: stage_sizes
-- title: Partitions that a stage should have, and the settings that make them
-- description: One row per stage attempt: into how many partitions it should be cut (partitions_wanted) so that its data fit (partitions_fit of stage_facts) and, where
--   uneven_end tells it, so that its tasks end close together; the stages of one place in the code with as many tasks and files share the largest number. split_mib is
--   spark.sql.files.maxPartitionBytes for it and advisory_mib spark.sql.adaptive.advisoryPartitionSizeInBytes, in MiB, so that the rules which advise one of them name one
--   value. Where a task reads several whole files (is_packed), Spark counts 4 MiB more for each (spark.sql.files.openCostInBytes), and columnar files, most of one row
--   group, are not cut: split_tasks is the number of tasks that come of it.
-- parameter: min_packed double = 2.0 [ratio] files read over tasks from which several whole files make a task
-- parameter: open_cost_bytes double = 4194304.0 [bytes] what Spark counts for each file besides its bytes
-- parameter: min_share double = 0.005 [ratio] part of the core time or the wall time of the application that cores waited at the end, at least, to be told
-- reads: stage_facts, uneven_ends
WITH sized AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.split_bytes, f.shuffle_read_bytes,
    CAST(f.files_read AS DOUBLE) AS files,
    COALESCE(f.sql_id IS NOT NULL AND f.input_bytes >= f.shuffle_read_bytes AND f.has_scan AND f.files_read >= $min_packed * f.num_tasks, FALSE) AS is_packed,
    COALESCE(f.file_format IN ('parquet', 'orc', 'delta', 'iceberg'), FALSE) AS is_columnar,
    MAX(GREATEST(f.partitions_fit, COALESCE(u.wanted, f.partitions_fit))) OVER (
      PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_name, f.num_tasks, f.files_read
    ) AS partitions_wanted
  FROM stage_facts AS f
  LEFT JOIN uneven_ends AS u
    ON u.platform = f.platform AND u.cluster_id = f.cluster_id
    AND u.application_id = f.application_id AND u.attempt_id = f.attempt_id
    AND u.subject_id = f.subject_id
    AND COALESCE(u.idle_core_ms >= $min_share * u.core_time_ms OR u.idle_ms >= $min_share * u.app_duration_ms, TRUE)
),
packed AS (
  SELECT
    s.*,
    -- Whole files of a task, at least one.
    CASE WHEN is_packed AND (is_columnar OR files >= partitions_wanted) THEN GREATEST(FLOOR(files / NULLIF(partitions_wanted, 0)), 1e0) END AS files_each,
    split_bytes / NULLIF(files, 0e0) AS file_bytes
  FROM sized AS s
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, is_packed, partitions_wanted,
  COALESCE(TRY_CAST(CEIL(files / NULLIF(files_each, 0e0)) AS BIGINT), partitions_wanted) AS split_tasks,
  -- A quarter of a file more, since not all are of the same size.
  GREATEST(TRY_CAST(CEIL(COALESCE(
    (files_each * file_bytes + (files_each - 1e0) * $open_cost_bytes + (file_bytes + $open_cost_bytes) / 4e0) / 1048576e0,
    split_bytes / NULLIF(partitions_wanted, 0) / 1048576e0
  )) AS BIGINT), 1) AS split_mib,
  GREATEST(TRY_CAST(CEIL(CAST(shuffle_read_bytes AS DOUBLE) / NULLIF(partitions_wanted, 0) / 1048576e0) AS BIGINT), 1) AS advisory_mib
FROM packed
