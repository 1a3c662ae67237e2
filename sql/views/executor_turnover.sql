-- id: executor_turnover
-- title: Applications whose executors come and go too fast
-- description: One row per application in which dynamic allocation gave many executors back soon after they had come, and started others again, with the number of short-lived ones. is_hasty: idle ones go sooner than by default. Of few
--   executors it is told where idle ones go sooner than that. For executor_churn, and for scheduling_delay, which leaves the waits of such applications to it.
-- parameter: min_executors bigint = 10 [count] executors that were started, at least
-- parameter: min_hasty_executors bigint = 5 [count] executors that were started, at least, where the time that idle ones stay is short
-- parameter: hasty_ms bigint = 30000 [ms] such a time, below
-- parameter: min_turnover double = 2.0 [ratio] executors that were started over the most at one time, at least
-- parameter: short_ms bigint = 120000 [ms] life of an executor that is short
-- parameter: min_short_share double = 0.3 [ratio] short-lived executors over those started, at least
-- reads: application_facts, application_settings, executors
WITH lives AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN loss_kind = 'idle' AND lifetime_ms < $short_ms THEN 1 ELSE 0 END) AS num_short
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT a.platform, a.cluster_id, a.application_id, a.attempt_id, a.num_workers, a.num_executors_max, l.num_short, COALESCE(c.idle_timeout_ms < $hasty_ms, FALSE) AS is_hasty
FROM application_facts AS a
INNER JOIN lives AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
LEFT JOIN application_settings AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
WHERE a.dynamic_allocation AND NOT COALESCE(a.is_databricks, FALSE) AND NOT a.is_interactive
  AND (a.num_workers >= $min_executors OR (a.num_workers >= $min_hasty_executors AND c.idle_timeout_ms < $hasty_ms))
  AND a.num_workers >= $min_turnover * a.num_executors_max AND l.num_short >= $min_short_share * a.num_workers
  -- Where much of the core time is idle, executors go too late rather than too soon (idle_executors).
  AND ((c.idle_timeout_ms < $hasty_ms AND a.core_time_ms < 600000) OR CAST(a.total_task_time_ms AS DOUBLE) * a.task_cpus >= 0.75e0 * a.core_time_ms
    OR (a.core_time_ms < 36000000 AND CAST(a.total_task_time_ms AS DOUBLE) * a.task_cpus > 0.5e0 * a.core_time_ms))
