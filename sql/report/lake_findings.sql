-- id: lake_findings
-- title: Findings by rule
-- description: How often each rule found something, and what it costs.
-- parameter: limit bigint = 15 [count] most rules
WITH summed AS (
  SELECT
    rule_id, MAX_BY(title, CONCAT(LPAD(CAST(COALESCE(lost_core_ms, 0) AS STRING), 20, '0'), title)) AS title, COUNT(*) AS num_findings, COUNT(DISTINCT CONCAT(platform, cluster_id, application_id, attempt_id)) AS num_applications,
    SUM(CAST(lost_core_ms AS DOUBLE)) AS lost_core_ms, SUM(est_savings_usd) AS est_savings_usd
  FROM findings
  GROUP BY rule_id
)
SELECT *
FROM summed
ORDER BY lost_core_ms DESC NULLS LAST, num_findings DESC, rule_id
LIMIT $limit
