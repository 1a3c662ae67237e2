-- id: configuration_sessions
-- title: Settings that queries changed
-- description: Settings with which queries ran and which the application had otherwise.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT key, value, application_value, COUNT(*) AS num_queries, MIN(sql_id) AS example_sql_id
FROM session_settings
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
GROUP BY key, value, application_value
ORDER BY num_queries DESC, key, value
LIMIT 20
