-- id: lake_serverless
-- title: Candidates for EMR Serverless
-- description: Recurring jobs whose work would cost less on EMR Serverless than on instances of EMR on EC2
--   that are kept for them alone.
-- parameter: limit bigint = 5 [count] most jobs
WITH runs AS (
  -- One pass over the costs: both prices of an application come together by its keys.
  SELECT
    platform, cluster_id, application_id, attempt_id, app_date, MAX(job_key) AS job_key,
    MAX(CASE WHEN deployment = 'emr_ec2' THEN cost_usd END) AS instances_usd,
    MAX(CASE WHEN deployment = 'emr_serverless' THEN cost_usd END) AS serverless_usd
  FROM application_costs
  WHERE deployment IN ('emr_ec2', 'emr_serverless') AND purchase = 'on_demand' AND job_key IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, app_date
)
SELECT
  job_key AS job, COUNT(*) AS num_runs, SUM(instances_usd) AS instances_usd, SUM(serverless_usd) AS serverless_usd,
  SUM(instances_usd) - SUM(serverless_usd) AS saving_usd
FROM runs
WHERE instances_usd IS NOT NULL AND serverless_usd IS NOT NULL
GROUP BY job_key
HAVING SUM(serverless_usd) < SUM(instances_usd)
ORDER BY saving_usd DESC, job
LIMIT $limit
