-- id: team_costs
-- title: Costs of teams
-- description: Adds up what the applications of each team cost and wasted, day by day, and names the job
--   that wasted most: by money where it has a price, else by core time.
-- scope: app_date
-- reads: application_waste
WITH of_teams AS (
  SELECT
    COALESCE(team, 'unknown') AS team, app_date, job_key, application_name, core_time_ms, wasted_core_ms,
    memory_gb_hours, cost_basis, cost_usd, wasted_usd
  FROM application_waste
),
jobs AS (
  SELECT
    team, app_date, COALESCE(job_key, application_name) AS job,
    CAST(SUM(TRY_CAST(wasted_usd AS DECIMAL(38, 12))) AS DOUBLE) AS wasted_usd,
    SUM(CAST(wasted_core_ms AS DOUBLE)) AS wasted_core_ms
  FROM of_teams
  GROUP BY team, app_date, COALESCE(job_key, application_name)
),
worst AS (
  SELECT
    j.*,
    ROW_NUMBER() OVER (
      PARTITION BY team, app_date ORDER BY COALESCE(wasted_usd, -1e0) DESC, COALESCE(wasted_core_ms, -1e0) DESC, job
    ) AS place
  FROM jobs AS j
  WHERE job IS NOT NULL AND (wasted_usd > 0e0 OR wasted_core_ms > 0e0)
),
totals AS (
  SELECT
    team, app_date,
    COUNT(*) AS num_applications,
    COUNT(DISTINCT job_key) AS num_jobs,
    COUNT(*) - COUNT(cost_usd) AS num_unpriced,
    TRY_CAST(SUM(CAST(core_time_ms AS DECIMAL(38, 0))) AS BIGINT) AS core_time_ms,
    TRY_CAST(SUM(CAST(wasted_core_ms AS DECIMAL(38, 0))) AS BIGINT) AS wasted_core_ms,
    -- Decimals add up to the same in any order.
    CAST(SUM(TRY_CAST(memory_gb_hours AS DECIMAL(38, 12))) AS DOUBLE) AS memory_gb_hours,
    CAST(SUM(TRY_CAST(cost_usd AS DECIMAL(38, 12))) AS DOUBLE) AS cost_usd,
    CAST(SUM(TRY_CAST(CASE WHEN cost_basis = 'billed' THEN cost_usd END AS DECIMAL(38, 12))) AS DOUBLE) AS billed_usd,
    CAST(SUM(TRY_CAST(CASE WHEN cost_basis = 'hypothetical' THEN cost_usd END AS DECIMAL(38, 12))) AS DOUBLE)
      AS hypothetical_usd,
    CAST(SUM(TRY_CAST(wasted_usd AS DECIMAL(38, 12))) AS DOUBLE) AS wasted_usd
  FROM of_teams
  GROUP BY team, app_date
)
SELECT
  t.team, t.app_date, t.num_applications, t.num_jobs, t.num_unpriced,
  t.core_time_ms, t.wasted_core_ms,
  CAST(t.wasted_core_ms AS DOUBLE) / NULLIF(t.core_time_ms, 0) AS wasted_ratio,
  t.memory_gb_hours, t.cost_usd, t.billed_usd, t.hypothetical_usd, t.wasted_usd,
  w.job AS worst_job,
  w.wasted_usd AS worst_job_usd
FROM totals AS t
LEFT JOIN worst AS w
  ON w.app_date = t.app_date AND w.team = t.team AND w.place = 1
