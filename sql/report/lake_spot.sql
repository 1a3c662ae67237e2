-- id: lake_spot
-- title: Candidates for spot instances
-- description: Recurring jobs of short tasks that lost no executors, by what spot instances would save over
--   on demand ones (EMR on EC2).
-- parameter: limit bigint = 5 [count] most jobs
SELECT
  o.job_key AS job, COUNT(*) AS num_runs, SUM(o.cost_usd) AS on_demand_usd, SUM(o.cost_usd) - SUM(s.cost_usd) AS saving_usd,
  MAX(s.long_task_ratio) AS long_task_ratio, SUM(s.num_lost_executors) AS num_lost_executors
FROM application_costs AS s
INNER JOIN application_costs AS o
  ON o.platform = s.platform AND o.cluster_id = s.cluster_id
  AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.app_date = s.app_date
  AND o.basis = 'hypothetical' AND o.deployment = 'emr_ec2' AND o.purchase = 'on_demand'
WHERE s.deployment = 'emr_ec2' AND s.purchase = 'spot' AND s.spot_suitability = 'good'
  AND s.cost_usd IS NOT NULL AND o.cost_usd IS NOT NULL AND o.job_key IS NOT NULL
GROUP BY o.job_key
HAVING SUM(COALESCE(s.num_lost_executors, 0)) = 0
ORDER BY saving_usd DESC, job
LIMIT $limit
