-- id: spark_settings
-- title: What each application set
-- description: One row per setting of Spark's that an application had when it started, a small part of environment, which holds
--   properties of the JVM, of Hadoop and the class path too. Values are without spaces, tabs and line
--   breaks around them, as Spark reads numbers, sizes, durations and switches. What a session set later is in session_settings.
-- reads: environment
SELECT platform, cluster_id, application_id, attempt_id, key, MAX(BTRIM(value, CONCAT(' ', CHR(9), CHR(10), CHR(13)))) AS value
FROM environment
WHERE section = 'spark'
GROUP BY platform, cluster_id, application_id, attempt_id, key
