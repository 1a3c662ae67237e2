-- id: cache_reads
-- title: Tasks that read a cache, and those that did not find their partition in memory
-- description: One row per cached RDD (a cached table is one too) that later stages read: the tasks that read it and what they ran, and those of them that did not find their
--   partition in memory (missed, missed_ms). Block updates tell it where the log has them; elsewhere the bytes that tasks read, in such stages as view cache_passes has. is_on_disk: most of those
--   that missed found it on disk, as far as block updates tell. is_missed: so many tasks missed, and took so long, that the cache did not serve its readers, which cache_misses tells.
-- parameter: min_missed_ratio double = 0.2 [ratio] tasks that missed over those that read the cache, at least
-- parameter: min_missed_ms bigint = 5000 [ms] run time of the tasks that missed, at least
-- reads: cache_passes, rdds
WITH reads AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rdd_id, SUM(tasks_read) AS tasks_read, SUM(run_ms) AS run_ms, SUM(missed) AS missed, SUM(missed_ms) AS missed_ms,
    FALSE AS is_on_disk
  FROM cache_passes
  GROUP BY platform, cluster_id, application_id, attempt_id, rdd_id
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, rdd_id, tasks_from_memory + tasks_from_disk + tasks_recomputed AS tasks_read,
    CAST(time_from_memory AS DOUBLE) + time_from_disk + time_recomputed AS run_ms,
    tasks_from_disk + tasks_recomputed AS missed, CAST(time_from_disk AS DOUBLE) + time_recomputed AS missed_ms,
    tasks_from_disk > tasks_recomputed AS is_on_disk
  FROM rdds
  WHERE is_persisted AND first_stage_id IS NOT NULL AND num_reads > 0 AND rdd_name NOT LIKE 'Delta Table State%' AND blocks_stored IS NOT NULL
)
SELECT
  r.*, COALESCE(missed > 0 AND missed >= $min_missed_ratio * tasks_read AND missed_ms >= $min_missed_ms, FALSE) AS is_missed
FROM reads AS r
