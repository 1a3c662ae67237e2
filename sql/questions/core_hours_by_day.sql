-- id: core_hours_by_day
-- title: Core hours by day
-- question: How many applications ran each day, and how many core hours did they hold and use?
SELECT
  app_date, COUNT(*) AS applications,
  SUM(core_time_ms) / 36e5 AS core_hours,
  SUM(total_task_time_ms) / 36e5 AS task_hours,
  SUM(num_failed_tasks) AS failed_tasks
FROM applications
GROUP BY app_date
ORDER BY app_date DESC
LIMIT 60
