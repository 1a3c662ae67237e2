-- id: slow_executor
-- title: An executor takes much longer for the same work than the others
-- category: skew
-- severity: medium
-- version: 6
-- description: Fires where the tasks of executors took far longer than those on the executors that ran half of the tasks
--   of the same stages, with no more data a task and without their waits for shuffle data (view slow_executors). That is their machines (disk, network, a noisy neighbor)
--   or their heaps, not the data. All that are slow in the same way are one finding, which names the machines that took the longest for a task.
--   What could be won in a stage is the wait for the slow executors alone (view slow_waits) less what the others would have taken for
--   their tasks, where the lake has no tasks that for the last long tasks, and at least the task time beyond what was expected, spread over the slots of the stage. The lost core time is that gain times these
--   slots, as far as their executors were there so long: what was given back or lost meanwhile did not wait. task_skew and idle_executors leave this wait out.
-- subject: executor
-- parameter: min_gc_share double = 0.1 [ratio] garbage collection over task time of an executor whose heap is the cause, at least
-- parameter: min_gc_ratio double = 2.0 [ratio] the same over that of the executors that are not slow, at least
-- evidence: {hosts} took {own_ms:s} for {own_tasks:task|tasks} in {num_stages:stage|stages} on {num_executors:int} of {num_working:executor|executors}, {ratio:1} times as long as [with {as_data} ]on the faster executors, which ran half of the tasks in {typical_ms:s} per task or less[; the rest of the application waited {wait_ms:s} for {them} alone][; garbage collection took
--   {gc_share:pct} of {its} time, {other_gc_share:pct} elsewhere].
-- advice: kind = 'heap' | - | - | The heap is full there where those of the others are not: look for
--   data that lies on few executors (a cache, large broadcasts, a receiver), and give executors more memory.
-- advice: NOT speculation AND NOT is_databricks AND NOT has_effects | spark.speculation | 'true' | Look at {machines} (disk, network, neighbors), and take {them} out of the
--   cluster while slow; let Spark run second copies of slow tasks elsewhere meanwhile.
-- advice: num_machines > 1 | - | - | Look at these machines (disk, network, neighbors), and replace those that stay slow.
-- recommendation: Look at the machine (disk, network, neighbors), and replace it where it stays slow.
WITH collected AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id,
    CAST(e.total_gc_time AS DOUBLE) / NULLIF(CAST(e.total_duration AS DOUBLE), 0e0) AS gc_share,
    SUM(CASE WHEN s.platform IS NULL THEN CAST(e.total_gc_time AS DOUBLE) END) OVER application
      / NULLIF(SUM(CASE WHEN s.platform IS NULL THEN CAST(e.total_duration AS DOUBLE) END) OVER application, 0e0) AS other_gc_share
  FROM executors AS e
  LEFT JOIN (
    SELECT DISTINCT platform, cluster_id, application_id, attempt_id, executor_id FROM slow_executors
  ) AS s
    ON s.platform = e.platform AND s.cluster_id = e.cluster_id
    AND s.application_id = e.application_id AND s.attempt_id = e.attempt_id AND s.executor_id = e.executor_id
  WHERE e.executor_id NOT IN ('driver', '<driver>')
  WINDOW application AS (PARTITION BY e.platform, e.cluster_id, e.application_id, e.attempt_id)
),
judged AS (
  SELECT
    s.*, COALESCE(s.host, CONCAT('executor ', s.executor_id)) AS machine, c.gc_share, c.other_gc_share,
    CASE WHEN c.gc_share >= $min_gc_ratio * c.other_gc_share AND c.gc_share >= $min_gc_share THEN 'heap' ELSE 'machine' END AS kind
  FROM slow_executors AS s
  LEFT JOIN collected AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.executor_id = s.executor_id
),
-- What each stage could win, shared among the kinds by their excess, so that it is not won twice.
stage_kinds AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, kind,
    SUM(own_ms - wanted_ms) AS excess_ms, MAX(typical_ms) AS typical_ms,
    SUM(SUM(own_ms - wanted_ms)) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id) AS stage_excess_ms
  FROM judged
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, kind
),
stage_gains AS (
  SELECT
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.stage_id, k.stage_attempt_id, k.kind, k.stage_excess_ms,
    k.excess_ms / NULLIF(k.stage_excess_ms, 0e0) AS part, w.wait_ms, f.task_slots, f.stage_name, f.input_bytes, f.shuffle_read_bytes,
    UNIX_MILLIS(f.completion_time) + 0 AS end_ms,
    LEAST(GREATEST(COALESCE(w.gain_ms, CAST(f.tail_ms AS DOUBLE) - k.typical_ms, 0e0), k.stage_excess_ms / NULLIF(f.task_slots, 0)), CAST(f.duration_ms AS DOUBLE)) AS gain_ms
  FROM stage_kinds AS k
  INNER JOIN stage_facts AS f
    ON f.platform = k.platform AND f.cluster_id = k.cluster_id
    AND f.application_id = k.application_id AND f.attempt_id = k.attempt_id
    AND f.stage_id = k.stage_id AND f.stage_attempt_id = k.stage_attempt_id
  LEFT JOIN slow_waits AS w
    ON w.platform = k.platform AND w.cluster_id = k.cluster_id
    AND w.application_id = k.application_id AND w.attempt_id = k.attempt_id
    AND w.stage_id = k.stage_id AND w.stage_attempt_id = k.stage_attempt_id
),
-- The slots that were there in the time that could be won.
held AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, g.stage_id, g.stage_attempt_id, g.kind,
    SUM(GREATEST(COALESCE(e.max_tasks, 1), 1) * (
      LEAST(CAST(g.end_ms AS DOUBLE), COALESCE(CAST(UNIX_MILLIS(e.remove_time) AS DOUBLE), CAST(g.end_ms AS DOUBLE)))
        - GREATEST(g.end_ms - g.gain_ms, CAST(UNIX_MILLIS(e.add_time) AS DOUBLE))
    )) AS slot_ms
  FROM stage_gains AS g
  INNER JOIN executors AS e
    ON e.platform = g.platform AND e.cluster_id = g.cluster_id
    AND e.application_id = g.application_id AND e.attempt_id = g.attempt_id
  WHERE e.total_cores > 0 AND UNIX_MILLIS(e.add_time) < g.end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > g.end_ms - g.gain_ms, TRUE)
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, g.stage_id, g.stage_attempt_id, g.kind
),
gains AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, g.kind,
    COUNT(*) AS num_stages,
    SUM(g.gain_ms * g.part) AS gain_ms,
    -- What the tasks took beyond their time was held in any case.
    SUM(LEAST(g.gain_ms * g.task_slots, GREATEST(COALESCE(h.slot_ms, g.gain_ms * g.task_slots), g.stage_excess_ms)) * g.part) AS lost_ms,
    SUM(g.wait_ms * g.part) AS wait_ms,
    MAX(CASE WHEN g.stage_name LIKE 'foreach%' THEN 1 ELSE 0 END) = 1 AS has_effects,
    -- Tasks that compute their data, or whose input is not counted, have none to compare.
    MAX(CASE WHEN g.input_bytes > 0 OR g.shuffle_read_bytes > 0 THEN 'as much data' END) AS as_data
  FROM stage_gains AS g
  LEFT JOIN held AS h
    ON h.platform = g.platform AND h.cluster_id = g.cluster_id
    AND h.application_id = g.application_id AND h.attempt_id = g.attempt_id
    AND h.stage_id = g.stage_id AND h.stage_attempt_id = g.stage_attempt_id AND h.kind = g.kind
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, g.kind
),
-- The executor and the machines that are named: those that took the longest for a task of theirs, as they should have.
by_executor AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, kind, executor_id,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, kind ORDER BY SUM(own_ms) / NULLIF(SUM(wanted_ms), 0e0) DESC, executor_id) AS place
  FROM judged
  GROUP BY platform, cluster_id, application_id, attempt_id, kind, executor_id
),
by_machine AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, kind, machine, SUM(own_ms) / NULLIF(SUM(own_tasks), 0) AS task_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, kind ORDER BY SUM(own_ms) / NULLIF(SUM(wanted_ms), 0e0) DESC, machine) AS place
  FROM judged
  GROUP BY platform, cluster_id, application_id, attempt_id, kind, machine
),
labels AS (
  SELECT
    m.*, COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, kind) AS machines,
    CONCAT(machine, ' (', CASE
      WHEN task_ms < 9950e0 THEN CONCAT(CAST(CAST(ROUND(task_ms / 100e0) / 10e0 AS DECIMAL(20, 1)) AS STRING), ' s')
      WHEN task_ms < 600000e0 THEN CONCAT(CAST(TRY_CAST(ROUND(task_ms / 1000e0) AS BIGINT) AS STRING), ' s')
      ELSE CONCAT(CAST(CAST(ROUND(task_ms / 6000e0) / 10e0 AS DECIMAL(20, 1)) AS STRING), ' min')
    END, ' a task)') AS label
  FROM by_machine AS m
),
named AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, kind, COUNT(*) AS num_machines,
    CONCAT(
      CONCAT_WS(', ', MAX(CASE WHEN place = 1 THEN label END), MAX(CASE WHEN place = 2 AND place < machines THEN label END),
        MAX(CASE WHEN place = 3 AND place < machines THEN label END), MAX(CASE WHEN place = 4 AND place < machines THEN label END),
        MAX(CASE WHEN place = 5 AND place < machines THEN label END)),
      -- The last one after an "and".
      CASE WHEN COUNT(*) > 5 THEN CONCAT(' and ', CAST(COUNT(*) - 5 AS STRING), ' more')
        WHEN COUNT(*) > 1 THEN CONCAT(' and ', MAX(CASE WHEN place = machines THEN label END)) ELSE '' END
    ) AS hosts
  FROM labels
  GROUP BY platform, cluster_id, application_id, attempt_id, kind
),
totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, kind,
    COUNT(DISTINCT executor_id) AS num_executors, MAX(executors) AS num_working,
    SUM(own_ms) AS own_ms, SUM(own_tasks) AS own_tasks, SUM(wanted_ms) AS wanted_ms, SUM(own_tasks * typical_ms) / NULLIF(SUM(own_tasks), 0) AS typical_ms,
    MAX(gc_share) AS gc_share, MAX(other_gc_share) AS other_gc_share
  FROM judged
  GROUP BY platform, cluster_id, application_id, attempt_id, kind
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, x.executor_id AS subject_id,
  CASE WHEN t.num_executors > 1 THEN 'Executors take much longer for the same work than the others' END AS title,
  CASE WHEN t.own_ms >= 3 * t.wanted_ms THEN 'high' ELSE 'medium' END AS confidence,
  TRY_CAST(g.lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(g.gain_ms AS BIGINT) AS recoverable_ms,
  x.executor_id, t.kind, n.hosts, n.num_machines, t.num_executors, t.num_working, g.num_stages, t.own_ms, t.own_tasks, t.typical_ms,
  t.own_ms / NULLIF(t.wanted_ms, 0e0) AS ratio,
  CASE WHEN g.wait_ms >= 1000e0 THEN g.wait_ms END AS wait_ms,
  -- Of several executors the highest; only worth a word where it is not next to nothing.
  CASE WHEN t.kind = 'heap' OR t.gc_share >= 0.01e0 THEN t.gc_share END AS gc_share, t.other_gc_share,
  CASE WHEN n.num_machines > 1 THEN 'these machines' ELSE 'the machine' END AS machines,
  CASE WHEN n.num_machines > 1 THEN 'them' ELSE 'it' END AS them,
  CASE WHEN n.num_machines > 1 THEN 'their' ELSE 'its' END AS its,
  a.speculation, a.is_databricks, g.has_effects, g.as_data
FROM totals AS t
INNER JOIN gains AS g
  ON g.platform = t.platform AND g.cluster_id = t.cluster_id
  AND g.application_id = t.application_id AND g.attempt_id = t.attempt_id AND g.kind = t.kind
INNER JOIN by_executor AS x
  ON x.platform = t.platform AND x.cluster_id = t.cluster_id
  AND x.application_id = t.application_id AND x.attempt_id = t.attempt_id AND x.kind = t.kind AND x.place = 1
INNER JOIN named AS n
  ON n.platform = t.platform AND n.cluster_id = t.cluster_id
  AND n.application_id = t.application_id AND n.attempt_id = t.attempt_id AND n.kind = t.kind
INNER JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
WHERE NOT a.is_local
