-- id: spot_candidates
-- title: Work that suits spot instances
-- question: Which jobs could run on spot instances, and what would that save?
SELECT
  o.job_key,
  COUNT(*) AS runs,
  SUM(o.cost_usd) AS on_demand_usd,
  SUM(o.cost_usd) - SUM(s.cost_usd) AS saving_usd,
  MAX(s.long_task_ratio) AS long_task_ratio,
  SUM(s.num_lost_executors) AS lost_executors
FROM application_costs AS s
INNER JOIN application_costs AS o
  ON o.platform = s.platform AND o.cluster_id = s.cluster_id
  AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id
  AND o.basis = 'hypothetical' AND o.deployment = 'emr_ec2' AND o.purchase = 'on_demand'
WHERE s.deployment = 'emr_ec2' AND s.purchase = 'spot' AND s.spot_suitability = 'good'
  AND s.cost_usd IS NOT NULL AND o.job_key IS NOT NULL
GROUP BY o.job_key
ORDER BY saving_usd DESC, o.job_key
LIMIT 20
