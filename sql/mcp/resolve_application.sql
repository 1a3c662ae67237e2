-- id: resolve_application
-- title: The application that somebody means
-- description: The applications that a text names: by id, by name or job key (the newest run), or by
--   cluster (the newest on it). An id counts before a name, a name before a cluster.
-- parameter: app string = - [text] what the application is called
-- parameter: wanted_attempt string = * [text] its attempt; * for the newest
SELECT
  platform, cluster_id, application_id, attempt_id, CAST(app_date AS STRING) AS app_date,
  application_name, job_key, complete,
  CASE
    WHEN application_id = $app THEN 'id'
    WHEN application_name = $app OR job_key = $app THEN 'job'
    ELSE 'cluster'
  END AS named_by,
  COUNT(*) OVER () AS total_rows
FROM applications
WHERE (application_id = $app OR application_name = $app OR job_key = $app OR cluster_id = $app OR cluster_name = $app)
  AND ($wanted_attempt = '*' OR attempt_id = $wanted_attempt)
ORDER BY
  CASE WHEN application_id = $app THEN 0 WHEN application_name = $app OR job_key = $app THEN 1 ELSE 2 END,
  start_time DESC, attempt_id DESC
LIMIT 1
