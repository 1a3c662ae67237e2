-- id: queries
-- title: SQL executions of a trace
-- description: One row per SQL execution; begin_ms and end_ms in ms since 1970, every other column becomes an argument.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
WITH life AS (
  SELECT UNIX_MILLIS(a.start_time) + COALESCE(a.observed_duration_ms, a.duration_ms, 0) AS end_ms
  FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster
    AND a.application_id = $application AND a.attempt_id = $attempt
)
SELECT
  CONCAT('sql ', CAST(q.sql_id AS STRING)) AS name,
  UNIX_MILLIS(q.submission_time) AS begin_ms,
  COALESCE(UNIX_MILLIS(q.submission_time) + q.duration_ms, l.end_ms) AS end_ms,
  SUBSTR(q.description, 1, 300) AS description, q.status, q.root_execution_id,
  SUBSTR(q.error_message, 1, 500) AS error_message
FROM sql AS q
CROSS JOIN life AS l
WHERE q.platform = $platform AND q.cluster_id = $cluster
  AND q.application_id = $application AND q.attempt_id = $attempt
  AND q.submission_time IS NOT NULL
ORDER BY begin_ms, q.sql_id
