-- id: slow_first_tasks
-- title: The first tasks of executors are slow to start
-- category: driver
-- severity: low
-- version: 2
-- description: Fires where the tasks that an executor began with (before its first one was half done) took long to deserialize, and its later ones did not: meanwhile it fetched the jars and files of the application,
--   most often from the driver, loaded classes, or shared its machine with other executors that started. The more executors come for little work, the more of it. Lost is that time beyond
--   what later tasks take, and what it is on average is the wall time to win, since executors start side by side. What executors lose that come and go too fast is not told here (executor_churn).
-- parameter: min_first_ms double = 3000 [ms] time that a first task took to deserialize on average, at least
-- parameter: min_ratio double = 5.0 [ratio] the same over that of later tasks, at least
-- parameter: min_lost_ms double = 20000 [ms] that time of all first tasks beyond later ones, at least
-- parameter: min_share double = 0.1 [ratio] the same over the core time of the application, at least
-- parameter: min_long_lost_ms double = 60000 [ms] or that time where it is a large part of the task time
-- parameter: min_task_share double = 0.25 [ratio] that part of the time of all tasks, at least
-- evidence: The first {num_first:task|tasks} of {num_executors:executor|executors} took {first_ms:s} each on average to deserialize, the longest {longest_ms:s}[, where later ones took {later_ms:int} ms]; in all {lost_core_ms:s} of
--   {core_time_ms:s} of core time were held for it[, as much as {task_share:pct} of the time of all tasks][, and the first tasks themselves ran for {run_ms:s}].
-- advice: has_local_jars AND num_executors >= 4 | - | - | Each executor fetches the jars and files of the application from the driver before its first task: put them where all machines read them (HDFS, an object store, the image or the class path
--   of the nodes), make them smaller, and start fewer executors where they have few tasks each (spark.dynamicAllocation.maxExecutors, spark.dynamicAllocation.executorAllocationRatio since Spark 2.4).
-- advice: has_local_jars | - | - | Each executor fetches the jars and files of the application from the driver before its first task: put them where all machines read them (HDFS, an object store, the image or the class path
--   of the nodes), and make them smaller.
-- advice: num_executors >= 4 | - | - | Look at the log of an executor between its start and its first task (jars and files that it fetches, classes that it loads, a machine on which many executors start at once): put jars and files where all
--   machines have them, and start fewer executors, or keep them (a minimum of dynamic allocation, a longer idle timeout).
-- recommendation: Look at the log of an executor between its start and its first task: jars and files that it fetches, classes that it loads, a machine with too few processors for the executors and drivers that start there.
WITH starts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_id, MIN(UNIX_MILLIS(launch_time) + 0.5e0 * duration) AS half_ms
  FROM tasks
  WHERE status = 'SUCCESS'
  GROUP BY platform, cluster_id, application_id, attempt_id, executor_id
),
waits AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, COUNT(DISTINCT t.executor_id) AS num_executors,
    SUM(CASE WHEN UNIX_MILLIS(t.launch_time) < s.half_ms THEN 1 ELSE 0 END) AS num_first,
    SUM(CASE WHEN UNIX_MILLIS(t.launch_time) < s.half_ms THEN CAST(t.executor_deserialize_time AS DOUBLE) ELSE 0e0 END) AS first_ms,
    SUM(CASE WHEN UNIX_MILLIS(t.launch_time) < s.half_ms THEN CAST(t.executor_run_time AS DOUBLE) ELSE 0e0 END) AS run_ms,
    MAX(CASE WHEN UNIX_MILLIS(t.launch_time) < s.half_ms THEN t.executor_deserialize_time END) AS longest_ms,
    -- NULL where there were no others.
    AVG(CASE WHEN UNIX_MILLIS(t.launch_time) >= s.half_ms THEN CAST(t.executor_deserialize_time AS DOUBLE) END) AS later_ms
  FROM tasks AS t
  INNER JOIN starts AS s
    ON s.platform = t.platform AND s.cluster_id = t.cluster_id
    AND s.application_id = t.application_id AND s.attempt_id = t.attempt_id AND s.executor_id = t.executor_id
  WHERE t.status = 'SUCCESS' AND t.executor_id NOT IN ('driver', '<driver>')
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id
),
jars AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key IN ('spark.jars', 'spark.files', 'spark.jars.packages', 'spark.submit.pyFiles') AND (value LIKE '%file:%' OR value LIKE '/%' OR key = 'spark.jars.packages' AND value <> '')
),
judged AS (
  SELECT
    w.*, w.first_ms - w.num_first * COALESCE(w.later_ms, 0e0) AS lost_ms
  FROM waits AS w
  WHERE w.num_first > 0 AND w.first_ms >= $min_first_ms * w.num_first AND COALESCE(w.first_ms >= $min_ratio * w.num_first * w.later_ms, TRUE)
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'medium' AS confidence, TRY_CAST(w.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(w.lost_ms / NULLIF(CAST(w.num_first AS DOUBLE), 0e0) AS BIGINT) AS recoverable_ms,
  w.num_executors, w.num_first, w.first_ms / NULLIF(CAST(w.num_first AS DOUBLE), 0e0) AS first_ms, w.longest_ms, TRY_CAST(ROUND(w.later_ms) AS BIGINT) AS later_ms, w.run_ms, a.core_time_ms, w.lost_ms / NULLIF(CAST(a.total_task_time_ms AS DOUBLE), 0e0) AS task_share, j.platform IS NOT NULL AS has_local_jars
FROM judged AS w
INNER JOIN application_facts AS a
  ON a.platform = w.platform AND a.cluster_id = w.cluster_id
  AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
LEFT JOIN jars AS j
  ON j.platform = w.platform AND j.cluster_id = w.cluster_id
  AND j.application_id = w.application_id AND j.attempt_id = w.attempt_id
LEFT JOIN executor_turnover AS t
  ON t.platform = w.platform AND t.cluster_id = w.cluster_id
  AND t.application_id = w.application_id AND t.attempt_id = w.attempt_id
WHERE NOT a.is_local AND NOT COALESCE(a.is_interactive, FALSE) AND t.platform IS NULL
  AND ((w.lost_ms >= $min_lost_ms AND w.lost_ms >= $min_share * a.core_time_ms)
    OR (w.lost_ms >= $min_long_lost_ms AND w.lost_ms >= $min_task_share * a.total_task_time_ms))
