-- id: missing_executors
-- title: Executors that were asked for came late or never
-- category: resources
-- severity: low
-- version: 2
-- description: Fires where tasks waited while all cores that were there worked, and far fewer executors were there than the application asks for: spark.executor.instances, or with
--   dynamic allocation as many as its tasks need, up to a bound that was set (without one it asks for more than any cluster has). A stage waits from the launch of its first task to
--   the first launch of its last one; what passed before the first task is what slow_start tells. What executors that were lost, excluded or ended before they registered leave missing has rules of its own, and so has
--   dynamic allocation that asks late (slow_allocation) or gives executors back too soon (executor_churn): where it gave some back, only those count that never came. On a standalone cluster spark.cores.max
--   is a bound too. Recoverable is the part of the wait that the missing executors would have taken over. With dynamic allocation it is low: a bound is often above what the cluster is meant to give.
-- parameter: min_missing double = 0.25 [ratio] missing over asked-for executors, at least
-- parameter: min_wait_ms bigint = 120000 [ms] time in which tasks waited for them, at least
-- parameter: min_wait_ratio double = 0.1 [ratio] that time over the wall time, at least
-- parameter: min_stage_wait_ms bigint = 10000 [ms] wait of a stage that counts, at least
-- parameter: min_busy_ratio double = 0.9 [ratio] cores with a task of the stage over those that were there meanwhile, at least
-- parameter: min_used_ratio double = 0.5 [ratio] task time over core time of the whole application, at least: below it idle_executors advises fewer executors
-- parameter: max_timeout_ms bigint = 5000 [ms] spark.dynamicAllocation.schedulerBacklogTimeout from which slow_allocation tells it
-- parameter: max_lost_share double = 0.1 [ratio] lost over asked-for executors, at most
-- evidence: {asked_by} asks for {num_asked:executor|executors}, and at most {num_executors_max:int} ran. For {wait_ms:s} of {app_duration_ms:s} ({wait_ratio:pct}) tasks of {num_stages:stage|stages} waited, while the cores of the executors that ran ({live_executors:1} on average) were {busy_ratio:pct} busy[; the last executor came {late_ms:s} after the first].
-- advice: master LIKE 'k8s%' AND came_late AND batches_ms >= 0.5e0 * late_ms AND batches_ms >= 30000 | spark.kubernetes.allocation.batch.size | LEAST(num_asked, 100) | Executors are asked for in batches of {batch_size:int}, one every
--   {batch_delay_ms:s} at most: ask for more at once.
-- advice: master LIKE 'k8s%' AND came_late | - | - | The pods of executors came late: look at what they waited for (nodes that are added first, the pull of the image), and keep nodes and the image ready at the time of the job, or ask for
--   as many executors as there is room for.
-- advice: master LIKE 'k8s%' | - | - | Look at pending pods: the quota of the namespace, nodes that the cluster may add, and executors that do not fit into what a node has left. Make executors smaller or ask for as many as there is
--   room for.
-- advice: is_serverless | - | - | EMR Serverless gave no more workers: look at the maximum capacity of the application and at the account's limit of concurrent vCPUs, or ask for as many executors as they allow.
-- advice: master LIKE 'yarn%' AND came_late | - | - | Containers came late: look at what the queue had free at that time (other applications, a cluster that scales up first), keep nodes ready at the time of the job, or start it at another time.
-- advice: master LIKE 'yarn%' | - | - | YARN had no room for more: look at the share of the queue, at how many containers of this size fit a node, and at how far the cluster may scale up. Choose a size that fills the nodes, or ask for as many as
--   there is room for.
-- advice: master LIKE 'spark:%' | - | - | The workers had no cores or memory left for more: look at their number and at what other applications hold (spark.cores.max), make executors fit the workers (spark.executor.cores, spark.executor.memory), or ask
--   for as many as there is room for.
-- recommendation: The cluster had no room for more executors: give it more, make executors fit its machines, or ask for as many as there is room for.
WITH numbers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.cores.max' THEN TRY_CAST(value AS DOUBLE) END) AS cores_limit,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.executorAllocationRatio' THEN TRY_CAST(value AS DOUBLE) END) AS allocation_ratio,
    MAX(CASE WHEN key = 'spark.kubernetes.allocation.batch.size' THEN TRY_CAST(value AS BIGINT) END) AS batch_size,
    MAX(CASE WHEN key = 'spark.kubernetes.allocation.batch.delay' THEN TRY_CAST(REGEXP_REPLACE(LOWER(value), '[a-z]+$', '') AS DOUBLE)
      * CASE WHEN LOWER(value) LIKE '%ms' THEN 1e0 WHEN LOWER(value) LIKE '%s' THEN 1e3 WHEN LOWER(value) LIKE '%m' OR LOWER(value) LIKE '%min' THEN 6e4 ELSE 1e0 END END) AS batch_delay_ms
  FROM spark_settings
  GROUP BY platform, cluster_id, application_id, attempt_id
),
lives AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN loss_kind IN ('oom', 'spot', 'killed', 'lost', 'decommissioned') AND remove_time IS NOT NULL THEN 1 ELSE 0 END) AS num_lost,
    SUM(CASE WHEN loss_kind = 'idle' THEN 1 ELSE 0 END) AS num_returned,
    MAX(CASE WHEN is_excluded THEN 1 ELSE 0 END) AS num_excluded,
    MAX(UNIX_MILLIS(add_time)) - MIN(UNIX_MILLIS(add_time)) AS late_ms
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
asking AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, a.app_duration_ms, a.num_executors_max, a.executor_cores, GREATEST(COALESCE(a.task_cpus, 1), 1) AS task_cpus,
    a.dynamic_allocation, COALESCE(a.master, '') AS master, COALESCE(a.is_serverless, FALSE) AS is_serverless, l.num_returned, l.late_ms,
    COALESCE(n.batch_size, CASE WHEN a.spark_minor >= 402 THEN 20 WHEN a.spark_minor >= 400 THEN 10 ELSE 5 END) AS batch_size, COALESCE(n.batch_delay_ms, 1e3) AS batch_delay_ms,
    CASE WHEN a.dynamic_allocation THEN COALESCE(n.allocation_ratio, 1e0) ELSE 1e0 END AS allocation_ratio,
    TRY_CAST(LEAST(
      CAST(CASE WHEN a.dynamic_allocation THEN a.max_executors ELSE a.executor_instances END AS DOUBLE),
      CASE WHEN a.master LIKE 'spark:%' AND n.cores_limit IS NOT NULL THEN FLOOR(n.cores_limit / NULLIF(a.executor_cores, 0)) ELSE 2147483647e0 END
    ) AS BIGINT) AS num_asked
  FROM application_facts AS a
  INNER JOIN applications AS p
    ON p.platform = a.platform AND p.cluster_id = a.cluster_id
    AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
  INNER JOIN lives AS l
    ON l.platform = a.platform AND l.cluster_id = a.cluster_id
    AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
  LEFT JOIN application_settings AS c
    ON c.platform = a.platform AND c.cluster_id = a.cluster_id
    AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
  LEFT JOIN numbers AS n
    ON n.platform = a.platform AND n.cluster_id = a.cluster_id
    AND n.application_id = a.application_id AND n.attempt_id = a.attempt_id
  WHERE NOT a.is_local AND NOT COALESCE(a.is_databricks, FALSE) AND NOT a.is_interactive AND a.executor_cores > 0
    AND CASE WHEN a.dynamic_allocation THEN a.max_executors < 2147483647 ELSE a.executor_instances > 0 END
    AND COALESCE(c.backlog_timeout_ms < $max_timeout_ms, TRUE)
    AND l.num_excluded = 0 AND l.num_lost <= $max_lost_share * CASE WHEN a.dynamic_allocation THEN a.max_executors ELSE a.executor_instances END
    AND COALESCE(p.num_executors_unregistered, 0) = 0
    AND CAST(a.total_task_time_ms AS DOUBLE) * GREATEST(COALESCE(a.task_cpus, 1), 1) >= $min_used_ratio * a.core_time_ms
    AND NOT COALESCE(a.lacks_tasks, FALSE)
),
-- From the first launch of a first task to the last one.
windows AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, COUNT(*) AS num_tasks,
    MIN(UNIX_MILLIS(t.launch_time)) AS first_ms, MAX(UNIX_MILLIS(t.launch_time)) AS last_ms
  FROM tasks AS t
  INNER JOIN asking AS a
    ON a.platform = t.platform AND a.cluster_id = t.cluster_id
    AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
  WHERE t.attempt = 0 AND NOT COALESCE(t.speculative, FALSE)
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id
  HAVING MAX(UNIX_MILLIS(t.launch_time)) - MIN(UNIX_MILLIS(t.launch_time)) >= $min_stage_wait_ms
),
worked AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(GREATEST(CAST(LEAST(UNIX_MILLIS(t.launch_time) + t.duration, w.last_ms) - UNIX_MILLIS(t.launch_time) AS DOUBLE), 0e0)) AS task_ms
  FROM tasks AS t
  INNER JOIN windows AS w
    ON w.platform = t.platform AND w.cluster_id = t.cluster_id
    AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id
    AND w.stage_id = t.stage_id AND w.stage_attempt_id = t.stage_attempt_id
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
held AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(e.total_cores * CAST(LEAST(w.last_ms, COALESCE(UNIX_MILLIS(e.remove_time), w.last_ms)) - GREATEST(w.first_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE)) AS core_ms
  FROM windows AS w
  INNER JOIN executors AS e
    ON e.platform = w.platform AND e.cluster_id = w.cluster_id
    AND e.application_id = w.application_id AND e.attempt_id = w.attempt_id
  WHERE e.executor_id NOT IN ('driver', '<driver>') AND e.total_cores > 0
    AND UNIX_MILLIS(e.add_time) < w.last_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > w.first_ms, TRUE)
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
measured AS (
  SELECT
    a.*, w.last_ms - w.first_ms AS wait_ms, h.core_ms, k.task_ms * a.task_cpus AS busy_ms,
    h.core_ms / NULLIF(CAST(w.last_ms - w.first_ms AS DOUBLE) * a.executor_cores, 0e0) AS live,
    LEAST(CAST(a.num_asked AS DOUBLE), CEIL(CAST(w.num_tasks AS DOUBLE) * a.task_cpus * a.allocation_ratio / NULLIF(a.executor_cores, 0))) AS needed
  FROM windows AS w
  INNER JOIN asking AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  INNER JOIN worked AS k
    ON k.platform = w.platform AND k.cluster_id = w.cluster_id
    AND k.application_id = w.application_id AND k.attempt_id = w.attempt_id
    AND k.stage_id = w.stage_id AND k.stage_attempt_id = w.stage_attempt_id
  INNER JOIN held AS h
    ON h.platform = w.platform AND h.cluster_id = w.cluster_id
    AND h.application_id = w.application_id AND h.attempt_id = w.attempt_id
    AND h.stage_id = w.stage_id AND h.stage_attempt_id = w.stage_attempt_id
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_stages, SUM(wait_ms) AS all_wait_ms, SUM(wait_ms * (1e0 - live / NULLIF(needed, 0e0))) AS won_ms,
    SUM(core_ms) AS core_ms, SUM(busy_ms) AS busy_ms, SUM(live * wait_ms) AS live_ms
  FROM measured
  WHERE busy_ms >= $min_busy_ratio * core_ms AND live <= (1e0 - $min_missing) * needed
    -- Those that were given back may have been asked for again.
    AND (NOT dynamic_allocation OR num_returned = 0 OR num_executors_max <= (1e0 - $min_missing) * needed)
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.application_id AS subject_id,
  CASE WHEN a.dynamic_allocation THEN 'low' END AS severity, 'medium' AS confidence,
  -- No core time is lost, only time.
  0 AS lost_core_ms, TRY_CAST(s.won_ms AS BIGINT) AS recoverable_ms,
  CASE WHEN a.dynamic_allocation THEN 'Dynamic allocation, up to its bound,' ELSE 'spark.executor.instances' END AS asked_by,
  a.num_asked, a.num_executors_max, LEAST(s.all_wait_ms, a.app_duration_ms) AS wait_ms,
  LEAST(s.all_wait_ms, a.app_duration_ms) / NULLIF(CAST(a.app_duration_ms AS DOUBLE), 0e0) AS wait_ratio, a.app_duration_ms, s.num_stages,
  s.live_ms / NULLIF(CAST(s.all_wait_ms AS DOUBLE), 0e0) AS live_executors, s.busy_ms / NULLIF(s.core_ms, 0e0) AS busy_ratio,
  a.num_executors_max > (1e0 - $min_missing) * a.num_asked AS came_late,
  CASE WHEN a.num_executors_max > (1e0 - $min_missing) * a.num_asked THEN a.late_ms END AS late_ms,
  a.master, a.is_serverless, a.batch_size, TRY_CAST(a.batch_delay_ms AS BIGINT) AS batch_delay_ms, CAST(a.num_asked AS DOUBLE) / NULLIF(a.batch_size, 0) * a.batch_delay_ms AS batches_ms
FROM summed AS s
INNER JOIN asking AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
WHERE s.all_wait_ms >= $min_wait_ms AND s.all_wait_ms >= $min_wait_ratio * a.app_duration_ms
