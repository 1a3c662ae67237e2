-- id: list_jobs
-- title: Recurring jobs of the lake, page by page
-- description: Recurring jobs whose key contains a text, by what they cost in a year, those without a price by core time.
-- parameter: text string = [text] in lower case; all where empty
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
SELECT
  job_key, team, num_runs, last_run_at, runs_per_year, core_time_ms, wasted_ratio, largest_waste,
  cost_usd_per_run, cost_usd_per_year, wasted_usd_per_year, COUNT(*) OVER () AS num_rows
FROM job_costs
WHERE $text = '' OR INSTR(LOWER(job_key), $text) > 0
ORDER BY cost_usd_per_year DESC NULLS LAST, core_time_ms DESC NULLS LAST, job_key
LIMIT $limit OFFSET $offset
