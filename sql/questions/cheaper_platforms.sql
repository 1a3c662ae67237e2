-- id: cheaper_platforms
-- title: What the same work would cost elsewhere
-- question: What would our work cost on EMR on EC2, EMR on EKS, EMR Serverless, or with spot instances?
SELECT
  deployment,
  purchase,
  basis,
  COUNT(*) AS applications,
  SUM(CASE WHEN is_price_known THEN 0 ELSE 1 END) AS without_price,
  SUM(cost_usd) AS cost_usd,
  MIN(price_date) AS oldest_price
FROM application_costs
GROUP BY deployment, purchase, basis
ORDER BY cost_usd, deployment, purchase, basis
