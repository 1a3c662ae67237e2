-- id: resolve_application
-- title: The application that somebody means
-- description: The applications that a text names: by id, by name or job key (the newest run), by the
--   platform's id of a job run, or by cluster (the newest on it). An id counts before a name, a name before
--   a job run and a cluster.
-- parameter: app string = - [text] what the application is called
-- parameter: wanted_attempt string = * [text] its attempt; * for the newest
SELECT
  platform, cluster_id, application_id, attempt_id, CAST(app_date AS STRING) AS app_date,
  application_name, job_key, complete,
  CASE
    WHEN application_id = $app THEN 'id'
    WHEN application_name = $app OR job_key = $app THEN 'job'
    WHEN job_run_id = $app THEN 'run'
    ELSE 'cluster'
  END AS named_by,
  COUNT(*) OVER () AS total_rows
FROM applications
WHERE (application_id = $app OR application_name = $app OR job_key = $app OR job_run_id = $app OR cluster_id = $app OR cluster_name = $app)
  AND ($wanted_attempt = '*' OR attempt_id = $wanted_attempt)
ORDER BY
  CASE WHEN application_id = $app THEN 0 WHEN application_name = $app OR job_key = $app THEN 1 WHEN job_run_id = $app THEN 2 ELSE 3 END,
  start_time DESC, attempt_id DESC
LIMIT 1
