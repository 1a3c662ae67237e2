-- id: idle_executors
-- title: Executors that did little
-- question: Which executors were held and hardly used?
SELECT
  application_name, application_id, COUNT(*) AS executors,
  SUM(core_time_ms) / 36e5 AS core_hours_held, AVG(busy_percent) AS mean_busy_percent,
  SUM(CASE WHEN total_tasks = 0 THEN 1 ELSE 0 END) AS never_used
FROM executor_overview
WHERE NOT is_driver
GROUP BY platform, cluster_id, application_name, application_id, attempt_id
HAVING AVG(busy_percent) < 50
ORDER BY core_hours_held DESC, application_id, attempt_id
LIMIT 20
