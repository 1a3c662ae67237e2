-- id: gc_pressure
-- title: Executors spend much of their time collecting garbage
-- category: memory
-- severity: medium
-- version: 15
-- description: Fires where garbage collection stopped the tasks of an application for a large share
--   of their run time, or those of a stage that is a large part of an application that is healthy as a whole. In a small application it has to be a larger share. A pause stops every task of the
--   executor, so the tasks' own times add up to
--   the core time that was lost. What a healthy application needs too is not counted as lost. Where the heap was
--   never half full, more of it would not help, and only much garbage is told. Where hardly anything is cached, nothing spilled, and the heap
--   was not full as far as the history tells, the garbage is of short-lived objects. An executor of a standalone cluster has all cores of its worker
--   unless spark.executor.cores is set. Where executors went for a full heap, or for no known reason, memory is doubled, as lost_executors advises, and where garbage collection took most.
--   Where most of it ran in stages that read the groups of groupByKey (of the JVM), these come first, and memory second.
--   Stages whose tasks each deserialize a large closure, which makes the garbage, are left out: heavy_closures tells them.
-- group_by: place
-- parameter: min_gc_ratio double = 0.1 [ratio] garbage collection over run time of all tasks, at least
-- parameter: min_unfilled_gc_ratio double = 0.2 [ratio] the same where the heap was never half full, at least
-- parameter: healthy_gc_ratio double = 0.05 [ratio] garbage collection over run time that is no loss
-- parameter: min_gc_ms bigint = 30000 [ms] garbage collection of all tasks, at least
-- parameter: min_run_time_ms bigint = 120000 [ms] run time of all tasks, at least
-- parameter: min_small_gc_ratio double = 0.3 [ratio] garbage collection over run time of all tasks of a small application, at least
-- parameter: min_small_gc_ms bigint = 8000 [ms] its garbage collection, at least
-- parameter: enough_heap_per_core bigint = 4294967296 [bytes] heap of a core from which fewer tasks at once come before more memory
-- parameter: min_stage_gc_ratio double = 0.2 [ratio] the same of a stage, at least
-- parameter: min_stage_gc_ms bigint = 5000 [ms] its garbage collection, at least
-- parameter: min_place_lost_ms bigint = 60000 [ms] what such stages of the same name lost, at least
-- parameter: min_place_share double = 0.1 [ratio] and their run time over the task time of the application
-- parameter: min_place_lost_share double = 0.02 [ratio] and what they lost over the same
-- parameter: worst_share double = 0.5 [ratio] part of the garbage collection of an application in stages of one name from which it is named, at least
-- parameter: hardly_cached_ratio double = 0.02 [ratio] highest storage memory in use over the heap up to which what is cached does not count
-- parameter: full_heap_ratio double = 0.8 [ratio] highest heap that was in use over the heap from which it was full
-- parameter: double_gc_ratio double = 0.4 [ratio] garbage collection over run time from which memory is doubled
-- parameter: max_doubled_bytes bigint = 16642998272 [bytes] heap up to which it can be: half of 31 GiB
-- parameter: min_rdd_share double = 0.1 [ratio] run time of stages outside of queries over that of all from which RDDs are worth a word
-- evidence: Garbage collection took {gc_ms:s} of {run_ms:s} of task run time[ in the stage {stage_name}][ outside of {closure_stages:stage|stages} with large closures], {gc_ratio:pct}[, {worst_gc_ms:s} of it in {worst_name}][, {group_gc_ms:s} of it in stages that held the groups of groupByKey][; executors have
--   {executor_memory_bytes:bytes} of heap][, of which {low_peak_bytes:bytes} at most were used][, and {all_cores:int} cores, all of their worker, since
--   spark.executor.cores is not set].
-- advice: group_gc_ms > 0 AND low_peak_bytes IS NULL AND NOT is_local AND NOT is_databricks AND memory_needed_gib <= 31 | spark.executor.memory | CONCAT(CAST(memory_needed_gib AS STRING), 'g') | groupByKey holds all values of
--   a key as objects at once: first replace it by reduceByKey or aggregateByKey, or by a DataFrame with groupBy and agg. Where the groups are needed as lists, or much garbage collection is left, give executors
--   more memory[; cache as DataFrames or serialized, not {num_cached:RDD|RDDs} of objects].
-- advice: group_gc_ms > 0 | - | - | groupByKey holds all values of a key as objects at once: replace it by reduceByKey or aggregateByKey, or by a DataFrame with groupBy and agg.[ Where much garbage
--   collection is left, give {memory_of} more memory.]
-- advice: num_cached > 0 AND sql_share < 0.5 | - | - | {num_cached:RDD is|RDDs are} cached as objects, which the collector walks again and
--   again: cache them serialized (MEMORY_AND_DISK_SER[, with Kryo: spark.serializer={kryo}]), as DataFrames, or not at all.
-- advice: is_local | - | - | The driver runs the tasks in local mode: give it more memory, and keep fewer objects alive.
-- advice: is_churn AND sql_share < 0.5 AND shuffles AND NOT has_python | spark.serializer | 'org.apache.spark.serializer.KryoSerializer' | Hardly anything is cached, so most of the garbage is of short-lived
--   objects: serialize with Kryo, which makes fewer of them in a shuffle than Java's serialization, and create fewer yourself ([{group_cure}, ]arrays of primitives,
--   DataFrames and built-in functions instead of RDDs of objects).
-- advice: low_peak_bytes IS NOT NULL AND NOT has_first_heap | - | - | More memory would not help, for the heap was never half full: [create fewer short-lived objects
--   ({object_cure}), and ]let the heap start at its full size (-Xms in spark.executor.extraJavaOptions).
-- advice: low_peak_bytes IS NOT NULL | - | - | More memory would not help, for the heap was never half full: [create fewer short-lived objects ({object_cure}), and ]look at the
--   settings of the collector (G1 or parallel, the number of its threads, the size of its young generation).
-- advice: is_churn AND object_cure IS NULL | - | - | Hardly anything is cached and the heap did not fill up, so most of the garbage is of short-lived objects, and more memory helps little: let queries read fewer
--   and narrower rows (only the columns that they need, filters that reach the files), and use the G1 or parallel collector.
-- advice: is_churn | - | - | Hardly anything is cached and the heap did not fill up, so most of the garbage is of short-lived objects, and more memory helps little: create fewer of them
--   ({object_cure}[, {group_cure}], arrays of primitives).
-- advice: is_databricks | - | - | Choose instances with more memory for each core, and keep fewer objects alive
--   (cache less, avoid wide rows and collect_list).
-- advice: gpu_bound AND executor_cores > 1 AND heap_per_core >= $enough_heap_per_core | - | - | Keep fewer objects alive (cache less, avoid wide rows and collect_list), and run fewer tasks at once in an executor
--   (spark.task.resource.gpu.amount, spark.executor.cores). Executors have a GPU each, so that more and smaller ones need more GPUs.
-- advice: all_cores > 1 AND heap_per_core >= $enough_heap_per_core | - | - | Keep fewer objects alive (cache less, avoid wide rows and collect_list), and run several smaller executors on a
--   worker: spark.executor.cores={cores_halved:int} together with spark.executor.memory={memory_halved_gib:int}g. With the cores alone halved, the
--   memory of a worker may still be enough for one executor only, and half of its cores would have no work.
-- advice: heap_per_core >= $enough_heap_per_core AND executor_cores > 1 AND all_cores IS NULL | spark.executor.cores |
--   cores_halved | Run fewer tasks at once in an executor, which gives each of them more
--   memory, and keep fewer objects alive (cache less, avoid wide rows and collect_list). Where one executor takes all memory of its node, halve spark.executor.memory too, or cores stay without work.
-- advice: memory_needed_gib <= 31 | spark.executor.memory | CONCAT(CAST(memory_needed_gib AS STRING), 'g') | Give executors more
--   memory for each core, and keep fewer objects alive (cache serialized or not at all, avoid wide rows and collect_list).
-- advice: executor_cores > 1 AND all_cores IS NULL | spark.executor.cores | cores_halved | Run fewer tasks at once in
--   an executor, which gives each of them more memory, and keep fewer objects alive.
-- advice: heap_per_core >= $enough_heap_per_core | - | - | A core has {heap_per_core:bytes} of heap, and more would help little: keep fewer objects alive (cache serialized or not at all, avoid wide rows and
--   collect_list)[, create fewer of them ({object_cure})], and use the G1 or parallel collector.
-- advice: object_cure IS NOT NULL | - | - | Give executors more memory for each core, keep fewer objects alive (cache serialized or not at all, avoid wide rows and collect_list,
--   {object_cure}), and use the G1 or parallel collector.
-- recommendation: Give executors more memory for each core, keep fewer objects alive (cache serialized or not at all, avoid wide rows and collect_list), and use
--   the G1 or parallel collector.
WITH worked AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.stage_id, f.stage_name, f.duration_ms, f.task_slots,
    COALESCE(CAST(f.gc_time AS DOUBLE), 0e0) AS gc_ms,
    CAST(f.executor_run_time AS DOUBLE) AS run_ms,
    CASE WHEN f.sql_id IS NOT NULL THEN CAST(f.executor_run_time AS DOUBLE) ELSE 0e0 END AS sql_ms,
    -- What looks at files for a query is no RDD of the application's.
    CASE WHEN f.sql_id IS NULL AND NOT COALESCE(f.is_listing, FALSE) THEN CAST(f.executor_run_time AS DOUBLE) ELSE 0e0 END AS rdd_ms,
    COALESCE(CAST(f.memory_bytes_spilled AS DOUBLE), 0e0) AS spilled_bytes,
    CASE WHEN f.sql_id IS NULL THEN CAST(COALESCE(f.shuffle_read_bytes, 0) + COALESCE(f.shuffle_write_bytes, 0) AS DOUBLE) ELSE 0e0 END AS shuffled_bytes,
    f.is_local, f.is_databricks, f.executor_cores, f.executor_memory_bytes, f.total_task_time_ms
  FROM stage_facts AS f
  LEFT JOIN closure_stages AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id AND c.subject_id = f.subject_id AND c.makes_garbage
  WHERE c.platform IS NULL
),
closures AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_stages
  FROM closure_stages
  WHERE makes_garbage
  GROUP BY platform, cluster_id, application_id, attempt_id
),
whole AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id,
    SUM(gc_ms) AS gc_ms, SUM(run_ms) AS run_ms, SUM(sql_ms) AS sql_ms, SUM(rdd_ms) AS rdd_ms, SUM(spilled_bytes) AS spilled_bytes, SUM(shuffled_bytes) AS shuffled_bytes,
    MAX(w.is_local) AS is_local, MAX(w.is_databricks) AS is_databricks, MAX(w.executor_cores) AS executor_cores,
    MAX(w.executor_memory_bytes) AS executor_memory_bytes,
    MAX(w.total_task_time_ms) AS total_task_time_ms,
    MAX(a.peak_heap_bytes) AS peak_heap_bytes, MAX(a.peak_storage_bytes) AS peak_storage_bytes, MAX(a.wall_ratio) AS wall_ratio, MAX(a.master) AS master
  FROM worked AS w
  LEFT JOIN application_facts AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id
),
applied AS (
  SELECT
    w.*,
    run_ms >= $min_run_time_ms AND gc_ms >= $min_gc_ms AND gc_ms >= $min_gc_ratio * run_ms
      AND (is_local OR COALESCE(peak_heap_bytes >= 0.5e0 * executor_memory_bytes, TRUE) OR gc_ms >= $min_unfilled_gc_ratio * run_ms)
      OR gc_ms >= $min_small_gc_ms AND gc_ms >= $min_small_gc_ratio * run_ms AS is_told
  FROM whole AS w
),
places AS (
  SELECT
    w.*,
    SUM(gc_ms) OVER place AS place_gc_ms, SUM(run_ms) OVER place AS place_run_ms
  FROM worked AS w
  WHERE gc_ms >= $min_stage_gc_ms AND gc_ms >= $min_stage_gc_ratio * run_ms
  WINDOW place AS (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_name)
),
judged AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, 'application' AS subject_type, application_id AS subject_id, 'application' AS place,
    TRY_CAST(NULL AS STRING) AS stage_name, gc_ms, run_ms, sql_ms, rdd_ms, spilled_bytes, shuffled_bytes,
    wall_ratio,
    is_local, is_databricks, executor_cores, executor_memory_bytes, peak_heap_bytes, peak_storage_bytes, master
  FROM applied
  WHERE is_told
  UNION ALL
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, 'stage' AS subject_type, p.subject_id, COALESCE(p.stage_name, p.subject_id) AS place,
    COALESCE(p.stage_name, p.subject_id) AS stage_name, p.gc_ms, p.run_ms, p.sql_ms, p.rdd_ms, p.spilled_bytes, p.shuffled_bytes,
    LEAST(CAST(p.duration_ms AS DOUBLE) / NULLIF(p.run_ms, 0e0), 1e0) AS wall_ratio,
    p.is_local, p.is_databricks, p.executor_cores, p.executor_memory_bytes, a.peak_heap_bytes, a.peak_storage_bytes, a.master
  FROM places AS p
  INNER JOIN applied AS a
    ON a.platform = p.platform AND a.cluster_id = p.cluster_id
    AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
  WHERE NOT COALESCE(a.is_told, FALSE)
    AND p.place_run_ms >= $min_place_share * a.total_task_time_ms
    AND p.place_gc_ms - $healthy_gc_ratio * p.place_run_ms >= GREATEST($min_place_lost_ms, $min_place_lost_share * a.total_task_time_ms)
),
-- The stages of one name in which most of it took place.
worst AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_name, SUM(gc_ms) AS gc_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY SUM(gc_ms) DESC, stage_name) AS place,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id) AS num_names
  FROM worked
  WHERE stage_name IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_name
),
cached AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN storage_level LIKE '%Deserialized%' AND num_partitions > 1 THEN 1 ELSE 0 END) AS num_cached
  FROM rdds
  WHERE is_persisted AND storage_level LIKE '%Memory%'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
python AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM rdds WHERE rdd_name = 'PythonRDD'
),
-- Code of the application that works on objects of its own inside of queries.
coded AS (
  SELECT platform, cluster_id, application_id, attempt_id FROM user_functions
  UNION
  SELECT platform, cluster_id, application_id, attempt_id
  FROM sql_nodes
  WHERE node_name LIKE '%Python%' OR node_name LIKE '%Pandas%' OR node_name LIKE 'MapElements%' OR node_name LIKE 'MapPartitions%' OR node_name LIKE 'DeserializeToObject%'
),
-- A heap that starts at a size that is set.
first_heaps AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key IN ('spark.executor.extraJavaOptions', 'spark.executor.defaultJavaOptions') AND value LIKE '%-Xms%'
),
gpus AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key = 'spark.executor.resource.gpu.amount' AND TRY_CAST(value AS DOUBLE) > 0e0
),
-- Only who groups can reduce instead.
grouped AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM rdds WHERE scope = 'groupByKey' OR call_site LIKE 'groupByKey %'
),
group_times AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id, w.gc_ms,
    SUM(w.gc_ms) OVER (PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id) AS all_gc_ms,
    ROW_NUMBER() OVER (PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id ORDER BY w.subject_id) AS place
  FROM worked AS w
  INNER JOIN (
    SELECT DISTINCT platform, cluster_id, application_id, attempt_id, first_stage_id FROM rdds WHERE scope = 'groupByKey'
  ) AS g
    ON g.platform = w.platform AND g.cluster_id = w.cluster_id
    AND g.application_id = w.application_id AND g.attempt_id = w.attempt_id AND g.first_stage_id = w.stage_id
),
last_jobs AS (
  SELECT platform, cluster_id, application_id, attempt_id, CASE WHEN COUNT(*) = COUNT(completion_time) THEN MAX(completion_time) END AS last_end
  FROM jobs
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Executors for whose loss lost_executors can blame the heap: both name one value.
gone AS (
  SELECT DISTINCT e.platform, e.cluster_id, e.application_id, e.attempt_id
  FROM executors AS e
  LEFT JOIN last_jobs AS l
    ON l.platform = e.platform AND l.cluster_id = e.cluster_id
    AND l.application_id = e.application_id AND l.attempt_id = e.attempt_id
  WHERE e.executor_id NOT IN ('driver', '<driver>') AND e.loss_kind IN ('oom', 'killed', 'lost') AND CASE
    WHEN e.exit_code = 52 OR e.remove_reason LIKE '%JVM OOM%' OR e.remove_reason LIKE '%OutOfMemoryError%' THEN TRUE
    -- After the last job clusters end.
    WHEN e.remove_time >= l.last_end THEN FALSE
    WHEN e.remove_reason LIKE '%memory limit%' OR e.remove_reason LIKE '%possible container OOM%' OR e.remove_reason LIKE '%OOMKilled%'
      OR e.remove_reason LIKE '%preempted%' OR e.exit_code IN (-100, 137) OR e.remove_reason LIKE '%code 137%' OR e.remove_reason LIKE '%lost% node%'
      OR e.remove_reason LIKE '%Worker shutting down%' OR e.remove_reason LIKE '%node was terminated%' THEN FALSE
    ELSE e.loss_kind = 'lost' OR e.exit_code = 56 OR COALESCE(e.remove_reason LIKE '%heartbeat timed out%', FALSE)
  END
),
kryo_set AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM spark_settings WHERE key = 'spark.serializer' AND value LIKE '%Kryo%'
),
set_cores AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM spark_settings WHERE key = 'spark.executor.cores'
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_type, j.subject_id, j.place,
  CASE WHEN j.gc_ms >= 2 * $min_gc_ratio * j.run_ms THEN 'high' ELSE 'medium' END AS confidence,
  TRY_CAST(j.gc_ms - $healthy_gc_ratio * j.run_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST((j.gc_ms - $healthy_gc_ratio * j.run_ms) * wall_ratio AS BIGINT) AS recoverable_ms,
  TRY_CAST(j.gc_ms AS BIGINT) AS gc_ms, TRY_CAST(j.run_ms AS BIGINT) AS run_ms, j.gc_ms / NULLIF(j.run_ms, 0) AS gc_ratio, j.stage_name,
  CASE WHEN m.gc_ms >= $worst_share * j.gc_ms AND COALESCE(b.all_gc_ms < $worst_share * j.gc_ms, TRUE) THEN m.stage_name END AS worst_name, CASE WHEN m.gc_ms >= $worst_share * j.gc_ms AND COALESCE(b.all_gc_ms < $worst_share * j.gc_ms, TRUE) THEN m.gc_ms END AS worst_gc_ms,
  CASE
    WHEN j.stage_name IS NULL AND b.all_gc_ms >= $worst_share * j.gc_ms THEN TRY_CAST(b.all_gc_ms AS BIGINT)
    WHEN b.subject_id = j.subject_id THEN TRY_CAST(b.gc_ms AS BIGINT)
  END AS group_gc_ms,
  CASE
    WHEN j.is_local THEN 'the driver, which runs the tasks in local mode,' WHEN j.is_databricks THEN 'each core'
    WHEN COALESCE(j.peak_heap_bytes >= 0.5e0 * j.executor_memory_bytes, TRUE) THEN 'each core of the executors'
  END AS memory_of,
  CASE WHEN j.stage_name IS NULL THEN x.num_stages END AS closure_stages,
  CASE WHEN NOT j.is_local THEN j.executor_memory_bytes END AS executor_memory_bytes, j.executor_cores, j.is_local, j.is_databricks,
  CASE WHEN j.peak_heap_bytes < 0.5e0 * j.executor_memory_bytes AND NOT j.is_local THEN j.peak_heap_bytes END AS low_peak_bytes,
  CASE WHEN q.platform IS NULL THEN 'org.apache.spark.serializer.KryoSerializer' END AS kryo,
  CASE WHEN COALESCE(j.peak_storage_bytes >= $hardly_cached_ratio * j.executor_memory_bytes, TRUE) THEN NULLIF(c.num_cached, 0) END AS num_cached, sql_ms / NULLIF(run_ms, 0) AS sql_share,
  shuffled_bytes > 0 AS shuffles, CASE WHEN g.platform IS NOT NULL THEN 'reduceByKey or aggregateByKey instead of groupByKey' END AS group_cure, p.platform IS NOT NULL AS has_python,
  CASE
    WHEN rdd_ms >= $min_rdd_share * run_ms AND u.platform IS NOT NULL THEN 'DataFrames and built-in functions instead of RDDs of objects and UDFs'
    WHEN rdd_ms >= $min_rdd_share * run_ms THEN 'DataFrames and built-in functions instead of RDDs of objects'
    WHEN u.platform IS NOT NULL THEN 'built-in functions instead of UDFs'
  END AS object_cure, h.platform IS NOT NULL AS has_first_heap, v.platform IS NOT NULL AS gpu_bound,
  -- Without a peak of the heap only much heap for each core speaks against a full one, and only RDDs are plain objects.
  COALESCE(NOT j.is_local AND spilled_bytes = 0
    AND (c.platform IS NULL OR j.peak_storage_bytes < $hardly_cached_ratio * j.executor_memory_bytes)
    AND (j.peak_heap_bytes < $full_heap_ratio * j.executor_memory_bytes
      OR (j.peak_heap_bytes IS NULL AND sql_ms < 0.5e0 * run_ms
        AND CAST(j.executor_memory_bytes AS DOUBLE) / GREATEST(j.executor_cores, 1) >= $enough_heap_per_core)), FALSE) AS is_churn,
  CAST(j.executor_memory_bytes AS DOUBLE) / GREATEST(j.executor_cores, 1) AS heap_per_core,
  CASE WHEN (j.master LIKE 'spark:%' OR j.master LIKE 'mesos:%') AND s.platform IS NULL AND NOT j.is_local AND NOT j.is_databricks THEN j.executor_cores END AS all_cores,
  TRY_CAST(CEIL(j.executor_cores / 2e0) AS BIGINT) AS cores_halved,
  GREATEST(TRY_CAST(FLOOR(j.executor_memory_bytes / 2147483648e0) AS BIGINT), 1) AS memory_halved_gib,
  -- Small heaps profit most from more memory: double below 4 GiB, half as much again below 8; double too where executors went, and where most time goes into it.
  TRY_CAST(CEIL(j.executor_memory_bytes / 1073741824e0 * CASE
    WHEN j.executor_memory_bytes < 4294967296 OR o.platform IS NOT NULL THEN 2e0
    WHEN j.gc_ms >= $double_gc_ratio * j.run_ms AND j.executor_memory_bytes <= $max_doubled_bytes THEN 2e0
    WHEN j.executor_memory_bytes < 8589934592 THEN 1.5e0
    ELSE 1.25e0
  END) AS BIGINT) AS memory_needed_gib
FROM judged AS j
LEFT JOIN worst AS m
  ON m.platform = j.platform AND m.cluster_id = j.cluster_id
  AND m.application_id = j.application_id AND m.attempt_id = j.attempt_id
  AND m.place = 1 AND m.num_names > 1 AND j.stage_name IS NULL
LEFT JOIN group_times AS b
  ON b.platform = j.platform AND b.cluster_id = j.cluster_id
  AND b.application_id = j.application_id AND b.attempt_id = j.attempt_id AND (b.subject_id = j.subject_id OR (j.stage_name IS NULL AND b.place = 1))
LEFT JOIN cached AS c
  ON c.platform = j.platform AND c.cluster_id = j.cluster_id
  AND c.application_id = j.application_id AND c.attempt_id = j.attempt_id
LEFT JOIN python AS p
  ON p.platform = j.platform AND p.cluster_id = j.cluster_id
  AND p.application_id = j.application_id AND p.attempt_id = j.attempt_id
LEFT JOIN coded AS u
  ON u.platform = j.platform AND u.cluster_id = j.cluster_id
  AND u.application_id = j.application_id AND u.attempt_id = j.attempt_id
LEFT JOIN first_heaps AS h
  ON h.platform = j.platform AND h.cluster_id = j.cluster_id
  AND h.application_id = j.application_id AND h.attempt_id = j.attempt_id
LEFT JOIN gpus AS v
  ON v.platform = j.platform AND v.cluster_id = j.cluster_id
  AND v.application_id = j.application_id AND v.attempt_id = j.attempt_id
LEFT JOIN grouped AS g
  ON g.platform = j.platform AND g.cluster_id = j.cluster_id
  AND g.application_id = j.application_id AND g.attempt_id = j.attempt_id
LEFT JOIN gone AS o
  ON o.platform = j.platform AND o.cluster_id = j.cluster_id
  AND o.application_id = j.application_id AND o.attempt_id = j.attempt_id
LEFT JOIN set_cores AS s
  ON s.platform = j.platform AND s.cluster_id = j.cluster_id
  AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id
LEFT JOIN kryo_set AS q
  ON q.platform = j.platform AND q.cluster_id = j.cluster_id
  AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id
LEFT JOIN closures AS x
  ON x.platform = j.platform AND x.cluster_id = j.cluster_id
  AND x.application_id = j.application_id AND x.attempt_id = j.attempt_id
