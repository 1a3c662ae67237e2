-- id: executors
-- title: Executors that did most and least
-- description: The executors with the most and the least task time, and those that were lost. The reason is
--   what sets them apart from the median one: their time alive, their cores, slower tasks, more or fewer tasks (few: of two executors
--   there is no median one to compare with).
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: limit bigint = 3 [count] executors at each end
-- parameter: min_tasks bigint = 5 [count] tasks that an executor did from which their mean time is compared
WITH workers AS (
  SELECT
    e.executor_id, e.host_port, e.total_cores, e.loss_kind, LEFT(e.remove_reason, 200) AS remove_reason,
    CASE WHEN e.add_time >= a.start_time THEN UNIX_MILLIS(e.add_time) - UNIX_MILLIS(a.start_time) END AS start_ms,
    CASE WHEN e.lifetime_ms > 0 THEN e.lifetime_ms END AS lifetime_ms,
    CASE WHEN e.core_time_ms > 0 THEN e.core_time_ms END AS core_time_ms,
    CASE WHEN e.executor_id IN ('driver', '<driver>') AND NOT COALESCE(a.is_local, FALSE) THEN NULL ELSE GREATEST(x.task_time_ms, 0) END AS task_time_ms,
    e.completed_tasks, e.failed_tasks,
    CASE WHEN e.total_gc_time >= 0 THEN e.total_gc_time END AS gc_time_ms,
    e.total_input_bytes AS input_bytes, e.total_shuffle_read AS shuffle_read_bytes,
    CASE WHEN e.peak_jvm_heap_memory > 0 THEN e.peak_jvm_heap_memory END AS peak_heap_bytes
  FROM executors AS e
  INNER JOIN applications AS a
    ON a.platform = e.platform AND a.cluster_id = e.cluster_id
    AND a.application_id = e.application_id AND a.attempt_id = e.attempt_id AND a.app_date = e.app_date
  LEFT JOIN (
    SELECT g.executor_id, SUM(g.task_time) AS task_time_ms
    FROM stage_executors AS g
    WHERE g.platform = $platform AND g.cluster_id = $cluster_id
      AND g.application_id = $application_id AND g.attempt_id = $attempt_id
      AND g.app_date = CAST($app_date AS DATE)
    GROUP BY g.executor_id
  ) AS x ON x.executor_id = e.executor_id
  WHERE (e.executor_id NOT IN ('driver', '<driver>') OR a.is_local)
    AND e.platform = $platform AND e.cluster_id = $cluster_id
    AND e.application_id = $application_id AND e.attempt_id = $attempt_id
    AND e.app_date = CAST($app_date AS DATE)
),
typical AS (
  SELECT
    MEDIAN(CAST(lifetime_ms AS DOUBLE)) AS lifetime_ms, MEDIAN(CAST(completed_tasks AS DOUBLE)) AS tasks,
    MEDIAN(CAST(task_time_ms AS DOUBLE) / NULLIF(completed_tasks, 0)) AS ms_per_task, MEDIAN(CAST(total_cores AS DOUBLE)) AS cores
  FROM workers
),
placed AS (
  SELECT
    w.*, COUNT(*) OVER () AS num_executors,
    ROW_NUMBER() OVER (ORDER BY w.task_time_ms DESC NULLS LAST, w.executor_id) AS from_most,
    ROW_NUMBER() OVER (ORDER BY w.task_time_ms ASC NULLS FIRST, w.executor_id DESC) AS from_least,
    w.lifetime_ms / NULLIF(t.lifetime_ms, 0e0) AS lifetime_ratio,
    w.completed_tasks / NULLIF(t.tasks, 0e0) AS tasks_ratio,
    CAST(w.task_time_ms AS DOUBLE) / NULLIF(w.completed_tasks, 0) / NULLIF(t.ms_per_task, 0e0) AS ms_per_task_ratio,
    w.total_cores / NULLIF(t.cores, 0e0) AS cores_ratio,
    COALESCE(w.loss_kind NOT IN ('app_end', 'idle'), FALSE) AS is_lost
  FROM workers AS w
  CROSS JOIN typical AS t
)
SELECT
  executor_id, host_port, total_cores, start_ms, lifetime_ms, core_time_ms, task_time_ms, completed_tasks, failed_tasks,
  gc_time_ms, input_bytes, shuffle_read_bytes, peak_heap_bytes, loss_kind, remove_reason, num_executors,
  CASE WHEN from_most <= $limit THEN 'most' WHEN from_least <= $limit THEN 'least' ELSE 'lost' END AS place,
  CAST(task_time_ms AS DOUBLE) / NULLIF(core_time_ms, 0) AS busy_ratio,
  CASE
    WHEN num_executors = 1 THEN 'only'
    WHEN is_lost THEN 'lost'
    WHEN num_executors < 3 AND COALESCE(completed_tasks, 0) > 0 THEN 'few'
    WHEN cores_ratio >= 1.5e0 OR cores_ratio <= 0.67e0 THEN 'cores'
    WHEN lifetime_ratio <= 0.67e0 THEN 'short_life'
    WHEN COALESCE(completed_tasks, 0) = 0 THEN 'no_tasks'
    -- A few tasks may have been longer ones than those of others.
    WHEN ms_per_task_ratio >= 1.5e0 AND completed_tasks >= $min_tasks THEN 'slow_tasks'
    WHEN ms_per_task_ratio <= 0.67e0 AND completed_tasks >= $min_tasks THEN 'fast_tasks'
    WHEN lifetime_ratio >= 1.5e0 THEN 'long_life'
    WHEN tasks_ratio >= 1.25e0 THEN 'more_tasks'
    WHEN tasks_ratio <= 0.8e0 THEN 'fewer_tasks'
    ELSE 'alike'
  END AS reason,
  CASE
    WHEN num_executors < 3 THEN NULL
    WHEN cores_ratio >= 1.5e0 OR cores_ratio <= 0.67e0 THEN cores_ratio
    WHEN lifetime_ratio <= 0.67e0 THEN lifetime_ratio
    WHEN (ms_per_task_ratio >= 1.5e0 OR ms_per_task_ratio <= 0.67e0) AND completed_tasks >= $min_tasks THEN ms_per_task_ratio
    WHEN lifetime_ratio >= 1.5e0 THEN lifetime_ratio
    ELSE tasks_ratio
  END AS reason_ratio
FROM placed
WHERE from_most <= $limit OR from_least <= $limit OR (is_lost AND from_most <= 1000)
ORDER BY from_most
LIMIT 20
