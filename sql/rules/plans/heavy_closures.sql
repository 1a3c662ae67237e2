-- id: heavy_closures
-- title: Every task deserializes a large closure
-- category: plans
-- severity: low
-- version: 3
-- description: Fires for stages of many tasks, the typical one of which needed much processor time only to deserialize what it has to run (view closure_stages): the function with all objects of the driver that it refers to (a map, a
--   list, a model), a long list of literals in a condition, a union of very many scans, or a lineage of very many steps. Spark sends that once to an executor, but each task deserializes it anew. Stages of RDDs are one finding, those of queries another.
--   Lost is the time to deserialize beyond what a usual task needs, with the garbage collection that falls into it; what the garbage costs while tasks run is not counted.
--   Where most of it is in stages with as many tasks as spark.default.parallelism (RDDs) or spark.sql.shuffle.partitions says, at least twice what would do, that is told too: what would do is the most that a stage with this
--   number of tasks needs, several for each core, partitions of the target size and tasks below the longest run time. tiny_tasks leaves these stages out, and so does gc_pressure where the garbage is theirs.
-- subject: stage
-- group_by: kind
-- parameter: waves double = 4.0 [ratio] tasks to keep for each core
-- parameter: max_run_time_ms double = 120000 [ms] run time that a task should have at most
-- parameter: target_bytes double = 134217728 [bytes] what a partition should hold at most
-- parameter: min_set_share double = 0.5 [ratio] what stages with the number of tasks of a setting lost over what all did, at least, for the setting to be told
-- parameter: min_scans bigint = 50 [count] scans in the plan of the query from which they are what its tasks deserialize
-- parameter: min_gc_share double = 0.1 [ratio] garbage collection over the task time of the stages from which it is told
-- evidence: Each of {num_tasks:task|tasks} of {stage_name} took {mean_ms:int} ms on average to deserialize what it runs ({cpu_ms:int} ms of processor time in the median one), {deserialize_ms:s} in all, and {work_ms:int} ms to run it.[
--   In all, {all_tasks:int} tasks ({places}) took {all_deserialize_ms:s} to deserialize, of {all_task_ms:s} of their time.][ Garbage collection took {gc_ms:s} of the time of these tasks: what each of them deserializes is garbage when it ends.]
-- advice: num_scans IS NOT NULL | - | - | The plan is a union of {num_scans:int} scans, and each task deserializes all of it: there is no object to broadcast. Read the files or tables in one call (a list of paths, or the folder above them, with a schema), so that the
--   plan has one scan, whose tasks take several small files each; write what comes in many small tables into one.
-- advice: set_key = 'spark.default.parallelism' | spark.default.parallelism | partitions_wanted | spark.default.parallelism makes {set_tasks:int} tasks of a stage on {cores:core|cores}, and each of them deserializes the closure: {partitions_wanted:int}
--   would do. Beside that, broadcast the object of the driver that the function refers to (sc.broadcast) and use its value in the function, which deserializes it once for each executor, or join with it; or cut a lineage of very many steps.
-- advice: set_key = 'spark.sql.shuffle.partitions' | spark.sql.shuffle.partitions | partitions_wanted | spark.sql.shuffle.partitions makes {set_tasks:int} tasks of a stage on {cores:core|cores}, and each of them deserializes the plan: {partitions_wanted:int}
--   would do. Beside that, make the large object of the plan (a list of very many literals, one that a function refers to, a model with a map of very many values) a table and join with it (broadcast), or broadcast the
--   object (sc.broadcast) and use its value in the function.
-- advice: kind = 'function' | - | - | The function refers to a large object of the driver, or has a lineage of very many steps: broadcast the object (sc.broadcast) and use its value in the function, which deserializes it once for each executor, or join with it. Fewer and
--   larger partitions deserialize it fewer times.
-- recommendation: The plan holds a large object: a list of very many literals, a function that refers to one, or a model with a map of very many values (StringIndexer). Make it a table and join with it (broadcast), or broadcast the
--   object (sc.broadcast) and use its value in the function. Fewer and larger partitions deserialize it fewer times.
WITH applications_of AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM closure_stages
),
-- Stages with as many tasks as a setting says, and how many each of them needs.
set_stages AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, CASE WHEN f.sql_id IS NULL THEN 'function' ELSE 'plan' END AS kind, f.num_tasks AS set_tasks,
    GREATEST(f.task_slots, f.stage_slots) AS cores,
    GREATEST(f.task_slots, f.stage_slots) * CEIL(GREATEST(
      $waves, CAST(f.run_time_total AS DOUBLE) / $max_run_time_ms / NULLIF(GREATEST(f.task_slots, f.stage_slots), 0), CAST(f.data_bytes AS DOUBLE) / $target_bytes / NULLIF(GREATEST(f.task_slots, f.stage_slots), 0),
      CASE WHEN f.memory_bytes_spilled > 0 THEN CAST(f.partitions_fit AS DOUBLE) / NULLIF(GREATEST(f.task_slots, f.stage_slots), 0) ELSE 0e0 END
    )) AS tasks_needed
  FROM stage_facts AS f
  INNER JOIN applications_of AS a
    ON a.platform = f.platform AND a.cluster_id = f.cluster_id
    AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
  WHERE (f.sql_id IS NULL AND f.num_tasks = f.default_parallelism)
    OR (f.sql_id IS NOT NULL AND f.num_tasks = f.shuffle_partitions AND f.shuffle_read_bytes > 0 AND NOT COALESCE(f.is_repartitioned, FALSE))
),
needs AS (
  SELECT platform, cluster_id, application_id, attempt_id, kind, set_tasks, MAX(cores) AS cores, TRY_CAST(MAX(tasks_needed) AS BIGINT) AS partitions_wanted
  FROM set_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, kind, set_tasks
),
-- The setting for all stages of a kind is that of those that lost most.
sets AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.kind, s.set_tasks, n.cores, n.partitions_wanted, SUM(c.lost_ms) AS set_lost_ms,
    ROW_NUMBER() OVER (PARTITION BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.kind ORDER BY SUM(c.lost_ms) DESC, s.set_tasks) AS place
  FROM closure_stages AS c
  INNER JOIN set_stages AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id AND s.subject_id = c.subject_id
  INNER JOIN needs AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.kind = s.kind AND n.set_tasks = s.set_tasks
  WHERE 2 * n.partitions_wanted <= n.set_tasks
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.kind, s.set_tasks, n.cores, n.partitions_wanted
),
-- Plans with very many scans.
scans AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, COUNT(*) AS num_scans
  FROM sql_scans AS s
  INNER JOIN applications_of AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
  WHERE s.operation = 'read'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id
  HAVING COUNT(*) >= $min_scans
),
totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, kind, COUNT(*) AS num_stages, SUM(succeeded_tasks) AS all_tasks, SUM(deserialize_ms) AS all_deserialize_ms, SUM(task_ms) AS all_task_ms,
    SUM(CASE WHEN makes_garbage THEN gc_ms ELSE 0e0 END) AS gc_ms, SUM(lost_ms) AS all_lost_ms, SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT stage_name)), ', '), 1, 200) AS places
  FROM closure_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, kind
)
SELECT
  c.platform, c.cluster_id, c.application_id, c.attempt_id, c.subject_id, 'high' AS confidence,
  TRY_CAST(c.lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST(c.lost_ms / NULLIF(CAST(c.task_slots AS DOUBLE), 0e0), CAST(c.duration_ms AS DOUBLE)) AS BIGINT) AS recoverable_ms,
  c.stage_name, c.kind, c.sql_id, c.num_tasks, c.deserialize_ms / NULLIF(CAST(c.succeeded_tasks AS DOUBLE), 0e0) AS mean_ms, c.cpu_ms, c.run_ms / NULLIF(CAST(c.succeeded_tasks AS DOUBLE), 0e0) AS work_ms, c.deserialize_ms, c.task_ms,
  CASE WHEN t.num_stages > 1 THEN t.places END AS places, t.all_tasks, t.all_deserialize_ms, t.all_task_ms, CASE WHEN t.gc_ms >= $min_gc_share * t.all_task_ms THEN t.gc_ms END AS gc_ms,
  CASE WHEN s.set_lost_ms >= $min_set_share * t.all_lost_ms THEN CASE c.kind WHEN 'function' THEN 'spark.default.parallelism' ELSE 'spark.sql.shuffle.partitions' END END AS set_key, n.num_scans, s.set_tasks, s.cores, s.partitions_wanted
FROM closure_stages AS c
INNER JOIN totals AS t
  ON t.platform = c.platform AND t.cluster_id = c.cluster_id
  AND t.application_id = c.application_id AND t.attempt_id = c.attempt_id AND t.kind = c.kind
LEFT JOIN sets AS s
  ON s.platform = c.platform AND s.cluster_id = c.cluster_id
  AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id AND s.kind = c.kind AND s.place = 1
LEFT JOIN scans AS n
  ON n.platform = c.platform AND n.cluster_id = c.cluster_id
  AND n.application_id = c.application_id AND n.attempt_id = c.attempt_id AND n.sql_id = c.sql_id
