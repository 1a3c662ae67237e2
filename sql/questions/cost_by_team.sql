-- id: cost_by_team
-- title: Costs by team
-- question: What did each team spend and waste on Spark, and what is its worst job?
SELECT
  team,
  SUM(num_applications) AS applications,
  SUM(cost_usd) AS cost_usd,
  SUM(wasted_usd) AS wasted_usd,
  SUM(num_unpriced) AS without_price,
  MAX_BY(worst_job, worst_job_usd) AS worst_job
FROM team_costs
GROUP BY team
ORDER BY cost_usd DESC, team
LIMIT 20
