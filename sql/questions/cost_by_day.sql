-- id: cost_by_day
-- title: Cost by day
-- question: What did Spark cost each day, and how much of it was wasted?
SELECT
  app_date, COUNT(*) AS applications, SUM(cost_usd) AS cost_usd, SUM(wasted_usd) AS wasted_usd,
  SUM(CASE WHEN cost_usd IS NULL THEN 1 ELSE 0 END) AS without_price
FROM application_overview
GROUP BY app_date
ORDER BY app_date
