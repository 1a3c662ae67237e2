-- id: cost_overview
-- title: What each application cost, and would cost elsewhere, for people and language models
-- description: One row per application attempt, basis, deployment and way of buying, with the name and user of the
--   application. basis billed or estimated with is_preferred is what the application cost: filter on is_preferred
--   before you add up. basis hypothetical is the same work elsewhere. A price that is not known is NULL.
--   No join is needed.
-- grain: one row per application attempt, basis, deployment and way of buying
-- keys: platform, cluster_id, application_id, attempt_id, basis, deployment, purchase
-- column: preferred_cost_usd [usd] What the application cost on its own platform: the preferred row's cost_usd.
-- column: cost_ratio [ratio] cost_usd against preferred_cost_usd: 0.6 is 40 % cheaper.
-- reads: application_costs, applications
SELECT
  c.platform, c.cluster_id, c.cluster_name, c.application_id, c.attempt_id, c.app_date,
  a.application_name, c.job_key, a.spark_user, c.team, a.start_time,
  c.basis, c.deployment, c.purchase, c.is_preferred, c.region, c.instance_type,
  c.vcpu_hours, c.memory_gb_hours, c.dbu, c.cost_usd, c.is_price_known, c.missing_price,
  p.cost_usd AS preferred_cost_usd,
  c.cost_usd / NULLIF(p.cost_usd, 0e0) AS cost_ratio,
  c.price_source, c.price_date, c.spot_suitability
FROM application_costs AS c
LEFT JOIN applications AS a
  ON a.platform = c.platform AND a.cluster_id = c.cluster_id
  AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
LEFT JOIN application_costs AS p
  ON p.platform = c.platform AND p.cluster_id = c.cluster_id
  AND p.application_id = c.application_id AND p.attempt_id = c.attempt_id AND p.is_preferred
