-- id: instance_prices
-- title: What an hour of each instance type costs, and what fits on it
-- description: One row per day, region and instance type whose EC2 price is in the book: the price of
--   the instance on demand, on spot and in a savings plan (NULL where the book has none: only prices of
--   one's own), what EMR takes on top, and what Databricks counts for it. What EMR takes is the
--   book's price for the type, else a share of the EC2 price (is_emr_assumed). usable_memory_gb is
--   what is left for containers beside the operating system and the node's own services.
-- parameter: emr_surcharge_ratio double = 0.25 [ratio] what EMR on EC2 takes over the on-demand price, for types that the price book has no price of
-- parameter: reserved_memory_ratio double = 0.25 [ratio] memory of an instance that containers do not get, between 2 and 8 GB
-- reads: price_book, ref_instance_types
SELECT
  e.app_date, e.region, e.item AS instance_type,
  CAST(t.vcpus AS DOUBLE) AS vcpus, CAST(t.memory_gb AS DOUBLE) AS memory_gb, t.architecture,
  t.memory_gb - LEAST(8e0, GREATEST(2e0, $reserved_memory_ratio * t.memory_gb)) AS usable_memory_gb,
  e.price AS ec2_usd,
  s.price AS spot_usd, s.as_of AS spot_as_of, s.source AS spot_source,
  v.price AS savings_plan_usd, v.as_of AS savings_plan_as_of, v.source AS savings_plan_source,
  COALESCE(m.price, $emr_surcharge_ratio * e.price) AS emr_usd,
  m.price IS NULL AS is_emr_assumed,
  d.price AS dbu_per_hour,
  CASE WHEN m.as_of < e.as_of THEN m.as_of ELSE e.as_of END AS as_of,
  e.source AS ec2_source,
  COALESCE(m.source, 'assumed share of the EC2 price') AS emr_source
FROM price_book AS e
INNER JOIN ref_instance_types AS t ON t.instance_type = e.item
LEFT JOIN price_book AS m
  ON m.app_date = e.app_date AND m.region = e.region AND m.item = e.item
  AND m.service = 'emr_ec2' AND m.purchase = 'on_demand' AND m.unit = 'instance_hour'
LEFT JOIN price_book AS d
  ON d.app_date = e.app_date AND d.region = e.region AND d.item = e.item
  AND d.service = 'databricks' AND d.unit = 'dbu_per_hour'
LEFT JOIN price_book AS s
  ON s.app_date = e.app_date AND s.region = e.region AND s.item = e.item
  AND s.service = 'ec2' AND s.purchase = 'spot' AND s.unit = 'instance_hour'
LEFT JOIN price_book AS v
  ON v.app_date = e.app_date AND v.region = e.region AND v.item = e.item
  AND v.service = 'ec2' AND v.purchase = 'savings_plan' AND v.unit = 'instance_hour'
WHERE e.service = 'ec2' AND e.purchase = 'on_demand' AND e.unit = 'instance_hour'
