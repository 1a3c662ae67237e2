-- id: external_wait
-- title: Tasks wait for something outside of Spark
-- category: plans
-- severity: low
-- version: 1
-- description: Fires for stages whose tasks were hardly on the processor, while nothing that Spark measures explains it and they ran code that can call other systems (view external_waits): a database, a service, a lock.
--   Lost is taken to be half of the wait: some calls have to be made, but batches of them, connections and answers that are kept save waiting. Libraries that compute in threads or processes
--   of their own look the same, so the confidence is no more than medium.
-- subject: stage
-- group_by: stage_name
-- parameter: min_share double = 0.1 [ratio] wait over the task time of the application, at least
-- parameter: lost_ratio double = 0.5 [ratio] part of the wait that is taken to be lost
-- parameter: min_batch_rows bigint = 500 [rows] rows of a batch of a write through JDBC, below which larger batches are advised (Spark's default is 1,000)
-- evidence: Tasks of {stage_name} used the processor for {cpu_ratio:pct} of {run_ms:s} of run time[ (functions: {functions})]; {wait_ms:s} of it is explained by neither scans, files, shuffles nor garbage collection[, {row_ms:1} ms for each of {num_rows:row|rows}][, sent to a database in batches of {batch_rows:row|rows}].
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
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, CASE WHEN kind = 'rdd' AND num_rows IS NULL THEN 'low' ELSE 'medium' END AS confidence,
  TRY_CAST($lost_ratio * wait_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST($lost_ratio * wait_ms / NULLIF(CAST(task_slots AS DOUBLE), 0e0), CAST(duration_ms AS DOUBLE)) AS BIGINT) AS recoverable_ms,
  stage_name, kind, functions, run_ms, cpu_ms / NULLIF(run_ms, 0e0) AS cpu_ratio, wait_ms, num_rows, wait_ms / NULLIF(CAST(num_rows AS DOUBLE), 0e0) AS row_ms,
  batch_rows, $min_batch_rows AS small_batch_rows
FROM summed
WHERE all_wait_ms >= $min_share * total_task_time_ms
