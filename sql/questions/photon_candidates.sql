-- id: photon_candidates
-- title: Photon candidates
-- question: Which jobs would gain from Photon, and what stands in the way?
SELECT
  job_key,
  MAX(candidate) AS candidate,
  AVG(jobphotonperc) AS supported_share,
  AVG(est_speedup_low) AS speedup_low,
  AVG(est_speedup_high) AS speedup_high,
  SUM(task_time_ms) / 36e5 AS task_hours,
  MAX(blockers) AS blockers
FROM photonanalysis
WHERE candidate <> 'no'
GROUP BY job_key
ORDER BY task_hours DESC, job_key
LIMIT 20
