-- id: application_prices
-- title: What it costs, here and elsewhere
-- description: The cost of one application where it ran (billed or estimated) and of the same work elsewhere (hypothetical).
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT
  basis, deployment, purchase, cost_usd, compute_usd, service_usd, is_preferred, instance_type, region, vcpu_hours,
  memory_gb_hours, missing_price, is_assumed, price_date, spot_suitability, instance_hours, storage_usd
FROM application_costs
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
ORDER BY is_preferred DESC, cost_usd, deployment, purchase
