-- id: failed_task_reasons
-- title: Why tasks fail
-- question: What are the most common errors of failed tasks?
SELECT
  SUBSTR(error_message, 1, 120) AS error, COUNT(*) AS failed_tasks,
  COUNT(DISTINCT application_id) AS applications, SUM(duration) / 36e5 AS lost_task_hours
FROM tasks
WHERE status = 'FAILED'
GROUP BY SUBSTR(error_message, 1, 120)
ORDER BY failed_tasks DESC, error
LIMIT 20
