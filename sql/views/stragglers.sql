-- id: stragglers
-- title: Where the longest task of stages ran
-- description: One row per stage attempt of a cluster that waited for its longest task, much longer than the median: executor_id ran it. copy_ms is the longest attempt at one of its long tasks (half of the
--   longest run time or more) that was killed on another executor than that on which the task succeeded, copy_executor, after half of that time or more. is_start_up: all long tasks were first tasks of their
--   executors, and the first tasks of another executor of the application took half as long or longer.
-- parameter: min_tail_ms bigint = 2000 [ms] wait for long tasks alone, at least
-- parameter: min_longest_ms bigint = 4000 [ms] longest run time, at least
-- parameter: min_ratio double = 2.0 [ratio] longest over median run time, at least
-- reads: stage_facts, tasks
WITH longest AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, MIN(t.executor_id) AS executor_id,
    MAX(t.executor_run_time) AS longest_ms
  FROM stage_facts AS f
  INNER JOIN tasks AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id
    AND t.stage_id = f.stage_id AND t.stage_attempt_id = f.stage_attempt_id
  WHERE NOT COALESCE(f.is_local, FALSE) AND COALESCE(f.tail_ms, 0) >= $min_tail_ms AND f.run_time_max >= $min_longest_ms AND f.run_time_max >= $min_ratio * f.run_time_median
    AND t.status = 'SUCCESS' AND t.executor_run_time >= f.run_time_max
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id
),
copies AS (
  SELECT
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.stage_id, k.stage_attempt_id, MIN(k.executor_id) AS executor_id, MAX(k.duration) AS copy_ms
  FROM longest AS l
  INNER JOIN tasks AS k
    ON k.platform = l.platform AND k.cluster_id = l.cluster_id
    AND k.application_id = l.application_id AND k.attempt_id = l.attempt_id
    AND k.stage_id = l.stage_id AND k.stage_attempt_id = l.stage_attempt_id
  INNER JOIN tasks AS t
    ON t.platform = k.platform AND t.cluster_id = k.cluster_id
    AND t.application_id = k.application_id AND t.attempt_id = k.attempt_id
    AND t.stage_id = k.stage_id AND t.stage_attempt_id = k.stage_attempt_id AND t.index = k.index
  WHERE k.status = 'KILLED' AND k.duration >= 0.5e0 * l.longest_ms
    AND t.status = 'SUCCESS' AND t.executor_run_time >= 0.5e0 * l.longest_ms AND t.executor_id <> k.executor_id
  GROUP BY k.platform, k.cluster_id, k.application_id, k.attempt_id, k.stage_id, k.stage_attempt_id
),
-- The first tasks of executors start what all later ones find there.
first_halves AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id,
    -- Half way, since the end of a task is told after the next one began.
    (MIN(UNIX_MILLIS(t.launch_time)) + MIN(UNIX_MILLIS(t.launch_time) + t.duration)) / 2e0 AS first_half_ms
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM longest) AS l
  INNER JOIN tasks AS t
    ON t.platform = l.platform AND t.cluster_id = l.cluster_id
    AND t.application_id = l.application_id AND t.attempt_id = l.attempt_id
  WHERE t.duration IS NOT NULL
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id
),
first_tasks AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id, MIN(t.executor_run_time) AS first_run_ms
  FROM first_halves AS e
  INNER JOIN tasks AS t
    ON t.platform = e.platform AND t.cluster_id = e.cluster_id
    AND t.application_id = e.application_id AND t.attempt_id = e.attempt_id AND t.executor_id = e.executor_id
  WHERE t.status = 'SUCCESS' AND UNIX_MILLIS(t.launch_time) < e.first_half_ms
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.executor_id
),
-- Stages whose long tasks are all first tasks of executors, and the executors that ran those.
fresh AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, l.longest_ms, MIN(t.executor_id) AS first_id, MAX(t.executor_id) AS last_id
  FROM longest AS l
  INNER JOIN tasks AS t
    ON t.platform = l.platform AND t.cluster_id = l.cluster_id
    AND t.application_id = l.application_id AND t.attempt_id = l.attempt_id
    AND t.stage_id = l.stage_id AND t.stage_attempt_id = l.stage_attempt_id
  INNER JOIN first_halves AS e
    ON e.platform = t.platform AND e.cluster_id = t.cluster_id
    AND e.application_id = t.application_id AND e.attempt_id = t.attempt_id AND e.executor_id = t.executor_id
  WHERE t.status = 'SUCCESS' AND t.executor_run_time >= 0.5e0 * l.longest_ms
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, l.longest_ms
  HAVING MIN(CASE WHEN UNIX_MILLIS(t.launch_time) < e.first_half_ms THEN 1 ELSE 0 END) = 1
),
start_ups AS (
  SELECT DISTINCT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id
  FROM fresh AS f
  INNER JOIN first_tasks AS o
    ON o.platform = f.platform AND o.cluster_id = f.cluster_id
    AND o.application_id = f.application_id AND o.attempt_id = f.attempt_id
  WHERE o.executor_id <> f.first_id AND o.executor_id <> f.last_id AND o.first_run_ms >= 0.5e0 * f.longest_ms
)
SELECT
  l.platform, l.cluster_id, l.application_id, l.attempt_id, l.stage_id, l.stage_attempt_id, l.executor_id, c.executor_id AS copy_executor, c.copy_ms, u.platform IS NOT NULL AS is_start_up
FROM longest AS l
LEFT JOIN copies AS c
  ON c.platform = l.platform AND c.cluster_id = l.cluster_id
  AND c.application_id = l.application_id AND c.attempt_id = l.attempt_id
  AND c.stage_id = l.stage_id AND c.stage_attempt_id = l.stage_attempt_id
LEFT JOIN start_ups AS u
  ON u.platform = l.platform AND u.cluster_id = l.cluster_id
  AND u.application_id = l.application_id AND u.attempt_id = l.attempt_id
  AND u.stage_id = l.stage_id AND u.stage_attempt_id = l.stage_attempt_id
