-- id: closure_stages
-- title: Stages whose tasks deserialize large closures
-- description: One row per stage attempt of many tasks, the typical one of which needed much processor time only to deserialize what it has to run, for heavy_closures and for the rules that must not tell
--   this time again. kind is function (stages of RDDs) or plan (stages of queries); those of one kind count together. lost_ms is the time to deserialize beyond what a usual task needs, gc_ms the garbage
--   collection of the tasks, that while they deserialize included; makes_garbage: all of it can have fallen into this time. Loading classes is in the first task of each core and does not move the median of several for each core. Stages
--   that tiny_stages finds are here where most of what starting their tasks took is this time, unless they have hardly a row or count together there.
-- parameter: min_tasks bigint = 50 [count] tasks of the stage, at least
-- parameter: min_tasks_per_slot double = 3 [ratio] the same for each core that worked on it, at least
-- parameter: min_deserialize_cpu_ms double = 20 [ms] processor time that the median task took to deserialize, at least
-- parameter: usual_ms double = 10 [ms] time that a usual task takes to deserialize
-- parameter: min_lost_ms double = 5000 [ms] what all stages of a kind took beyond that, at least
-- parameter: min_share double = 0.05 [ratio] the same over the task time of the application, at least
-- parameter: min_start_share double = 0.5 [ratio] time to deserialize over all that starting and ending tiny tasks took, at least
-- reads: stage_facts, task_quantiles, tiny_stages
WITH quantiles AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, median / 1e6 AS cpu_ms
  FROM task_quantiles
  WHERE metric = 'executor_deserialize_cpu_time' AND num_tasks >= $min_tasks AND median >= $min_deserialize_cpu_ms * 1e6
),
stages_of AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, f.subject_id, f.stage_name, f.sql_id, CASE WHEN f.sql_id IS NULL THEN 'function' ELSE 'plan' END AS kind,
    f.num_tasks, f.succeeded_tasks, f.task_slots, f.duration_ms, CAST(f.deserialize_time_total AS DOUBLE) AS deserialize_ms, CAST(f.duration_total AS DOUBLE) AS task_ms,
    CAST(f.executor_run_time AS DOUBLE) AS run_ms, COALESCE(CAST(f.gc_time AS DOUBLE), 0e0) AS gc_ms, q.cpu_ms, CAST(f.deserialize_time_total AS DOUBLE) - $usual_ms * f.succeeded_tasks AS lost_ms, f.total_task_time_ms
  FROM stage_facts AS f
  INNER JOIN quantiles AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.stage_id = f.stage_id AND q.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN tiny_stages AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id AND t.subject_id = f.subject_id
  WHERE f.status = 'COMPLETE' AND f.num_tasks >= $min_tasks_per_slot * COALESCE(f.task_slots, 1)
    AND (t.platform IS NULL OR (NOT COALESCE(t.is_unmerged, FALSE) AND NOT COALESCE(t.is_few, FALSE)
      AND f.deserialize_time_total >= $min_start_share * (COALESCE(f.scheduler_delay_total, 0) + f.deserialize_time_total + COALESCE(f.serialize_time_total, 0))))
),
summed AS (
  SELECT s.*, SUM(lost_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, kind) AS all_lost_ms
  FROM stages_of AS s
  WHERE lost_ms > 0e0
)
SELECT
  platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, subject_id, stage_name, sql_id, kind, num_tasks, succeeded_tasks, task_slots, duration_ms,
  deserialize_ms, task_ms, run_ms, gc_ms, deserialize_ms >= gc_ms AS makes_garbage, cpu_ms, lost_ms
FROM summed
WHERE all_lost_ms >= $min_lost_ms AND all_lost_ms >= $min_share * total_task_time_ms
