-- id: lake_totals
-- title: What the lake holds
-- description: Applications of the lake with their core time, waste and cost in one row.
SELECT
  COUNT(*) AS num_applications, COUNT(DISTINCT COALESCE(a.job_key, a.application_name)) AS num_jobs,
  MIN(a.start_time) AS first_start, MAX(a.start_time) AS last_start,
  SUM(CASE WHEN a.complete THEN 0 ELSE 1 END) AS num_incomplete,
  SUM(CASE WHEN a.failure_reason IS NOT NULL OR a.exit_code > 0 THEN 1 ELSE 0 END) AS num_failed,
  SUM(CAST(w.core_time_ms AS DOUBLE)) AS core_time_ms, SUM(CAST(w.wasted_core_ms AS DOUBLE)) AS wasted_core_ms,
  SUM(CAST(w.wasted_core_ms AS DOUBLE)) / NULLIF(SUM(CAST(w.core_time_ms AS DOUBLE)), 0e0) AS wasted_ratio,
  SUM(w.cost_usd) AS cost_usd, SUM(w.wasted_usd) AS wasted_usd,
  SUM(CASE WHEN w.core_time_ms IS NULL THEN 1 ELSE 0 END) AS num_without_core_time,
  SUM(CASE WHEN w.cost_usd IS NULL THEN 1 ELSE 0 END) AS num_unpriced,
  CASE WHEN MIN(w.cost_basis) = MAX(w.cost_basis) THEN MIN(w.cost_basis) WHEN MIN(w.cost_basis) IS NOT NULL THEN 'mixed' END AS cost_basis
FROM applications AS a
LEFT JOIN application_waste AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id AND w.app_date = a.app_date
