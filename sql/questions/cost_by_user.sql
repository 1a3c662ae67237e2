-- id: cost_by_user
-- title: Cost by user
-- question: Which users spend and waste the most?
SELECT
  spark_user, COUNT(*) AS applications, SUM(cost_usd) AS cost_usd, SUM(wasted_usd) AS wasted_usd,
  SUM(core_time_ms) / 36e5 AS core_hours
FROM application_overview
GROUP BY spark_user
ORDER BY cost_usd DESC NULLS LAST, core_hours DESC, spark_user
LIMIT 20
