-- id: application_options
-- title: Prices of each way to run an application's work
-- description: One row per application attempt and way to run its work: what it cost where it ran
--   (billed or estimated), and the same executors for the same time elsewhere (hypothetical). On
--   instances, executors and driver are packed by memory and cores onto the cheapest type of the families
--   named, and whole clusters pay for what they hold, not for what is left empty. Prices of disks and of
--   the primary node are not in it. With a storage of its own EMR Serverless gives executors back that
--   have no task: that row is a lower bound.
-- parameter: instance_families string = c5 m5 r5 [families] instance families that hypothetical clusters are built of
-- parameter: max_instance_vcpus bigint = 16 [cores] larger instance types are taken only where nothing smaller holds an executor
-- parameter: spot_discount double = 0.6 [share] by how much spot instances are cheaper than on demand, where the price book has no spot price
-- parameter: savings_plan_discount double = 0 [share] by how much instances of a savings plan or reservation are cheaper than on demand, where the price book has no price of a savings plan; 0: not known
-- parameter: dbu_price_item string = jobs [item] item of the service databricks in the price book that a DBU of automated work costs
-- reads: application_resources, cluster_instances, cluster_prices, core_time_parts, instance_prices,
--   job_runs, price_book, ref_deployments
WITH rates AS (
  SELECT
    app_date, region,
    MAX(CASE WHEN service = 'emr_serverless' AND item = 'vcpu' THEN price END) AS serverless_vcpu,
    MAX(CASE WHEN service = 'emr_serverless' AND item = 'memory' THEN price END) AS serverless_gb,
    MAX(CASE WHEN service = 'emr_serverless' AND item = 'vcpu_arm64' THEN price END) AS serverless_arm_vcpu,
    MAX(CASE WHEN service = 'emr_serverless' AND item = 'memory_arm64' THEN price END) AS serverless_arm_gb,
    MAX(CASE WHEN service = 'emr_serverless' AND item = 'storage' THEN price END) AS serverless_storage_gb,
    MIN(CASE WHEN service = 'emr_serverless' THEN as_of END) AS serverless_as_of,
    MAX(CASE WHEN service = 'emr_serverless' THEN source END) AS serverless_source,
    MAX(CASE WHEN service = 'emr_eks' AND item = 'vcpu' THEN price END) AS eks_vcpu,
    MAX(CASE WHEN service = 'emr_eks' AND item = 'memory' THEN price END) AS eks_gb,
    MIN(CASE WHEN service = 'emr_eks' THEN as_of END) AS eks_as_of,
    MAX(CASE WHEN service = 'emr_eks' THEN source END) AS eks_source,
    MAX(CASE WHEN service = 'databricks' AND unit = 'dbu' AND item = $dbu_price_item THEN price END) AS dbu_usd,
    MAX(CASE WHEN service = 'databricks' AND unit = 'dbu' AND item = 'all_purpose' THEN price END) AS dbu_all_purpose_usd
  FROM price_book
  GROUP BY app_date, region
),
architectures AS (
  SELECT platform, cluster_id, MAX(CASE WHEN UPPER(instance_type) LIKE 'ARM64%' THEN 1 ELSE 0 END) AS is_arm
  FROM cluster_instances
  GROUP BY platform, cluster_id
),
-- Executors and driver on each instance type that can hold them.
fits AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, p.instance_type, p.vcpus,
    p.ec2_usd, p.emr_usd, p.is_emr_assumed, p.dbu_per_hour, p.as_of, p.ec2_source, p.emr_source,
    p.spot_usd, p.spot_as_of, p.spot_source, p.savings_plan_usd, p.savings_plan_as_of, p.savings_plan_source,
    r.executor_hours / FLOOR(LEAST(p.usable_memory_gb / NULLIF(r.executor_gb, 0), p.vcpus / NULLIF(r.executor_cores, 0)))
      + COALESCE(r.driver_hours / FLOOR(LEAST(p.usable_memory_gb / NULLIF(r.driver_gb, 0), p.vcpus / NULLIF(r.driver_cores, 0))), 0e0)
      AS instance_hours
  FROM application_resources AS r
  INNER JOIN instance_prices AS p
    ON p.app_date = r.app_date AND p.region = r.region
    AND p.usable_memory_gb >= r.executor_gb AND p.vcpus >= r.executor_cores
    AND p.usable_memory_gb >= COALESCE(r.driver_gb, 0e0) AND p.vcpus >= COALESCE(r.driver_cores, 0e0)
  WHERE r.executor_gb > 0e0
    AND CONCAT(' ', $instance_families, ' ') LIKE CONCAT('% ', SPLIT_PART(p.instance_type, '.', 1), ' %')
),
purchases AS (
  SELECT 'on_demand' AS purchase UNION ALL SELECT 'spot' UNION ALL SELECT 'savings_plan'
),
-- Each way to buy has its own price: that of the book, else the one on demand less an assumed discount.
bought AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.instance_type, f.vcpus, f.instance_hours,
    f.emr_usd, f.is_emr_assumed, f.dbu_per_hour, f.emr_source, w.purchase,
    CASE w.purchase
      WHEN 'spot' THEN COALESCE(f.spot_usd, f.ec2_usd * (1e0 - $spot_discount))
      WHEN 'savings_plan' THEN COALESCE(f.savings_plan_usd, f.ec2_usd * (1e0 - NULLIF($savings_plan_discount, 0e0)))
      ELSE f.ec2_usd
    END AS ec2_usd,
    f.ec2_usd AS list_usd,
    CASE w.purchase WHEN 'spot' THEN f.spot_usd IS NULL WHEN 'savings_plan' THEN f.savings_plan_usd IS NULL ELSE FALSE END AS is_discounted,
    CASE
      WHEN w.purchase = 'spot' AND f.spot_as_of < f.as_of THEN f.spot_as_of
      WHEN w.purchase = 'savings_plan' AND f.savings_plan_as_of < f.as_of THEN f.savings_plan_as_of
      ELSE f.as_of
    END AS as_of,
    CASE w.purchase
      WHEN 'spot' THEN COALESCE(f.spot_source, f.ec2_source)
      WHEN 'savings_plan' THEN COALESCE(f.savings_plan_source, f.ec2_source)
      ELSE f.ec2_source
    END AS ec2_source
  FROM fits AS f
  CROSS JOIN purchases AS w
),
cheapest AS (
  SELECT
    f.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, purchase
      -- A price of the book is worth two percent over one that is assumed.
      ORDER BY CASE WHEN vcpus > $max_instance_vcpus THEN 1 ELSE 0 END, CASE WHEN is_discounted THEN 1 ELSE 0 END, ROUND(instance_hours * (COALESCE(ec2_usd, list_usd) + emr_usd) * CASE WHEN is_emr_assumed THEN 1.02e0 ELSE 1e0 END, 9), instance_type
    ) AS place
  FROM bought AS f
),
runs AS (
  SELECT
    j.platform, j.cluster_id, j.job_run_id, j.application_ids,
    j.billed_vcpu_hours, j.billed_memory_gb_hours, j.billed_storage_gb_hours,
    ROW_NUMBER() OVER (PARTITION BY j.platform, j.cluster_id, j.job_run_id ORDER BY j.ingested_at DESC) AS place
  FROM job_runs AS j
  WHERE j.billed_vcpu_hours IS NOT NULL AND j.billed_memory_gb_hours IS NOT NULL
),
billed_runs AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, j.job_run_id,
    j.billed_vcpu_hours, j.billed_memory_gb_hours, COALESCE(j.billed_storage_gb_hours, 0e0) AS billed_storage_gb_hours,
    -- Attempts of one run share its bill by their core time.
    CAST(r.core_time_ms AS DOUBLE) / NULLIF(SUM(CAST(r.core_time_ms AS DOUBLE)) OVER (
      PARTITION BY j.platform, j.cluster_id, j.job_run_id), 0e0) AS core_share,
    COUNT(*) OVER (PARTITION BY j.platform, j.cluster_id, j.job_run_id) AS num_sharing
  FROM application_resources AS r
  INNER JOIN runs AS j
    ON j.platform = r.platform AND j.cluster_id = r.cluster_id AND j.place = 1
    AND (j.job_run_id = r.job_run_id OR ARRAY_CONTAINS(j.application_ids, r.application_id))
),
billed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    CAST(SUM(TRY_CAST(billed_vcpu_hours * COALESCE(core_share, 1e0 / NULLIF(num_sharing, 0)) AS DECIMAL(38, 12))) AS DOUBLE) AS vcpu_hours,
    CAST(SUM(TRY_CAST(billed_memory_gb_hours * COALESCE(core_share, 1e0 / NULLIF(num_sharing, 0)) AS DECIMAL(38, 12))) AS DOUBLE) AS gb_hours,
    CAST(SUM(TRY_CAST(billed_storage_gb_hours * COALESCE(core_share, 1e0 / NULLIF(num_sharing, 0)) AS DECIMAL(38, 12))) AS DOUBLE) AS storage_gb_hours
  FROM billed_runs
  GROUP BY platform, cluster_id, application_id, attempt_id
),
joined AS (
  SELECT
    r.*,
    r.executor_vcpu_hours + COALESCE(r.driver_vcpu_hours, 0e0) AS all_vcpu_hours,
    r.executor_gb_hours + COALESCE(r.driver_gb_hours, 0e0) AS all_gb_hours,
    CASE WHEN h.is_arm = 1 THEN t.serverless_arm_vcpu ELSE t.serverless_vcpu END AS serverless_vcpu,
    CASE WHEN h.is_arm = 1 THEN t.serverless_arm_gb ELSE t.serverless_gb END AS serverless_gb,
    COALESCE(h.is_arm, 0) = 1 AS is_arm,
    t.serverless_storage_gb, t.serverless_as_of, t.serverless_source,
    t.eks_vcpu, t.eks_gb, t.eks_as_of, t.eks_source,
    CASE WHEN r.is_interactive THEN t.dbu_all_purpose_usd ELSE t.dbu_usd END AS dbu_usd,
    c.instance_type AS cluster_type, c.purchase AS cluster_purchase, c.is_assumed AS cluster_assumed,
    c.ec2_usd AS cluster_ec2_usd, c.emr_usd AS cluster_emr_usd, c.dbu_per_hour AS cluster_dbu,
    c.unpriced_type, c.as_of AS cluster_as_of, c.ec2_source AS cluster_ec2_source, c.emr_source AS cluster_emr_source,
    CASE
      WHEN r.executor_vcpu_hours IS NULL THEN CAST(NULL AS DOUBLE)
      WHEN r.platform = 'databricks' THEN r.executor_vcpu_hours / NULLIF(c.vcpus, 0) + COALESCE(r.driver_hours, 0e0)
      WHEN r.deploy_mode = 'cluster' THEN GREATEST(
        (r.executor_vcpu_hours + COALESCE(r.driver_vcpu_hours, 0e0)) / NULLIF(c.vcpus, 0),
        COALESCE((r.executor_gb_hours + COALESCE(r.driver_gb_hours, 0e0)) / NULLIF(c.usable_memory_gb, 0), 0e0))
      ELSE GREATEST(r.executor_vcpu_hours / NULLIF(c.vcpus, 0), COALESCE(r.executor_gb_hours / NULLIF(c.usable_memory_gb, 0), 0e0))
    END AS cluster_hours,
    -- Of the executors' time, what passed without a task after the first; what a task reserves is not given back.
    CAST(p.skew_core_ms + p.driver_only_core_ms + p.idle_core_ms - COALESCE(p.reserved_core_ms, 0) AS DOUBLE) / NULLIF(p.core_time_ms, 0) AS released_ratio,
    b.vcpu_hours AS billed_vcpu_hours, b.gb_hours AS billed_gb_hours, b.storage_gb_hours AS billed_storage_gb_hours
  FROM application_resources AS r
  LEFT JOIN rates AS t ON t.app_date = r.app_date AND t.region = r.region
  LEFT JOIN architectures AS h ON h.platform = r.platform AND h.cluster_id = r.cluster_id
  LEFT JOIN cluster_prices AS c
    ON c.platform = r.platform AND c.cluster_id = r.cluster_id AND c.app_date = r.app_date
  LEFT JOIN core_time_parts AS p
    ON p.platform = r.platform AND p.cluster_id = r.cluster_id
    AND p.application_id = r.application_id AND p.attempt_id = r.attempt_id
  LEFT JOIN billed AS b
    ON b.platform = r.platform AND b.cluster_id = r.cluster_id
    AND b.application_id = r.application_id AND b.attempt_id = r.attempt_id
),
-- Each application once for each way to run its work.
ways AS (
  SELECT
    j.*, d.deployment AS way, d.purchase AS way_purchase,
    f.instance_type AS fit_type, f.instance_hours AS fit_hours, f.ec2_usd, f.emr_usd, f.is_emr_assumed, f.is_discounted,
    f.dbu_per_hour, f.as_of AS fit_as_of, f.ec2_source, f.emr_source,
    CASE WHEN d.deployment = 'emr_serverless_storage'
      THEN 1e0 - COALESCE(j.released_ratio, 0e0) * j.executor_vcpu_hours / NULLIF(j.all_vcpu_hours, 0e0)
      ELSE 1e0 END AS kept,
    d.deployment LIKE 'emr_serverless%' AS on_workers,
    d.deployment IN ('emr_ec2', 'emr_eks', 'databricks') AS on_instances,
    d.purchase = 'billed' AS is_bill,
    d.purchase = 'as bought' AS is_cluster
  FROM joined AS j
  CROSS JOIN ref_deployments AS d
  LEFT JOIN cheapest AS f
    ON f.platform = j.platform AND f.cluster_id = j.cluster_id
    AND f.application_id = j.application_id AND f.attempt_id = j.attempt_id
    AND f.purchase = d.purchase AND f.place = 1
  WHERE d.deployment <> 'its own'
    OR (d.purchase = 'billed' AND j.platform = 'emr_serverless' AND j.billed_vcpu_hours IS NOT NULL)
    OR (d.purchase = 'as bought' AND j.platform IN ('emr', 'databricks') AND j.cluster_type IS NOT NULL)
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, app_date, job_key, team, region,
  CASE
    WHEN is_bill THEN 'billed'
    WHEN is_cluster OR (way = platform AND way_purchase = 'on_demand' AND platform IN ('emr_serverless', 'emr_eks')) THEN 'estimated'
    ELSE 'hypothetical'
  END AS basis,
  CASE
    WHEN is_bill THEN 'emr_serverless'
    WHEN is_cluster AND platform = 'emr' THEN 'emr_ec2'
    WHEN is_cluster THEN 'databricks'
    ELSE way
  END AS deployment,
  CASE WHEN is_bill THEN 'on_demand' WHEN is_cluster THEN cluster_purchase ELSE way_purchase END AS purchase,
  CASE WHEN is_cluster THEN cluster_type WHEN on_instances THEN fit_type END AS instance_type,
  CASE WHEN is_cluster THEN cluster_hours WHEN on_instances THEN fit_hours END AS instance_hours,
  CASE WHEN is_bill THEN billed_vcpu_hours WHEN on_workers THEN worker_vcpu_hours * kept ELSE all_vcpu_hours END AS vcpu_hours,
  CASE WHEN is_bill THEN billed_gb_hours WHEN on_workers THEN worker_gb_hours * kept ELSE all_gb_hours END AS memory_gb_hours,
  CASE WHEN is_bill THEN billed_storage_gb_hours ELSE 0e0 END AS storage_gb_hours,
  CASE
    WHEN is_cluster AND platform = 'databricks' THEN cluster_hours * cluster_dbu
    WHEN way = 'databricks' THEN fit_hours * dbu_per_hour
  END AS dbu,
  CASE
    WHEN is_bill THEN billed_vcpu_hours * serverless_vcpu + billed_gb_hours * serverless_gb
    WHEN is_cluster THEN cluster_hours * cluster_ec2_usd
    WHEN on_workers THEN (worker_vcpu_hours * serverless_vcpu + worker_gb_hours * serverless_gb) * kept
    ELSE fit_hours * ec2_usd
  END AS compute_usd,
  CASE
    WHEN is_bill OR on_workers THEN 0e0
    WHEN is_cluster AND platform = 'emr' THEN cluster_hours * cluster_emr_usd
    WHEN is_cluster THEN cluster_hours * cluster_dbu * dbu_usd
    WHEN way = 'emr_ec2' THEN fit_hours * emr_usd
    WHEN way = 'emr_eks' THEN all_vcpu_hours * eks_vcpu + all_gb_hours * eks_gb
    ELSE fit_hours * dbu_per_hour * dbu_usd
  END AS service_usd,
  CASE WHEN is_bill AND billed_storage_gb_hours > 0e0 THEN billed_storage_gb_hours * serverless_storage_gb ELSE 0e0 END
    AS storage_usd,
  CASE
    WHEN is_bill THEN FALSE
    WHEN is_cluster THEN cluster_assumed
    ELSE (way_purchase <> 'on_demand' AND COALESCE(is_discounted, TRUE)) OR way = 'emr_serverless_storage'
      OR (way = 'emr_ec2' AND is_emr_assumed) OR (way = 'emr_eks' AND platform = 'emr_eks')
  END AS is_assumed,
  CASE
    WHEN is_bill OR on_workers THEN serverless_source
    WHEN is_cluster AND platform = 'emr' AND cluster_emr_source <> cluster_ec2_source
      THEN CONCAT_WS('; ', cluster_ec2_source, cluster_emr_source)
    WHEN is_cluster THEN cluster_ec2_source
    WHEN way = 'emr_eks' THEN CONCAT_WS('; ', ec2_source, eks_source)
    WHEN way = 'emr_ec2' AND ec2_source <> emr_source THEN CONCAT_WS('; ', ec2_source, emr_source)
    ELSE ec2_source
  END AS price_source,
  CASE
    WHEN is_bill OR on_workers THEN serverless_as_of
    WHEN is_cluster THEN cluster_as_of
    WHEN way = 'emr_eks' AND eks_as_of < fit_as_of THEN eks_as_of
    ELSE fit_as_of
  END AS price_date,
  -- What is missing where the cost is NULL.
  CASE
    WHEN on_workers AND worker_vcpu_hours IS NULL
      THEN 'no worker of EMR Serverless is large enough, or what the executors held is not known'
    WHEN is_bill OR on_workers THEN CONCAT('EMR Serverless', CASE WHEN is_arm THEN ' on ARM64' ELSE '' END, ' in ', region)
    WHEN is_cluster AND unpriced_type IS NOT NULL THEN CONCAT('EC2 instance ', unpriced_type, ' in ', region)
    WHEN is_cluster AND cluster_dbu IS NULL THEN CONCAT('DBU an hour of ', cluster_type, ' in ', region)
    WHEN is_cluster THEN CONCAT('price of a DBU in ', region)
    WHEN fit_type IS NULL THEN CONCAT('an EC2 instance in ', region, ' that holds the executors')
    WHEN way_purchase = 'savings_plan'
      THEN 'price of a savings plan: give one of your own or set savings_plan_discount of application_options'
    WHEN way = 'emr_eks' THEN CONCAT('EMR on EKS in ', region)
    WHEN dbu_per_hour IS NULL THEN CONCAT('DBU an hour of ', fit_type, ' in ', region)
    ELSE CONCAT('price of a DBU in ', region)
  END AS wanted_price,
  long_task_ratio, num_lost_executors, num_reclaimed, num_executors
FROM ways
