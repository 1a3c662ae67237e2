-- id: lake_jobs
-- title: Jobs that cost most
-- description: Recurring jobs by cost, those without a known price by core time. The largest waste is that of
--   the run that wasted most.
-- parameter: limit bigint = 10 [count] most jobs
WITH worst AS (
  SELECT
    COALESCE(job_key, application_name, application_id) AS job, largest_waste,
    ROW_NUMBER() OVER (
      PARTITION BY COALESCE(job_key, application_name, application_id)
      ORDER BY wasted_core_ms DESC NULLS LAST, application_id, attempt_id
    ) AS place
  FROM application_waste
),
summed AS (
  SELECT
    COALESCE(job_key, application_name, application_id) AS job, MAX(job_key) AS job_key, COUNT(*) AS num_runs,
    SUM(CAST(core_time_ms AS DOUBLE)) AS core_time_ms, SUM(CAST(wasted_core_ms AS DOUBLE)) AS wasted_core_ms,
    SUM(CAST(wasted_core_ms AS DOUBLE)) / NULLIF(SUM(CAST(core_time_ms AS DOUBLE)), 0e0) AS wasted_ratio,
    SUM(cost_usd) AS cost_usd, SUM(wasted_usd) AS wasted_usd
  FROM application_waste
  GROUP BY COALESCE(job_key, application_name, application_id)
)
SELECT s.*, w.largest_waste, c.cost_usd_per_year / 12e0 AS cost_usd_per_month, COUNT(*) OVER () AS num_jobs
FROM summed AS s
INNER JOIN worst AS w ON w.job = s.job AND w.place = 1
LEFT JOIN job_costs AS c ON c.job_key = s.job_key
ORDER BY s.cost_usd DESC NULLS LAST, s.core_time_ms DESC NULLS LAST, s.job
LIMIT $limit
