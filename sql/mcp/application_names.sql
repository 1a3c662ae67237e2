-- id: application_names
-- title: What applications are called
-- description: The newest applications by the names that they can be asked for, to suggest one where a name is
--   mistyped.
SELECT application_id, application_name, job_key, cluster_id
FROM applications
ORDER BY start_time DESC
LIMIT 5000
