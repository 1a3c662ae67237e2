-- id: lake_photon
-- title: Candidates for Photon
-- description: Recurring jobs that would gain from Photon, by task time.
-- parameter: limit bigint = 5 [count] most jobs
WITH summed AS (
  SELECT
    COALESCE(NULLIF(job_key, ''), NULLIF(application_name, ''), application_id) AS job, MAX(candidate) AS candidate, COUNT(*) AS num_runs, AVG(jobphotonperc) AS supported_ratio,
    AVG(est_speedup_low) AS speedup_low, AVG(est_speedup_high) AS speedup_high,
    SUM(CAST(task_time_ms AS DOUBLE)) AS task_time_ms, MAX(blockers) AS blockers
  FROM photonanalysis
  WHERE candidate <> 'no'
  GROUP BY COALESCE(NULLIF(job_key, ''), NULLIF(application_name, ''), application_id)
)
SELECT *
FROM summed
ORDER BY task_time_ms DESC NULLS LAST, job
LIMIT $limit
