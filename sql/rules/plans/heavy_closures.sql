-- id: heavy_closures
-- title: Every task deserializes a large closure
-- category: plans
-- severity: low
-- version: 1
-- description: Fires for stages of many tasks, the typical one of which needed much processor time only to deserialize what it has to run: the function with all objects of the driver that it refers to (a map, a
--   list, a model), a long list of literals in a condition, or a lineage of very many steps. Spark sends that once to an executor, but each task deserializes it anew. What loading classes takes is in the first tasks of an executor
--   alone, and does not move the median. Stages that tiny_tasks tells with this time are left out. Lost is the time to deserialize beyond what a usual task needs; the garbage that it makes is not counted.
-- subject: stage
-- group_by: stage_name
-- parameter: min_tasks bigint = 50 [count] tasks of the stage, at least
-- parameter: min_deserialize_cpu_ms double = 20 [ms] processor time that the median task took to deserialize, at least
-- parameter: usual_ms double = 10 [ms] time that a usual task takes to deserialize
-- parameter: min_lost_ms double = 5000 [ms] what all took beyond that, at least
-- parameter: min_share double = 0.05 [ratio] the same over the task time of the application, at least
-- evidence: Each of {num_tasks:task|tasks} of {stage_name} took {mean_ms:int} ms on average to deserialize what it runs ({cpu_ms:int} ms of processor time in the median one), {deserialize_ms:s} in all, of {task_ms:s} of the time of its tasks.
-- advice: sql_id IS NULL | - | - | The function refers to a large object of the driver, or has a lineage of very many steps: broadcast the object (sc.broadcast) and use its value in the function, which deserializes it once for each executor, or join with it. Fewer and
--   larger partitions deserialize it fewer times.
-- recommendation: The plan holds a large object: a list of very many literals, a function that refers to one, or a model with a map of very many values (StringIndexer). Make it a table and join with it (broadcast), or broadcast the
--   object (sc.broadcast) and use its value in the function. Fewer and larger partitions deserialize it fewer times.
WITH quantiles AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, median / 1e6 AS cpu_ms
  FROM task_quantiles
  WHERE metric = 'executor_deserialize_cpu_time' AND num_tasks >= $min_tasks AND median >= $min_deserialize_cpu_ms * 1e6
),
stages_of AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.stage_name, f.sql_id, f.num_tasks, f.task_slots, f.duration_ms,
    CAST(f.deserialize_time_total AS DOUBLE) AS deserialize_ms, CAST(f.duration_total AS DOUBLE) AS task_ms, f.total_task_time_ms, q.cpu_ms,
    CAST(f.deserialize_time_total AS DOUBLE) - $usual_ms * f.succeeded_tasks AS lost_ms, CAST(f.deserialize_time_total AS DOUBLE) / NULLIF(CAST(f.succeeded_tasks AS DOUBLE), 0e0) AS mean_ms
  FROM stage_facts AS f
  INNER JOIN quantiles AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.stage_id = f.stage_id AND q.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN tiny_stages AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id AND t.subject_id = f.subject_id
  WHERE f.status = 'COMPLETE' AND t.platform IS NULL
),
summed AS (
  SELECT s.*, SUM(lost_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_name) AS all_lost_ms
  FROM stages_of AS s
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, 'high' AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST(lost_ms / NULLIF(CAST(task_slots AS DOUBLE), 0e0), CAST(duration_ms AS DOUBLE)) AS BIGINT) AS recoverable_ms,
  stage_name, sql_id, num_tasks, mean_ms, cpu_ms, deserialize_ms, task_ms
FROM summed
WHERE lost_ms > 0e0 AND all_lost_ms >= $min_lost_ms AND all_lost_ms >= $min_share * total_task_time_ms
