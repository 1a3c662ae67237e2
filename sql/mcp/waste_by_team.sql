-- id: waste_by_team
-- title: Teams
-- description: What each team spent and wasted.
-- parameter: since string = 1970-01-01 [date] first UTC date
-- parameter: until string = 9999-12-31 [date] last UTC date
WITH teams AS (
  SELECT
    team, SUM(num_applications) AS num_applications, SUM(cost_usd) AS cost_usd, SUM(wasted_usd) AS wasted_usd,
    SUM(core_time_ms) AS core_time_ms,
    SUM(wasted_core_ms) / CAST(NULLIF(SUM(core_time_ms), 0) AS DOUBLE) AS wasted_ratio, MAX(worst_job) AS worst_job
  FROM team_costs
  WHERE app_date >= CAST($since AS DATE) AND app_date <= CAST($until AS DATE)
  GROUP BY team
)
SELECT *
FROM teams
ORDER BY cost_usd DESC, core_time_ms DESC, team
LIMIT 20
