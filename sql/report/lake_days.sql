-- id: lake_days
-- title: Trend by day
-- description: The newest days of the lake, oldest first.
-- parameter: limit bigint = 60 [count] most days
SELECT *
FROM (
  SELECT
    CAST(app_date AS STRING) AS app_date, COUNT(*) AS num_applications,
    SUM(CAST(core_time_ms AS DOUBLE)) AS core_time_ms, SUM(CAST(wasted_core_ms AS DOUBLE)) AS wasted_core_ms,
    SUM(CAST(wasted_core_ms AS DOUBLE)) / NULLIF(SUM(CAST(core_time_ms AS DOUBLE)), 0e0) AS wasted_ratio,
    SUM(cost_usd) AS cost_usd, SUM(wasted_usd) AS wasted_usd
  FROM application_waste
  GROUP BY app_date
  ORDER BY app_date DESC
  LIMIT $limit
) AS newest
ORDER BY app_date
