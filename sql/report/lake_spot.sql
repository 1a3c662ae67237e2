-- id: lake_spot
-- title: Candidates for spot instances
-- description: Recurring jobs of short tasks that lost no executors, by what spot instances would save over
--   on demand ones (EMR on EC2).
-- parameter: limit bigint = 5 [count] most jobs
WITH runs AS (
  -- One pass over the costs: both prices of an application come together by its keys.
  SELECT
    platform, cluster_id, application_id, attempt_id, app_date, MAX(job_key) AS job_key,
    MAX(CASE WHEN purchase = 'on_demand' AND basis = 'hypothetical' THEN cost_usd END) AS on_demand_usd,
    MAX(CASE WHEN purchase = 'spot' AND spot_suitability = 'good' THEN cost_usd END) AS spot_usd,
    MAX(CASE WHEN purchase = 'spot' AND spot_suitability = 'good' THEN long_task_ratio END) AS long_task_ratio,
    MAX(CASE WHEN purchase = 'spot' AND spot_suitability = 'good' THEN num_lost_executors END) AS num_lost_executors
  FROM application_costs
  WHERE deployment = 'emr_ec2' AND job_key IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, app_date
)
SELECT
  job_key AS job, COUNT(*) AS num_runs, SUM(on_demand_usd) AS on_demand_usd, SUM(on_demand_usd) - SUM(spot_usd) AS saving_usd,
  MAX(long_task_ratio) AS long_task_ratio, SUM(num_lost_executors) AS num_lost_executors
FROM runs
WHERE on_demand_usd IS NOT NULL AND spot_usd IS NOT NULL
GROUP BY job_key
HAVING SUM(COALESCE(num_lost_executors, 0)) = 0
ORDER BY saving_usd DESC, job
LIMIT $limit
