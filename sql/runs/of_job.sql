-- id: of_job
-- title: Newest runs of a recurring job
-- description: The newest runs of one recurring job whose history has an end, the newest first; of an
--   application its newest attempt.
-- parameter: job_key string = - [job key] the recurring job
-- parameter: limit bigint = 2 [count] most runs to give
WITH attempts AS (
  SELECT
    a.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id ORDER BY start_time DESC, attempt_id DESC
    ) AS age
  FROM applications AS a
  WHERE job_key = $job_key AND complete
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, application_name, job_key,
  CAST(start_time AS STRING) AS start_time,
  TRUE AS is_exact
FROM attempts
WHERE age = 1
ORDER BY start_time DESC, platform, cluster_id, application_id
LIMIT $limit
