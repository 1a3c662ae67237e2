-- id: waste_by_job
-- title: Recurring jobs by money wasted
-- description: Recurring jobs with what they cost and waste in a run and in a year at the present rhythm.
-- parameter: team string = * [text] team; * for all
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {total_rows:job|jobs}[ wasted {total_wasted_ratio:pct} of their core time]; {job_key} wastes the most money[: {wasted_ratio:pct} of its core time][, most of it {largest_waste:part}][, ${wasted_usd_per_run:4} a run][ and ${wasted_usd_per_year:2} a year at its present frequency].
-- empty: No job is in the lake.
SELECT
  job_key, team, num_runs, cost_usd_per_run, wasted_usd_per_run, wasted_ratio, largest_waste, runs_per_year,
  cost_usd_per_year, wasted_usd_per_year, wasted_core_hours_per_year, wasted_gb_hours_per_year, core_time_ms, cost_basis, num_unpriced, first_run_at, last_run_at,
  SUM(wasted_ratio * core_time_ms) OVER () / NULLIF(SUM(CAST(core_time_ms AS DOUBLE)) OVER (), 0e0) AS total_wasted_ratio,
  COUNT(*) OVER () AS total_rows
FROM job_costs
WHERE $team = '*' OR team = $team
ORDER BY wasted_usd_per_year DESC, wasted_usd_per_run DESC, wasted_ratio * core_time_ms DESC, job_key
LIMIT $limit OFFSET $offset
