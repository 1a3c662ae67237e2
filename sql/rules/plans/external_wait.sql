-- id: external_wait
-- title: Tasks wait for something outside of Spark
-- category: plans
-- severity: low
-- version: 3
-- description: Fires for stages whose tasks were hardly on the processor, while nothing that Spark measures explains it and they ran code that can call other systems (view external_waits): a database, a service, a lock.
--   Tasks of a query that read next to nothing from a shuffle, write nothing, run no code of the user and were hardly on the processor for a large part of the application stood still: of these all is lost.
--   Lost is else taken to be half of the wait: some calls have to be made, but batches of them, connections and answers that are kept save waiting. Libraries that compute in threads or processes
--   of their own look the same, so the confidence is no more than medium.
-- subject: stage
-- group_by: stage_name
-- parameter: min_share double = 0.1 [ratio] wait over the task time of the application, at least
-- parameter: lost_ratio double = 0.5 [ratio] part of the wait that is taken to be lost
-- parameter: min_stall_ms double = 30000 [ms] wait of a task that stood still, on average, at least
-- parameter: max_stall_cpu double = 0.02 [ratio] processor time over its run time, at most
-- parameter: max_stall_bytes double = 1048576 [bytes] data of such a task, at most
-- parameter: min_stall_share double = 0.3 [ratio] wall time of its stage over that of the application, at least
-- parameter: min_batch_rows bigint = 500 [rows] rows of a batch of a write through JDBC, below which larger batches are advised (Spark's default is 1,000)
-- evidence: Tasks of {stage_name} used the processor for {cpu_ratio:pct} of {run_ms:s} of run time[ (functions: {functions})]; {wait_ms:s} of it is explained by neither scans, files, shuffles nor garbage collection[; they moved {moved_bytes:bytes}][, {row_ms:1} ms for each of {num_rows:row|rows}][, sent to a database in batches of {batch_rows:row|rows}][; {lost_share:pct} of this wait is counted as lost].
-- advice: kind = 'stall' | - | - | No code of the user ran there, and there was hardly any data: {standing} stood still. Take a thread dump of the executor while it does (page Executors): a lock, a library, a plugin or a device ({device}) that it waits for, a name or
--   an address that does not answer. More partitions, cores or memory do not help.
-- advice: batch_rows < small_batch_rows | - | - | The write sends {batch_rows:row|rows} at a time to the database (option batchsize; Spark's default is 1,000), and waits for the answer each time: send 1,000 to 10,000, and let the driver make one
--   statement of them where it can (rewriteBatchedStatements of MySQL, reWriteBatchedInserts of PostgreSQL).
-- advice: batch_rows > 0 | - | - | The write waits for the database: let the driver make one statement of a batch (rewriteBatchedStatements of MySQL, reWriteBatchedInserts of PostgreSQL), drop triggers and indexes of the target meanwhile, or write
--   files and load them with the database's own bulk load. More connections (numPartitions) help as far as the database keeps up.
-- advice: kind = 'jdbc read' | - | - | The read waits for the database: read only the columns and rows that are needed (a query with the filter as dbtable), fetch more rows at a time (fetchsize), and see how long the query takes there.
-- recommendation: The code calls something outside of Spark (a database, a service), sleeps, or waits for a lock: make one call for many rows (mapPartitions, one connection for each partition), several at once, each distinct value only once, and
--   keep the answers. Tasks that wait need no core: as far as the memory allows, more of them can run at once than there are cores (spark.executor.cores). Libraries that compute in threads of their own look the same.
WITH summed AS (
  SELECT w.*, SUM(wait_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_name) AS all_wait_ms
  FROM external_waits AS w
),
-- Queries that read nothing but shuffles and files of known size, and write nothing.
writers AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id
  FROM sql_scans
  WHERE operation = 'write'
),
-- Stages in which something else than Spark's own operators over shuffled rows ran.
others AS (
  SELECT DISTINCT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id
  FROM operator_stages AS o
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, node_id FROM user_functions) AS u
    ON u.platform = n.platform AND u.cluster_id = n.cluster_id
    AND u.application_id = n.application_id AND u.attempt_id = n.attempt_id AND u.sql_id = n.sql_id AND u.node_id = n.node_id
  WHERE u.platform IS NOT NULL OR n.operator_kind IN ('scan', 'udf', 'write', 'cache')
),
stalls AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.stage_name, f.num_tasks, f.task_slots, f.duration_ms, f.has_gpu,
    CAST(f.executor_run_time AS DOUBLE) AS run_ms, f.cpu_ms, f.data_bytes,
    CAST(f.executor_run_time AS DOUBLE) - f.cpu_ms - COALESCE(f.gc_time, 0) - COALESCE(f.fetch_wait_ms, 0e0) - COALESCE(CAST(s.shuffle_write_time AS DOUBLE) / 1e6, 0e0) AS wait_ms
  FROM stage_facts AS f
  INNER JOIN stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
  INNER JOIN sql AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  LEFT JOIN writers AS o
    ON o.platform = f.platform AND o.cluster_id = f.cluster_id
    AND o.application_id = f.application_id AND o.attempt_id = f.attempt_id AND o.sql_id = f.sql_id
  LEFT JOIN external_waits AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.subject_id = f.subject_id
  LEFT JOIN others AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id AND c.stage_id = f.stage_id
  WHERE f.status = 'COMPLETE' AND w.platform IS NULL AND o.platform IS NULL AND c.platform IS NULL AND q.streaming_query_id IS NULL AND NOT f.is_listing AND NOT COALESCE(f.has_python, FALSE) AND NOT COALESCE(f.has_scan, FALSE)
    AND COALESCE(f.input_bytes, 0) = 0 AND COALESCE(s.output_bytes, 0) = 0 AND s.shuffle_read_bytes > 0 AND COALESCE(s.disk_bytes_spilled, 0) = 0
    AND s.shuffle_read_bytes + COALESCE(s.shuffle_write_bytes, 0) <= $max_stall_bytes * f.num_tasks AND f.cpu_ms > 0e0 AND f.cpu_ms <= $max_stall_cpu * f.executor_run_time
    AND f.executor_run_time >= $min_stall_ms * f.num_tasks AND f.duration_ms >= $min_stall_share * f.app_duration_ms
    AND f.executor_run_time <= 2e0 * f.duration_ms * f.task_slots
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, CASE WHEN kind = 'rdd' AND num_rows IS NULL THEN 'low' ELSE 'medium' END AS confidence,
  TRY_CAST($lost_ratio * wait_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST($lost_ratio * wait_ms / NULLIF(CAST(task_slots AS DOUBLE), 0e0), CAST(duration_ms AS DOUBLE)) AS BIGINT) AS recoverable_ms,
  stage_name, kind, functions, run_ms, cpu_ms / NULLIF(run_ms, 0e0) AS cpu_ratio, wait_ms, num_rows, wait_ms / NULLIF(CAST(num_rows AS DOUBLE), 0e0) AS row_ms,
  batch_rows, $min_batch_rows AS small_batch_rows, CAST(NULL AS BIGINT) AS moved_bytes, $lost_ratio AS lost_share, CAST(NULL AS STRING) AS title, '' AS standing, '' AS device
FROM summed
WHERE all_wait_ms >= $min_share * total_task_time_ms
UNION ALL
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, 'medium' AS confidence,
  TRY_CAST(wait_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST(wait_ms / NULLIF(CAST(task_slots AS DOUBLE), 0e0), CAST(duration_ms AS DOUBLE)) AS BIGINT) AS recoverable_ms,
  stage_name, 'stall' AS kind, CAST(NULL AS STRING) AS functions, run_ms, cpu_ms / NULLIF(run_ms, 0e0) AS cpu_ratio, wait_ms, CAST(NULL AS BIGINT) AS num_rows, CAST(NULL AS DOUBLE) AS row_ms,
  CAST(NULL AS BIGINT) AS batch_rows, $min_batch_rows AS small_batch_rows, TRY_CAST(data_bytes AS BIGINT) AS moved_bytes, CAST(NULL AS DOUBLE) AS lost_share, 'Tasks stand still' AS title,
  CASE WHEN num_tasks = 1 THEN 'the task' ELSE 'the tasks' END AS standing, CASE WHEN has_gpu THEN 'the GPU and its memory' ELSE 'a GPU, a disk' END AS device
FROM stalls
WHERE wait_ms >= $min_stall_ms * num_tasks
