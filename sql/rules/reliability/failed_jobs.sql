-- id: failed_jobs
-- title: Jobs fail
-- category: reliability
-- severity: medium
-- version: 7
-- description: Fires for every job that failed, one finding for each root cause (view job_failures). Jobs that were
--   canceled did not fail. Lost is the task time of stages that no successful job shares. Whether the program
--   expects and catches the failure is not known; where a later job succeeded, and in an interactive
--   session, it is of low severity if it cost little. What failed at once in such a session is a trial and is not told.
-- subject: job
-- group_by: root_cause
-- parameter: min_trial_ms bigint = 10000 [ms] task time that a job of an interactive session cost, at least
-- evidence: Job {job_id:int} ({job_name}) failed[ after {duration_ms:s}]: {root_cause}[. Its task failed in all of {doomed_attempts:attempt|attempts}].
--   Its stages took {stages_ms:s} of task time[; its query {sql_id:int} took {query_ms:s} until it failed]{after}.
-- advice: cause = 'result_size' | - | - | More came to the driver than spark.driver.maxResultSize lets through: write the result from
--   the executors, or collect less; raise the limit only together with the driver's memory.
-- advice: cause = 'broadcast' | - | - | A table was too large to broadcast, or took too long: take back the broadcast hint, or lower
--   spark.sql.autoBroadcastJoinThreshold.
-- advice: cause = 'gpu_memory' | - | - | The GPU ran out of memory: run fewer tasks on it at once (spark.rapids.sql.concurrentGpuTasks), read smaller
--   splits (spark.sql.files.maxPartitionBytes), and see how much of its memory Spark may take
--   (spark.rapids.memory.gpu.allocFraction).
-- advice: cause = 'heap' AND gathers | - | - | The query gathers all values of a key in
--   one row (collect_list, collect_set, an exact percentile or median), which has to fit into the memory of one task: keep what is needed of them (max_by, a limit for each
--   key, an aggregate, percentile_approx), or take the key that has most of them out. More memory only moves the limit.
-- advice: cause = 'heap' AND root_cause LIKE '%Photon%' | - | - | Photon ran out of its memory outside of the heap: choose more memory for each
--   core, make partitions smaller, and look for skew.
-- advice: cause = 'heap' AND is_local | - | - | The heap was full: give the driver, which runs the tasks in local mode, more memory, or
--   make partitions smaller.
-- advice: cause = 'heap' AND NOT is_databricks AND memory_doubled_gib <= 31 | spark.executor.memory |
--   CONCAT(CAST(memory_doubled_gib AS STRING), 'g') | The heap was full: give executors more memory for each core, or make
--   partitions smaller.
-- advice: cause = 'heap' | - | - | The heap was full: run fewer tasks at once in an executor, choose more memory for each core, or
--   make partitions smaller.
-- advice: cause = 'container' | - | - | An executor was killed, most likely for its memory: see the finding about lost executors.
-- advice: cause = 'fetch' OR cause = 'lost' | - | - | Executors were lost with the work they held: see the finding about lost executors.
-- advice: cause = 'disk' | - | - | The local disks are full: use larger ones, or spill and shuffle less.
-- advice: cause = 'access' | - | - | The job may not read or write there: give its role the permission. Retries cannot help.
-- advice: cause = 'missing' | - | - | What it reads is not there, or was replaced while it was read: write to a new path or use a table
--   format, and refresh the table. Retries cannot help.
-- advice: cause = 'dependency' | - | - | A library is missing where the tasks run: install it in the Python and on the class path of all nodes, or
--   ship it with the application (spark.jars, --py-files, --archives). Retries cannot help.
-- advice: cause = 'throttled' | - | - | The store asked to slow down: read and write fewer and larger files, over more prefixes.
-- advice: doomed_attempts IS NOT NULL AND NOT is_survived | - | - | The error comes from the code or its data, and every retry met it again: fix it there, and let
--   the scheduler of the job give up at once rather than start it again.
-- recommendation: The error comes from the code or its data: fix it there; a retry meets it again.
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, CAST(f.job_id AS STRING) AS subject_id,
  CASE
    WHEN f.lost_core_ms >= 600000 THEN CAST(NULL AS STRING)
    WHEN NOT f.is_survived AND NOT a.is_interactive THEN 'medium'
    ELSE 'low'
  END AS severity,
  'high' AS confidence,
  CASE WHEN f.streaming_query_id IS NOT NULL THEN 'A streaming query fails' ELSE 'Jobs fail' END AS title,
  f.lost_core_ms,
  f.duration_ms AS recoverable_ms, f.lost_core_ms AS stages_ms,
  f.job_id,
  -- Jobs that adaptive execution starts bear the name of a thread.
  CASE WHEN f.job_name LIKE '%CompletableFuture%' OR f.job_name LIKE '%ThreadPoolExecutor%'
    THEN COALESCE(SUBSTR(q.description, 1, 100), f.job_name) ELSE f.job_name END AS job_name,
  f.sql_id, CASE WHEN q.status = 'FAILED' AND q.duration_ms >= f.duration_ms + 1000 THEN q.duration_ms END AS query_ms, f.duration_ms, REGEXP_REPLACE(SUBSTR(f.root_cause, 1, 250), '[. ]+$', '') AS root_cause, f.cause, f.num_failed_tasks,
  CASE WHEN f.num_attempts > 1 THEN f.num_attempts END AS doomed_attempts,
  CASE WHEN f.is_survived THEN '; another job succeeded later' ELSE '' END AS after, f.is_survived, a.is_local, COALESCE(a.is_databricks, FALSE) AS is_databricks,
  TRY_CAST(CEIL(a.executor_memory_bytes / 536870912e0) AS BIGINT) AS memory_doubled_gib, g.sql_id IS NOT NULL AS gathers
FROM job_failures AS f
INNER JOIN application_facts AS a
  ON a.platform = f.platform AND a.cluster_id = f.cluster_id
  AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
LEFT JOIN sql AS q
  ON q.platform = f.platform AND q.cluster_id = f.cluster_id
  AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
LEFT JOIN gathering_queries AS g
  ON g.platform = f.platform AND g.cluster_id = f.cluster_id
  AND g.application_id = f.application_id AND g.attempt_id = f.attempt_id AND g.sql_id = f.sql_id
WHERE NOT a.is_interactive OR f.lost_core_ms >= $min_trial_ms
