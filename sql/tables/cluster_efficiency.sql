-- id: cluster_efficiency
-- title: Efficiency of clusters
-- description: Compares what each cluster had with what its applications took up, day by day: by cores and
--   by memory, by the estimated costs of its applications, and by samples where there are any. Worker
--   hours are spread evenly over the cluster's life, because platforms list them once for all of it.
--   The break-even utilization is computed from prices, for the cluster's own mix of instances.
-- parameter: full_memory_ratio double = 0.9 [ratio] memory in the hands of containers from which memory is what executors wait for
-- scope: platform, cluster_id
-- reads: application_costs, applications, cluster_instances, cluster_metrics, cluster_prices, price_book
WITH newest AS (
  SELECT platform, cluster_id, MAX(ingested_at) AS ingested_at
  FROM cluster_instances
  GROUP BY platform, cluster_id
),
lives AS (
  SELECT
    i.platform, i.cluster_id,
    CAST(SUM(TRY_CAST(CASE WHEN i.role IN ('CORE', 'TASK', 'WORKER') THEN i.instance_hours END AS DECIMAL(38, 12))) AS DOUBLE)
      AS instance_hours,
    MIN(UNIX_MILLIS(i.first_created_at)) AS begin_ms,
    MAX(UNIX_MILLIS(COALESCE(i.last_ended_at, n.ingested_at))) AS end_ms
  FROM cluster_instances AS i
  INNER JOIN newest AS n
    ON n.platform = i.platform AND n.cluster_id = i.cluster_id AND n.ingested_at = i.ingested_at
  GROUP BY i.platform, i.cluster_id
),
used AS (
  SELECT
    a.platform, a.cluster_id, a.app_date,
    MAX(a.cluster_name) AS cluster_name,
    COUNT(*) AS num_applications,
    TRY_CAST(SUM(CAST(a.core_time_ms AS DECIMAL(38, 0))) AS BIGINT) AS core_time_ms,
    TRY_CAST(SUM(CAST(a.cores_busy_time_ms AS DECIMAL(38, 0))) AS BIGINT) AS busy_core_ms,
    -- Decimals add up to the same in any order.
    CAST(SUM(TRY_CAST(c.instance_hours AS DECIMAL(38, 12))) AS DOUBLE) AS held_hours,
    CAST(SUM(TRY_CAST(c.vcpu_hours AS DECIMAL(38, 12))) AS DOUBLE) AS vcpu_hours,
    CAST(SUM(TRY_CAST(c.memory_gb_hours AS DECIMAL(38, 12))) AS DOUBLE) AS memory_gb_hours
  FROM applications AS a
  LEFT JOIN application_costs AS c
    ON c.platform = a.platform AND c.cluster_id = a.cluster_id
    AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
    AND c.basis = 'estimated' AND c.deployment IN ('emr_ec2', 'databricks')
  GROUP BY a.platform, a.cluster_id, a.app_date
),
days AS (
  SELECT
    u.*,
    CAST(UNIX_MILLIS(CAST(u.app_date AS TIMESTAMP)) AS DOUBLE) AS day_ms,
    SUM(u.held_hours) OVER (PARTITION BY u.platform, u.cluster_id) AS all_held_hours
  FROM used AS u
),
samples AS (
  SELECT
    platform, cluster_id, CAST(sampled_at AS DATE) AS app_date,
    AVG(total_vcores) AS total_vcores,
    AVG(vcores_used_ratio) AS vcores_used_ratio,
    AVG(memory_used_ratio) AS memory_used_ratio
  FROM cluster_metrics
  WHERE source <> 'yarn_queue'
  GROUP BY platform, cluster_id, CAST(sampled_at AS DATE)
),
serverless AS (
  SELECT
    app_date, region,
    MAX(CASE WHEN item = 'vcpu' THEN price END) AS vcpu_usd,
    MAX(CASE WHEN item = 'memory' THEN price END) AS gb_usd
  FROM price_book
  WHERE service = 'emr_serverless'
  GROUP BY app_date, region
),
joined AS (
  SELECT
    d.*,
    p.instance_type, p.vcpus, p.usable_memory_gb,
    CASE WHEN d.platform = 'emr' THEN p.ec2_usd + p.emr_usd END AS worker_usd,
    CASE WHEN d.platform = 'emr' THEN (p.ec2_usd + p.emr_usd) / NULLIF(p.vcpus * s.vcpu_usd + p.memory_gb * s.gb_usd, 0) END
      AS breakeven_ratio,
    l.instance_hours AS life_hours,
    -- The part of the cluster's life that lies in the day.
    l.instance_hours * GREATEST(LEAST(CAST(l.end_ms AS DOUBLE), d.day_ms + 864e5) - GREATEST(CAST(l.begin_ms AS DOUBLE), d.day_ms), 0e0)
      / NULLIF(CAST(l.end_ms - l.begin_ms AS DOUBLE), 0e0) AS instance_hours,
    m.total_vcores, m.vcores_used_ratio, m.memory_used_ratio
  FROM days AS d
  LEFT JOIN lives AS l ON l.platform = d.platform AND l.cluster_id = d.cluster_id AND l.end_ms > l.begin_ms
  LEFT JOIN cluster_prices AS p
    ON p.platform = d.platform AND p.cluster_id = d.cluster_id AND p.app_date = d.app_date
  LEFT JOIN serverless AS s ON s.app_date = d.app_date AND s.region = p.region
  LEFT JOIN samples AS m
    ON m.platform = d.platform AND m.cluster_id = d.cluster_id AND m.app_date = d.app_date
)
SELECT
  platform, cluster_id, cluster_name, app_date, num_applications, core_time_ms, busy_core_ms,
  CAST(busy_core_ms AS DOUBLE) / NULLIF(core_time_ms, 0) AS busy_ratio,
  instance_type, instance_hours,
  held_hours AS held_instance_hours,
  held_hours / NULLIF(instance_hours, 0e0) AS utilization_ratio,
  vcpu_hours / NULLIF(instance_hours * vcpus, 0e0) AS core_share_ratio,
  memory_gb_hours / NULLIF(instance_hours * usable_memory_gb, 0e0) AS memory_share_ratio,
  total_vcores, vcores_used_ratio, memory_used_ratio,
  CASE
    WHEN total_vcores IS NULL OR memory_used_ratio IS NULL OR vcores_used_ratio IS NULL THEN CAST(NULL AS DOUBLE)
    WHEN memory_used_ratio >= $full_memory_ratio AND memory_used_ratio > vcores_used_ratio
      THEN total_vcores * (memory_used_ratio - vcores_used_ratio)
    ELSE 0e0
  END AS memory_bound_idle_cores,
  instance_hours * worker_usd AS cluster_usd,
  held_hours * worker_usd AS held_usd,
  CASE WHEN held_hours >= instance_hours THEN 0e0 ELSE (instance_hours - held_hours) * worker_usd END AS unused_usd,
  breakeven_ratio AS breakeven_utilization_ratio,
  CASE
    WHEN breakeven_ratio IS NULL OR held_hours IS NULL OR instance_hours IS NULL THEN CAST(NULL AS STRING)
    WHEN held_hours < breakeven_ratio * instance_hours THEN 'emr_serverless'
    ELSE 'emr_ec2'
  END AS cheaper_deployment,
  all_held_hours / NULLIF(life_hours, 0e0) AS whole_life_utilization_ratio
FROM joined
