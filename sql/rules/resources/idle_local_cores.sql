-- id: idle_local_cores
-- title: Local mode holds many cores for little work
-- category: resources
-- severity: low
-- version: 5
-- description: Fires where an application ran in local mode on many cores of one machine, as of a node that a batch scheduler gave to it, and
--   kept nearly all of them idle: a few cores would have done the same in nearly the same time. That is bounded by the time of the tasks in
--   stages with more tasks than those few cores; tasks of other stages do not take longer. Long stages of one task are named: single_task says what to do about those, with the loss. What the cores cost is not known, so no
--   loss is counted, and local mode on all cores of a personal machine costs nothing.
-- parameter: min_cores bigint = 16 [count] cores of the driver, at least
-- parameter: min_duration_ms bigint = 30000 [ms] wall time of the application, at least
-- parameter: max_busy_share double = 0.05 [ratio] core time of tasks over the core time of these cores, at most
-- parameter: max_longer double = 0.1 [ratio] what the run would take longer at most with fewer cores, over its wall time
-- parameter: min_one_task_ms bigint = 10000 [ms] task time of a stage of a single task that is told, at least
-- parameter: min_one_task_share double = 0.1 [ratio] such stages over the wall time, at least
-- evidence: Tasks used {busy_ms:s} of {held_ms:s} of core time, {busy_share:pct} of the {cores:core|cores} of local mode; with {cores_needed:core|cores} the run of {app_duration_ms:s}
--   would have taken [at most {longer_ms:s}][{no_longer}] longer[; {one_task_ms:s} of it passed in long
--   stages of a single task: more tasks there are the other way to use the cores].
-- advice: cores_needed > 0 | spark.master | CONCAT('local[', CAST(cores_needed AS STRING), ']') | Ask for fewer cores of the machine, of its scheduler too, and leave the others
--   to other work.
-- recommendation: Ask for fewer cores of the machine, of its scheduler too, and leave the others to other work.
WITH wide AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN num_tasks > 4 THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) / 4e0 AS longer_4_ms,
    SUM(CASE WHEN num_tasks > 8 THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) / 8e0 AS longer_8_ms,
    -- Which single_task may tell.
    SUM(CASE WHEN num_tasks = 1 AND executor_run_time >= $min_one_task_ms THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) AS one_task_ms
  FROM timed_stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
judged AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, a.executor_cores AS cores, a.app_duration_ms,
    a.total_task_time_ms AS busy_ms, CAST(a.app_duration_ms AS DOUBLE) * a.executor_cores AS held_ms,
    CASE WHEN w.longer_4_ms <= $max_longer * a.app_duration_ms THEN 4 WHEN w.longer_8_ms <= $max_longer * a.app_duration_ms THEN 8 END AS cores_needed,
    CASE WHEN w.longer_4_ms <= $max_longer * a.app_duration_ms THEN w.longer_4_ms ELSE w.longer_8_ms END AS longer_ms,
    LEAST(w.one_task_ms, a.app_duration_ms) AS one_task_ms
  FROM application_facts AS a
  INNER JOIN wide AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
  WHERE (a.master = 'local' OR a.master LIKE 'local[%') AND NOT COALESCE(a.is_interactive, FALSE) AND NOT COALESCE(a.is_databricks, FALSE)
    AND a.complete AND NOT COALESCE(a.lacks_tasks, FALSE) AND a.num_jobs > 0 AND a.executor_cores >= $min_cores AND a.app_duration_ms >= $min_duration_ms
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  cores, cores_needed, app_duration_ms, busy_ms, held_ms, busy_ms / NULLIF(held_ms, 0e0) AS busy_share,
  CASE WHEN longer_ms >= 1e0 THEN longer_ms END AS longer_ms, CASE WHEN longer_ms < 1e0 THEN 'no' END AS no_longer,
  CASE WHEN one_task_ms > 0e0 AND one_task_ms >= $min_one_task_share * app_duration_ms THEN one_task_ms END AS one_task_ms
FROM judged
WHERE cores_needed IS NOT NULL AND busy_ms <= $max_busy_share * held_ms
  -- As many tasks as the few cores can hold, on average.
  AND busy_ms <= 0.5e0 * cores_needed * app_duration_ms
