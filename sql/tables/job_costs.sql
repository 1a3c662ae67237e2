-- id: job_costs
-- title: Costs of recurring jobs
-- description: Adds up the runs of each recurring job and projects them to a year by the time between its
--   first and its last run: money, core-hours and GB-hours. Below two days of runs the frequency says
--   nothing, and no year is reported.
-- parameter: min_days double = 2 [days] time between the first and the last run, below which no year is reported
-- scope: job_key
-- reads: application_waste, applications
WITH runs AS (
  SELECT
    w.job_key, w.cost_basis, w.cost_usd, w.wasted_usd, w.core_time_ms, w.wasted_core_ms,
    -- Memory was wasted while the cores were; beyond that the memory that was never filled, as far as
    -- peaks were measured.
    w.memory_gb_hours * w.wasted_core_ms / NULLIF(w.core_time_ms, 0) + COALESCE(w.unused_gb_hours, 0e0)
      AS wasted_gb_hours,
    -- Garbage collection beyond what a healthy application has, as in application_waste.
    w.gc_core_ms - (w.core_time_ms - w.useful_core_ms - w.unfinished_core_ms - w.wasted_core_ms) AS gc_core_ms,
    w.fetch_wait_core_ms, w.spill_core_ms, w.scheduling_core_ms,
    w.retry_core_ms, w.speculation_core_ms, w.skew_core_ms, w.start_up_core_ms,
    w.driver_only_core_ms, w.idle_core_ms,
    a.start_time, w.team,
    ROW_NUMBER() OVER (
      PARTITION BY w.job_key
      ORDER BY CASE WHEN a.start_time IS NULL THEN 1 ELSE 0 END, a.start_time DESC, w.platform, w.cluster_id,
        w.application_id, w.attempt_id
    ) AS place
  FROM application_waste AS w
  INNER JOIN applications AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  WHERE w.job_key IS NOT NULL
),
totals AS (
  SELECT
    job_key,
    MAX(CASE WHEN place = 1 THEN team END) AS team,
    COUNT(*) AS num_runs,
    COUNT(*) - COUNT(cost_usd) AS num_unpriced,
    MIN(start_time) AS first_run_at,
    MAX(start_time) AS last_run_at,
    CAST(MAX(UNIX_MILLIS(start_time)) - MIN(UNIX_MILLIS(start_time)) AS DOUBLE) / 864e5 AS days,
    TRY_CAST(SUM(CAST(core_time_ms AS DECIMAL(38, 0))) AS BIGINT) AS core_time_ms,
    SUM(CAST(wasted_core_ms AS DOUBLE)) AS wasted_core_ms,
    CASE WHEN MIN(cost_basis) = MAX(cost_basis) THEN MIN(cost_basis) WHEN MIN(cost_basis) IS NOT NULL THEN 'mixed' END
      AS cost_basis,
    -- Decimals add up to the same in any order.
    CAST(SUM(TRY_CAST(cost_usd AS DECIMAL(38, 12))) AS DOUBLE) / NULLIF(COUNT(cost_usd), 0) AS cost_usd_per_run,
    CAST(SUM(TRY_CAST(wasted_usd AS DECIMAL(38, 12))) AS DOUBLE) / NULLIF(COUNT(wasted_usd), 0) AS wasted_usd_per_run,
    -- Of the runs that it is known of.
    SUM(CAST(wasted_core_ms AS DOUBLE)) / 36e5 / NULLIF(COUNT(wasted_core_ms), 0) AS wasted_core_hours_per_run,
    CAST(SUM(TRY_CAST(wasted_gb_hours AS DECIMAL(38, 12))) AS DOUBLE) / NULLIF(COUNT(wasted_gb_hours), 0)
      AS wasted_gb_hours_per_run,
    SUM(CAST(fetch_wait_core_ms AS DOUBLE)) AS fetch_wait_ms,
    SUM(CAST(gc_core_ms AS DOUBLE)) AS gc_ms,
    SUM(CAST(spill_core_ms AS DOUBLE)) AS spill_ms,
    SUM(CAST(scheduling_core_ms AS DOUBLE)) AS scheduling_ms,
    SUM(CAST(retry_core_ms AS DOUBLE)) AS retry_ms,
    SUM(CAST(speculation_core_ms AS DOUBLE)) AS speculation_ms,
    SUM(CAST(skew_core_ms AS DOUBLE)) AS skew_ms,
    SUM(CAST(start_up_core_ms AS DOUBLE)) AS start_up_ms,
    SUM(CAST(driver_only_core_ms AS DOUBLE)) AS driver_only_ms,
    SUM(CAST(idle_core_ms AS DOUBLE)) AS idle_ms
  FROM runs
  GROUP BY job_key
),
judged AS (
  SELECT
    t.*,
    CASE WHEN days >= $min_days AND num_runs > 1 THEN (num_runs - 1) / NULLIF(days, 0) * 365.25e0 END AS runs_per_year,
    GREATEST(fetch_wait_ms, gc_ms, spill_ms, scheduling_ms, retry_ms,
      speculation_ms, skew_ms, start_up_ms, driver_only_ms, idle_ms) AS worst_ms
  FROM totals AS t
)
SELECT
  job_key, team, num_runs, num_unpriced, first_run_at, last_run_at, runs_per_year,
  core_time_ms,
  wasted_core_ms / NULLIF(core_time_ms, 0) AS wasted_ratio,
  CASE
    WHEN COALESCE(worst_ms, 0e0) <= 0e0 THEN CAST(NULL AS STRING)
    WHEN worst_ms = fetch_wait_ms THEN 'fetch_wait'
    WHEN worst_ms = gc_ms THEN 'gc'
    WHEN worst_ms = spill_ms THEN 'spill'
    WHEN worst_ms = scheduling_ms THEN 'scheduling'
    WHEN worst_ms = retry_ms THEN 'retry'
    WHEN worst_ms = speculation_ms THEN 'speculation'
    WHEN worst_ms = skew_ms THEN 'skew'
    WHEN worst_ms = start_up_ms THEN 'start_up'
    WHEN worst_ms = driver_only_ms THEN 'driver_only'
    WHEN worst_ms = idle_ms THEN 'idle'
  END AS largest_waste,
  cost_basis, cost_usd_per_run, wasted_usd_per_run,
  cost_usd_per_run * runs_per_year AS cost_usd_per_year,
  wasted_usd_per_run * runs_per_year AS wasted_usd_per_year,
  wasted_core_hours_per_run * runs_per_year AS wasted_core_hours_per_year,
  wasted_gb_hours_per_run * runs_per_year AS wasted_gb_hours_per_year
FROM judged
