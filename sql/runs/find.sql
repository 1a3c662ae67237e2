-- id: find
-- title: Runs by application id
-- description: Application attempts whose application id is, or contains, a text. Exact ones come first, of
--   several attempts the newest.
-- parameter: application string = - [application id] application id, or a part of it
-- parameter: attempt string = - [attempt id] attempt id; empty for any
-- parameter: limit bigint = 20 [count] most attempts to give
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, application_name, job_key,
  CAST(start_time AS STRING) AS start_time,
  application_id = $application AS is_exact
FROM applications
WHERE STRPOS(application_id, CAST($application AS STRING)) > 0
  AND ($attempt = '' OR attempt_id = $attempt)
ORDER BY is_exact DESC, start_time DESC, attempt_id DESC, platform, cluster_id, application_id
LIMIT $limit
