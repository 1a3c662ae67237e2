-- id: failed_jobs
-- title: Jobs fail
-- category: reliability
-- severity: medium
-- version: 24
-- description: Fires for every job that failed, one finding for each root cause (view job_failures). Jobs that were
--   canceled did not fail. Lost is the task time of stages that no successful job shares, and of the other jobs of its query, whose results are thrown away with it (view query_failures: not of stages that filled a cache, wrote output or were read again), without that of tasks that went with lost executors, which lost_executors tells; the wall time
--   is that of the job, or since the first job of its query began where nothing of them was of use, but for what unfinished_skew tells already. Whether the program
--   expects and catches the failure is not known; where a later job succeeded, and in an interactive
--   session, it is of low severity if it cost little: less than 10 core-minutes and, but for a session, a fifth of the wall time. What failed at once in such a session is a trial and is not told.
--   Where all jobs of an application failed and nobody had ended it, it was run for nothing: that is of high severity, unless it was over at once, which cost next to nothing.
--   So was one whose tasks wrote no output because its path is on local disks where they could not make it.
--   Where an application hung until it was killed, or fetches of shuffle data failed, hung_tasks or fetch_failures tells what that cost, and
--   the job is told in short.
-- subject: job
-- group_by: root_cause
-- parameter: min_trial_ms bigint = 10000 [ms] task time that a job of an interactive session cost, at least
-- parameter: min_trial_share double = 0.3 [ratio] or this part of the task time of a short session, of which it cost min_short_trial_ms at least
-- parameter: min_short_trial_ms bigint = 1000 [ms] task time of a job that failed in a short session, at least
-- parameter: min_wall_ms bigint = 10000 [ms] wall time of failures with one cause that others survived, from which the cost decides the severity
-- parameter: min_wall_share double = 0.2 [ratio] and its share of the application's
-- parameter: min_futile_ms bigint = 5000 [ms] wall time of an application without a job that succeeded from which that is of high severity
-- parameter: critical_core_ms bigint = 72000000 [core_ms] cost of a failure from which it decides the severity of an application without a job that succeeded
-- parameter: min_told_share double = 0.005 [ratio] share of the application below which findings are not told as a rule
-- parameter: min_record_bytes bigint = 134217728 [bytes] read by a task without a single record, from which one record is taken to be that large
-- parameter: enough_heap_per_core bigint = 4294967296 [bytes] heap of a core from which fewer tasks at once come before more memory, as in gc_pressure
-- evidence: Job {job_id:int} ({job_name}) failed[ after {duration_ms:s}]: {root_cause}[. A task failed in each of its {doomed_attempts:attempt|attempts}][.
--   Its stages took {stages_ms:s} of task time][, without {gone_ms:s} that went with lost executors][; its query {sql_id:int} took {query_ms:s} until it failed][, and its other jobs {other_ms:s} of task time, lost with it][; the same query failed {num_runs:time|times} with this error][; all {futile_attempts:task attempt|task attempts} of the application failed or were killed][; none of its {futile_jobs:job|jobs} succeeded]{after}.
-- advice: cause = 'result_size' | - | - | More came to the driver than spark.driver.maxResultSize lets through: write the result from
--   the executors, or collect less; raise the limit only as far as the rows fit into a half of the driver's memory.
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
-- advice: cause = 'heap' AND record_bytes IS NOT NULL | - | - | Tasks read up to {record_bytes:bytes} without coming to the end of one record, which takes several times that as text in the heap.
--   More partitions do not help: write the records on lines of their own, or read them with a delimiter or an input format that cuts them.
-- advice: cause = 'heap' AND is_local | - | - | The heap was full: give the driver, which runs the tasks in local mode, more memory, or
--   make partitions smaller.
-- advice: cause = 'heap' AND NOT is_databricks AND NOT is_roomy AND memory_doubled_gib <= 31 | spark.executor.memory |
--   CONCAT(CAST(memory_doubled_gib AS STRING), 'g') | The heap was full: give executors more memory for each core, or make
--   partitions smaller.
-- advice: cause = 'heap' AND executor_cores > 1 AND NOT is_databricks AND has_all_cores | - | - | The heap was full: run fewer tasks at once in an executor, which has all {executor_cores:int} cores of its worker
--   (spark.executor.cores={cores_halved:int} on the same memory), or make partitions smaller.
-- advice: cause = 'heap' AND executor_cores > 1 AND NOT is_databricks AND NOT is_serverless | spark.executor.cores | cores_halved | The heap was full: run fewer tasks at once in an executor, or make partitions
--   smaller.
-- advice: cause = 'heap' | - | - | The heap was full: run fewer tasks at once in an executor, choose more memory for each core, or
--   make partitions smaller.
-- advice: cause = 'killed' AND has_hung | - | - | No error of the code: the application hung until somebody ended it{who}. See the finding about tasks that never ended.
-- advice: cause = 'killed' AND has_fetches | - | - | No error of the code: somebody ended the application{who} after fetches of shuffle data had failed. See the finding about them.
-- advice: cause = 'killed' | - | - | No error of the code: the application was ended from outside{who}. Ask who or what did it (a time limit of the scheduler,
--   a person, an administrator), and look at what it did last.
-- advice: cause = 'no_master' AND is_databricks | - | - | The cluster stopped responding: it was stopped, or its driver was lost. The event log of the cluster says which.
-- advice: cause = 'no_master' | - | - | No master of the standalone cluster answered any more: look at its log and its machine, and run standby masters (spark.deploy.recoveryMode).
-- advice: cause = 'launch' | - | - | Its executors ended as soon as they were started, until the cluster manager gave up: look at their standard error on the workers (the Java that is there, memory
--   that the machine does not have, a driver that cannot be reached from there).
-- advice: cause = 'python_version' | - | - | The Python of the driver and that of the workers differ: install the same minor version on all machines, and set PYSPARK_PYTHON (for the
--   workers) and PYSPARK_DRIVER_PYTHON to it. Retries cannot help.
-- advice: cause = 'python_memory' AND is_local | - | - | Python or native code got no more memory from the machine of the driver, which runs the tasks in local mode: run fewer
--   at once (fewer cores in local mode), give the JVM less heap (spark.driver.memory), or make partitions smaller.
-- advice: cause = 'python_memory' AND NOT is_local AND pyspark_mib > 0 | spark.executor.pyspark.memory | CONCAT(CAST(2 * pyspark_mib AS STRING), 'm') | This setting limits the Python workers of an executor, each to an
--   equal part: raise it (the container has to hold it beside the heap), or make partitions or blocks smaller.
-- advice: cause = 'python_memory' | - | - | Python or native code got no memory outside of the heap: make partitions or blocks smaller, leave more of the
--   machine's memory to Python ({room}), or run fewer tasks at once on it ({fewer}).
-- advice: cause = 'python_crash' | spark.python.worker.faulthandler.enabled | 'true' | A Python worker died without an exception: killed for its memory as a rule, or crashed in native code. Run fewer tasks at
--   once ({fewer}) and leave Python more memory ({room}); this setting makes a crash tell its stack.
-- advice: cause = 'python_crash' | - | - | A Python worker died without an exception: killed for its memory as a rule (look at the kernel's log), or crashed in native code. Run fewer tasks
--   at once ({fewer}) and leave Python more memory ({room}).
-- advice: cause = 'driver_heap' AND is_databricks | - | - | The heap of the driver was full when it sent tasks out: keep large objects out of the functions (broadcast them, or read them on
--   the executors), or choose a driver with more memory.
-- advice: cause = 'driver_heap' | - | - | The heap of the driver was full when it sent tasks out: keep large objects out of the functions (broadcast them, or read them on the
--   executors), or give the driver more memory (spark.driver.memory).
-- advice: cause = 'direct_memory' | - | - | Buffers outside of the heap were full: give them more room (-XX:MaxDirectMemorySize in spark.executor.extraJavaOptions, within the memory
--   overhead), or fetch less at once (spark.reducer.maxSizeInFlight).
-- advice: cause = 'threads' | - | - | The system gave no more threads: raise its limit of processes for the user (ulimit -u, the pids limit of the container), or
--   run fewer tasks at once. More heap does not help.
-- advice: cause = 'message_size' | - | - | A task with what its function refers to, or a result, is larger than a message of Spark may be: broadcast large values, and read data on the executors rather than
--   parallelize it from the driver. Raise spark.rpc.message.maxSize only if that is not possible.
-- advice: cause = 'kryo_buffer' | - | - | A record is larger than the buffer of Kryo: raise spark.kryoserializer.buffer.max (less than 2048m), or make records smaller.
-- advice: cause = 'container' | - | - | An executor was killed, most likely for its memory: see the finding about lost executors.
-- advice: cause = 'fetch' OR cause = 'lost' | - | - | Executors were lost with the work they held: see the finding about lost executors.
-- advice: cause = 'network' AND is_databricks | - | - | The executors live and do not reach one another: look at the network of the cluster (security groups, peering).
-- advice: cause = 'network' | - | - | The executors live and do not reach one another: check the addresses that they tell (SPARK_LOCAL_IP, spark.driver.host, spark.driver.bindAddress) and
--   open the ports between them (firewall; spark.blockManager.port and spark.driver.blockManager.port make them fixed).
-- advice: cause = 'shuffle_files' AND is_databricks | - | - | Shuffle data was gone or not whole although no executor was lost: check the event log of the cluster for workers that went, or whose disks were
--   full.
-- advice: cause = 'shuffle_files' | - | - | Shuffle data was gone or not whole although no executor was lost: see whether something clears the local directories (spark.local.dir
--   in /tmp), check the disks, and keep executors that hold such data (dynamic allocation needs the shuffle service or shuffle tracking).
-- advice: cause = 'disk' | - | - | The local disks are full: use larger ones, or spill and shuffle less.
-- advice: cause = 'local_path' AND NOT is_local | - | - | The output path is on local disks (file:), and the executors could not make the folder there: write to storage that the driver and all executors reach under the same path (HDFS, an object store, a volume that all of them
--   mount), where the user that runs Spark may write. Retries cannot help.
-- advice: cause = 'local_path' | - | - | The output path is on the local disk, and the folder could not be made there: give the user that runs Spark the right to write there, or choose another path. Retries cannot help.
-- advice: cause = 'access' | - | - | The job may not read or write there: give its role the permission. Retries cannot help.
-- advice: cause = 'credentials' | - | - | It had no credentials, or they had expired: give the executors a role or a key that is good for as long as the job runs, and
--   renew tokens of long ones.
-- advice: cause = 'region' | - | - | The bucket is in another region than the client takes: set its region or endpoint (fs.s3a.endpoint.region, fs.s3a.endpoint).
-- advice: cause = 'blocks' | - | - | No DataNode gave a block of HDFS: look at the health of the DataNodes and at missing replicas (hdfs fsck).
-- advice: cause = 'corrupt' | - | - | A file is not what its reader expects: find and replace it (a write that was cut off, a file of another kind in the folder).
--   spark.sql.files.ignoreCorruptFiles skips such files, and what they hold.
-- advice: cause = 'conflict' | - | - | Another writer changed the table in the meantime: try again, and give writers partitions of their own or one after the other.
-- advice: cause = 'service' | - | - | A database or service that the tasks call did not answer, or failed itself (an HTTP status of 500 or more): check it, its address and the network from the executors, and call it from fewer tasks at
--   once, with a timeout and retries.
-- advice: cause = 'timeout' | - | - | The driver or an executor did not answer in time: look for long garbage collection there, a driver that does too much, a cut network. Give it more memory or
--   less work before spark.network.timeout is raised.
-- advice: cause = 'slots' | - | - | A barrier stage needs all its tasks to run at once, and there are fewer cores: make fewer partitions, or hold more cores before it starts (no
--   dynamic allocation).
-- advice: cause = 'serialization' | - | - | A function refers to an object that cannot be sent to the executors: make it there (in mapPartitions, as a lazy value), or copy what is needed into
--   a local variable.
-- advice: cause = 'excluded' | - | - | Every executor that could run a task had been excluded after failures: look at the errors of those tasks.
-- advice: cause = 'missing' | - | - | What it reads is not there, or was replaced while it was read: write to a new path or use a table
--   format, and refresh the table. Retries cannot help.
-- advice: cause = 'dependency' AND root_cause LIKE '%ModuleNotFoundError%pyarrow%' AND spark_minor >= 305 | - | - | The Python of the workers has no pyarrow: install it there, or set spark.pyspark.python (PYSPARK_PYTHON) to a
--   Python that has it, or ship an environment with it ({archives}); --py-files cannot. Where the query has plain Python functions only, spark.sql.execution.pythonUDF.arrow.enabled=false
--   does without it, and built-in functions do without Python. Retries cannot help.
-- advice: cause = 'dependency' AND root_cause LIKE '%ModuleNotFoundError%' | - | - | The Python of the workers lacks a package: install it on all nodes, set spark.pyspark.python (PYSPARK_PYTHON) to a Python that has it,
--   or ship an environment with it ({archives}); --py-files does for modules of pure Python only. Retries cannot help.
-- advice: cause = 'dependency' | - | - | A library is missing where the tasks run: install it in the Python and on the class path of all nodes, or
--   ship it with the application (spark.jars, --py-files, --archives). Retries cannot help.
-- advice: cause = 'rate_limit' | - | - | A service that the tasks call limits the rate of requests: retry inside the function with growing pauses (or open a new session, if the limit is per session), so that a rejected call does
--   not fail its task; send fewer or larger requests, run fewer tasks at once, and use smaller partitions, so that a retry repeats less work.
-- advice: cause = 'throttled' | - | - | The store asked to slow down: read and write fewer and larger files, over more prefixes.
-- advice: cause = 'program' AND root_cause LIKE '%size_type%' | - | - | A table on a GPU holds up to 2,147,483,647 rows, and one task made more of them in one piece. Where its partition is far larger than
--   the others, spread the key (filter out NULL and defaults, salt it; adaptive execution splits skewed joins); else use more shuffle partitions, or run that operator on the CPU
--   (spark.rapids.sql.exec.…). Retries cannot help.
-- advice: cause = 'program' AND root_cause LIKE '%CAST_INVALID_INPUT%' | - | - | A value of the input cannot be cast: correct it there, or read it with try_cast, which gives NULL, and check such columns before the
--   costly part of the query. Every retry, of the task or of the query, meets the value again.
-- advice: cause = 'program' AND num_runs IS NOT NULL | - | - | The error comes from the code or its data, and the query met it again when it was run again: fix it there, check the input before the
--   costly part, and do not repeat a query that failed of such an error.
-- advice: doomed_attempts IS NOT NULL AND NOT is_survived | - | - | The error comes from the code or its data, and every retry met it again: fix it there, and let
--   the scheduler of the job give up at once rather than start it again.
-- recommendation: The error comes from the code or its data: fix it there; a retry meets it again.
WITH huge_stages AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, MAX(input_bytes_read) AS record_bytes
  FROM tasks
  WHERE input_records_read = 0 AND input_bytes_read >= $min_record_bytes
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
-- The most that a task of the job read without a record.
huge_records AS (
  SELECT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, MAX(s.record_bytes) AS record_bytes
  FROM jobs AS j
  INNER JOIN huge_stages AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id
  WHERE j.status = 'FAILED' AND ARRAY_CONTAINS(j.stage_ids, s.stage_id)
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id
),
-- Applications of which no job succeeded.
outcomes AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_jobs
  FROM jobs
  WHERE COALESCE(num_tasks, 1) > 0
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING SUM(CASE WHEN status = 'FAILED' THEN 0 ELSE 1 END) = 0
),
done_tasks AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(CAST(num_complete_tasks AS BIGINT)) AS complete_tasks,
    SUM(COALESCE(num_failed_tasks, 0) + COALESCE(num_killed_tasks, 0)) AS failed_tasks
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id
),
futile AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.num_jobs,
    CASE WHEN d.complete_tasks = 0 AND d.failed_tasks > 0 THEN d.failed_tasks END AS futile_attempts
  FROM outcomes AS o
  INNER JOIN application_facts AS a
    ON a.platform = o.platform AND a.cluster_id = o.cluster_id
    AND a.application_id = o.application_id AND a.attempt_id = o.attempt_id
  LEFT JOIN done_tasks AS d
    ON d.platform = o.platform AND d.cluster_id = o.cluster_id
    AND d.application_id = o.application_id AND d.attempt_id = o.attempt_id
  WHERE NOT COALESCE(a.is_interactive, FALSE) AND NOT COALESCE(a.lacks_jobs, FALSE) AND NOT COALESCE(a.lacks_tasks, FALSE)
),
-- Applications whose tasks wrote no output.
unwritten AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING SUM(CASE WHEN output_bytes > 0 OR output_records > 0 THEN 1 ELSE 0 END) = 0
),
hung AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM stuck_stages
  GROUP BY platform, cluster_id, application_id, attempt_id
  -- As much as hung_tasks tells.
  HAVING MAX(lost_core_ms) >= 60000
),
unreached AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM failed_fetches
  WHERE cause <> 'loss'
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING SUM(CAST(duration AS DOUBLE)) >= 3e4
),
failed AS (
  SELECT
    j.*, h.platform IS NOT NULL AS has_hung, u.platform IS NOT NULL AS has_fetches,
    -- Somebody ended what hung, or could not fetch: the time is told with that.
    j.cause IN ('killed', 'network', 'shuffle_files') AND (h.platform IS NOT NULL OR u.platform IS NOT NULL) AS is_ended
  FROM job_failures AS j
  LEFT JOIN hung AS h
    ON h.platform = j.platform AND h.cluster_id = j.cluster_id
    AND h.application_id = j.application_id AND h.attempt_id = j.attempt_id
  LEFT JOIN unreached AS u
    ON u.platform = j.platform AND u.cluster_id = j.cluster_id
    AND u.application_id = j.application_id AND u.attempt_id = j.attempt_id
)
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, CAST(f.job_id AS STRING) AS subject_id,
  CASE
    WHEN f.is_ended THEN 'low'
    WHEN o.platform IS NOT NULL AND f.cause <> 'killed' AND f.lost_core_ms < $critical_core_ms AND COALESCE(a.app_duration_ms >= $min_futile_ms, TRUE) THEN 'high'
    WHEN f.cause = 'local_path' AND w.platform IS NOT NULL AND NOT f.is_survived AND NOT COALESCE(a.is_interactive, FALSE) AND f.lost_core_ms < $critical_core_ms
      AND COALESCE(a.app_duration_ms >= $min_futile_ms, TRUE) THEN 'high'
    -- A failure that is small beside a large application is told all the same.
    WHEN f.lost_core_ms >= 600000 AND NOT COALESCE(GREATEST(
      SUM(CAST(f.lost_core_ms AS DOUBLE)) OVER alike / NULLIF(CAST(GREATEST(a.core_time_ms, a.total_task_time_ms) AS DOUBLE), 0e0),
      SUM(CAST(f.wall_ms AS DOUBLE)) OVER alike / NULLIF(CAST(a.app_duration_ms AS DOUBLE), 0e0)
    ) < $min_told_share, FALSE) THEN CAST(NULL AS STRING)
    WHEN NOT f.is_survived AND NOT a.is_interactive THEN 'medium'
    WHEN NOT a.is_interactive AND SUM(CAST(f.wall_ms AS DOUBLE)) OVER alike >= $min_wall_ms
      AND SUM(CAST(f.wall_ms AS DOUBLE)) OVER alike >= $min_wall_share * COALESCE(a.app_duration_ms, 0) THEN CAST(NULL AS STRING)
    ELSE 'low'
  END AS severity,
  'high' AS confidence,
  CASE WHEN f.streaming_query_id IS NOT NULL THEN 'A streaming query fails' ELSE 'Jobs fail' END AS title,
  CASE WHEN NOT f.is_ended THEN f.lost_core_ms END AS lost_core_ms,
  CASE WHEN NOT f.is_ended THEN GREATEST(f.wall_ms - COALESCE(d.told_ms, 0), 0) END AS recoverable_ms,
  CASE WHEN NOT f.is_ended THEN f.lost_core_ms - COALESCE(f.other_ms, 0) END AS stages_ms,
  CASE WHEN NOT f.is_ended THEN f.other_ms END AS other_ms, CASE WHEN f.num_runs > 1 THEN f.num_runs END AS num_runs,
  CASE WHEN NOT f.is_ended THEN f.gone_ms END AS gone_ms, f.has_hung, f.has_fetches,
  CASE
    WHEN f.root_cause LIKE '%Master removed our application%' AND COALESCE(a.is_databricks, FALSE) THEN ' with its cluster, which was stopped or lost its driver'
    WHEN f.root_cause LIKE '%Master removed our application%' THEN ' through the master of the standalone cluster (its web page or REST interface)'
    WHEN f.root_cause LIKE '%by user%' THEN ' (a user of YARN)'
    WHEN f.root_cause LIKE '%Yarn application%' THEN ' through YARN'
    ELSE ''
  END AS who,
  COALESCE(a.task_cpus, 1) AS task_cpus, a.executor_cores, a.spark_minor, TRY_CAST(CEIL(a.pyspark_memory_bytes / 1048576e0) AS BIGINT) AS pyspark_mib,
  CASE WHEN a.spark_minor < 301 THEN '--archives on YARN' ELSE 'spark.archives' END AS archives,
  CASE
    WHEN a.is_local THEN 'a smaller number in local[N]'
    WHEN COALESCE(a.is_databricks, FALSE) THEN 'spark.task.cpus up'
    -- Standalone and Mesos give the cores that an executor leaves to another one on the same machine.
    WHEN a.master LIKE 'spark:%' OR a.master LIKE 'mesos:%' THEN 'spark.task.cpus up, or spark.cores.max down; spark.executor.cores alone lets more executors start there'
    ELSE 'spark.task.cpus up, or spark.executor.cores down'
  END AS fewer,
  CASE
    WHEN a.is_local THEN 'less heap, spark.driver.memory'
    WHEN COALESCE(a.is_databricks, FALSE) THEN 'machines with more memory for each core'
    WHEN a.master LIKE 'yarn%' OR a.master LIKE 'k8s%' OR COALESCE(a.is_serverless, FALSE) THEN 'spark.executor.memoryOverhead or spark.executor.pyspark.memory up, or a smaller heap'
    ELSE 'a smaller heap, spark.executor.memory'
  END AS room,
  f.job_id,
  -- Jobs that adaptive execution starts bear the name of a thread.
  CASE WHEN f.job_name LIKE '%CompletableFuture%' OR f.job_name LIKE '%ThreadPoolExecutor%'
    THEN COALESCE(SUBSTR(q.description, 1, 100), f.job_name) ELSE f.job_name END AS job_name,
  f.sql_id, CASE WHEN q.status = 'FAILED' AND q.duration_ms >= f.duration_ms + 1000 THEN q.duration_ms END AS query_ms, f.duration_ms, REGEXP_REPLACE(SUBSTR(CASE WHEN LENGTH(f.root_cause) > 250 THEN REGEXP_REPLACE(f.root_cause, '[. ]*SQLSTATE: [0-9A-Z]+', '') ELSE f.root_cause END, 1, 250), '[. ]+$', '') AS root_cause, f.cause, f.num_failed_tasks,
  CASE WHEN f.num_attempts > 1 THEN f.num_attempts END AS doomed_attempts,
  CASE WHEN NOT f.is_ended AND f.cause <> 'killed' THEN o.futile_attempts END AS futile_attempts,
  CASE WHEN NOT f.is_ended AND f.cause <> 'killed' AND o.futile_attempts IS NULL THEN o.num_jobs END AS futile_jobs,
  CASE WHEN f.is_survived THEN '; another job succeeded later' WHEN f.cause = 'local_path' AND w.platform IS NOT NULL AND o.platform IS NULL THEN '; the tasks of the application wrote no output' ELSE '' END AS after, f.is_survived, a.is_local, COALESCE(a.is_databricks, FALSE) AS is_databricks,
  COALESCE(a.executor_cores > 1 AND a.executor_memory_bytes >= CAST($enough_heap_per_core AS DOUBLE) * a.executor_cores, FALSE) AND NOT COALESCE(a.is_serverless, FALSE) AS is_roomy,
  COALESCE((a.master LIKE 'spark:%' OR a.master LIKE 'mesos:%') AND k.platform IS NULL, FALSE) AS has_all_cores, COALESCE(a.is_serverless, FALSE) AS is_serverless,
  TRY_CAST(CEIL(a.executor_cores / 2e0) AS BIGINT) AS cores_halved,
  TRY_CAST(CEIL(a.executor_memory_bytes / 536870912e0) AS BIGINT) AS memory_doubled_gib, g.sql_id IS NOT NULL AS gathers, r.record_bytes
FROM failed AS f
INNER JOIN application_facts AS a
  ON a.platform = f.platform AND a.cluster_id = f.cluster_id
  AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
LEFT JOIN (
  -- Where it is not set, an executor of a standalone cluster has all cores of its worker.
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM spark_settings WHERE key = 'spark.executor.cores'
) AS k
  ON k.platform = f.platform AND k.cluster_id = f.cluster_id
  AND k.application_id = f.application_id AND k.attempt_id = f.attempt_id
LEFT JOIN sql AS q
  ON q.platform = f.platform AND q.cluster_id = f.cluster_id
  AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
LEFT JOIN futile AS o
  ON o.platform = f.platform AND o.cluster_id = f.cluster_id
  AND o.application_id = f.application_id AND o.attempt_id = f.attempt_id
LEFT JOIN unwritten AS w
  ON w.platform = f.platform AND w.cluster_id = f.cluster_id
  AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id
LEFT JOIN gathering_queries AS g
  ON g.platform = f.platform AND g.cluster_id = f.cluster_id
  AND g.application_id = f.application_id AND g.attempt_id = f.attempt_id AND g.sql_id = f.sql_id
LEFT JOIN huge_records AS r
  ON r.platform = f.platform AND r.cluster_id = f.cluster_id
  AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id AND r.job_id = f.job_id
LEFT JOIN job_tails AS d
  ON d.platform = f.platform AND d.cluster_id = f.cluster_id
  AND d.application_id = f.application_id AND d.attempt_id = f.attempt_id AND d.job_id = f.job_id
WHERE NOT a.is_interactive OR f.lost_core_ms >= $min_trial_ms
  OR (f.lost_core_ms >= $min_short_trial_ms AND f.lost_core_ms >= $min_trial_share * a.total_task_time_ms)
WINDOW alike AS (PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.root_cause)
