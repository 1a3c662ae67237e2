-- id: cpu_contention
-- title: Tasks get only a part of the cores that they hold
-- category: resources
-- severity: low
-- version: 3
-- description: Fires where tasks that had nothing to wait for were on the processor for little of their run time, in stages that are
--   a good part of the application. Judged are stages of SQL that move no rows through Python, a GPU or functions of the user, join with no
--   broadcast that comes from another machine, keep no state, write no files, and scan at most files whose scan is timed. Collecting garbage, fetching and writing shuffle data, the
--   scans themselves, reading blocks of the own disk and spilling to it at slow rates are taken off. What is left is a task that is ready and does not run:
--   more tasks, of this application or of others, than the machine has cores, or a limit of the container. No loss is
--   counted, since the cores were not there; it is medium where it is most of the task time of the application on a cluster.
-- parameter: min_run_time_ms bigint = 60000 [ms] task time of the judged stages, at least
-- parameter: min_share double = 0.25 [ratio] the same over that of the application, at least
-- parameter: min_main_ms bigint = 30000 [ms] task time of the judged stages that are most of the application, at least
-- parameter: min_main_share double = 0.5 [ratio] which is this part of its task time, at least
-- parameter: min_main_ratio double = 0.6 [ratio] and time that nothing explains over it, at least
-- parameter: min_waiting_ratio double = 0.4 [ratio] time that nothing explains over the task time of these stages, at least
-- parameter: min_task_ms double = 200.0 [ms] run time of a task of a stage on average, at least: the first milliseconds load classes
-- parameter: bytes_per_ms double = 50000.0 [bytes_per_ms] bytes of cached and local shuffle blocks that a core reads in a millisecond, at least
-- parameter: spill_bytes_per_ms double = 5000.0 [bytes_per_ms] spilled bytes that a task writes or reads in a millisecond, at least, where many share a slow disk
-- parameter: medium_ms double = 600000 [ms] time that nothing explains from which it is medium
-- parameter: medium_share double = 0.5 [ratio] task time of the judged stages over that of the application, at least, for that
-- evidence: Tasks of {num_stages:stage|stages} of SQL queries used the CPU for {cpu_share:pct} of {run_ms:s} of run time; garbage collection,
--   shuffles, spills and scans explain {explained_ms:s}, nothing explains {waiting_ms:s}. That inflates task times, and the losses that other findings count from them.
-- advice: is_local | - | - | Other programs, or more threads than the machine has idle cores, share its processors with this application: measure on a
--   quiet machine, or ask for fewer threads (spark.master).
-- advice: master LIKE 'k8s%' AND limit_cores < executor_cores | spark.kubernetes.executor.limit.cores | CAST(executor_cores AS STRING) |
--   The container may use {limit_cores:1} cores for {executor_cores:core|cores} of tasks, and is stopped for the rest of each period: raise the limit, or run
--   fewer tasks at once.
-- advice: master LIKE 'k8s%' AND request_cores < executor_cores | spark.kubernetes.executor.request.cores | CAST(executor_cores AS STRING) |
--   The pod asks for {request_cores:1} cores and runs {executor_cores:task|tasks} at once, so that its node is filled with more than it can run: ask
--   for as many cores as there are tasks.
-- advice: master LIKE 'yarn%' | - | - | The nodes run more tasks than they have cores: have YARN count cores, not memory alone
--   (yarn.scheduler.capacity.resource-calculator = DominantResourceCalculator, yarn.nodemanager.resource.cpu-vcores no more than there are),
--   and look at the load of the nodes at that time.
-- recommendation: The machines run more threads than they have cores: compare the cores that workers offer with those that there are, and look at the load of the
--   machines at that time.
WITH waiting AS (
  -- Queries in which tasks can wait for something that no metric counts.
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, FALSE AS is_broadcast
  FROM user_functions
  UNION
  -- In local mode a broadcast is there already.
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, TRUE AS is_broadcast
  FROM sql_nodes
  WHERE node_name LIKE '%Broadcast%Join%'
  UNION
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, FALSE AS is_broadcast
  FROM sql_nodes
  WHERE node_name LIKE '%Map%' OR node_name LIKE 'AppendColumns%' OR node_name LIKE 'DeserializeToObject%' OR node_name LIKE 'SerializeFromObject%'
    OR node_name LIKE 'CoGroup%' OR node_name LIKE '%Python%' OR node_name LIKE '%Pandas%' OR node_name LIKE '%StateStore%' OR node_name LIKE 'Streaming%'
    OR node_name LIKE '%SaveIntoDataSource%' OR node_name LIKE '%ExistingRDD%' OR node_name LIKE '%ExternalRDD%'
    OR node_name LIKE '%JDBC%'
    -- Methods of Java that a query calls by name.
    OR description LIKE '%java_method(%' OR description LIKE '%reflect(%'
),
judged AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.total_task_time_ms,
    CAST(f.executor_run_time AS DOUBLE) AS run_ms, f.cpu_ms,
    COALESCE(f.gc_time, 0) + COALESCE(f.fetch_wait_ms, 0e0) + COALESCE(f.scan_ms, 0e0) + COALESCE(CAST(s.shuffle_write_time AS DOUBLE) / 1e6, 0e0)
      + (COALESCE(s.shuffle_local_bytes_read, 0) + CASE WHEN f.has_scan THEN 0 ELSE COALESCE(f.input_bytes, 0) END) / NULLIF($bytes_per_ms, 0e0)
      + 2e0 * COALESCE(f.disk_bytes_spilled, 0) / NULLIF($spill_bytes_per_ms, 0e0) AS explained_ms
  FROM stage_facts AS f
  INNER JOIN stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id
    AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN waiting AS u
    ON u.platform = f.platform AND u.cluster_id = f.cluster_id
    AND u.application_id = f.application_id AND u.attempt_id = f.attempt_id AND u.sql_id = f.sql_id
    AND NOT (u.is_broadcast AND COALESCE(f.is_local, FALSE))
  WHERE f.sql_id IS NOT NULL AND u.platform IS NULL AND NOT COALESCE(f.has_python, FALSE) AND NOT COALESCE(f.has_gpu, FALSE) AND NOT f.is_listing
    AND COALESCE(f.output_bytes, 0) = 0 AND f.cpu_ms > 0e0
    AND (NOT f.has_scan OR f.scan_ms > 0e0) AND f.succeeded_tasks > 0
    AND f.executor_run_time >= $min_task_ms * f.succeeded_tasks
),
totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, MAX(total_task_time_ms) AS total_task_time_ms, COUNT(*) AS num_stages,
    SUM(run_ms) AS run_ms, SUM(cpu_ms) AS cpu_ms, SUM(LEAST(explained_ms, GREATEST(run_ms - cpu_ms, 0e0))) AS explained_ms,
    SUM(GREATEST(run_ms - cpu_ms - explained_ms, 0e0)) AS waiting_ms
  FROM judged
  GROUP BY platform, cluster_id, application_id, attempt_id
),
requests AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.kubernetes.executor.limit.cores'
      THEN CASE WHEN value LIKE '%m' THEN TRY_CAST(REPLACE(value, 'm', '') AS DOUBLE) / 1e3 ELSE TRY_CAST(value AS DOUBLE) END END) AS limit_cores,
    MAX(CASE WHEN key = 'spark.kubernetes.executor.request.cores'
      THEN CASE WHEN value LIKE '%m' THEN TRY_CAST(REPLACE(value, 'm', '') AS DOUBLE) / 1e3 ELSE TRY_CAST(value AS DOUBLE) END END) AS request_cores
  FROM spark_settings
  WHERE key IN ('spark.kubernetes.executor.limit.cores', 'spark.kubernetes.executor.request.cores')
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, t.application_id AS subject_id,
  CASE WHEN NOT a.is_local AND t.waiting_ms >= $medium_ms AND t.run_ms >= $medium_share * t.total_task_time_ms THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  t.num_stages, t.run_ms, t.cpu_ms, t.cpu_ms / NULLIF(t.run_ms, 0e0) AS cpu_share, t.explained_ms, t.waiting_ms,
  a.is_local, COALESCE(a.master, '') AS master, a.executor_cores, r.limit_cores, r.request_cores
FROM totals AS t
INNER JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
LEFT JOIN requests AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id
WHERE (t.run_ms >= $min_run_time_ms AND t.run_ms >= $min_share * t.total_task_time_ms AND t.waiting_ms >= $min_waiting_ratio * t.run_ms)
  OR (t.run_ms >= $min_main_ms AND t.run_ms >= $min_main_share * t.total_task_time_ms AND t.waiting_ms >= $min_main_ratio * t.run_ms)
