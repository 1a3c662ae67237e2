-- id: unserved_jobs
-- title: Applications whose jobs waited for executors that never registered
-- description: One row per application attempt of a cluster that has a job with tasks, and no executor and no task from its first event to its last: its first job with tasks, how
--   long it waited (wait_ms), what ended the wait (ended), and what an executor asks for: memory of its heap, which is Spark's default of 1 GiB where nothing sets it, and
--   cores where they are set. Local mode, Databricks, histories that were compacted or lost events, and applications whose
--   settings are not known are left out.
-- reads: application_facts, applications, executors, jobs, spark_settings, stages
WITH asked AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(CASE WHEN key = 'spark.executor.cores' THEN TRY_CAST(value AS BIGINT) END) AS asked_cores
  FROM spark_settings
  WHERE key = 'spark.executor.cores'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
workers AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
),
served AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM stages
  WHERE num_complete_tasks > 0 OR num_active_tasks > 0 OR num_failed_tasks > 0 OR first_task_launched_time IS NOT NULL
),
waiting AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, j.status, j.failure_reason,
    UNIX_MILLIS(j.submission_time) AS begin_ms, UNIX_MILLIS(j.completion_time) AS end_ms,
    ROW_NUMBER() OVER (PARTITION BY j.platform, j.cluster_id, j.application_id, j.attempt_id ORDER BY j.job_id) AS place
  FROM jobs AS j
  WHERE j.num_tasks > 0 AND j.submission_time IS NOT NULL AND j.status <> 'SUCCEEDED'
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, w.job_id,
  COALESCE(w.end_ms, UNIX_MILLIS(p.start_time) + a.app_duration_ms) - w.begin_ms AS wait_ms,
  CASE
    WHEN w.failure_reason LIKE '%SparkContext was shut down%' THEN 'until the application was stopped'
    WHEN w.failure_reason LIKE '%cancel%' OR w.failure_reason LIKE '%CANCEL%' THEN 'until it was canceled'
    WHEN w.end_ms IS NULL THEN 'until the history ends'
    ELSE 'until it failed'
  END AS ended,
  COALESCE(CAST(a.executor_memory_bytes AS DOUBLE), 1073741824e0) AS asked_bytes, s.asked_cores,
  COALESCE(p.num_executors_unregistered, 0) AS unregistered
FROM application_facts AS a
INNER JOIN applications AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
INNER JOIN waiting AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id AND w.place = 1
LEFT JOIN workers AS e
  ON e.platform = a.platform AND e.cluster_id = a.cluster_id
  AND e.application_id = a.application_id AND e.attempt_id = a.attempt_id
LEFT JOIN served AS d
  ON d.platform = a.platform AND d.cluster_id = a.cluster_id
  AND d.application_id = a.application_id AND d.attempt_id = a.attempt_id
LEFT JOIN asked AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
WHERE e.platform IS NULL AND d.platform IS NULL AND a.master IS NOT NULL AND (a.master NOT LIKE 'local%' OR a.master LIKE 'local-cluster%')
  AND a.platform <> 'databricks' AND NOT COALESCE(a.is_databricks, FALSE) AND NOT COALESCE(a.lacks_jobs, FALSE) AND NOT COALESCE(a.lacks_tasks, FALSE)
  AND COALESCE(a.total_task_time_ms, 0) = 0 AND COALESCE(a.num_lost_events, 0) = 0 AND COALESCE(a.num_workers, 0) = 0
