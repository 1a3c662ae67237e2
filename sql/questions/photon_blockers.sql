-- id: photon_blockers
-- title: What keeps work out of Photon
-- question: Which operators keep the most task time out of Photon?
SELECT
  operator,
  MAX(reason) AS reason,
  COUNT(DISTINCT application_id) AS applications,
  SUM(task_time_ms) / 36e5 AS task_hours
FROM photon_operators
WHERE NOT is_supported
GROUP BY operator
ORDER BY task_hours DESC, operator
LIMIT 20
