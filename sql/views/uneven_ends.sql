-- id: uneven_ends
-- title: How long cores waited for the last tasks of stages
-- description: One row per stage attempt with more tasks than cores whose last tasks left many cores without work, for uneven_end and for the rules that must not tell
--   this time again. idle_ms is the wall time that a core waited on average from the start of the last task on, when nothing was left to start, held_idle_ms
--   what is left of it without cores whose executors were given back or lost meanwhile, idle_core_ms the core time of that. A stage whose longest task ran many
--   times as long as the median (without what they take to start), and that waited for it, is left to task_skew. more_core_ms is the part of that which core_time_parts does not count as skew: it counts the waits for long tasks and for slow executors.
--   wanted is a number of smaller partitions in whole rounds of the cores. is_packed: a task reads several whole files.
-- parameter: min_stage_ms bigint = 10000 [ms] wall time of the stage, at least
-- parameter: max_skew double = 3.0 [ratio] longest over median task, below
-- parameter: min_tail_ms bigint = 5000 [ms] wait for long tasks alone from which run times decide whether it is skew, as in task_skew
-- parameter: min_skewed bigint = 6 [count] with as many tasks, at least
-- parameter: min_long_ms bigint = 10000 [ms] and such a longest run time, at least
-- parameter: min_task_ms bigint = 2000 [ms] median task, at least: shorter ones gain nothing from being cut
-- parameter: min_idle_ratio double = 0.1 [ratio] wall time that cores waited at the end over that of the stage, at least
-- parameter: max_load_share double = 0.5 [ratio] time that tasks took to load what they run over their duration, less than
-- parameter: min_packed double = 2.0 [ratio] files read over tasks from which several whole files make a task
-- parameter: min_idle_ms bigint = 5000 [ms] that time, at least
-- reads: executors, slow_waits, stage_facts, stages, tasks
WITH candidates AS (
  SELECT
    f.*,
    -- Whole files never fill their tasks evenly.
    CASE
      WHEN f.input_bytes >= f.shuffle_read_bytes AND f.has_scan AND f.sql_id IS NOT NULL AND f.files_read >= $min_packed * f.num_tasks THEN 2e0
      WHEN f.duration_max <= 1.3e0 * f.duration_median THEN 1e0
      ELSE 4e0
    END AS factor,
    f.input_bytes >= f.shuffle_read_bytes AND f.has_scan AS is_scan
  FROM stage_facts AS f
  WHERE f.status = 'COMPLETE' AND NOT f.is_listing AND NOT COALESCE(f.has_gpu, FALSE)
    AND f.num_tasks > f.task_slots AND f.succeeded_tasks = f.num_tasks AND f.duration_ms >= $min_stage_ms
    AND f.duration_median >= $min_task_ms AND f.duration_max < $max_skew * f.duration_median
    -- The first tasks of executors take long to start, which hides skew in the durations.
    AND NOT COALESCE(f.num_tasks >= $min_skewed AND f.tail_ms >= $min_tail_ms AND f.run_time_max >= $min_long_ms
      AND f.run_time_max >= $max_skew * f.run_time_median, FALSE)
    AND COALESCE(f.deserialize_time_total < $max_load_share * f.duration_total, TRUE)
    AND f.duration_ms - CAST(f.duration_total AS DOUBLE) / NULLIF(f.task_slots, 0) >= $min_idle_ratio * f.duration_ms
),
-- Stages that another ran beside.
beside AS (
  SELECT DISTINCT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.stage_id
  FROM candidates AS c
  INNER JOIN stages AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id
  WHERE o.stage_id <> c.stage_id AND o.first_task_launched_time < c.completion_time AND o.completion_time > c.first_task_launched_time
),
ends AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id,
    UNIX_MILLIS(t.launch_time) + t.duration AS end_ms,
    MAX(UNIX_MILLIS(t.launch_time)) OVER (
      PARTITION BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id
    ) AS last_launch_ms
  FROM tasks AS t
  INNER JOIN candidates AS c
    ON c.platform = t.platform AND c.cluster_id = t.cluster_id
    AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
    AND c.stage_id = t.stage_id AND c.stage_attempt_id = t.stage_attempt_id
  WHERE t.status = 'SUCCESS'
),
waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    MAX(last_launch_ms) AS begin_ms, MAX(end_ms) AS end_ms, MAX(end_ms - last_launch_ms) AS window_ms,
    -- Spark starts a task a moment before it has counted the one before as done.
    SUM(CASE WHEN end_ms > last_launch_ms THEN CAST(end_ms - last_launch_ms AS DOUBLE) ELSE 0e0 END) AS busy_ms
  FROM ends
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
-- The slots that were there meanwhile: dynamic allocation gives back what waits for long.
held AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(GREATEST(COALESCE(e.max_tasks, 1), 1) * CAST(
      LEAST(w.end_ms, COALESCE(UNIX_MILLIS(e.remove_time), w.end_ms)) - GREATEST(w.begin_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE
    )) AS slot_ms
  FROM waits AS w
  INNER JOIN executors AS e
    ON e.platform = w.platform AND e.cluster_id = w.cluster_id
    AND e.application_id = w.application_id AND e.attempt_id = w.attempt_id
  WHERE e.total_cores > 0 AND UNIX_MILLIS(e.add_time) < w.end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > w.begin_ms, TRUE)
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
judged AS (
  SELECT
    c.*,
    w.window_ms - w.busy_ms / NULLIF(c.task_slots, 0) AS idle_ms,
    GREATEST(LEAST(CAST(c.task_slots AS DOUBLE) * w.window_ms, COALESCE(h.slot_ms, CAST(c.task_slots AS DOUBLE) * w.window_ms)) - w.busy_ms, 0e0)
      / NULLIF(c.task_slots, 0) AS held_idle_ms,
    GREATEST(
      c.task_slots * TRY_CAST(CEIL(c.factor * c.num_tasks / NULLIF(c.task_slots, 0)) AS BIGINT), COALESCE(c.partitions_fit, 0)
    ) AS wanted
  FROM candidates AS c
  INNER JOIN waits AS w
    ON w.platform = c.platform AND w.cluster_id = c.cluster_id
    AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id
    AND w.stage_id = c.stage_id AND w.stage_attempt_id = c.stage_attempt_id
  LEFT JOIN held AS h
    ON h.platform = c.platform AND h.cluster_id = c.cluster_id
    AND h.application_id = c.application_id AND h.attempt_id = c.attempt_id
    AND h.stage_id = c.stage_id AND h.stage_attempt_id = c.stage_attempt_id
  LEFT JOIN beside AS b
    ON b.platform = c.platform AND b.cluster_id = c.cluster_id
    AND b.application_id = c.application_id AND b.attempt_id = c.attempt_id AND b.stage_id = c.stage_id
  WHERE b.stage_id IS NULL
)
SELECT
  j.*,
  held_idle_ms * task_slots * task_cpus AS idle_core_ms,
  GREATEST(held_idle_ms * task_slots * task_cpus - task_cpus * GREATEST(
    COALESCE(CAST(j.tail_ms AS DOUBLE) * GREATEST(j.task_slots - COALESCE(j.long_tasks, 1), 0), 0e0),
    COALESCE(CAST(w.wait_ms AS DOUBLE) * j.task_slots - w.busy_ms, 0e0)
  ), 0e0) AS more_core_ms,
  COALESCE(is_scan AND sql_id IS NOT NULL AND files_read >= $min_packed * num_tasks, FALSE) AS is_packed
FROM judged AS j
LEFT JOIN slow_waits AS w
  ON w.platform = j.platform AND w.cluster_id = j.cluster_id
  AND w.application_id = j.application_id AND w.attempt_id = j.attempt_id
  AND w.stage_id = j.stage_id AND w.stage_attempt_id = j.stage_attempt_id
WHERE idle_ms >= $min_idle_ratio * duration_ms AND idle_ms >= $min_idle_ms
