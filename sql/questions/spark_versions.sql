-- id: spark_versions
-- title: Spark versions
-- question: Which Spark versions run, and how much core time does each take?
SELECT
  spark_version, platform, COUNT(*) AS applications, MIN(app_date) AS first_seen,
  MAX(app_date) AS last_seen, SUM(core_time_ms) / 36e5 AS core_hours
FROM applications
GROUP BY spark_version, platform
ORDER BY applications DESC, spark_version, platform
