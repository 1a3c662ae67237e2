-- id: lake_gaps
-- title: Gaps in the data
-- description: What the lake does not know: histories that were not loaded or only in part, applications
--   without an end, executors, task rows or a price, and steps of the judgement that failed.
SELECT 'not_loaded' AS gap, status AS detail, COUNT(*) AS number, MIN(source_uri) AS example
FROM newest_sources
WHERE status IN ('quarantined', 'failed', 'unreachable')
GROUP BY status
UNION ALL
SELECT 'partial' AS gap, COALESCE(error_kind, 'partial') AS detail, COUNT(*) AS number, MIN(source_uri) AS example
FROM newest_sources
WHERE status = 'partial'
GROUP BY COALESCE(error_kind, 'partial')
UNION ALL
SELECT 'not_judged' AS gap, step AS detail, COUNT(*) AS number, MIN(application_id) AS example
FROM analysis_failures
GROUP BY step
UNION ALL
SELECT 'never_judged' AS gap, 'not analyzed' AS detail, COUNT(*) AS number, MIN(a.application_id) AS example
FROM applications AS a
LEFT JOIN ineffjobagg AS i
  ON i.platform = a.platform AND i.cluster_id = a.cluster_id
  AND i.application_id = a.application_id AND i.attempt_id = a.attempt_id AND i.app_date = a.app_date
WHERE i.application_id IS NULL
HAVING COUNT(*) > 0
UNION ALL
SELECT 'no_end' AS gap, 'no end in the history' AS detail, COUNT(*) AS number, MIN(application_id) AS example
FROM applications
WHERE end_time IS NULL
HAVING COUNT(*) > 0
UNION ALL
SELECT 'no_core_time' AS gap, 'no executors in the history' AS detail, COUNT(*) AS number, MIN(application_id) AS example
FROM applications
WHERE core_time_ms IS NULL OR core_time_ms <= 0
HAVING COUNT(*) > 0
UNION ALL
SELECT 'no_price' AS gap, COALESCE(missing_price, 'no price') AS detail, COUNT(*) AS number, MIN(application_id) AS example
FROM application_costs
WHERE is_preferred AND cost_usd IS NULL
GROUP BY COALESCE(missing_price, 'no price')
ORDER BY gap, number DESC, detail
