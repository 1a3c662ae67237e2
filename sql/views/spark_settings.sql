-- id: spark_settings
-- title: What each application set
-- description: One row per setting of Spark's that an application had when it started, a small part of environment, which holds
--   properties of the JVM, of Hadoop and the class path too. What a session set later is in session_settings.
-- reads: environment
SELECT platform, cluster_id, application_id, attempt_id, key, MAX(value) AS value
FROM environment
WHERE section = 'spark'
GROUP BY platform, cluster_id, application_id, attempt_id, key
