-- id: databricks_compared_with_emr
-- title: The same work on Databricks and EMR
-- question: How would our jobs on Databricks with Photon compare to EMR in cost?
SELECT
  deployment, purchase, COUNT(*) AS applications, SUM(cost_usd) AS cost_usd,
  SUM(CASE WHEN cost_usd IS NULL THEN 1 ELSE 0 END) AS without_price,
  AVG(cost_ratio) AS mean_cost_ratio
FROM cost_overview
WHERE deployment LIKE 'databricks%' OR deployment LIKE 'emr%'
GROUP BY deployment, purchase
ORDER BY deployment, purchase
