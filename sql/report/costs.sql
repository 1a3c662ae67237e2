-- id: costs
-- title: Cost of a run
-- description: What an application cost where it ran, and what the same work would cost elsewhere.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
SELECT
  c.basis, c.deployment, c.purchase, c.is_preferred, c.region, c.instance_type, c.instance_hours,
  c.vcpu_hours, c.memory_gb_hours, c.cost_usd, c.is_assumed, c.missing_price, c.price_source,
  CAST(c.price_date AS STRING) AS price_date, c.spot_suitability
FROM application_costs AS c
WHERE c.platform = $platform AND c.cluster_id = $cluster_id
  AND c.application_id = $application_id AND c.attempt_id = $attempt_id
  AND c.app_date = CAST($app_date AS DATE)
ORDER BY c.is_preferred DESC, c.cost_usd NULLS LAST, c.deployment, c.purchase
LIMIT 50
