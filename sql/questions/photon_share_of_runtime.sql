-- id: photon_share_of_runtime
-- title: Share of the run time within Photon
-- question: What percentage of the aggregate run time would run in Photon, and how much faster would it be?
SELECT
  COUNT(*) AS applications,
  SUM(weight) / 36e5 AS task_hours,
  100e0 * SUM(jobphotonperc * weight) / NULLIF(SUM(weight), 0e0) AS photon_percent,
  100e0 * SUM(already_photon_ratio * weight) / NULLIF(SUM(weight), 0e0) AS already_photon_percent,
  SUM(est_speedup_low * weight) / NULLIF(SUM(weight), 0e0) AS est_speedup_low,
  SUM(est_speedup_high * weight) / NULLIF(SUM(weight), 0e0) AS est_speedup_high
FROM (
  SELECT jobphotonperc, already_photon_ratio, est_speedup_low, est_speedup_high, CAST(task_time_ms AS DOUBLE) AS weight
  FROM photonanalysis
) AS weighted
