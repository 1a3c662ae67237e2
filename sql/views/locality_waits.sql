-- id: locality_waits
-- title: Slots that stayed free because tasks waited for a place near their data
-- description: One row per stage attempt in which executors had free slots while tasks were still to be launched, for locality_wait and for the rules that must not tell this time
--   again. Looked at is the time from the first launch to the last (window_ms); what passes after it is told by uneven_end. An executor waited (num_waiting) if it was there all the
--   time, and got no task for wait_ms after the first launch, or had tasks in half of its slots at most, while others were full. idle_ms is the free slot time of those that
--   waited, gain_ms that over the slots of all. Spark marks a task without a preferred place PROCESS_LOCAL too, but it launches such a task in any free slot at once.
--   Stages are left out that others ran beside, that excluded an executor or had a slow one, whose application has several resource profiles, several cores a task or no
--   spark.locality.wait, or that have fewer tasks than slots, which low_parallelism tells.
-- parameter: min_stage_ms bigint = 1000 [ms] time from the first launch to the last, at least
-- parameter: wait_ms bigint = 1000 [ms] time without a task from which an executor waited
-- parameter: max_busy double = 0.5 [ratio] or busy part of its slots, at most
-- parameter: min_full double = 0.7 [ratio] busy part of the slots of another executor meanwhile, at least
-- parameter: min_local double = 0.8 [ratio] tasks that are PROCESS_LOCAL or NODE_LOCAL over all, at least
-- parameter: min_idle_share double = 0.1 [ratio] free slot time over that of the stage, at least
-- parameter: min_gain_ms double = 30000 [ms] wall time of all such stages of the application that it cost, at least
-- parameter: main_gain_ms double = 10000 [ms] or this much, where it is a large part of the application's
-- parameter: main_share double = 0.1 [ratio] part of the application's wall time that is large
-- reads: applications, executors, slow_executors, spark_settings, stage_executors, stage_facts, stages, tasks
WITH without_wait AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE (key IN ('spark.locality.wait', 'spark.locality.wait.process', 'spark.locality.wait.node') AND value IN ('0', '0s', '0ms', '0m', '0min', '0h'))
    OR (key = 'spark.task.cpus' AND value <> '1')
),
profiles AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING COUNT(*) > 1 AND COALESCE(MAX(resource_profile_id) = MIN(resource_profile_id), TRUE)
),
candidates AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, f.subject_id, f.stage_name, f.num_tasks, f.duration_ms,
    f.duration_median, f.shuffle_read_bytes, f.input_bytes, f.file_source, f.completion_time, f.first_task_launched_time
  FROM stage_facts AS f
  INNER JOIN profiles AS p
    ON p.platform = f.platform AND p.cluster_id = f.cluster_id
    AND p.application_id = f.application_id AND p.attempt_id = f.attempt_id
  LEFT JOIN without_wait AS n
    ON n.platform = f.platform AND n.cluster_id = f.cluster_id
    AND n.application_id = f.application_id AND n.attempt_id = f.attempt_id
  WHERE n.platform IS NULL AND f.status = 'COMPLETE' AND NOT f.is_local AND NOT COALESCE(f.has_gpu, FALSE) AND f.num_tasks >= f.stage_slots AND f.num_tasks > 1
    AND f.duration_ms >= $min_stage_ms AND f.attempts_time <= (1e0 - $min_idle_share) * f.duration_ms * f.stage_slots
),
-- Stages that another ran beside, or that an executor was excluded from.
disturbed AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.stage_id
  FROM candidates AS c
  INNER JOIN stages AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id
  WHERE o.stage_id <> c.stage_id AND o.first_task_launched_time < c.completion_time AND COALESCE(o.completion_time > c.first_task_launched_time, TRUE)
  UNION
  SELECT platform, cluster_id, application_id, attempt_id, stage_id
  FROM stage_executors
  WHERE is_excluded_for_stage
  UNION
  SELECT platform, cluster_id, application_id, attempt_id, stage_id
  FROM slow_executors
),
calm AS (
  SELECT c.*
  FROM candidates AS c
  LEFT JOIN disturbed AS d
    ON d.platform = c.platform AND d.cluster_id = c.cluster_id
    AND d.application_id = c.application_id AND d.attempt_id = c.attempt_id AND d.stage_id = c.stage_id
  WHERE d.platform IS NULL
),
launched AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.executor_id,
    COUNT(*) AS num_launched, SUM(CASE WHEN t.task_locality IN ('PROCESS_LOCAL', 'NODE_LOCAL') THEN 1 ELSE 0 END) AS num_local,
    SUM(CASE WHEN t.task_locality = 'PROCESS_LOCAL' THEN 1 ELSE 0 END) AS num_process,
    MIN(UNIX_MILLIS(t.launch_time)) AS first_ms, MAX(UNIX_MILLIS(t.launch_time)) AS last_ms
  FROM tasks AS t
  INNER JOIN calm AS c
    ON c.platform = t.platform AND c.cluster_id = t.cluster_id
    AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
    AND c.stage_id = t.stage_id AND c.stage_attempt_id = t.stage_attempt_id
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.executor_id
),
windows AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, SUM(num_launched) AS num_launched, SUM(num_process) AS num_process,
    CAST(SUM(num_local) AS DOUBLE) / NULLIF(SUM(num_launched), 0) AS local_share,
    MIN(first_ms) AS begin_ms, MAX(last_ms) AS end_ms, MAX(last_ms) - MIN(first_ms) AS window_ms
  FROM launched
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
  HAVING MAX(last_ms) - MIN(first_ms) >= $min_stage_ms AND SUM(num_local) >= $min_local * SUM(num_launched)
),
busy AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.executor_id,
    SUM(CAST(LEAST(UNIX_MILLIS(t.launch_time) + COALESCE(t.duration, w.window_ms), w.end_ms) - UNIX_MILLIS(t.launch_time) AS DOUBLE)) AS busy_ms
  FROM tasks AS t
  INNER JOIN windows AS w
    ON w.platform = t.platform AND w.cluster_id = t.cluster_id
    AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id
    AND w.stage_id = t.stage_id AND w.stage_attempt_id = t.stage_attempt_id
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.executor_id
),
-- Where tasks succeeded, by the latest stage: an executor that worked again later was able to take a task before.
later AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.executor_id, MAX(UNIX_MILLIS(s.first_task_launched_time)) AS last_ms
  FROM stage_executors AS p
  INNER JOIN stages AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id
    AND s.stage_id = p.stage_id AND s.stage_attempt_id = p.stage_attempt_id
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM windows) AS w
    ON w.platform = p.platform AND w.cluster_id = p.cluster_id
    AND w.application_id = p.application_id AND w.attempt_id = p.attempt_id
  WHERE p.succeeded_tasks > 0
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.executor_id
),
-- When the last stage was over.
ends AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, MAX(UNIX_MILLIS(s.completion_time)) AS over_ms
  FROM stages AS s
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM windows) AS w
    ON w.platform = s.platform AND w.cluster_id = s.cluster_id
    AND w.application_id = s.application_id AND w.attempt_id = s.attempt_id
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id
),
-- Executors that were there all the time. One that was lost, or had to go, may have been unable to take a task before, unless it worked again later, or went when all work was done.
held AS (
  SELECT
    w.*, e.executor_id, GREATEST(COALESCE(e.max_tasks, 1), 1) AS slots, COALESCE(b.busy_ms, 0e0) AS busy_ms, COALESCE(l.num_launched, 0) AS own_tasks,
    COALESCE(l.first_ms, w.end_ms) - w.begin_ms AS late_ms
  FROM windows AS w
  INNER JOIN executors AS e
    ON e.platform = w.platform AND e.cluster_id = w.cluster_id
    AND e.application_id = w.application_id AND e.attempt_id = w.attempt_id
  LEFT JOIN launched AS l
    ON l.platform = w.platform AND l.cluster_id = w.cluster_id
    AND l.application_id = w.application_id AND l.attempt_id = w.attempt_id
    AND l.stage_id = w.stage_id AND l.stage_attempt_id = w.stage_attempt_id AND l.executor_id = e.executor_id
  LEFT JOIN busy AS b
    ON b.platform = w.platform AND b.cluster_id = w.cluster_id
    AND b.application_id = w.application_id AND b.attempt_id = w.attempt_id
    AND b.stage_id = w.stage_id AND b.stage_attempt_id = w.stage_attempt_id AND b.executor_id = e.executor_id
  LEFT JOIN later AS v
    ON v.platform = w.platform AND v.cluster_id = w.cluster_id
    AND v.application_id = w.application_id AND v.attempt_id = w.attempt_id AND v.executor_id = e.executor_id
  LEFT JOIN ends AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id
  WHERE e.total_cores > 0 AND e.executor_id NOT IN ('driver', '<driver>') AND NOT COALESCE(e.is_excluded, FALSE)
    AND UNIX_MILLIS(e.add_time) <= w.begin_ms AND COALESCE(UNIX_MILLIS(e.remove_time) >= w.end_ms, TRUE)
    AND (COALESCE(e.loss_kind IN ('idle', 'app_end'), TRUE) OR COALESCE(v.last_ms >= w.end_ms, FALSE)
      OR (e.loss_kind IN ('killed', 'lost') AND COALESCE(UNIX_MILLIS(e.remove_time) >= o.over_ms, FALSE)))
),
judged AS (
  SELECT
    h.*, busy_ms / NULLIF(CAST(slots AS DOUBLE) * window_ms, 0e0) AS busy_share,
    late_ms >= $wait_ms OR busy_ms <= $max_busy * slots * window_ms AS is_waiting
  FROM held AS h
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, window_ms, local_share, num_launched, num_process,
    COUNT(*) AS num_executors, SUM(slots) AS slots, SUM(CASE WHEN is_waiting THEN 1 ELSE 0 END) AS num_waiting,
    SUM(CASE WHEN is_waiting AND own_tasks = 0 THEN 1 ELSE 0 END) AS num_unused, MAX(CASE WHEN is_waiting THEN late_ms END) AS late_ms,
    SUM(CASE WHEN is_waiting THEN GREATEST(CAST(slots AS DOUBLE) * window_ms - busy_ms, 0e0) ELSE 0e0 END) AS idle_ms,
    SUM(CASE WHEN NOT is_waiting AND busy_share >= $min_full THEN 1 ELSE 0 END) AS num_full,
    SUM(CASE WHEN is_waiting THEN 0 ELSE own_tasks END) AS full_tasks
  FROM judged
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, window_ms, local_share, num_launched, num_process
),
stage_waits AS (
  SELECT
    c.*, s.window_ms, s.local_share, s.num_launched, s.num_process, s.num_executors, s.slots, s.num_waiting, s.num_unused, s.num_full, s.full_tasks, s.late_ms,
    s.idle_ms, s.idle_ms / NULLIF(s.slots, 0) AS gain_ms,
    SUM(s.idle_ms / NULLIF(s.slots, 0)) OVER (PARTITION BY c.platform, c.cluster_id, c.application_id, c.attempt_id) AS app_gain_ms
  FROM summed AS s
  INNER JOIN calm AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id
    AND c.stage_id = s.stage_id AND c.stage_attempt_id = s.stage_attempt_id
  WHERE s.num_waiting > 0 AND s.num_full > 0 AND c.num_tasks >= s.slots AND s.idle_ms >= $min_idle_share * s.slots * c.duration_ms
)
SELECT g.*
FROM stage_waits AS g
INNER JOIN applications AS a
  ON a.platform = g.platform AND a.cluster_id = g.cluster_id
  AND a.application_id = g.application_id AND a.attempt_id = g.attempt_id
WHERE g.app_gain_ms >= $min_gain_ms
  OR (g.app_gain_ms >= $main_gain_ms AND g.app_gain_ms >= $main_share * COALESCE(a.duration_ms, a.observed_duration_ms))
