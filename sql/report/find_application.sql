-- id: find_application
-- title: Attempts of an application
-- description: The attempts of one application, the newest first: an id can come from several clusters.
-- parameter: application_id string = - [id] the application
SELECT platform, cluster_id, cluster_name, application_id, attempt_id, CAST(app_date AS STRING) AS app_date, start_time, application_name, job_key
FROM applications
WHERE application_id = $application_id
ORDER BY start_time DESC NULLS LAST, LENGTH(attempt_id) DESC, attempt_id DESC, platform, cluster_id
LIMIT 100
