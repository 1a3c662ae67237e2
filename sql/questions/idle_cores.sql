-- id: idle_cores
-- title: Core time that was paid for but idle
-- question: How much of the core time I hold is idle, by cluster?
SELECT
  cluster_id,
  MAX(cluster_name) AS cluster_name,
  COUNT(*) AS applications,
  SUM(core_time_ms) / 36e5 AS core_hours,
  SUM(total_task_time_ms) / 36e5 AS task_hours,
  100e0 * (1e0 - SUM(total_task_time_ms) / CAST(NULLIF(SUM(core_time_ms), 0) AS DOUBLE))
    AS idle_percent
FROM applications
WHERE core_time_ms > 0
GROUP BY cluster_id
ORDER BY core_hours DESC, cluster_id
LIMIT 20
