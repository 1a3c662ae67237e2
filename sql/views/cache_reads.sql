-- id: cache_reads
-- title: Tasks that computed their partition of a cache again, as their bytes show
-- description: One row per cached RDD with such stages as view cache_passes has: the tasks that read it and what they ran, and those of them that did not find their
--   partition (missed, missed_ms).
-- reads: cache_passes
SELECT
  platform, cluster_id, application_id, attempt_id, rdd_id, SUM(tasks_read) AS tasks_read, SUM(run_ms) AS run_ms, SUM(missed) AS missed, SUM(missed_ms) AS missed_ms
FROM cache_passes
GROUP BY platform, cluster_id, application_id, attempt_id, rdd_id
