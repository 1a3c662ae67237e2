-- id: lake_jobs
-- title: Jobs that cost most
-- description: Recurring jobs by cost, those without a known price by core time. The largest waste is that of
--   all runs of a recurring job; of others that of the run that wasted most.
-- parameter: limit bigint = 10 [count] most jobs
WITH named AS (
  SELECT *, COALESCE(NULLIF(job_key, ''), NULLIF(application_name, ''), application_id) AS job
  FROM application_waste
),
worst AS (
  SELECT
    job, largest_waste,
    ROW_NUMBER() OVER (
      PARTITION BY job
      ORDER BY wasted_core_ms DESC NULLS LAST, application_id, attempt_id
    ) AS place
  FROM named
),
summed AS (
  SELECT
    job, MAX(job_key) AS job_key, COUNT(*) AS num_runs,
    SUM(CAST(core_time_ms AS DOUBLE)) AS core_time_ms, SUM(CAST(wasted_core_ms AS DOUBLE)) AS wasted_core_ms,
    SUM(CAST(wasted_core_ms AS DOUBLE)) / NULLIF(SUM(CAST(core_time_ms AS DOUBLE)), 0e0) AS wasted_ratio,
    SUM(cost_usd) AS cost_usd, SUM(wasted_usd) AS wasted_usd
  FROM named
  GROUP BY job
)
SELECT s.*, COALESCE(c.largest_waste, w.largest_waste) AS largest_waste, c.cost_usd_per_year / 12e0 AS cost_usd_per_month, COUNT(*) OVER () AS num_jobs
FROM summed AS s
INNER JOIN worst AS w ON w.job = s.job AND w.place = 1
LEFT JOIN job_costs AS c ON c.job_key = s.job_key
ORDER BY s.cost_usd DESC NULLS LAST, s.core_time_ms DESC NULLS LAST, s.job
LIMIT $limit
