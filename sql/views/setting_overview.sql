-- id: setting_overview
-- title: Spark settings that applications ran with, for people and language models
-- description: One row per Spark property that an application was given, with the name of the application. No join is
--   needed. Defaults that nobody set are not here (application_configuration has them); secrets are redacted.
-- grain: one row per Spark property of an application attempt
-- keys: platform, cluster_id, application_id, attempt_id, key
-- column: num_sessions_changed [count] Queries and jobs of the application that ran with another value.
-- reads: applications, environment, session_settings
WITH changed AS (
  SELECT platform, cluster_id, application_id, attempt_id, key, COUNT(*) AS num_changed
  FROM session_settings
  GROUP BY platform, cluster_id, application_id, attempt_id, key
)
SELECT
  e.platform, e.cluster_id, e.cluster_name, e.application_id, e.attempt_id, e.app_date,
  a.application_name, a.job_key, a.spark_user, a.team, a.spark_version, a.start_time,
  e.key, e.value,
  COALESCE(c.num_changed, 0) AS num_sessions_changed
FROM environment AS e
LEFT JOIN applications AS a
  ON a.platform = e.platform AND a.cluster_id = e.cluster_id
  AND a.application_id = e.application_id AND a.attempt_id = e.attempt_id
LEFT JOIN changed AS c
  ON c.platform = e.platform AND c.cluster_id = e.cluster_id
  AND c.application_id = e.application_id AND c.attempt_id = e.attempt_id AND c.key = e.key
WHERE e.section = 'spark'
