-- id: runs
-- title: The two runs
-- description: What the two compared runs are: a row each, A before B. duration_ms is NULL where the history
--   has no end or clocks ran backwards.
-- parameter: platform_a string = - [platform] platform of run A
-- parameter: cluster_a string = - [cluster id] cluster of run A
-- parameter: application_a string = - [application id] application of run A
-- parameter: attempt_a string = - [attempt id] attempt of run A
-- parameter: platform_b string = - [platform] platform of run B
-- parameter: cluster_b string = - [cluster id] cluster of run B
-- parameter: application_b string = - [application id] application of run B
-- parameter: attempt_b string = - [attempt id] attempt of run B
WITH compared AS (
  SELECT
    'a' AS run, CAST($platform_a AS STRING) AS platform, CAST($cluster_a AS STRING) AS cluster_id,
    CAST($application_a AS STRING) AS application_id, CAST($attempt_a AS STRING) AS attempt_id
  UNION ALL
  SELECT
    'b' AS run, CAST($platform_b AS STRING) AS platform, CAST($cluster_b AS STRING) AS cluster_id,
    CAST($application_b AS STRING) AS application_id, CAST($attempt_b AS STRING) AS attempt_id
)
SELECT
  r.run, a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.application_name, a.job_key,
  a.spark_version, CAST(a.start_time AS STRING) AS start_time,
  CASE WHEN a.complete AND a.observed_duration_ms > 0 THEN a.observed_duration_ms END AS duration_ms,
  a.complete, a.failure_reason, a.is_local, a.cores_max, a.num_executors_max
FROM applications AS a
  INNER JOIN compared AS r
    ON r.platform = a.platform AND r.cluster_id = a.cluster_id
    AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
  WHERE a.application_id IN ($application_a, $application_b)
ORDER BY r.run
