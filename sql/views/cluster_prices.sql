-- id: cluster_prices
-- title: What an hour of an average worker of each cluster costs
-- description: One row per day and cluster whose instances the platform reported: its workers' average
--   size and price, weighted by their hours (by their number where hours are not known). Spot
--   instances count with the spot price of the book, else the on-demand price less an assumed discount; what EMR takes does not shrink
--   with spot. unpriced_type names an instance type without a price, which leaves the price NULL.
-- parameter: spot_discount double = 0.6 [ratio] by how much spot instances are cheaper than on demand
-- reads: applications, cluster_instances, cluster_summaries, instance_prices, ref_instance_types
WITH newest AS (
  SELECT platform, cluster_id, MAX(ingested_at) AS ingested_at
  FROM cluster_instances
  GROUP BY platform, cluster_id
),
regions AS (
  SELECT platform, cluster_id, MAX(region) AS region
  FROM cluster_summaries
  GROUP BY platform, cluster_id
),
days AS (
  SELECT DISTINCT platform, cluster_id, app_date FROM applications
),
groups AS (
  SELECT
    d.app_date, i.platform, i.cluster_id, r.region, i.instance_type, i.role, i.market,
    GREATEST(COALESCE(i.instance_hours, CAST(i.running_count AS DOUBLE), CAST(i.total_count AS DOUBLE),
      CAST(i.requested_count AS DOUBLE), 0e0), 0e0) AS weight,
    i.role IN ('CORE', 'TASK', 'WORKER') AS is_worker
  FROM cluster_instances AS i
  INNER JOIN newest AS n
    ON n.platform = i.platform AND n.cluster_id = i.cluster_id AND n.ingested_at = i.ingested_at
  INNER JOIN days AS d ON d.platform = i.platform AND d.cluster_id = i.cluster_id
  LEFT JOIN regions AS r ON r.platform = i.platform AND r.cluster_id = i.cluster_id
),
has_workers AS (
  SELECT platform, cluster_id, MAX(CASE WHEN is_worker AND weight > 0 THEN 1 ELSE 0 END) = 1 AS any_worker
  FROM groups
  GROUP BY platform, cluster_id
),
workers AS (
  SELECT g.*,
    ROW_NUMBER() OVER (
      PARTITION BY g.app_date, g.platform, g.cluster_id ORDER BY g.weight DESC, g.instance_type, g.market
    ) AS place
  FROM groups AS g
  INNER JOIN has_workers AS h ON h.platform = g.platform AND h.cluster_id = g.cluster_id
  -- A cluster of one node works on its only one.
  WHERE (g.is_worker OR NOT h.any_worker) AND g.weight > 0
)
SELECT
  -- Decimals add up to the same in any order.
  w.app_date, w.platform, w.cluster_id, MAX(w.region) AS region,
  MAX(CASE WHEN w.place = 1 THEN w.instance_type END) AS instance_type,
  CAST(SUM(TRY_CAST(w.weight * t.vcpus AS DECIMAL(38, 12))) AS DOUBLE)
    / CAST(SUM(TRY_CAST(w.weight AS DECIMAL(38, 12))) AS DOUBLE) AS vcpus,
  CAST(SUM(TRY_CAST(w.weight * t.memory_gb AS DECIMAL(38, 12))) AS DOUBLE)
    / CAST(SUM(TRY_CAST(w.weight AS DECIMAL(38, 12))) AS DOUBLE) AS memory_gb,
  CAST(SUM(TRY_CAST(w.weight * p.usable_memory_gb AS DECIMAL(38, 12))) AS DOUBLE)
    / CAST(SUM(TRY_CAST(w.weight AS DECIMAL(38, 12))) AS DOUBLE) AS usable_memory_gb,
  CASE WHEN COUNT(p.ec2_usd) = COUNT(*) THEN CAST(SUM(TRY_CAST(w.weight * p.ec2_usd
    * CASE WHEN w.market = 'SPOT' THEN COALESCE(p.spot_usd / NULLIF(p.ec2_usd, 0e0), 1e0 - $spot_discount) ELSE 1e0 END
    AS DECIMAL(38, 12))) AS DOUBLE)
    / CAST(SUM(TRY_CAST(w.weight AS DECIMAL(38, 12))) AS DOUBLE) END AS ec2_usd,
  CASE WHEN COUNT(p.emr_usd) = COUNT(*) THEN CAST(SUM(TRY_CAST(w.weight * p.emr_usd AS DECIMAL(38, 12))) AS DOUBLE)
    / CAST(SUM(TRY_CAST(w.weight AS DECIMAL(38, 12))) AS DOUBLE) END AS emr_usd,
  CASE WHEN COUNT(p.dbu_per_hour) = COUNT(*) THEN CAST(SUM(TRY_CAST(w.weight * p.dbu_per_hour AS DECIMAL(38, 12))) AS DOUBLE)
    / CAST(SUM(TRY_CAST(w.weight AS DECIMAL(38, 12))) AS DOUBLE) END AS dbu_per_hour,
  MIN(CASE WHEN p.ec2_usd IS NULL THEN w.instance_type END) AS unpriced_type,
  CASE WHEN MIN(w.market) = 'SPOT' THEN 'spot' WHEN MAX(w.market) = 'SPOT' THEN 'mixed' ELSE 'on_demand' END AS purchase,
  MAX(CASE WHEN (w.market = 'SPOT' AND p.spot_usd IS NULL) OR (p.is_emr_assumed AND w.platform = 'emr') THEN 1 ELSE 0 END) = 1
    AS is_assumed,
  MIN(CASE WHEN w.market = 'SPOT' AND p.spot_as_of < p.as_of THEN p.spot_as_of ELSE p.as_of END) AS as_of,
  MAX(CASE WHEN w.market = 'SPOT' THEN COALESCE(p.spot_source, p.ec2_source) ELSE p.ec2_source END) AS ec2_source, MAX(p.emr_source) AS emr_source
FROM workers AS w
LEFT JOIN ref_instance_types AS t ON t.instance_type = w.instance_type
LEFT JOIN instance_prices AS p
  ON p.app_date = w.app_date AND p.region = w.region AND p.instance_type = w.instance_type
GROUP BY w.app_date, w.platform, w.cluster_id
