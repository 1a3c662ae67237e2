-- id: failed_tasks
-- title: Tasks fail and are run again
-- category: reliability
-- severity: medium
-- version: 17
-- description: Fires for a stage that succeeded although more than a handful of its task attempts failed of their
--   own accord. Lost is the time of those attempts. Attempts that went with their executor or its shuffle data
--   are what lost_executors counts, those of a job that failed what failed_jobs does; killed attempts (losers of
--   speculation, cancelled jobs) are no failures. Without rows of tasks the time of all attempts less that of
--   the successful ones is taken, split by their number where some were killed. What cost less than a second in all is not told. What fails in
--   many of the tasks, or for what a machine lacks, meets the next run too: it is told, as low, however small its share of the application is. Where all failed in one executor or on one host that Spark then excluded until the end, the core time that it held from then on is shown (once), and makes it medium
--   where it is a large share; it is not lost here, as other findings count idle cores. Where Spark excluded an executor for failures that were not its own (view excluded_executors: others failed as well, a service refused a call, or
--   one or two tasks failed in an executor that did others), the core time that it held from then on while jobs ran is lost with the attempts, however few they are. Two or three executors are named where no other one failed, at least as many did the same work, and these hardly had a task that succeeded.
-- subject: stage
-- group_by: stage_name
-- parameter: min_failed_ratio double = 0.01 [ratio] failed attempts over planned tasks, at least
-- parameter: min_failed_tasks bigint = 2 [count] failed attempts, at least
-- parameter: min_lost_ms bigint = 30000 [ms] time of failed attempts, at least
-- parameter: many_failed_ratio double = 0.1 [ratio] failed attempts over planned tasks from which their time does not matter
-- parameter: many_failed_tasks bigint = 3 [count] and their number
-- parameter: min_many_ms bigint = 1000 [ms] time of so many failed attempts, at least: milliseconds are nothing that retries cost
-- parameter: min_told_share double = 0.005 [ratio] share of the application below which findings are not told as a rule
-- parameter: large_share double = 0.2 [ratio] what stages of one name lost over the core time of the application from which it is of medium severity
-- parameter: min_large_ms double = 10000 [ms] and what they lost, at least
-- parameter: min_excluded_ms double = 5000 [core_ms] core time of executors that were excluded for failures that were not theirs from which they are told
-- parameter: min_excluded_share double = 0.05 [ratio] and the same over the core time of the application
-- parameter: enough_heap_per_core bigint = 4294967296 [bytes] heap of a core from which fewer tasks at once come before more memory, as in gc_pressure
-- evidence: {num_failed:attempt|attempts} failed in a stage of {num_tasks:task|tasks} and cost {attempts_ms:s} of task time[, all of
--   them on {bad_host}][, all of them in executor {bad_executor}][, all of them on executors {bad_executors}, while {num_others:other executor|other executors} did the same work][; Spark then excluded it, and its cores stood idle for {excluded_ms:s} to the end, {excluded_core_ms:s} of core time][: {root_cause}][. For {few_failures:failed task|failed tasks} Spark
--   excluded {few_executors} of {num_workers:executor|executors} {few_scope}, without a task for {few_ms:s} while jobs ran: {few_core_ms:s} of core time, {few_share:pct} of the application][ ({limits})].
-- advice: few_ms IS NOT NULL AND is_strict AND few_kind = 'application' AND spark_minor >= 301 | spark.excludeOnFailure.application.maxFailedTasksPerExecutor | '2' | {few_why} Set the thresholds of spark.excludeOnFailure that are lower than their default back
--   to it (2 failed tasks of an executor in a stage, 2 in all), or switch exclusion off{retry_text}.
-- advice: few_ms IS NOT NULL AND is_strict AND few_kind = 'stage' AND spark_minor >= 301 | spark.excludeOnFailure.stage.maxFailedTasksPerExecutor | '2' | {few_why} Set the thresholds of spark.excludeOnFailure that are lower than their default back
--   to it (2 failed tasks of an executor in a stage, 2 in all), or switch exclusion off{retry_text}.
-- advice: few_ms IS NOT NULL AND few_kind = 'application' AND spark_minor >= 301 | - | - | {few_why} Raise the thresholds of spark.excludeOnFailure, shorten spark.excludeOnFailure.timeout, after which an executor
--   gets tasks again, or switch exclusion off{retry_text}.
-- advice: few_ms IS NOT NULL AND few_kind = 'stage' AND spark_minor >= 301 | - | - | {few_why} Raise spark.excludeOnFailure.stage.maxFailedTasksPerExecutor, or switch exclusion off{retry_text}.
-- advice: few_ms IS NOT NULL | - | - | {few_why} Raise the thresholds of spark.blacklist (maxFailedTasksPerExecutor of stage and application), shorten spark.blacklist.timeout, or switch it off{retry_text}.
-- advice: cause = 'gpu_memory' | - | - | The GPU ran out of memory: run fewer tasks on it at once (spark.rapids.sql.concurrentGpuTasks), read smaller
--   splits (spark.sql.files.maxPartitionBytes), and see how much of its memory Spark may take
--   (spark.rapids.memory.gpu.allocFraction).
-- advice: cause = 'heap' AND gathers | - | - | The query gathers all values of a key in one row (collect_list, collect_set), which has to fit into the memory of
--   one task: keep what is needed of them (max_by, a limit for each key, an aggregate), or take the key that has most of them out. More
--   memory only moves the limit.
-- advice: cause = 'heap' AND is_local | - | - | Tasks ran out of heap: give the driver, which runs the tasks in local mode, more
--   memory, or make partitions smaller.
-- advice: cause = 'heap' AND NOT is_databricks AND NOT is_roomy AND memory_doubled_gib <= 31 | spark.executor.memory |
--   CONCAT(CAST(memory_doubled_gib AS STRING), 'g') | Tasks ran out of heap: give executors more memory for each core, or
--   make partitions smaller.
-- advice: cause = 'heap' AND executor_cores > 1 AND NOT is_databricks AND has_all_cores | - | - | Tasks ran out of heap: make partitions smaller, or, where they cannot be, run
--   fewer of them at once in an executor, which has all {executor_cores:int} cores of its worker (spark.executor.cores={cores_halved:int} on the same memory).
-- advice: cause = 'heap' AND executor_cores > 1 AND NOT is_databricks | spark.executor.cores |
--   TRY_CAST(CEIL(executor_cores / 2e0) AS BIGINT) | Tasks ran out of heap: make partitions smaller, or, where they
--   cannot be, run fewer of them at once in an executor.
-- advice: cause = 'heap' | - | - | Tasks ran out of heap: choose more memory for each core, or make partitions smaller.
-- advice: cause IN ('network', 'shuffle_files') AND (is_databricks OR has_no_service) | - | - | Shuffle data could not be fetched although its executor lived: look at the network and the disks of its host.
-- advice: cause IN ('network', 'shuffle_files') | - | - | Shuffle data could not be fetched although its executor lived: look at the network, the shuffle
--   service and the disks of its host.
-- advice: cause = 'python_version' | - | - | The Python of the driver and that of the workers differ[ on {bad_host}]: install the same minor version on all machines, and set
--   PYSPARK_PYTHON (for the workers) and PYSPARK_DRIVER_PYTHON to it.
-- advice: cause = 'python_memory' AND is_local | - | - | Python or native code got no more memory from the machine of the driver, which runs the tasks in local mode: run fewer
--   at once (fewer cores in local mode), give the JVM less heap (spark.driver.memory), or make partitions smaller.
-- advice: cause = 'python_memory' AND NOT is_local AND pyspark_mib > 0 | spark.executor.pyspark.memory | CONCAT(CAST(2 * pyspark_mib AS STRING), 'm') | This setting limits the Python workers of an executor, each to an
--   equal part: raise it (the container has to hold it beside the heap), or make partitions or blocks smaller.
-- advice: cause = 'python_memory' | - | - | Python or native code got no memory outside of the heap: make partitions or blocks smaller[, which also gives {idle_slots:task slot|task slots} without a
--   task something to do], and leave more of the machine's memory to Python ({room}). Only where they cannot be smaller, run fewer tasks at once on it (spark.task.cpus={cpus_doubled:int})[: the
--   {num_tasks:task|tasks} then take {rounds_doubled:round|rounds} instead of {rounds:int}].
-- advice: cause = 'python_crash' AND bad_host IS NULL AND bad_executor IS NULL | spark.python.worker.faulthandler.enabled | 'true' | Python workers died without an exception: killed for their memory as a rule, or crashed in
--   native code. Make partitions smaller and leave Python more memory ({room}), or run fewer tasks at once; this setting makes a crash tell its stack.
-- advice: cause = 'dependency' AND COALESCE(bad_host, bad_executor) IS NOT NULL | - | - | Only there a library is missing: install it, or ship it with the application (spark.jars,
--   --py-files, --archives).
-- advice: cause = 'rate_limit' | - | - | A service that the tasks call limits the rate of requests: retry inside the function with growing pauses (or open a new session, if the limit is per session), so that a rejected call does
--   not fail its task; send fewer or larger requests, run fewer tasks at once, and use smaller partitions, so that a retry repeats less work.
-- advice: cause = 'service' | - | - | A database or service that the tasks call did not answer, or failed itself (an HTTP status of 500 or more): check it, its address and the network from the executors, and call it from fewer
--   tasks at once, with a timeout and retries.
-- advice: cause = 'throttled' | - | - | The store asked to slow down, and the retries repeated what the tasks had done: read and write fewer and larger files, over more prefixes, with fewer tasks at once, and let
--   the client of the store try again by itself (fs.s3a.retry.throttle.limit, fs.s3a.attempts.maximum).
-- advice: cause = 'direct_memory' | - | - | Buffers outside of the heap were full: give them more room (-XX:MaxDirectMemorySize in spark.executor.extraJavaOptions, within the memory
--   overhead), or fetch less at once (spark.reducer.maxSizeInFlight).
-- advice: cause = 'threads' | - | - | The system gave no more threads: raise its limit of processes for the user (ulimit -u, the pids limit of the container), or
--   run fewer tasks at once. More heap does not help.
-- advice: cause = 'missing' | - | - | Files that the tasks read were replaced or removed meanwhile: write to new paths or use a table format, and refresh the table.
-- advice: cause = 'blocks' | - | - | No DataNode gave a block of HDFS at first: look at the health of the DataNodes and at missing replicas (hdfs fsck).
-- advice: cause = 'credentials' | - | - | Some of them had no credentials, or they had expired: give the executors a role or a key that is good for as long as the job runs, and
--   renew tokens of long ones.
-- advice: cause = 'timeout' | - | - | The driver or an executor did not answer in time: look for long garbage collection there, a driver that does too much, a cut network. Give it more memory or
--   less work before spark.network.timeout is raised.
-- advice: cause = 'local_path' AND NOT is_local AND bad_host IS NULL AND bad_executor IS NULL AND bad_executors IS NULL | - | - | The output path is on local disks (file:), and the executors could not make the folder there: write to storage that the driver and all executors reach under the same path,
--   where the user that runs Spark may write.
-- advice: cause = 'disk' AND COALESCE(bad_host, bad_executor) IS NOT NULL | - | - | Only there the local disk is full: clear or replace it.
-- advice: cause = 'disk' | - | - | The local disks are full: use larger ones, or spill and shuffle less.
-- advice: bad_host IS NOT NULL AND spark_minor >= 301 | spark.excludeOnFailure.enabled | 'true' | All of them failed on one host, while
--   others did the same work: have Spark avoid a host after some failures, and look at that one.
-- advice: bad_host IS NOT NULL AND spark_minor < 301 | spark.blacklist.enabled | 'true' | All of them failed on one host, while others did the same work:
--   have Spark avoid a host after some failures, and look at that one.
-- advice: bad_executor IS NOT NULL AND excluded_ms IS NOT NULL | - | - | All of them failed in one executor, while others did the same work: mend what only it lacks (its machine, a disk, a mount, a library), or let the cluster manager start another one in its
--   place (spark.excludeOnFailure.killExcludedExecutors): one that is excluded keeps its cores and gets no task for spark.excludeOnFailure.timeout.
-- advice: bad_executor IS NOT NULL AND spark_minor >= 301 AND NOT has_exclusion | - | - | All of them failed in one executor, while others did the same work: look at its machine and its
--   log, and at what only it had (a disk, a mount, a library). With spark.excludeOnFailure.enabled=true Spark gives it no more tasks after some failures, so that none fails too often and ends the job.
-- advice: bad_executor IS NOT NULL | - | - | All of them failed in one executor, while others did the same work: look at its machine and its
--   log, and at what only it had (a disk, a mount, a library).
-- advice: bad_executors IS NOT NULL | - | - | Only the executors {bad_executors} failed: look at their logs and at what only they have (their machine, a disk, a mount, a library, the environment that they started with), and
--   compare it with the others.
-- recommendation: Find the cause in the error of the failed tasks and fix it; retries only hide it.
WITH failing AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
  FROM stage_facts
  WHERE num_failed_tasks > 0 AND status = 'COMPLETE'
),
attempts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    SUM(CASE WHEN is_own THEN 1 ELSE 0 END) AS num_failed,
    SUM(CASE WHEN is_own THEN CAST(duration AS DOUBLE) ELSE 0e0 END) AS failed_ms,
    MIN(CASE WHEN is_own THEN host END) AS first_host, MAX(CASE WHEN is_own THEN host END) AS last_host,
    COUNT(DISTINCT host) AS num_hosts,
    MIN(CASE WHEN is_own THEN executor_id END) AS first_executor, MAX(CASE WHEN is_own THEN executor_id END) AS last_executor,
    COUNT(DISTINCT executor_id) AS num_executors
  FROM (
    SELECT
      t.*,
      status = 'FAILED' AND COALESCE(end_reason NOT IN ('ExecutorLostFailure', 'FetchFailed', 'Resubmitted'), TRUE) AS is_own
    FROM tasks AS t
    INNER JOIN failing AS f
      ON f.platform = t.platform AND f.cluster_id = t.cluster_id
      AND f.application_id = t.application_id AND f.attempt_id = t.attempt_id
      AND f.stage_id = t.stage_id AND f.stage_attempt_id = t.stage_attempt_id
  ) AS t
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
-- A few executors in which all failed, where others did the same work.
few AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT CASE WHEN num_failed > 0 THEN executor_id END)), ', ') AS bad_executors,
    SUM(CASE WHEN num_failed = 0 AND num_done > 0 THEN 1 ELSE 0 END) AS num_others
  FROM (
    SELECT
      t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.executor_id,
      SUM(CASE WHEN t.status = 'FAILED' AND COALESCE(t.end_reason NOT IN ('ExecutorLostFailure', 'FetchFailed', 'Resubmitted'), TRUE) THEN 1 ELSE 0 END) AS num_failed,
      SUM(CASE WHEN t.status = 'SUCCESS' THEN 1 ELSE 0 END) AS num_done
    FROM tasks AS t
    INNER JOIN failing AS f
      ON f.platform = t.platform AND f.cluster_id = t.cluster_id
      AND f.application_id = t.application_id AND f.attempt_id = t.attempt_id
      AND f.stage_id = t.stage_id AND f.stage_attempt_id = t.stage_attempt_id
    GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.executor_id
  ) AS e
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
  HAVING SUM(CASE WHEN num_failed > 0 THEN 1 ELSE 0 END) BETWEEN 2 AND 3 AND MIN(CASE WHEN num_failed > 0 THEN num_failed END) >= 2
    AND SUM(CASE WHEN num_failed > 0 THEN num_done ELSE 0 END) < SUM(num_failed)
    AND SUM(CASE WHEN num_failed = 0 AND num_done > 0 THEN 1 ELSE 0 END) >= SUM(CASE WHEN num_failed > 0 THEN 1 ELSE 0 END)
    AND SUM(CASE WHEN num_failed = 0 THEN num_done ELSE 0 END) >= SUM(num_failed)
),
-- Executors that Spark gave no more tasks: what they held after their last one.
excluded AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id, SPLIT_PART(e.host_port, ':', 1) AS host,
    MAX(CAST(e.total_cores AS DOUBLE)) AS cores, MAX(UNIX_MILLIS(e.add_time) + e.lifetime_ms) - MAX(UNIX_MILLIS(t.launch_time) + t.duration) AS idle_ms
  FROM executors AS e
  INNER JOIN tasks AS t
    ON t.platform = e.platform AND t.cluster_id = e.cluster_id
    AND t.application_id = e.application_id AND t.attempt_id = e.attempt_id AND t.executor_id = e.executor_id
  WHERE e.is_excluded
  GROUP BY e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id, SPLIT_PART(e.host_port, ':', 1)
),
excluded_hosts AS (
  SELECT platform, cluster_id, application_id, attempt_id, host, MAX(idle_ms) AS idle_ms, SUM(idle_ms * cores) AS core_ms
  FROM excluded
  WHERE idle_ms > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, host
),
-- Executors that Spark excluded for failures that were not theirs, by the stage that led to it.
spared AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, subject_id, MIN(kind) AS kind, COUNT(*) AS num_spared, SUM(num_failed) AS num_failed,
    CASE WHEN COUNT(*) <= 3 THEN CONCAT(CASE WHEN COUNT(*) = 1 THEN 'executor ' ELSE 'the executors ' END, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT executor_id)), ', '))
      ELSE CAST(COUNT(*) AS STRING) END AS executors,
    MAX(CASE WHEN others_failed THEN 1 ELSE 0 END) = 1 AS others_failed, MAX(idle_ms) AS idle_ms, SUM(core_ms) AS core_ms, SUM(wall_ms) AS wall_ms
  FROM excluded_executors
  GROUP BY platform, cluster_id, application_id, attempt_id, subject_id
),
limits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COALESCE(MIN(CASE WHEN key LIKE '%.maxFailedTasksPerExecutor' THEN TRY_CAST(value AS BIGINT) END) < 2, FALSE) AS is_strict,
    ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CONCAT(key, '=', value))), ', ') AS limits
  FROM spark_settings
  WHERE key IN (
    'spark.excludeOnFailure.stage.maxFailedTasksPerExecutor', 'spark.excludeOnFailure.application.maxFailedTasksPerExecutor', 'spark.excludeOnFailure.timeout',
    'spark.blacklist.stage.maxFailedTasksPerExecutor', 'spark.blacklist.application.maxFailedTasksPerExecutor', 'spark.blacklist.timeout'
  )
  GROUP BY platform, cluster_id, application_id, attempt_id
),
counted AS (
  SELECT
    f.*,
    COALESCE(t.num_failed, f.num_failed_tasks) AS num_failed,
    TRY_CAST(COALESCE(t.failed_ms, ROUND(
      GREATEST(f.attempts_time - f.duration_total, 0)
        * (CAST(f.num_failed_tasks AS DOUBLE) / GREATEST(f.num_failed_tasks + f.num_killed_tasks, 1))
    )) AS BIGINT) AS lost_core_ms,
    COALESCE(c.cause, 'program') AS cause, COALESCE(c.root_cause, TRIM(SPLIT_PART(f.reason, CHR(10), 1))) AS root_cause,
    CASE WHEN t.first_host = t.last_host AND t.num_hosts > 1 AND t.num_failed >= 3 THEN t.first_host END AS bad_host,
    CASE WHEN t.first_executor = t.last_executor AND t.num_executors > 1 AND t.num_failed >= 3
      AND NOT (t.first_host = t.last_host AND t.num_hosts > 1) THEN t.first_executor END AS bad_executor,
    CASE WHEN NOT (t.first_host = t.last_host AND t.num_hosts > 1) THEN w.bad_executors END AS bad_executors, w.num_others,
    t.platform IS NOT NULL AS has_tasks
  FROM stage_facts AS f
  LEFT JOIN few AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id
    AND w.stage_id = f.stage_id AND w.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN attempts AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id
    AND t.stage_id = f.stage_id AND t.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN failure_causes AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id AND c.kind = 'stage' AND c.subject_id = f.subject_id
  WHERE f.num_failed_tasks > 0 AND f.status = 'COMPLETE'
),
-- One of the stages that failed in an executor or on a host tells what it held afterwards.
first_bad AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, bad_executor AS in_executor, bad_host AS on_host, MIN(subject_id) AS subject_id
  FROM counted
  WHERE bad_executor IS NOT NULL OR bad_host IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, bad_executor, bad_host
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id,
  CASE
    WHEN j.is_spared THEN CAST(NULL AS STRING)
    WHEN COALESCE(o.idle_ms * o.cores, h.core_ms) >= GREATEST($min_large_ms, $large_share * a.core_time_ms) AND lost_core_ms < $min_lost_ms THEN 'medium'
    -- Seconds are much of a short run.
    WHEN lost_core_ms < $min_lost_ms AND a.core_time_ms > 0 AND COALESCE(SUM(CAST(lost_core_ms AS DOUBLE)) OVER named >= GREATEST(
      $min_large_ms, $large_share * GREATEST(a.core_time_ms, a.total_task_time_ms)), FALSE) THEN 'medium'
    WHEN lost_core_ms < $min_lost_ms THEN 'low'
    -- Below the share from which findings are told, with all stages of the name; a larger loss must not say less than a small one.
    WHEN ((num_failed >= $many_failed_tasks AND num_failed >= $many_failed_ratio * num_tasks) OR cause IN ('python_version', 'dependency'))
      AND GREATEST(
        SUM(LEAST(CAST(lost_core_ms AS DOUBLE) / NULLIF(task_slots, 0), duration_ms)) OVER named / NULLIF(CAST(a.app_duration_ms AS DOUBLE), 0e0),
        SUM(CAST(lost_core_ms AS DOUBLE)) OVER named / NULLIF(CAST(GREATEST(a.core_time_ms, a.total_task_time_ms) AS DOUBLE), 0e0)
      ) < $min_told_share THEN 'low'
  END AS severity,
  CASE WHEN num_killed_tasks > 0 AND NOT has_tasks THEN 'medium' ELSE 'high' END AS confidence,
  TRY_CAST(lost_core_ms + CASE WHEN j.is_spared THEN j.spared_core_ms ELSE 0e0 END AS BIGINT) AS lost_core_ms,
  TRY_CAST(GREATEST(LEAST(CAST(lost_core_ms AS DOUBLE) / NULLIF(task_slots, 0), duration_ms), CASE WHEN j.is_spared THEN j.spared_wall_ms END) AS BIGINT) AS recoverable_ms,
  CASE WHEN j.is_spared THEN 'Spark excluded executors for failures that say little about them' END AS title,
  CASE WHEN j.is_spared THEN j.spared_failed END AS few_failures, CASE WHEN j.is_spared THEN j.spared_executors END AS few_executors, j.num_workers,
  CASE WHEN j.is_spared THEN j.spared_idle_ms END AS few_ms, CASE WHEN j.is_spared THEN TRY_CAST(j.spared_core_ms AS BIGINT) END AS few_core_ms,
  CASE WHEN j.is_spared THEN j.spared_core_ms / NULLIF(CAST(j.app_core_ms AS DOUBLE), 0e0) END AS few_share, j.spared_kind AS few_kind,
  CASE WHEN j.spared_kind = 'stage' THEN 'from the rest of the stage' ELSE 'until the end' END AS few_scope,
  CASE WHEN j.is_spared THEN j.limits END AS limits, j.is_strict,
  CASE
    WHEN cause IN ('service', 'rate_limit', 'throttled') THEN 'The tasks failed because a service that they call refused, not because of the executor.'
    WHEN j.spared_others_failed THEN 'Tasks of other executors failed in that stage as well: the failures are no fault of this executor.'
    ELSE 'It did other tasks: so few failures say nothing of an executor.'
  END AS few_why,
  CASE WHEN cause IN ('service', 'rate_limit', 'throttled') THEN ', and call the service again inside the function with growing pauses, so that a refused call does not fail its task' ELSE '' END AS retry_text,
  TRY_CAST(lost_core_ms AS BIGINT) AS attempts_ms, stage_name, cause, num_failed, num_killed_tasks, num_tasks, attempts_time, duration_total,
  REGEXP_REPLACE(SUBSTR(root_cause, 1, 250), '[. ]+$', '') AS root_cause, bad_host, bad_executor,
  bad_executors, CASE WHEN bad_executors IS NOT NULL THEN num_others END AS num_others,
  -- Smaller blocks are more of them.
  CASE WHEN NOT j.is_local THEN NULLIF(GREATEST(j.stage_slots - num_tasks, 0), 0) END AS idle_slots,
  2 * GREATEST(COALESCE(j.task_cpus, 1), 1) AS cpus_doubled,
  TRY_CAST(CEIL(CAST(num_tasks AS DOUBLE) / NULLIF(j.stage_slots, 0)) AS BIGINT) AS rounds,
  -- An executor that has no room for such a task runs none.
  TRY_CAST(CEIL(CAST(num_tasks AS DOUBLE) / NULLIF(
    j.stage_slots * FLOOR(0.5e0 * j.executor_cores / NULLIF(GREATEST(COALESCE(j.task_cpus, 1), 1), 0))
      / NULLIF(FLOOR(1e0 * j.executor_cores / NULLIF(GREATEST(COALESCE(j.task_cpus, 1), 1), 0)), 0e0), 0e0)) AS BIGINT) AS rounds_doubled,
  j.is_local, COALESCE(j.is_databricks, FALSE) AS is_databricks, j.spark_minor, j.executor_cores, COALESCE(j.task_cpus, 1) AS task_cpus, TRY_CAST(CEIL(a.pyspark_memory_bytes / 1048576e0) AS BIGINT) AS pyspark_mib,
  CASE
    WHEN j.is_local THEN 'less heap, spark.driver.memory'
    WHEN COALESCE(j.is_databricks, FALSE) THEN 'machines with more memory for each core'
    WHEN master LIKE 'yarn%' OR master LIKE 'k8s%' OR COALESCE(a.is_serverless, FALSE) THEN 'spark.executor.memoryOverhead or spark.executor.pyspark.memory up, or a smaller heap'
    ELSE 'a smaller heap, spark.executor.memory'
  END AS room,
  TRY_CAST(CEIL(j.executor_cores / 2e0) AS BIGINT) AS cores_halved,
  x.platform IS NOT NULL AS has_exclusion,
  CASE WHEN NOT j.is_spared AND (o.idle_ms >= 1000 OR h.idle_ms >= 1000) THEN COALESCE(o.idle_ms, h.idle_ms) END AS excluded_ms,
  CASE WHEN NOT j.is_spared AND (o.idle_ms >= 1000 OR h.idle_ms >= 1000) THEN TRY_CAST(COALESCE(o.idle_ms * o.cores, h.core_ms) AS BIGINT) END AS excluded_core_ms,
  COALESCE((a.master LIKE 'spark:%' OR a.master LIKE 'mesos:%') AND k.platform IS NULL, FALSE) AS has_all_cores, COALESCE(a.master LIKE 'k8s%' OR a.is_serverless, FALSE) AS has_no_service,
  COALESCE(j.executor_cores > 1 AND j.executor_memory_bytes >= CAST($enough_heap_per_core AS DOUBLE) * j.executor_cores, FALSE) AND NOT COALESCE(a.is_serverless, FALSE) AS is_roomy,
  TRY_CAST(CEIL(j.executor_memory_bytes / 536870912e0) AS BIGINT) AS memory_doubled_gib, g.platform IS NOT NULL AS gathers
FROM (
  SELECT
    c.*, s.kind AS spared_kind, s.num_failed AS spared_failed, s.executors AS spared_executors, s.others_failed AS spared_others_failed, s.idle_ms AS spared_idle_ms, s.core_ms AS spared_core_ms, s.wall_ms AS spared_wall_ms,
    COALESCE(s.core_ms >= $min_excluded_ms AND s.core_ms >= $min_excluded_share * b.core_time_ms, FALSE) AS is_spared,
    b.core_time_ms AS app_core_ms, b.num_workers, l.limits, COALESCE(l.is_strict, FALSE) AS is_strict
  FROM counted AS c
  LEFT JOIN spared AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id AND s.subject_id = c.subject_id
  LEFT JOIN limits AS l
    ON l.platform = c.platform AND l.cluster_id = c.cluster_id
    AND l.application_id = c.application_id AND l.attempt_id = c.attempt_id
  LEFT JOIN (SELECT platform, cluster_id, application_id, attempt_id, core_time_ms, num_workers FROM application_facts) AS b
    ON b.platform = c.platform AND b.cluster_id = c.cluster_id
    AND b.application_id = c.application_id AND b.attempt_id = c.attempt_id
) AS j
LEFT JOIN (SELECT platform, cluster_id, application_id, attempt_id, master, is_serverless, app_duration_ms, core_time_ms, total_task_time_ms, pyspark_memory_bytes FROM application_facts) AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
LEFT JOIN (
  -- Where it is not set, an executor of a standalone cluster has all cores of its worker.
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM spark_settings WHERE key = 'spark.executor.cores'
) AS k
  ON k.platform = j.platform AND k.cluster_id = j.cluster_id
  AND k.application_id = j.application_id AND k.attempt_id = j.attempt_id
LEFT JOIN (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM spark_settings WHERE key LIKE 'spark.excludeOnFailure%enabled' AND LOWER(value) = 'true'
) AS x
  ON x.platform = j.platform AND x.cluster_id = j.cluster_id
  AND x.application_id = j.application_id AND x.attempt_id = j.attempt_id
LEFT JOIN first_bad AS b
  ON b.platform = j.platform AND b.cluster_id = j.cluster_id
  AND b.application_id = j.application_id AND b.attempt_id = j.attempt_id AND b.subject_id = j.subject_id
LEFT JOIN excluded AS o
  ON o.platform = b.platform AND o.cluster_id = b.cluster_id
  AND o.application_id = b.application_id AND o.attempt_id = b.attempt_id AND o.executor_id = b.in_executor AND o.idle_ms > 0
LEFT JOIN excluded_hosts AS h
  ON h.platform = b.platform AND h.cluster_id = b.cluster_id
  AND h.application_id = b.application_id AND h.attempt_id = b.attempt_id AND h.host = b.on_host
LEFT JOIN gathering_queries AS g
  ON g.platform = j.platform AND g.cluster_id = j.cluster_id
  AND g.application_id = j.application_id AND g.attempt_id = j.attempt_id AND g.sql_id = j.sql_id
WHERE j.is_spared
  OR (num_failed >= $min_failed_tasks AND num_failed >= $min_failed_ratio * num_tasks
    AND (lost_core_ms >= $min_lost_ms OR (num_failed >= $many_failed_tasks AND num_failed >= $many_failed_ratio * num_tasks AND lost_core_ms >= $min_many_ms)
      -- What is missing on a machine meets the next run too, however soon the tasks failed.
      OR cause IN ('python_version', 'dependency')))
WINDOW named AS (PARTITION BY j.platform, j.cluster_id, j.application_id, j.attempt_id, stage_name)
