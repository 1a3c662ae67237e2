-- id: application_costs
-- title: Application costs
-- description: Adds up each way to run an application's work, says which price is missing, how well the
--   work would stand spot instances, and which row other tables take their money from: billed, else
--   estimated, else the work at on-demand prices of the deployment that fallback_deployment names (none:
--   no money where nothing better is known).
-- parameter: fallback_deployment string = emr_ec2 [emr_ec2|emr_eks|emr_serverless|emr_serverless_storage|databricks|none] deployment whose hypothetical cost stands in where neither a bill nor an estimate has a price, or none
-- parameter: good_long_task_ratio double = 0.1 [ratio] share of task time in tasks longer than the notice, up to which an application suits spot instances well
-- parameter: poor_long_task_ratio double = 0.5 [ratio] the same, above which it suits them poorly
-- parameter: poor_reclaim_ratio double = 0.1 [ratio] executors that went with their machine (reclaimed, node or worker lost) over all executors, above which it suits them poorly, or fairly where it was a single one
-- reads: application_options
WITH totals AS (
  SELECT
    o.*,
    compute_usd + service_usd + storage_usd AS cost_usd,
    CASE
      WHEN compute_usd + service_usd + storage_usd IS NULL THEN 4
      WHEN basis = 'billed' THEN 1
      WHEN basis = 'estimated' THEN 2
      WHEN deployment = $fallback_deployment AND purchase = 'on_demand' THEN 3
      ELSE 4
    END AS rank
  FROM application_options AS o
),
ranked AS (
  SELECT
    t.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY rank, deployment, purchase
    ) AS place
  FROM totals AS t
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id,
  basis, deployment, purchase,
  place = 1 AND rank < 4 AS is_preferred,
  job_key, team, region, instance_type, instance_hours, vcpu_hours, memory_gb_hours, storage_gb_hours, dbu,
  compute_usd, service_usd, storage_usd, cost_usd,
  cost_usd IS NOT NULL AS is_price_known,
  CASE WHEN cost_usd IS NULL THEN wanted_price END AS missing_price,
  COALESCE(is_assumed, FALSE) AS is_assumed,
  CASE WHEN cost_usd IS NOT NULL THEN price_source END AS price_source,
  CASE WHEN cost_usd IS NOT NULL THEN price_date END AS price_date,
  CASE WHEN purchase = 'spot' THEN long_task_ratio END AS long_task_ratio,
  CASE WHEN purchase = 'spot' THEN num_lost_executors END AS num_lost_executors,
  CASE
    WHEN purchase <> 'spot' OR long_task_ratio IS NULL THEN CAST(NULL AS STRING)
    WHEN long_task_ratio > $poor_long_task_ratio
      OR (num_reclaimed >= 2 AND num_reclaimed > $poor_reclaim_ratio * num_executors) THEN 'poor'
    WHEN long_task_ratio <= $good_long_task_ratio
      AND NOT COALESCE(num_reclaimed > $poor_reclaim_ratio * num_executors, FALSE) THEN 'good'
    ELSE 'fair'
  END AS spot_suitability,
  app_date
FROM ranked
