-- id: photon_row
-- title: Photon fit of the application
-- description: Whether one application would gain from Photon, and why.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- verdict: {application_name} ({application_id}) is {fit} for Photon: {candidate_reason}[ Photon supports the operators of {jobphotonperc:pct} of its task time.][ Estimated speedup: {est_speedup_low:1} to {est_speedup_high:1} times.][ {native_reason}]
SELECT
  application_id, attempt_id, application_name, job_key, candidate, candidate_reason, jobphotonperc, movable_share, est_speedup_low,
  est_speedup_high, breakeven_speedup, already_photon_ratio, blockers, task_time_ms, native_engine, native_ratio,
  fallback_ratio, fallbacks, native_verdict, native_reason,
  CASE candidate WHEN 'strong' THEN 'a strong candidate' WHEN 'possible' THEN 'a possible candidate' ELSE 'no candidate' END AS fit
FROM photonanalysis
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
