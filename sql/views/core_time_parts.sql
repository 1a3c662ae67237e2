-- id: core_time_parts
-- title: Where the core time of each application went
-- description: One row per application attempt with its core time in parts that add up to it. Parts are
--   taken in the order retry, speculation, fetch_wait, gc, spill, useful, start_up, driver_only, scheduling, unfinished, skew (waiting
--   for long tasks, or for those of slow executors), idle. Each takes at most what is left, so nothing is counted twice, and what is
--   measured comes before what is told by the driver's clock alone: scheduling, and attempts without an end, of which only the latest
--   possible end is known. All attempts count from launch to finish, times the cores of a task. Attempts that ended well but whose
--   start is missing count with the mix of the others of their stage. Without task rows the time of attempts that did not succeed is
--   speculation where the stage had copies and no failure, else retry. Cores that tasks reserved and, as their processor time shows, did not use
--   (view reserved_cores) are idle, not useful; reserved_core_ms is that part of idle_core_ms. NULL where no executor has a known lifetime, though tasks ran.
-- parameter: healthy_gc_ratio double = 0.05 [ratio] garbage collection over run time that is no waste, as in gc_pressure
-- reads: applications, executors, jobs, reruns, reserved_cores, run_time_cores, slow_waits, spill_costs, stage_executors,
--   stage_facts, stage_tails, stages, task_quantiles, tasks
WITH held AS (
  -- All attempts of a stage attempt.
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    SUM(CAST(task_time AS DOUBLE)) AS held_ms,
    SUM(COALESCE(failed_tasks, 0) + COALESCE(killed_tasks, 0)) AS num_lost
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
    MAX(CASE WHEN metric = 'jvm_gc_time' THEN CAST(total AS DOUBLE) END) AS gc_ms
  FROM task_quantiles
  WHERE metric IN (
    'duration', 'executor_run_time', 'shuffle_read_fetch_wait_time', 'jvm_gc_time'
  )
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
-- Few of many tasks: those that did not succeed, and those of stages that were tried again.
task_end_times AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id,
    t.status, CAST(t.duration AS DOUBLE) AS task_ms,
    t.speculative OR COALESCE(t.kill_reason LIKE '%another attempt succeeded%', FALSE) AS is_copy,
    -- A task that is killed with its stage ends after it, when the stage's executors are summed up already and maybe no job runs.
    CASE WHEN t.status IN ('FAILED', 'KILLED') AND UNIX_MILLIS(t.launch_time) + t.duration > UNIX_MILLIS(g.completion_time)
      THEN UNIX_MILLIS(GREATEST(g.completion_time, t.launch_time)) + 0 END AS late_from_ms,
    UNIX_MILLIS(t.launch_time) + t.duration AS end_ms,
    CASE WHEN a.total_task_time_ms > 0 AND a.cores_busy_time_ms > 0
      THEN CAST(a.cores_busy_time_ms AS DOUBLE) / NULLIF(a.total_task_time_ms, 0) ELSE 1e0 END AS task_cores,
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
    SUM(CASE WHEN status = 'KILLED' AND is_copy THEN COALESCE(task_ms, 0e0) ELSE 0e0 END) AS copy_ms,
    SUM(CASE WHEN status IN ('FAILED', 'KILLED') THEN COALESCE(task_ms, 0e0) ELSE 0e0 END) AS lost_ms,
    SUM(CASE WHEN status IN ('FAILED', 'KILLED') THEN 1 ELSE 0 END) AS num_lost,
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
-- A stage whose tasks all ended after it has no executors.
all_stages AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id FROM held
  UNION
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id FROM lost_tasks
),
attempts AS (
  SELECT
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.stage_id, k.stage_attempt_id,
    COALESCE(s.ok_ms, 0e0) AS ok_ms, s.run_ms / COALESCE(z.run_cores, 1e0) AS run_ms, s.wait_ms, s.gc_ms, COALESCE((c.compute_ms + c.disk_ms) / NULLIF(c.run_ms, 0e0), 0e0) AS spill_part,
    w.platform IS NOT NULL AS has_tasks,
    COALESCE(l.copy_ms, 0e0) AS copy_ms,
    COALESCE(g.speculation_num_tasks, 0) > 0 AND g.num_failed_tasks = 0 AS has_copies_only,
    GREATEST(COALESCE(h.held_ms, 0e0) - COALESCE(s.ok_ms, 0e0), 0e0) AS other_ms,
    -- Each attempt that was lost has its row: what else the executors held are successes whose start is missing.
    GREATEST(
      COALESCE(h.num_lost, 0),
      CASE WHEN w.platform IS NULL THEN COALESCE(g.num_failed_tasks, 0) + COALESCE(g.num_killed_tasks, 0) ELSE 0 END
    ) <= COALESCE(l.num_lost, 0) AS is_all_told,
    COALESCE(l.lost_ms, 0e0) AS told_ms
  FROM all_stages AS k
  LEFT JOIN held AS h
    ON h.platform = k.platform AND h.cluster_id = k.cluster_id
    AND h.application_id = k.application_id AND h.attempt_id = k.attempt_id
    AND h.stage_id = k.stage_id AND h.stage_attempt_id = k.stage_attempt_id
  LEFT JOIN succeeded AS s
    ON s.platform = k.platform AND s.cluster_id = k.cluster_id
    AND s.application_id = k.application_id AND s.attempt_id = k.attempt_id
    AND s.stage_id = k.stage_id AND s.stage_attempt_id = k.stage_attempt_id
  LEFT JOIN run_time_cores AS z
    ON z.platform = k.platform AND z.cluster_id = k.cluster_id
    AND z.application_id = k.application_id AND z.attempt_id = k.attempt_id
    AND z.stage_id = k.stage_id AND z.stage_attempt_id = k.stage_attempt_id
  LEFT JOIN spill_costs AS c
    ON c.platform = k.platform AND c.cluster_id = k.cluster_id
    AND c.application_id = k.application_id AND c.attempt_id = k.attempt_id
    AND c.stage_id = k.stage_id AND c.stage_attempt_id = k.stage_attempt_id
  LEFT JOIN lost_tasks AS l
    ON l.platform = k.platform AND l.cluster_id = k.cluster_id
    AND l.application_id = k.application_id AND l.attempt_id = k.attempt_id
    AND l.stage_id = k.stage_id AND l.stage_attempt_id = k.stage_attempt_id
  LEFT JOIN with_tasks AS w
    ON w.platform = k.platform AND w.cluster_id = k.cluster_id
    AND w.application_id = k.application_id AND w.attempt_id = k.attempt_id
  LEFT JOIN stages AS g
    ON g.platform = k.platform AND g.cluster_id = k.cluster_id
    AND g.application_id = k.application_id AND g.attempt_id = k.attempt_id
    AND g.stage_id = k.stage_id AND g.stage_attempt_id = k.stage_attempt_id
),
lost_parts AS (
  SELECT
    a.*,
    CASE WHEN is_all_told THEN told_ms ELSE GREATEST(other_ms, told_ms) END AS lost_ms,
    CASE WHEN is_all_told THEN GREATEST(other_ms - told_ms, 0e0) ELSE 0e0 END AS more_ms
  FROM attempts AS a
),
-- Successes without a start have the same mix as the others of their stage; where there are none, their work is all that is known.
scaled AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.lost_ms,
    CASE WHEN has_tasks THEN copy_ms WHEN has_copies_only THEN lost_ms ELSE 0e0 END AS copy_ms,
    ok_ms + more_ms AS ok_ms,
    CASE WHEN ok_ms > 0e0 THEN LEAST(COALESCE(run_ms, 0e0), ok_ms) * (1e0 + more_ms / NULLIF(ok_ms, 0e0)) ELSE more_ms END AS run_ms,
    wait_ms * (1e0 + COALESCE(more_ms / NULLIF(ok_ms, 0e0), 0e0)) AS wait_ms,
    gc_ms * (1e0 + COALESCE(more_ms / NULLIF(ok_ms, 0e0), 0e0)) AS gc_ms,
    spill_part
  FROM lost_parts AS p
),
stage_parts AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.lost_ms, s.copy_ms, s.ok_ms, s.run_ms,
    LEAST(COALESCE(wait_ms, 0e0), run_ms) AS wait_ms,
    LEAST(COALESCE(gc_ms, 0e0), run_ms) AS gc_ms,
    spill_part * run_ms AS spill_ms
  FROM scaled AS s
),
task_parts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(lost_ms) AS lost_ms,
    SUM(LEAST(copy_ms, lost_ms)) AS copy_ms,
    SUM(ok_ms) AS ok_ms,
    SUM(run_ms) AS run_ms,
    SUM(wait_ms) AS wait_ms,
    SUM(LEAST(gc_ms, run_ms - wait_ms)) AS gc_ms,
    SUM(LEAST(spill_ms, run_ms - wait_ms - LEAST(gc_ms, run_ms - wait_ms))) AS spill_ms
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
reserved AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(task_ms) AS task_ms
  FROM reserved_cores
  GROUP BY platform, cluster_id, application_id, attempt_id
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
  -- What outlives its stage holds cores that do not wait for the driver.
  SELECT
    platform, cluster_id, application_id, attempt_id, late_from_ms AS at_ms,
    -CAST(task_cores AS DECIMAL(20, 6)) AS cores, 0 AS jobs, 0 AS started
  FROM task_end_times
  WHERE late_from_ms IS NOT NULL
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, end_ms AS at_ms,
    CAST(task_cores AS DECIMAL(20, 6)) AS cores, 0 AS jobs, 0 AS started
  FROM task_end_times
  WHERE late_from_ms IS NOT NULL
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
    SUM(CASE WHEN started = 0 THEN CAST(span_ms AS DOUBLE) * GREATEST(CAST(cores AS DOUBLE), 0e0) ELSE 0e0 END) AS start_up_ms,
    SUM(CASE WHEN started > 0 AND jobs <= 0 THEN CAST(span_ms AS DOUBLE) * GREATEST(CAST(cores AS DOUBLE), 0e0) ELSE 0e0 END) AS driver_ms,
    MAX(jobs) AS num_jobs
  FROM spans
  WHERE span_ms > 0
  GROUP BY platform, cluster_id, application_id, attempt_id
),
summed AS (
  SELECT
    a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date,
    -- Tasks that ran had a core: without lifetimes the time of that is not known.
    CASE WHEN a.core_time_ms > 0 OR NOT COALESCE(a.total_task_time_ms > 0, FALSE) THEN a.core_time_ms END AS core_time_ms,
    -- Cores of a task, as the application's tasks had them on average. NULL makes all parts NULL.
    CASE
      WHEN a.core_time_ms IS NULL OR (a.core_time_ms <= 0 AND a.total_task_time_ms > 0) THEN CAST(NULL AS DOUBLE)
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
    -- A history without jobs does not tell when the driver was alone: tasks come first then.
    CASE WHEN w.num_jobs > 0 THEN GREATEST(w.driver_ms, 0e0) ELSE 0e0 END AS driver_ms,
    CASE WHEN w.num_jobs > 0 THEN 0e0 ELSE GREATEST(COALESCE(w.driver_ms, 0e0), 0e0) END AS alone_ms,
    COALESCE(s.skew_ms, 0e0) AS skew_ms,
    -- Task time beside which the other cores of the task were not used, of all.
    LEAST(COALESCE(v.task_ms / NULLIF(CAST(a.total_task_time_ms AS DOUBLE), 0e0), 0e0), 1e0) AS reserved_part
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
  LEFT JOIN reserved AS v
    ON v.platform = a.platform AND v.cluster_id = a.cluster_id
    AND v.application_id = a.application_id AND v.attempt_id = a.attempt_id
),
-- Work that was done for the first time, in core time.
worked AS (
  SELECT
    s.*,
    task_cores * retry_ms AS retry_core,
    task_cores * copy_ms AS copy_core,
    task_cores * counted * wait_ms AS wait_core,
    task_cores * counted * gc_ms AS gc_core,
    task_cores * counted * spill_ms AS spill_core,
    task_cores * counted * run_ms AS run_core,
    task_cores * counted * (ok_ms - run_ms) AS scheduling_core,
    task_cores * open_ms AS open_core,
    task_cores * skew_ms AS skew_core
  FROM summed AS s
),
-- Where each part ends when all are laid one after the other: whole numbers, and never beyond the whole.
ends AS (
  SELECT
    w.*,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core)) AS BIGINT) AS retry_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core + copy_core)) AS BIGINT) AS copy_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core + copy_core + wait_core)) AS BIGINT) AS wait_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core + copy_core + wait_core + gc_core)) AS BIGINT) AS gc_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core + copy_core + wait_core + gc_core + spill_core)) AS BIGINT) AS spill_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core + copy_core + run_core)) AS BIGINT) AS run_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core + copy_core + run_core + start_up_ms)) AS BIGINT) AS start_up_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core + copy_core + run_core + start_up_ms + driver_ms)) AS BIGINT) AS driver_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms, retry_core + copy_core + run_core + start_up_ms + driver_ms + scheduling_core)) AS BIGINT)
      AS scheduling_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms,
      retry_core + copy_core + run_core + start_up_ms + driver_ms + scheduling_core + open_core)) AS BIGINT) AS open_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms,
      retry_core + copy_core + run_core + start_up_ms + driver_ms + scheduling_core + open_core + alone_ms)) AS BIGINT) AS alone_end,
    TRY_CAST(ROUND(LEAST(w.core_time_ms,
      retry_core + copy_core + run_core + start_up_ms + driver_ms + scheduling_core + open_core + alone_ms + skew_core)) AS BIGINT)
      AS skew_end
  FROM worked AS w
),
parts AS (
  SELECT
    e.*,
    TRY_CAST(ROUND((run_end - spill_end) * reserved_part * GREATEST(1e0 - 1e0 / NULLIF(task_cores, 0e0), 0e0)) AS BIGINT) AS reserved_core_ms
  FROM ends AS e
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, app_date,
  core_time_ms,
  run_end - spill_end - reserved_core_ms AS useful_core_ms,
  wait_end - copy_end AS fetch_wait_core_ms,
  gc_end - wait_end AS gc_core_ms,
  spill_end - gc_end AS spill_core_ms,
  scheduling_end - driver_end AS scheduling_core_ms,
  retry_end AS retry_core_ms,
  copy_end - retry_end AS speculation_core_ms,
  open_end - scheduling_end AS unfinished_core_ms,
  skew_end - alone_end AS skew_core_ms,
  start_up_end - run_end AS start_up_core_ms,
  (driver_end - start_up_end) + (alone_end - open_end) AS driver_only_core_ms,
  core_time_ms - skew_end + reserved_core_ms AS idle_core_ms,
  reserved_core_ms,
  TRY_CAST(ROUND(LEAST(gc_end - wait_end, $healthy_gc_ratio * run_core)) AS BIGINT) AS healthy_gc_core_ms,
  COALESCE(retry_core + copy_core + run_core + scheduling_core > core_time_ms * 1.001e0 + 1e0, FALSE) AS core_time_incomplete
FROM parts
