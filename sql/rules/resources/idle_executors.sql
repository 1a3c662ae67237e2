-- id: idle_executors
-- title: Executors are paid for but idle
-- category: resources
-- severity: medium
-- version: 1
-- description: Fires where the cores of an application's executors had no task for most of the time
--   they were held. Lost is the idle core time beyond the share that is hard to avoid (start-up,
--   ends of stages, driver work). The executors recommended carry the same work with only that share
--   idle, and the busiest stage with as many tasks side by side as it had on average. Waiting for
--   stragglers is idle too: where a task_skew finding stands beside this one, both name some of the
--   same core time. Local mode has no executors to give back and is not judged.
-- parameter: min_idle_ratio double = 0.5 [ratio] idle over held core time, at least
-- parameter: healthy_idle_ratio double = 0.2 [ratio] idle over held core time that is no loss
-- parameter: min_core_time_ms bigint = 600000 [core_ms] held core time, at least
-- reads: application_settings, applications, executors, stage_facts
-- recommendation: Hold fewer executors.
WITH workers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_executors,
    SUM(CASE WHEN total_tasks = 0 THEN 1 ELSE 0 END) AS num_never_used
  FROM executors
  WHERE executor_id <> 'driver'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
busiest AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CAST(attempts_time AS DOUBLE) / duration_ms) AS tasks_side_by_side
  FROM stage_facts
  WHERE duration_ms >= 1000
  GROUP BY platform, cluster_id, application_id, attempt_id
),
measured AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    a.core_time_ms, a.duration_ms, a.num_executors_max,
    LEAST(
      a.total_task_time_ms * GREATEST(COALESCE(TRY_CAST(c.task_cpus AS BIGINT), 1), 1),
      a.core_time_ms
    ) AS busy_ms,
    b.tasks_side_by_side * GREATEST(COALESCE(TRY_CAST(c.task_cpus AS BIGINT), 1), 1)
      AS cores_side_by_side,
    GREATEST(COALESCE(a.executor_cores, 1), 1) AS executor_cores,
    w.num_executors, w.num_never_used,
    c.dynamic_allocation, c.max_executors, c.idle_timeout
  FROM applications AS a
  INNER JOIN workers AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
  LEFT JOIN busiest AS b
    ON b.platform = a.platform AND b.cluster_id = a.cluster_id
    AND b.application_id = a.application_id AND b.attempt_id = a.attempt_id
  LEFT JOIN application_settings AS c
    ON c.platform = a.platform AND c.cluster_id = a.cluster_id
    AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
  WHERE a.core_time_ms >= $min_core_time_ms
),
judged AS (
  SELECT
    m.*,
    m.core_time_ms - m.busy_ms AS idle_ms,
    CAST(m.core_time_ms - m.busy_ms AS DOUBLE) / m.core_time_ms AS idle_ratio,
    CAST(ROUND(m.core_time_ms - m.busy_ms - $healthy_idle_ratio * m.core_time_ms) AS BIGINT)
      AS lost_core_ms,
    GREATEST(
      CAST(CEIL(
        m.busy_ms / (1e0 - $healthy_idle_ratio) / m.executor_cores / GREATEST(m.duration_ms, 1)
      ) AS BIGINT),
      CAST(CEIL(COALESCE(m.cores_side_by_side, 0e0) / m.executor_cores) AS BIGINT),
      1
    ) AS executors_needed
  FROM measured AS m
),
remedied AS (
  SELECT
    j.*,
    CASE
      WHEN j.dynamic_allocation = 'true' AND j.executors_needed < j.num_executors_max THEN 'cap'
      WHEN j.dynamic_allocation = 'true' THEN 'timeout'
      WHEN j.dynamic_allocation = 'false' THEN 'dynamic'
      ELSE 'unknown'
    END AS remedy
  FROM judged AS j
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  'application' AS subject_type,
  j.application_id AS subject_id,
  CASE WHEN j.duration_ms > 0 THEN 'high' ELSE 'low' END AS confidence,
  CONCAT(
    'Executor cores were idle for ',
    CAST(CAST(j.idle_ms / 36e5 AS DECIMAL(18, 2)) AS STRING), ' of ',
    CAST(CAST(j.core_time_ms / 36e5 AS DECIMAL(18, 2)) AS STRING), ' core-hours, ',
    CAST(CAST(100e0 * j.idle_ratio AS DECIMAL(18, 1)) AS STRING), ' percent; ',
    CAST(j.num_never_used AS STRING), ' of ', CAST(j.num_executors AS STRING),
    ' executors never ran a task.'
  ) AS evidence,
  CONCAT(
    '{"core_time_ms":', CAST(j.core_time_ms AS STRING),
    ',"idle_core_ms":', CAST(j.idle_ms AS STRING),
    ',"executors":', CAST(j.num_executors AS STRING),
    ',"executors_never_used":', CAST(j.num_never_used AS STRING),
    ',"executors_max":', CAST(j.num_executors_max AS STRING),
    ',"executors_needed":', CAST(j.executors_needed AS STRING), '}'
  ) AS evidence_json,
  j.lost_core_ms,
  -- Fewer executors cost less; they do not make the application faster.
  0 AS recoverable_ms,
  CASE j.remedy
    WHEN 'cap' THEN
      'Cap dynamic allocation near what the busiest stage needs.'
    WHEN 'timeout' THEN
      'The busiest stage needs the executors, the rest of the application does not: let dynamic allocation give idle ones back sooner.'
    WHEN 'dynamic' THEN
      'Let dynamic allocation give idle executors back, or start fewer of them.'
    ELSE 'Hold fewer executors, or give idle ones back sooner.'
  END AS recommendation,
  CASE j.remedy
    WHEN 'cap' THEN 'spark.dynamicAllocation.maxExecutors'
    WHEN 'timeout' THEN 'spark.dynamicAllocation.executorIdleTimeout'
    WHEN 'dynamic' THEN 'spark.dynamicAllocation.enabled'
  END AS config_key,
  CASE j.remedy
    WHEN 'cap' THEN j.max_executors
    WHEN 'timeout' THEN j.idle_timeout
    WHEN 'dynamic' THEN 'false'
  END AS config_current,
  CASE j.remedy
    WHEN 'cap' THEN CAST(j.executors_needed AS STRING)
    WHEN 'timeout' THEN '30s'
    WHEN 'dynamic' THEN 'true'
  END AS config_recommended
FROM remedied AS j
WHERE j.idle_ratio >= $min_idle_ratio
