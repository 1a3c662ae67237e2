-- id: core_time_parts
-- title: Where the core time of each application went
-- description: One row per application attempt with its core time in parts that add up to it. Parts are
--   taken in the order retry, speculation, unfinished, scheduling, fetch_wait, gc, spill, useful (task
--   attempts hold a core in these), start_up, driver_only, skew (waiting for long tasks, or for those of slow executors), idle (nothing does). Each takes at most
--   what is left, so nothing is counted twice. All attempts count from launch to finish, times the cores
--   of a task. Without task rows the time of attempts that did not succeed is speculation where the stage
--   had copies and no failure, else retry.
-- parameter: serialize_bytes_per_ms double = 250000.0 [bytes_per_ms] in-memory bytes that a core serializes and reads back in a millisecond, as in memory_spill
-- parameter: disk_bytes_per_ms double = 100000.0 [bytes_per_ms] bytes that a core writes to or reads from its share of the disk in a millisecond, as in disk_spill
-- parameter: healthy_gc_ratio double = 0.05 [ratio] garbage collection over run time that is no waste, as in gc_pressure
-- reads: applications, executors, jobs, reruns, slow_waits, stage_executors, stage_facts, stage_tails, stages, task_quantiles, tasks
WITH held AS (
  -- All attempts of a stage attempt.
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    SUM(CAST(task_time AS DOUBLE)) AS held_ms
  FROM stage_executors
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
succeeded AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    MAX(num_tasks) AS num_succeeded,
    MAX(CASE WHEN metric = 'duration' THEN CAST(total AS DOUBLE) END) AS ok_ms,
    MAX(CASE WHEN metric = 'executor_run_time' THEN CAST(total AS DOUBLE) END) AS run_ms,
    MAX(CASE WHEN metric = 'shuffle_read_fetch_wait_time' THEN CAST(total AS DOUBLE) END) AS wait_ms,
    MAX(CASE WHEN metric = 'jvm_gc_time' THEN CAST(total AS DOUBLE) END) AS gc_ms,
    MAX(CASE WHEN metric = 'memory_bytes_spilled' THEN CAST(total AS DOUBLE) END) AS spilled_bytes,
    MAX(CASE WHEN metric = 'disk_bytes_spilled' THEN CAST(total AS DOUBLE) END) AS spilled_disk_bytes
  FROM task_quantiles
  WHERE metric IN (
    'duration', 'executor_run_time', 'shuffle_read_fetch_wait_time', 'jvm_gc_time',
    'memory_bytes_spilled', 'disk_bytes_spilled'
  )
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
-- Few of many tasks: those that did not succeed, and those of stages that were tried again.
task_end_times AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id,
    t.status, CAST(t.duration AS DOUBLE) AS task_ms,
    t.speculative OR COALESCE(t.kill_reason LIKE '%another attempt succeeded%', FALSE) AS is_copy,
    -- The driver can have dropped the end of a task; its stage outlived it.
    CASE WHEN t.status IN ('RUNNING', 'GET RESULT', 'UNKNOWN') THEN GREATEST(
      UNIX_MILLIS(COALESCE(g.completion_time, a.observed_end_time)) - UNIX_MILLIS(t.launch_time), 0) END AS open_ms
  FROM tasks AS t
  INNER JOIN applications AS a
    ON a.platform = t.platform AND a.cluster_id = t.cluster_id
    AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
  LEFT JOIN stages AS g
    ON g.platform = t.platform AND g.cluster_id = t.cluster_id
    AND g.application_id = t.application_id AND g.attempt_id = t.attempt_id
    AND g.stage_id = t.stage_id AND g.stage_attempt_id = t.stage_attempt_id
  WHERE t.status <> 'SUCCESS'
),
lost_tasks AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    SUM(CASE WHEN status = 'KILLED' AND is_copy THEN task_ms ELSE 0e0 END) AS copy_ms,
    SUM(COALESCE(CAST(open_ms AS DOUBLE), 0e0)) AS open_ms
  FROM task_end_times
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
with_tasks AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM stage_tails
),
repeated AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(again_ms) AS repeated_ms
  FROM reruns
  GROUP BY platform, cluster_id, application_id, attempt_id
),
stage_parts AS (
  SELECT
    h.platform, h.cluster_id, h.application_id, h.attempt_id,
    GREATEST(h.held_ms - COALESCE(s.ok_ms, 0e0), 0e0) AS lost_ms,
    CASE
      WHEN w.platform IS NOT NULL THEN COALESCE(l.copy_ms, 0e0)
      WHEN COALESCE(g.speculation_num_tasks, 0) > 0 AND g.num_failed_tasks = 0
        THEN GREATEST(h.held_ms - COALESCE(s.ok_ms, 0e0), 0e0)
      ELSE 0e0
    END AS copy_ms,
    LEAST(COALESCE(s.ok_ms, 0e0), h.held_ms) AS ok_ms,
    LEAST(COALESCE(s.run_ms, 0e0), COALESCE(s.ok_ms, 0e0), h.held_ms) AS run_ms,
    LEAST(COALESCE(s.wait_ms, 0e0), s.run_ms) AS wait_ms,
    LEAST(COALESCE(s.gc_ms, 0e0), s.run_ms) AS gc_ms,
    LEAST(COALESCE(s.spilled_bytes, 0e0) / $serialize_bytes_per_ms, s.run_ms * 0.5e0)
      + LEAST(2e0 * COALESCE(s.spilled_disk_bytes, 0e0) / $disk_bytes_per_ms, s.run_ms * 0.5e0) AS spill_ms
  FROM held AS h
  LEFT JOIN succeeded AS s
    ON s.platform = h.platform AND s.cluster_id = h.cluster_id
    AND s.application_id = h.application_id AND s.attempt_id = h.attempt_id
    AND s.stage_id = h.stage_id AND s.stage_attempt_id = h.stage_attempt_id
  LEFT JOIN lost_tasks AS l
    ON l.platform = h.platform AND l.cluster_id = h.cluster_id
    AND l.application_id = h.application_id AND l.attempt_id = h.attempt_id
    AND l.stage_id = h.stage_id AND l.stage_attempt_id = h.stage_attempt_id
  LEFT JOIN with_tasks AS w
    ON w.platform = h.platform AND w.cluster_id = h.cluster_id
    AND w.application_id = h.application_id AND w.attempt_id = h.attempt_id
  LEFT JOIN stages AS g
    ON g.platform = h.platform AND g.cluster_id = h.cluster_id
    AND g.application_id = h.application_id AND g.attempt_id = h.attempt_id
    AND g.stage_id = h.stage_id AND g.stage_attempt_id = h.stage_attempt_id
),
task_parts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(lost_ms) AS lost_ms,
    SUM(LEAST(copy_ms, lost_ms)) AS copy_ms,
    SUM(ok_ms) AS ok_ms,
    SUM(run_ms) AS run_ms,
    SUM(COALESCE(wait_ms, 0e0)) AS wait_ms,
    SUM(COALESCE(LEAST(gc_ms, run_ms - wait_ms), 0e0)) AS gc_ms,
    SUM(COALESCE(LEAST(spill_ms, run_ms - wait_ms - LEAST(gc_ms, run_ms - wait_ms)), 0e0)) AS spill_ms
  FROM stage_parts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
open_tasks AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(open_ms) AS open_ms
  FROM lost_tasks
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- A stage that waits for its long tasks leaves its other slots empty.
tails AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id,
    SUM(GREATEST(
      COALESCE(CAST(f.tail_ms AS DOUBLE) * GREATEST(f.task_slots - COALESCE(f.long_tasks, 1), 0), 0e0),
      -- Of several slow executors the slowest may have all long tasks.
      COALESCE(CAST(w.wait_ms AS DOUBLE) * f.task_slots - w.busy_ms, 0e0)
    )) AS skew_ms
  FROM stage_facts AS f
  LEFT JOIN slow_waits AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id
    AND w.stage_id = f.stage_id AND w.stage_attempt_id = f.stage_attempt_id
  WHERE f.tail_ms > 0 OR w.wait_ms > 0
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id
),
-- How many cores were held and how many jobs ran, at each moment at which one of them changed.
changes AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id,
    -- A sum, because DataFusion would take the comment of a column along and then miss it.
    UNIX_MILLIS(e.add_time) + 0 AS at_ms,
    CAST(CAST(e.core_time_ms AS DOUBLE) / GREATEST(COALESCE(UNIX_MILLIS(e.remove_time) - UNIX_MILLIS(e.add_time), e.lifetime_ms), 1)
      AS DECIMAL(20, 6)) AS cores,
    0 AS jobs, 0 AS started
  FROM executors AS e
  WHERE e.core_time_ms > 0 AND e.add_time IS NOT NULL
  UNION ALL
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id,
    UNIX_MILLIS(e.add_time) + GREATEST(COALESCE(UNIX_MILLIS(e.remove_time) - UNIX_MILLIS(e.add_time), e.lifetime_ms), 1) AS at_ms,
    -CAST(CAST(e.core_time_ms AS DOUBLE) / GREATEST(COALESCE(UNIX_MILLIS(e.remove_time) - UNIX_MILLIS(e.add_time), e.lifetime_ms), 1)
      AS DECIMAL(20, 6)) AS cores,
    0 AS jobs, 0 AS started
  FROM executors AS e
  WHERE e.core_time_ms > 0 AND e.add_time IS NOT NULL
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, UNIX_MILLIS(submission_time) + 0 AS at_ms,
    CAST(0 AS DECIMAL(20, 6)) AS cores, 1 AS jobs, 0 AS started
  FROM jobs
  WHERE submission_time IS NOT NULL
  UNION ALL
  -- A job without an end ran until the end of the history.
  SELECT
    platform, cluster_id, application_id, attempt_id,
    UNIX_MILLIS(GREATEST(completion_time, submission_time)) + 0 AS at_ms,
    CAST(0 AS DECIMAL(20, 6)) AS cores, -1 AS jobs, 0 AS started
  FROM jobs
  WHERE submission_time IS NOT NULL AND completion_time IS NOT NULL
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id,
    UNIX_MILLIS(start_time) + COALESCE(first_task_delay_ms, 0) AS at_ms,
    CAST(0 AS DECIMAL(20, 6)) AS cores, 0 AS jobs, 1 AS started
  FROM applications
  WHERE start_time IS NOT NULL
),
moments AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, at_ms,
    SUM(cores) AS cores, SUM(jobs) AS jobs, SUM(started) AS started
  FROM changes
  GROUP BY platform, cluster_id, application_id, attempt_id, at_ms
),
spans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    LEAD(at_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY at_ms) - at_ms AS span_ms,
    SUM(cores) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY at_ms
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS cores,
    SUM(jobs) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY at_ms
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS jobs,
    SUM(started) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY at_ms
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS started
  FROM moments
),
waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN started = 0 THEN CAST(span_ms AS DOUBLE) * CAST(cores AS DOUBLE) ELSE 0e0 END) AS start_up_ms,
    SUM(CASE WHEN started > 0 AND jobs <= 0 THEN CAST(span_ms AS DOUBLE) * CAST(cores AS DOUBLE) ELSE 0e0 END) AS driver_ms
  FROM spans
  WHERE span_ms > 0
  GROUP BY platform, cluster_id, application_id, attempt_id
),
summed AS (
  SELECT
    a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date,
    a.core_time_ms,
    -- Cores of a task, as the application's tasks had them on average. NULL makes all parts NULL.
    CASE
      WHEN a.core_time_ms IS NULL THEN CAST(NULL AS DOUBLE)
      WHEN a.total_task_time_ms > 0 AND a.cores_busy_time_ms > 0
        THEN CAST(a.cores_busy_time_ms AS DOUBLE) / NULLIF(a.total_task_time_ms, 0)
      ELSE 1e0
    END AS task_cores,
    COALESCE(t.lost_ms, 0e0) - COALESCE(t.copy_ms, 0e0) + LEAST(COALESCE(r.repeated_ms, 0e0), COALESCE(t.ok_ms, 0e0))
      AS retry_ms,
    COALESCE(t.copy_ms, 0e0) AS copy_ms,
    COALESCE(o.open_ms, 0e0) AS open_ms,
    -- Repeated work has the same mix as all.
    GREATEST(1e0 - COALESCE(r.repeated_ms / NULLIF(t.ok_ms, 0e0), 0e0), 0e0) AS counted,
    COALESCE(t.ok_ms, 0e0) AS ok_ms, COALESCE(t.run_ms, 0e0) AS run_ms,
    COALESCE(t.wait_ms, 0e0) AS wait_ms, COALESCE(t.gc_ms, 0e0) AS gc_ms, COALESCE(t.spill_ms, 0e0) AS spill_ms,
    GREATEST(COALESCE(w.start_up_ms, 0e0), 0e0) AS start_up_ms,
    GREATEST(COALESCE(w.driver_ms, 0e0), 0e0) AS driver_ms,
    COALESCE(s.skew_ms, 0e0) AS skew_ms
  FROM applications AS a
  LEFT JOIN task_parts AS t
    ON t.platform = a.platform AND t.cluster_id = a.cluster_id
    AND t.application_id = a.application_id AND t.attempt_id = a.attempt_id
  LEFT JOIN repeated AS r
    ON r.platform = a.platform AND r.cluster_id = a.cluster_id
    AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
  LEFT JOIN open_tasks AS o
    ON o.platform = a.platform AND o.cluster_id = a.cluster_id
    AND o.application_id = a.application_id AND o.attempt_id = a.attempt_id
  LEFT JOIN waits AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
  LEFT JOIN tails AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
),
-- Where each part ends when all are laid one after the other: whole numbers, and never beyond the whole.
ends AS (
  SELECT
    s.*,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms))) AS BIGINT) AS retry_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms))) AS BIGINT) AS copy_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms + open_ms))) AS BIGINT) AS open_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms + open_ms + counted * (ok_ms - run_ms)))) AS BIGINT)
      AS scheduling_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms + open_ms + counted * (ok_ms - run_ms + wait_ms)))) AS BIGINT)
      AS wait_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms + open_ms + counted * (ok_ms - run_ms + wait_ms + gc_ms))))
      AS BIGINT) AS gc_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (
      retry_ms + copy_ms + open_ms + counted * (ok_ms - run_ms + wait_ms + gc_ms + spill_ms)))) AS BIGINT) AS spill_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms + open_ms + counted * ok_ms))) AS BIGINT) AS task_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms + open_ms + counted * ok_ms) + start_up_ms)) AS BIGINT)
      AS start_up_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms + open_ms + counted * ok_ms) + start_up_ms + driver_ms))
      AS BIGINT) AS driver_end,
    TRY_CAST(ROUND(LEAST(s.core_time_ms, s.task_cores * (retry_ms + copy_ms + open_ms + counted * ok_ms + skew_ms)
      + start_up_ms + driver_ms)) AS BIGINT) AS skew_end
  FROM summed AS s
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, app_date,
  core_time_ms,
  task_end - spill_end AS useful_core_ms,
  wait_end - scheduling_end AS fetch_wait_core_ms,
  gc_end - wait_end AS gc_core_ms,
  spill_end - gc_end AS spill_core_ms,
  scheduling_end - open_end AS scheduling_core_ms,
  retry_end AS retry_core_ms,
  copy_end - retry_end AS speculation_core_ms,
  open_end - copy_end AS unfinished_core_ms,
  skew_end - driver_end AS skew_core_ms,
  start_up_end - task_end AS start_up_core_ms,
  driver_end - start_up_end AS driver_only_core_ms,
  core_time_ms - skew_end AS idle_core_ms,
  TRY_CAST(ROUND(LEAST(gc_end - wait_end, $healthy_gc_ratio * task_cores * counted * run_ms)) AS BIGINT) AS healthy_gc_core_ms,
  COALESCE(task_cores * (retry_ms + copy_ms + counted * ok_ms) > core_time_ms * 1.001e0 + 1e0, FALSE)
    AS core_time_incomplete
FROM ends
