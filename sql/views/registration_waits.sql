-- id: registration_waits
-- title: Starts that waited the whole time for executors that did not come
-- description: One row per application whose scheduler waited at the start for a part of its executors (spark.scheduler.minRegisteredResourcesRatio of spark.cores.max on a standalone cluster, where there is no such
--   wait unless it is set; of the executors that it begins with on YARN and Kubernetes, where it is 0.8) in vain, that is until spark.scheduler.maxRegisteredResourcesWaitingTime had passed (30 s): fewer were registered by then, and no job came earlier.
--   unit says what is counted (cores, executors): num_asked of them are asked for, num_needed awaited, num_had were registered at the end of the wait, num_most at most ever. wait_ms is the time from the first executor to that end,
--   held_core_ms the core time that executors held meanwhile. is_told: slow_start tells it, and nothing else may tell this time as lost.
-- parameter: min_wait_ms bigint = 10000 [ms] time from the first executor to the end of the wait from which it is told
-- parameter: min_wait_ratio double = 0.2 [ratio] and the same over the wall time
-- reads: application_facts, applications, executors, jobs, spark_settings
WITH set_values AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.scheduler.minRegisteredResourcesRatio' THEN LEAST(TRY_CAST(value AS DOUBLE), 1e0) END) AS ratio,
    MAX(CASE WHEN key = 'spark.cores.max' THEN TRY_CAST(value AS DOUBLE) END) AS cores_limit,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.initialExecutors' THEN TRY_CAST(value AS DOUBLE) END) AS num_initial,
    MAX(CASE WHEN key = 'spark.scheduler.maxRegisteredResourcesWaitingTime' THEN TRY_CAST(REGEXP_REPLACE(LOWER(value), '[a-z]+$', '') AS DOUBLE)
      * CASE WHEN LOWER(value) LIKE '%ms' THEN 1e0 WHEN LOWER(value) LIKE '%s' THEN 1e3 WHEN LOWER(value) LIKE '%m' OR LOWER(value) LIKE '%min' THEN 6e4 WHEN LOWER(value) LIKE '%h' THEN 36e5 ELSE 1e0 END END) AS limit_ms
  FROM spark_settings
  WHERE key IN (
    'spark.scheduler.minRegisteredResourcesRatio', 'spark.cores.max', 'spark.dynamicAllocation.initialExecutors', 'spark.scheduler.maxRegisteredResourcesWaitingTime'
  )
  GROUP BY platform, cluster_id, application_id, attempt_id
),
drivers AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(UNIX_MILLIS(add_time)) AS driver_ms
  FROM executors
  WHERE executor_id IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
first_jobs AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(UNIX_MILLIS(submission_time)) AS first_job_ms
  FROM jobs
  GROUP BY platform, cluster_id, application_id, attempt_id
),
asking AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, a.app_duration_ms, j.first_job_ms,
    CASE WHEN a.master LIKE 'spark:%' OR a.master LIKE 'local-cluster%' THEN 'cores' ELSE 'executors' END AS unit,
    COALESCE(s.ratio, CASE WHEN a.master LIKE 'yarn%' OR a.master LIKE 'k8s%' THEN 0.8e0 END) AS ratio,
    CASE
      WHEN a.master LIKE 'spark:%' OR a.master LIKE 'local-cluster%' THEN s.cores_limit
      WHEN a.dynamic_allocation THEN GREATEST(COALESCE(s.num_initial, 0e0), CAST(COALESCE(a.min_executors, 0) AS DOUBLE), CAST(COALESCE(a.executor_instances, 0) AS DOUBLE))
      ELSE CAST(COALESCE(a.executor_instances, 2) AS DOUBLE)
    END AS num_asked,
    COALESCE(s.limit_ms, 3e4) AS limit_ms,
    -- The scheduler is made before the driver is there, and after the application began.
    UNIX_MILLIS(p.start_time) + CASE WHEN d.driver_ms - UNIX_MILLIS(p.start_time) BETWEEN 0 AND 3000 THEN d.driver_ms - UNIX_MILLIS(p.start_time) ELSE 0 END + COALESCE(s.limit_ms, 3e4) AS end_ms
  FROM application_facts AS a
  INNER JOIN applications AS p
    ON p.platform = a.platform AND p.cluster_id = a.cluster_id
    AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
  INNER JOIN first_jobs AS j
    ON j.platform = a.platform AND j.cluster_id = a.cluster_id
    AND j.application_id = a.application_id AND j.attempt_id = a.attempt_id
  LEFT JOIN drivers AS d
    ON d.platform = a.platform AND d.cluster_id = a.cluster_id
    AND d.application_id = a.application_id AND d.attempt_id = a.attempt_id
  LEFT JOIN set_values AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
  WHERE NOT a.is_local AND NOT COALESCE(a.is_databricks, FALSE) AND a.platform <> 'databricks' AND NOT COALESCE(a.lacks_jobs, FALSE) AND p.start_time IS NOT NULL
    AND (a.master LIKE 'spark:%' OR a.master LIKE 'local-cluster%' OR a.master LIKE 'yarn%' OR a.master LIKE 'k8s%')
),
counted AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, a.app_duration_ms, a.first_job_ms, a.unit, a.ratio, a.num_asked, a.limit_ms, a.end_ms,
    MIN(UNIX_MILLIS(e.add_time)) AS first_ms,
    SUM(CASE WHEN UNIX_MILLIS(e.add_time) > a.end_ms - 5e2 THEN 0e0 WHEN a.unit = 'cores' THEN CAST(e.total_cores AS DOUBLE) ELSE 1e0 END) AS num_had,
    SUM(CASE WHEN a.unit = 'cores' THEN CAST(e.total_cores AS DOUBLE) ELSE 1e0 END) AS num_most,
    SUM(CASE WHEN UNIX_MILLIS(e.add_time) < a.end_ms
      THEN e.total_cores * (LEAST(a.end_ms, COALESCE(UNIX_MILLIS(e.remove_time), a.end_ms)) - UNIX_MILLIS(e.add_time)) ELSE 0e0 END) AS held_core_ms
  FROM asking AS a
  INNER JOIN executors AS e
    ON e.platform = a.platform AND e.cluster_id = a.cluster_id
    AND e.application_id = a.application_id AND e.attempt_id = a.attempt_id
  WHERE e.executor_id NOT IN ('driver', '<driver>') AND e.total_cores > 0 AND e.add_time IS NOT NULL
    AND a.num_asked > 0e0 AND a.ratio > 0e0
  GROUP BY a.platform, a.cluster_id, a.application_id, a.attempt_id, a.app_duration_ms, a.first_job_ms, a.unit, a.ratio, a.num_asked, a.limit_ms, a.end_ms
)
SELECT
  platform, cluster_id, application_id, attempt_id, unit, ratio, TRY_CAST(num_asked AS BIGINT) AS num_asked, TRY_CAST(CEIL(num_asked * ratio - 1e-9) AS BIGINT) AS num_needed,
  TRY_CAST(num_had AS BIGINT) AS num_had, TRY_CAST(num_most AS BIGINT) AS num_most, TRY_CAST(limit_ms AS BIGINT) AS limit_ms,
  TRY_CAST(end_ms - first_ms AS BIGINT) AS wait_ms, held_core_ms,
  end_ms - first_ms >= $min_wait_ms AND end_ms - first_ms >= $min_wait_ratio * app_duration_ms AS is_told
FROM counted
WHERE num_had < num_asked * ratio - 1e-9 AND end_ms > first_ms AND first_job_ms >= end_ms - 1.5e3
