-- id: slow_executor
-- title: An executor takes much longer for the same work than the others
-- category: skew
-- severity: medium
-- version: 1
-- description: Fires where the tasks of an executor took far longer than those that the other executors ran
--   in the same stages, with no more data a task. That is its machine (disk, network, a noisy neighbor)
--   or its heap, not the data. Expected is what the others took a task in each stage, more where the
--   executor's own tasks had more data. Only stages that many executors worked on count, and executors
--   with many tasks, so that the first wave of a new executor does not. Several executors of one host
--   are reported once.
-- subject: executor
-- group_by: host
-- parameter: min_ratio double = 2.0 [ratio] task time over what the others took for such tasks, at least
-- parameter: min_executors bigint = 3 [count] executors that worked on a stage, at least
-- parameter: min_tasks bigint = 15 [count] tasks of the executor in such stages, at least
-- parameter: min_excess_ms bigint = 60000 [ms] task time beyond what was expected, at least
-- evidence: Executor {executor_id}[ on {host}] took {own_ms:s} for {own_tasks:task|tasks} in {num_stages:stage|stages}, {ratio:1}
--   times what the other executors took for such tasks with no less data[; garbage collection took {gc_share:pct} of its time,
--   {other_gc_share:pct} elsewhere].
-- advice: gc_share >= 2 * other_gc_share AND gc_share >= 0.1 | - | - | Its heap is full where those of the others are not: look for
--   data that lies on one executor (a cache, large broadcasts, a receiver), and give executors more memory.
-- advice: NOT speculation AND NOT is_databricks | spark.speculation | 'true' | Look at the machine (disk, network, neighbors); let Spark run
--   second copies of slow tasks elsewhere meanwhile.
-- recommendation: Look at the machine (disk, network, neighbors), and replace it where it stays slow.
WITH work AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id, w.executor_id,
    CAST(w.task_time AS DOUBLE) AS own_ms,
    w.succeeded_tasks AS own_tasks,
    CAST(w.input_bytes + w.shuffle_read + w.output_bytes + w.shuffle_write AS DOUBLE) AS own_bytes,
    SUM(CAST(w.task_time AS DOUBLE)) OVER stage AS all_ms,
    SUM(w.succeeded_tasks) OVER stage AS all_tasks,
    SUM(CAST(w.input_bytes + w.shuffle_read + w.output_bytes + w.shuffle_write AS DOUBLE)) OVER stage AS all_bytes,
    COUNT(*) OVER stage AS executors
  FROM stage_executors AS w
  WHERE w.succeeded_tasks > 0 AND w.executor_id NOT IN ('driver', '<driver>')
  WINDOW stage AS (
    PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
  )
),
compared AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_id, own_ms, own_tasks,
    own_tasks * (all_ms - own_ms) / NULLIF(all_tasks - own_tasks, 0)
      * GREATEST(1e0, COALESCE(
        own_bytes / NULLIF(own_tasks, 0) / NULLIF((all_bytes - own_bytes) / NULLIF(all_tasks - own_tasks, 0), 0e0), 1e0
      )) AS expected_ms
  FROM work
  WHERE executors >= $min_executors AND all_tasks >= 2 * own_tasks
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_id,
    COUNT(*) AS num_stages, SUM(own_ms) AS own_ms, SUM(own_tasks) AS own_tasks, SUM(expected_ms) AS expected_ms
  FROM compared
  GROUP BY platform, cluster_id, application_id, attempt_id, executor_id
),
collected AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_id, host_port,
    CAST(total_gc_time AS DOUBLE) AS gc_ms, CAST(total_duration AS DOUBLE) AS run_ms,
    SUM(CAST(total_gc_time AS DOUBLE)) OVER application AS all_gc_ms,
    SUM(CAST(total_duration AS DOUBLE)) OVER application AS all_run_ms
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  WINDOW application AS (PARTITION BY platform, cluster_id, application_id, attempt_id)
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.executor_id AS subject_id,
  CASE WHEN s.own_ms >= 3 * s.expected_ms THEN 'high' ELSE 'medium' END AS confidence,
  TRY_CAST(s.own_ms - s.expected_ms AS BIGINT) AS lost_core_ms,
  -- Spread over the cores that were there.
  TRY_CAST((s.own_ms - s.expected_ms) / GREATEST(a.average_cores, 1e0) AS BIGINT) AS recoverable_ms,
  s.executor_id, SPLIT_PART(c.host_port, ':', 1) AS host, s.num_stages, s.own_ms, s.own_tasks,
  s.own_ms / NULLIF(s.expected_ms, 0) AS ratio,
  c.gc_ms / NULLIF(c.run_ms, 0e0) AS gc_share,
  (c.all_gc_ms - c.gc_ms) / NULLIF(c.all_run_ms - c.run_ms, 0e0) AS other_gc_share,
  a.speculation, a.is_databricks
FROM summed AS s
INNER JOIN collected AS c
  ON c.platform = s.platform AND c.cluster_id = s.cluster_id
  AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.executor_id = s.executor_id
INNER JOIN application_facts AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
WHERE s.own_tasks >= $min_tasks AND s.own_ms >= $min_ratio * s.expected_ms
  AND s.own_ms - s.expected_ms >= $min_excess_ms AND NOT a.is_local
