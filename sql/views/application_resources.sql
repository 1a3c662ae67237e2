-- id: application_resources
-- title: What each application held, in the units that platforms bill
-- description: One row per application attempt: cores and memory by hours of executors and driver, the
--   same in workers of EMR Serverless (the smallest that holds each executor, a minute at least), and
--   how well it would stand losing instances. In local mode the driver is the only executor. Driver
--   memory gets a tenth, at least 384 MiB, on top of its heap. GB are 2^30 bytes.
-- parameter: region string = us-east-1 [region] region whose prices are taken where the cluster's is not known
-- parameter: spot_notice_ms bigint = 120000 [ms] notice that the provider gives before it takes a spot instance
-- reads: applications, cluster_summaries, executors, ref_emr_serverless_workers, task_quantiles, tasks
WITH regions AS (
  SELECT platform, cluster_id, MAX(region) AS region
  FROM cluster_summaries
  GROUP BY platform, cluster_id
),
processes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_id,
    GREATEST(CAST(total_cores AS DOUBLE), 1e0) AS cores,
    CAST(container_memory_bytes AS DOUBLE) / 1073741824e0 AS memory_gb,
    CAST(lifetime_ms AS DOUBLE) / 36e5 AS hours,
    CAST(core_time_ms AS DOUBLE) / 36e5 AS vcpu_hours,
    loss_kind,
    -- The machine went, or the executor without a word; not what its own process ended with, nor a pause of its JVM.
    CASE WHEN loss_kind = 'spot' OR (
      loss_kind = 'lost' AND COALESCE(exit_code, -1) < 0
      AND NOT COALESCE(remove_reason LIKE '%heartbeat timed out%' OR remove_reason LIKE '%marked as failed%', FALSE)
    ) THEN 1 ELSE 0 END AS is_reclaimed,
    1 AS is_executor
  FROM executors
  WHERE core_time_ms > 0
  UNION ALL
  -- The driver beside its executors.
  SELECT
    platform, cluster_id, application_id, attempt_id, 'the driver' AS executor_id,
    GREATEST(CAST(COALESCE(driver_cores, 1) AS DOUBLE), 1e0) AS cores,
    CAST(driver_memory_bytes + GREATEST(0.1e0 * driver_memory_bytes, 402653184e0) AS DOUBLE) / 1073741824e0 AS memory_gb,
    CAST(observed_duration_ms AS DOUBLE) / 36e5 AS hours,
    GREATEST(CAST(COALESCE(driver_cores, 1) AS DOUBLE), 1e0) * observed_duration_ms / 36e5 AS vcpu_hours,
    CAST(NULL AS STRING) AS loss_kind, 0 AS is_reclaimed, 0 AS is_executor
  FROM applications
  WHERE core_time_ms > 0 AND observed_duration_ms > 0 AND NOT COALESCE(is_local, FALSE)
),
-- The smallest worker of EMR Serverless for each.
shapes AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.executor_id,
    GREATEST(p.hours, 1e0 / 60e0) AS worker_hours,
    CAST(s.vcpus AS DOUBLE) AS vcpus,
    s.min_memory_gb + CEIL(GREATEST(CEIL(p.memory_gb - 1e-9) - s.min_memory_gb, 0e0) / NULLIF(s.step_gb, 0)) * s.step_gb AS worker_gb,
    ROW_NUMBER() OVER (
      PARTITION BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.executor_id ORDER BY s.vcpus
    ) AS place
  FROM processes AS p
  INNER JOIN ref_emr_serverless_workers AS s
    ON s.vcpus >= p.cores AND s.max_memory_gb >= p.memory_gb
),
workers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_workers,
    -- Decimals add up to the same in any order.
    CAST(SUM(TRY_CAST(worker_hours * vcpus AS DECIMAL(38, 12))) AS DOUBLE) AS worker_vcpu_hours,
    CAST(SUM(TRY_CAST(worker_hours * worker_gb AS DECIMAL(38, 12))) AS DOUBLE) AS worker_gb_hours
  FROM shapes
  WHERE place = 1
  GROUP BY platform, cluster_id, application_id, attempt_id
),
held AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_processes,
    COUNT(memory_gb) AS num_known,
    MAX(CASE WHEN is_executor = 1 THEN cores END) AS executor_cores,
    MAX(CASE WHEN is_executor = 1 THEN memory_gb END) AS executor_gb,
    CAST(SUM(TRY_CAST(CASE WHEN is_executor = 1 THEN hours ELSE 0e0 END AS DECIMAL(38, 12))) AS DOUBLE) AS executor_hours,
    CAST(SUM(TRY_CAST(CASE WHEN is_executor = 1 THEN vcpu_hours ELSE 0e0 END AS DECIMAL(38, 12))) AS DOUBLE) AS executor_vcpu_hours,
    CAST(SUM(TRY_CAST(CASE WHEN is_executor = 1 THEN vcpu_hours / NULLIF(cores, 0) * memory_gb ELSE 0e0 END AS DECIMAL(38, 12))) AS DOUBLE) AS executor_gb_hours,
    MAX(CASE WHEN is_executor = 0 THEN cores END) AS driver_cores,
    MAX(CASE WHEN is_executor = 0 THEN memory_gb END) AS driver_gb,
    SUM(CASE WHEN is_executor = 0 THEN hours ELSE 0e0 END) AS driver_hours,
    SUM(CASE WHEN loss_kind IN ('spot', 'oom', 'killed', 'lost') THEN 1 ELSE 0 END) AS num_lost_executors,
    SUM(is_reclaimed) AS num_reclaimed,
    SUM(is_executor) AS num_executors
  FROM processes
  GROUP BY platform, cluster_id, application_id, attempt_id
),
longest AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(max) AS longest_ms
  FROM task_quantiles
  WHERE metric = 'duration'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
long_tasks AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(CAST(duration AS DOUBLE)) AS long_ms
  FROM tasks
  WHERE duration > $spot_notice_ms
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date,
  a.job_key, a.team, a.job_run_id, a.deploy_mode, a.is_interactive, COALESCE(a.is_local, FALSE) AS is_local,
  a.core_time_ms,
  COALESCE(r.region, $region) AS region,
  h.executor_cores, h.executor_gb, h.executor_hours, h.executor_vcpu_hours,
  h.driver_cores, h.driver_gb, h.driver_hours,
  -- NULL where the memory of one is not known.
  CASE WHEN h.num_known = h.num_processes THEN h.executor_gb_hours END AS executor_gb_hours,
  h.driver_cores * h.driver_hours AS driver_vcpu_hours,
  h.driver_gb * h.driver_hours AS driver_gb_hours,
  -- NULL where no worker is large enough for one.
  CASE WHEN w.num_workers = h.num_processes THEN w.worker_vcpu_hours END AS worker_vcpu_hours,
  CASE WHEN w.num_workers = h.num_processes THEN w.worker_gb_hours END AS worker_gb_hours,
  CASE
    WHEN COALESCE(a.total_task_time_ms, 0) <= 0 THEN CAST(NULL AS DOUBLE)
    WHEN t.long_ms IS NOT NULL THEN LEAST(t.long_ms / NULLIF(a.total_task_time_ms, 0), 1e0)
    -- Without task rows it is known only where no task was long.
    WHEN l.longest_ms <= $spot_notice_ms THEN 0e0
  END AS long_task_ratio,
  h.num_lost_executors, h.num_reclaimed, h.num_executors
FROM applications AS a
LEFT JOIN regions AS r ON r.platform = a.platform AND r.cluster_id = a.cluster_id
LEFT JOIN held AS h
  ON h.platform = a.platform AND h.cluster_id = a.cluster_id
  AND h.application_id = a.application_id AND h.attempt_id = a.attempt_id
LEFT JOIN workers AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN longest AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
LEFT JOIN long_tasks AS t
  ON t.platform = a.platform AND t.cluster_id = a.cluster_id
  AND t.application_id = a.application_id AND t.attempt_id = a.attempt_id
