-- id: photon_row
-- title: Photon fit of the application
-- description: Whether one application would gain from Photon, and why.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- verdict: {application_name} ({application_id}) as a candidate for Photon: {candidate}; {candidate_reason}[ Photon could run {jobphotonperc:pct} of its task time][; estimated speedup {est_speedup_low:2} to {est_speedup_high:2}][; it pays off from {breakeven_speedup:2} on].
SELECT
  application_id, attempt_id, application_name, job_key, candidate, candidate_reason, jobphotonperc, movable_share, est_speedup_low,
  est_speedup_high, breakeven_speedup, already_photon_ratio, blockers, task_time_ms, native_engine, native_ratio,
  fallback_ratio, fallbacks
FROM photonanalysis
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
