-- id: usage_by_team
-- title: Usage by team
-- question: Which teams and users hold the most core time, and how much of it is lost?
SELECT
  COALESCE(team, 'unknown') AS team, COALESCE(spark_user, 'unknown') AS spark_user,
  COUNT(*) AS applications,
  SUM(core_time_ms) / 36e5 AS core_hours,
  SUM(lost_core_ms) / 36e5 AS lost_core_hours
FROM application_overview
GROUP BY COALESCE(team, 'unknown'), COALESCE(spark_user, 'unknown')
ORDER BY core_hours DESC NULLS LAST, team, spark_user
LIMIT 20
