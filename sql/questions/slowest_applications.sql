-- id: slowest_applications
-- title: Slowest applications
-- question: Which applications ran longest, and how much of their core time was idle?
SELECT
  application_name, application_id, app_date, duration_ms / 6e4 AS minutes,
  core_time_ms / 36e5 AS core_hours, idle_percent, top_rule
FROM application_overview
WHERE duration_ms IS NOT NULL
ORDER BY minutes DESC, application_id
LIMIT 20
