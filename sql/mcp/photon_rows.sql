-- id: photon_rows
-- title: Photon candidates
-- description: Applications by whether they would gain from Photon.
-- parameter: candidate string = * [text] strong, possible or no; * for all
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {num_strong:strong|strong} and {num_possible:possible candidate|possible candidates} for Photon among {total_rows:application|applications}[; Photon supports the operators of {photon_share:pct} of their task time].[ The best is {best}: {best_reason}]
-- empty: No application was analyzed.
SELECT
  application_id, attempt_id, application_name, job_key, candidate, candidate_reason, jobphotonperc, est_speedup_low,
  est_speedup_high, breakeven_speedup, already_photon_ratio, blockers, task_time_ms, native_engine, fallback_ratio, native_verdict,
  CASE WHEN candidate <> 'no' THEN CONCAT(application_name, ' (', application_id, ')') END AS best,
  CASE WHEN candidate <> 'no' THEN candidate_reason END AS best_reason,
  SUM(CASE WHEN candidate = 'strong' THEN 1 ELSE 0 END) OVER () AS num_strong,
  SUM(CASE WHEN candidate = 'possible' THEN 1 ELSE 0 END) OVER () AS num_possible,
  SUM(jobphotonperc * task_time_ms) OVER () / NULLIF(SUM(CASE WHEN jobphotonperc IS NOT NULL THEN CAST(task_time_ms AS DOUBLE) END) OVER (), 0e0) AS photon_share,
  COUNT(*) OVER () AS total_rows
FROM photonanalysis
WHERE $candidate = '*' OR candidate = $candidate
ORDER BY
  CASE candidate WHEN 'strong' THEN 0 WHEN 'possible' THEN 1 ELSE 2 END,
  jobphotonperc * task_time_ms DESC, application_id, attempt_id
LIMIT $limit OFFSET $offset
