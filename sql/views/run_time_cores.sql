-- id: run_time_cores
-- title: Stages whose run time counts each core of a task
-- description: One row per stage attempt in whose log the executor run time of a task is the time that it ran times the cores that it reserved (spark.task.cpus), as Spark 4 logs it and
--   older releases do not: run_cores is that number of cores. Tables keep what Spark logged; what reads a run time as the time of tasks divides by run_cores (view timed_stages, and views over task_quantiles and tasks). The log proves it: in some
--   stage of the application tasks ran for longer than from launch to finish. Processor time, garbage collection and waits are never multiplied. A stage with a resource profile
--   of its own has the cores that this profile gives a task.
-- parameter: min_ratio double = 1.2 [ratio] run time over the time from launch to finish of the same tasks, at least: without the factor it is below 1
-- parameter: min_run_ms double = 100 [ms] run time of that stage, at least: times are whole milliseconds
-- reads: application_settings, environment, stages, task_quantiles
WITH reserving AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id,
    GREATEST(COALESCE(CASE WHEN s.resource_profile_id > 0 THEN TRY_CAST(e.value AS DOUBLE) ELSE CAST(a.task_cpus AS DOUBLE) END, 1e0), 1e0) AS task_cpus
  FROM stages AS s
  INNER JOIN application_settings AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
  LEFT JOIN environment AS e
    ON e.platform = s.platform AND e.cluster_id = s.cluster_id
    AND e.application_id = s.application_id AND e.attempt_id = s.attempt_id
    AND e.section = 'resource_profile' AND e.key = CONCAT(CAST(s.resource_profile_id AS STRING), '.task.cpus')
  WHERE a.task_cpus >= 2 OR s.resource_profile_id > 0
),
times AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, r.stage_attempt_id, r.task_cpus,
    MAX(CASE WHEN q.metric = 'executor_run_time' THEN CAST(q.total AS DOUBLE) END) AS run_ms,
    MAX(CASE WHEN q.metric = 'duration' THEN CAST(q.total AS DOUBLE) END) AS task_ms
  FROM reserving AS r
  LEFT JOIN task_quantiles AS q
    ON q.platform = r.platform AND q.cluster_id = r.cluster_id
    AND q.application_id = r.application_id AND q.attempt_id = r.attempt_id
    AND q.stage_id = r.stage_id AND q.stage_attempt_id = r.stage_attempt_id
    AND q.metric IN ('executor_run_time', 'duration')
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, r.stage_attempt_id, r.task_cpus
),
proven AS (
  SELECT
    t.*,
    MAX(CASE WHEN run_ms >= $min_run_ms AND run_ms >= $min_ratio * task_ms THEN 1 ELSE 0 END) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id
    ) AS is_proven
  FROM times AS t
)
SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, task_cpus AS run_cores
FROM proven
WHERE is_proven = 1 AND task_cpus > 1e0
