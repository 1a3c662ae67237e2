-- id: merged_shuffles
-- title: What would make adaptive execution merge the shuffle partitions of a stage less
-- description: One row per stage attempt that reads fewer partitions than were shuffled, since adaptive execution merged them, with the setting of which it would get most tasks, as
--   Spark's CoalesceShufflePartitions computes them: it merges up to the advisory size, with parallelismFirst no further than the default parallelism needs, and in any case up to the
--   minimum size; the advisory size is a bound with parallelismFirst too. better_setting is parallelism (parallelismFirst, which follows the cores, where it gives as many tasks as there are
--   cores and as the data need, or as a smaller advisory size), advisory or minimum, NULL where none gives more tasks than there are: then one partition has nearly all rows, or the code asked for it.
--   parallelism_first is what the query ran with; advisory_mib and minimum_kib are the values, better_tasks the tasks that come of the setting, as far as partitions have the same size.
-- parameter: min_more double = 1.5 [ratio] tasks that come of a setting over those that there were, at least
-- reads: application_settings, query_settings, stage_cores
WITH merged AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.num_tasks, f.spark_minor, CAST(f.shuffle_read_bytes AS DOUBLE) AS bytes, f.advisory_bytes,
    COALESCE(q.parallelism_first, a.parallelism_first) AS parallelism_first,
    COALESCE(q.merge_min_bytes, a.merge_min_bytes) AS minimum_bytes, COALESCE(q.merge_min_count, a.merge_min_count) AS minimum_count,
    CAST(COALESCE(f.default_parallelism, GREATEST(CEIL(f.held_cores), 2e0)) AS DOUBLE) AS parallelism,
    CAST(GREATEST(CEIL(f.held_cores / GREATEST(COALESCE(f.task_cpus, 1), 1)), COALESCE(f.partitions_fit, 1), 1) AS DOUBLE) AS wanted
  FROM stage_cores AS f
  INNER JOIN application_settings AS a
    ON a.platform = f.platform AND a.cluster_id = f.cluster_id
    AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
  LEFT JOIN query_settings AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  WHERE f.sql_id IS NOT NULL AND f.adaptive AND f.coalesce_partitions AND f.shuffle_read_bytes > 0 AND f.num_tasks < f.shuffle_partitions
),
sized AS (
  SELECT
    m.*,
    GREATEST(TRY_CAST(CEIL(bytes / NULLIF(wanted, 0e0) / 1048576e0) AS BIGINT), 1) AS advisory_mib,
    GREATEST(TRY_CAST(FLOOR(bytes / NULLIF(wanted, 0e0) / 1024e0) AS BIGINT), 1) AS minimum_kib,
    bytes / NULLIF(GREATEST(LEAST(bytes / NULLIF(parallelism, 0e0), advisory_bytes), minimum_bytes), 0e0) AS parallel_tasks
  FROM merged AS m
),
counted AS (
  SELECT
    s.*,
    bytes / NULLIF(GREATEST(advisory_mib * 1048576e0, minimum_bytes), 0e0) AS advisory_tasks,
    bytes / NULLIF(minimum_kib * 1024e0, 0e0) AS minimum_tasks,
    -- What Spark has to merge to with the settings in force.
    CASE
      WHEN minimum_count IS NOT NULL THEN bytes / NULLIF(GREATEST(LEAST(bytes / NULLIF(minimum_count, 0e0), advisory_bytes), minimum_bytes), 0e0)
      WHEN parallelism_first THEN parallel_tasks
      ELSE bytes / NULLIF(GREATEST(advisory_bytes, minimum_bytes), 0e0)
    END AS tasks_now
  FROM sized AS s
),
judged AS (
  SELECT
    c.*,
    CASE
      -- More than that in one partition is no matter of sizes.
      WHEN tasks_now >= 2e0 * num_tasks THEN NULL
      WHEN NOT parallelism_first AND minimum_count IS NULL AND spark_minor >= 302 AND parallel_tasks >= $min_more * num_tasks
        AND (parallel_tasks >= 0.9e0 * LEAST(advisory_tasks, wanted) OR advisory_mib * 1048576e0 >= advisory_bytes) THEN 'parallelism'
      WHEN advisory_mib * 1048576e0 < advisory_bytes AND advisory_tasks >= $min_more * num_tasks
        AND (NOT parallelism_first OR minimum_count IS NOT NULL OR advisory_tasks >= 1.2e0 * parallel_tasks) THEN 'advisory'
      WHEN parallelism_first AND spark_minor >= 302 AND minimum_kib * 1024e0 < minimum_bytes AND minimum_tasks >= $min_more * num_tasks THEN 'minimum'
    END AS better_setting
  FROM counted AS c
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, parallelism_first, better_setting, advisory_mib, minimum_kib,
  CASE better_setting WHEN 'parallelism' THEN parallel_tasks WHEN 'advisory' THEN advisory_tasks WHEN 'minimum' THEN minimum_tasks END AS better_tasks
FROM judged
