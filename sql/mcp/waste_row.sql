-- id: waste_row
-- title: Waste of the application
-- description: How much of one application was wasted and what that costs.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- verdict: {application_name} ({application_id})[ wasted {wasted_ratio:pct} of its core time, most of it {largest_waste:part}][; it cost ${cost_usd:4} ({cost_basis})][, ${wasted_usd:4} of it wasted].
SELECT
  application_id, application_name, job_key, core_time_ms, wasted_core_ms, wasted_ratio, largest_waste,
  memory_gb_hours, unused_gb_hours, memory_peak_ratio, cost_basis, cost_usd, wasted_usd
FROM application_waste
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
