-- id: lake_serverless
-- title: Candidates for EMR Serverless
-- description: Recurring jobs whose work would cost less on EMR Serverless than on instances of EMR on EC2
--   that are kept for them alone.
-- parameter: limit bigint = 5 [count] most jobs
SELECT
  o.job_key AS job, COUNT(*) AS num_runs, SUM(o.cost_usd) AS instances_usd, SUM(s.cost_usd) AS serverless_usd,
  SUM(o.cost_usd) - SUM(s.cost_usd) AS saving_usd
FROM application_costs AS s
INNER JOIN application_costs AS o
  ON o.platform = s.platform AND o.cluster_id = s.cluster_id
  AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.app_date = s.app_date
  AND o.deployment = 'emr_ec2' AND o.purchase = 'on_demand'
WHERE s.deployment = 'emr_serverless' AND s.purchase = 'on_demand'
  AND s.cost_usd IS NOT NULL AND o.cost_usd IS NOT NULL AND o.job_key IS NOT NULL
GROUP BY o.job_key
HAVING SUM(s.cost_usd) < SUM(o.cost_usd)
ORDER BY saving_usd DESC, job
LIMIT $limit
