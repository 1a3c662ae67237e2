-- id: spot_losses
-- title: Executors lost to spot reclaims
-- question: How many executors do we lose to spot reclaims, and which jobs suffer?
SELECT
  COALESCE(job_key, application_name) AS job, COUNT(*) AS lost_executors, SUM(failed_tasks) AS failed_tasks,
  SUM(core_time_ms) / 36e5 AS core_hours_of_lost
FROM executor_overview
WHERE loss_kind = 'spot'
GROUP BY COALESCE(job_key, application_name)
ORDER BY lost_executors DESC, job
LIMIT 20
