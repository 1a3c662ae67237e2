-- id: applications
-- title: Applications of a lake
-- description: The applications of a lake, the newest attempt of each: what a check of one event log finds.
-- parameter: limit bigint = 20 [count] most applications to give
WITH attempts AS (
  SELECT
    a.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id ORDER BY start_time DESC, attempt_id DESC
    ) AS age
  FROM applications AS a
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, application_name, job_key,
  CAST(start_time AS STRING) AS start_time,
  TRUE AS is_exact
FROM attempts
WHERE age = 1
ORDER BY start_time DESC, platform, cluster_id, application_id
LIMIT $limit
