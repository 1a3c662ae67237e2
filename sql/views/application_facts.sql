-- id: application_facts
-- title: Applications with their settings and executors, all that a rule needs to judge one
-- description: One row per application attempt. average_cores is the core time that was held over the
--   wall time; wall_ratio is the wall time of a millisecond of task time, at the application's own
--   average of tasks side by side while its jobs ran. An interactive application (shell, notebook, thrift server) waits for people, so its
--   idle time says little. lacks_jobs: a tenth of the numbers of jobs or more is missing from a history that is not complete, which was compacted (Spark drops what had ended from rolled logs) or
--   lost events: the time of such jobs is no time without work. lacks_tasks: a tenth of the tasks of completed stages or more is missing, because events were dropped or somebody
--   removed them: their cores were not idle.
-- reads: application_settings, applications, executors, jobs, stages
WITH workers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_workers,
    SUM(CASE WHEN total_tasks = 0 THEN 1 ELSE 0 END) AS num_never_used,
    MAX(peak_jvm_heap_memory) AS peak_heap_bytes,
    -- What lies outside of the heap: as the system counted it, else the JVM's own count of it.
    MAX(CASE WHEN peak_process_tree_jvm_rss_memory > 0 THEN peak_process_tree_jvm_rss_memory
      + COALESCE(peak_process_tree_python_rss_memory, 0) + COALESCE(peak_process_tree_other_rss_memory, 0)
    END) AS peak_rss_bytes,
    MAX(peak_process_tree_python_rss_memory) AS peak_python_rss_bytes,
    MAX(CASE WHEN peak_jvm_heap_memory > 0 THEN COALESCE(peak_jvm_off_heap_memory, 0)
      + COALESCE(peak_direct_pool_memory, 0) + COALESCE(peak_off_heap_unified_memory, 0) END) AS peak_off_heap_bytes,
    MAX(peak_on_heap_storage_memory) AS peak_storage_bytes,
    MAX(peak_on_heap_unified_memory) AS peak_unified_bytes,
    MAX(total_on_heap_storage_memory) AS unified_memory_bytes,
    MAX(total_cores) AS worker_cores
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- In local mode the driver runs the tasks.
drivers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN peak_jvm_heap_memory > 0 THEN peak_on_heap_storage_memory END) AS peak_storage_bytes,
    MAX(total_on_heap_storage_memory) AS unified_memory_bytes
  FROM executors
  WHERE executor_id IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
completed_stages AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(CAST(num_tasks AS DOUBLE)) AS all_tasks, SUM(CAST(num_complete_tasks AS DOUBLE)) AS done_tasks
  FROM stages
  WHERE status = 'COMPLETE'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
numbered_jobs AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(DISTINCT job_id) AS known_jobs, MAX(job_id) AS last_job_id
  FROM jobs
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Python gives a script without a name that of its shell; jobs of a shell or notebook are not called from a file.
scripts AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM jobs
  WHERE job_name LIKE '% at /%.py:%' AND job_name NOT LIKE '%ipykernel%' AND job_name NOT LIKE '%ipython%'
    AND job_name NOT LIKE '%-packages/%' AND job_name NOT LIKE '%/pyspark/%'
)
SELECT
  a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date,
  a.application_name, a.job_key, a.complete, a.completed, a.failure_reason,
  COALESCE(NOT a.complete AND j.known_jobs * 10 <= (j.last_job_id + 1) * 9, FALSE) AS lacks_jobs,
  COALESCE(a.num_lost_events > 0.1e0 * g.all_tasks, FALSE) OR COALESCE(a.total_task_time_ms = 0 AND g.all_tasks > 0e0, FALSE)
    OR COALESCE(a.num_tasks < 0.9e0 * g.done_tasks, FALSE) AS lacks_tasks,
  -- Until the last event where there is no end, as in every Databricks log; not known where it ends before it starts.
  CASE WHEN COALESCE(a.observed_duration_ms, a.duration_ms) > 0 THEN COALESCE(a.observed_duration_ms, a.duration_ms) END AS app_duration_ms,
  a.total_task_time_ms, a.core_time_ms, a.num_executors_max, a.cores_max,
  a.input_bytes AS app_input_bytes, a.num_jobs, a.num_sql,
  -- Of one executor's container; times without a job, and the time that tasks held cores.
  a.container_memory_bytes, a.container_memory_time_byte_ms, a.memory_time_byte_ms,
  a.memory_overhead_bytes, a.off_heap_memory_bytes, a.pyspark_memory_bytes,
  a.driver_only_time_ms, a.longest_gap_ms, a.longest_gap_start_time, a.first_task_delay_ms,
  a.cores_busy_time_ms, a.tasks_running_max, a.num_lost_events, a.num_failed_tasks,
  a.num_killed_tasks, a.driver_memory_bytes, a.master,
  COALESCE(a.executor_cores, w.worker_cores) AS executor_cores,
  CASE WHEN COALESCE(a.observed_duration_ms, a.duration_ms) > 0
    THEN CAST(a.core_time_ms AS DOUBLE) / COALESCE(a.observed_duration_ms, a.duration_ms)
  END AS average_cores,
  CASE WHEN COALESCE(a.observed_duration_ms, a.duration_ms) > 0
    THEN (COALESCE(a.observed_duration_ms, a.duration_ms) - COALESCE(a.driver_only_time_ms, 0))
      / GREATEST(CAST(a.total_task_time_ms AS DOUBLE), COALESCE(a.observed_duration_ms, a.duration_ms) - COALESCE(a.driver_only_time_ms, 0), 1e0)
  END AS wall_ratio,
  COALESCE(w.num_workers, 0) AS num_workers,
  COALESCE(w.num_never_used, 0) AS num_never_used,
  -- NULL where the log does not hold them, never 0.
  NULLIF(w.peak_heap_bytes, 0) AS peak_heap_bytes,
  w.peak_rss_bytes,
  CASE WHEN w.peak_rss_bytes IS NOT NULL THEN w.peak_python_rss_bytes END AS peak_python_rss_bytes,
  w.peak_off_heap_bytes,
  CASE WHEN w.num_workers IS NULL THEN d.peak_storage_bytes WHEN w.peak_heap_bytes > 0 THEN w.peak_storage_bytes END AS peak_storage_bytes,
  CASE WHEN w.peak_heap_bytes > 0 THEN w.peak_unified_bytes END AS peak_unified_bytes,
  NULLIF(CASE WHEN w.num_workers IS NULL THEN d.unified_memory_bytes ELSE w.unified_memory_bytes END, 0) AS unified_memory_bytes,
  -- By the name alone in rows of older releases.
  NOT (s.platform IS NOT NULL AND LOWER(a.application_name) = 'pyspark-shell') AND COALESCE(a.is_interactive, a.application_name IN (
    'Spark shell', 'PySparkShell', 'SparkR', 'Databricks Shell', 'Zeppelin', 'SparkSQL'
  ) OR LOWER(a.application_name) LIKE 'thrift%' OR LOWER(a.application_name) LIKE 'livy%'
    OR LOWER(a.application_name) LIKE '%jupyter%' OR LOWER(a.application_name) LIKE '%spark connect%')
    AS is_interactive,
  c.is_databricks, c.is_emr, c.is_serverless,
  c.spark_minor, c.has_settings, c.is_local OR w.num_workers IS NULL AS is_local,
  c.shuffle_partitions, c.default_parallelism, c.adaptive, c.coalesce_partitions, c.skew_join,
  c.advisory_bytes, c.skew_threshold_bytes, c.max_partition_bytes, c.broadcast_threshold_bytes,
  c.executor_memory_bytes, c.overhead_bytes, c.task_cpus, c.executor_instances,
  c.dynamic_allocation, c.min_executors, c.max_executors, c.can_allocate, c.speculation, c.has_gpu
FROM applications AS a
LEFT JOIN application_settings AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
LEFT JOIN workers AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN drivers AS d
  ON d.platform = a.platform AND d.cluster_id = a.cluster_id
  AND d.application_id = a.application_id AND d.attempt_id = a.attempt_id
LEFT JOIN numbered_jobs AS j
  ON j.platform = a.platform AND j.cluster_id = a.cluster_id
  AND j.application_id = a.application_id AND j.attempt_id = a.attempt_id
LEFT JOIN completed_stages AS g
  ON g.platform = a.platform AND g.cluster_id = a.cluster_id
  AND g.application_id = a.application_id AND g.attempt_id = a.attempt_id
LEFT JOIN scripts AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
