-- id: reserved_cores
-- title: Cores that tasks reserved beside the one that they used
-- description: One row per completed stage attempt of an application whose tasks reserve several cores each (spark.task.cpus) and, as the processor time shows, used one: the thread of a task
--   was on the processor for a large part of its time, and no longer than that. Spark counts the processor time of that thread alone. Stages that run Python, work for a GPU, or bear the name of a library that
--   starts threads of its own are left out, as are those of another resource profile. task_ms is the time of all attempts of its tasks, from launch to finish: Spark 4 multiplies the run time by the cores of a task,
--   older ones do not. unused_ms is the core time that they reserved and did not use; core_slots are the tasks that would have run side by side with one core each.
-- parameter: min_busy_ratio double = 0.5 [ratio] processor time over the time of the tasks, at least: a thread that waits may wait for others that it started
-- parameter: max_busy_ratio double = 1.1 [ratio] the same, at most
-- reads: stage_facts, stages
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, f.task_cpus, f.num_tasks, f.duration_ms,
  CAST(f.attempts_time AS DOUBLE) AS task_ms, f.cpu_ms,
  (f.task_cpus - 1e0) * f.attempts_time AS unused_ms,
  f.stage_slots, f.stage_slots * f.task_cpus AS core_slots
FROM stage_facts AS f
INNER JOIN stages AS s
  ON s.platform = f.platform AND s.cluster_id = f.cluster_id
  AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id
  AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
WHERE f.task_cpus >= 2 AND f.status = 'COMPLETE' AND COALESCE(s.resource_profile_id, 0) = 0
  AND f.attempts_time > 0 AND f.cpu_ms >= $min_busy_ratio * f.attempts_time AND f.cpu_ms <= $max_busy_ratio * f.attempts_time
  AND NOT f.has_python AND NOT f.has_gpu
  AND LOWER(f.stage_name) NOT LIKE '%xgboost%' AND LOWER(f.stage_name) NOT LIKE '%lightgbm%' AND LOWER(f.stage_name) NOT LIKE '%horovod%'
  AND LOWER(f.stage_name) NOT LIKE '%torch%' AND LOWER(f.stage_name) NOT LIKE '%tensorflow%'
