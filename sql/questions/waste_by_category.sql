-- id: waste_by_category
-- title: Kinds of waste
-- question: What kind of waste costs me most?
SELECT
  category,
  severity,
  COUNT(*) AS findings,
  COUNT(DISTINCT application_id) AS applications,
  -- Findings of different kinds can name the same core time: compare, do not add.
  SUM(lost_core_ms) / 36e5 AS lost_core_hours
FROM findings
GROUP BY category, severity
ORDER BY lost_core_hours DESC, category, severity
