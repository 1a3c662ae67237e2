-- id: executors
-- title: Executors of a trace
-- description: One row per executor, in the order of its tracks; the driver first.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
SELECT
  e.executor_id,
  CASE
    WHEN e.executor_id IN ('driver', '<driver>') THEN 'Driver'
    ELSE CONCAT('Executor ', e.executor_id, COALESCE(CONCAT(' on ', SPLIT_PART(e.host_port, ':', 1)), ''))
  END AS name
FROM executors AS e
WHERE e.platform = $platform AND e.cluster_id = $cluster
  AND e.application_id = $application AND e.attempt_id = $attempt
ORDER BY CASE WHEN e.executor_id IN ('driver', '<driver>') THEN 0 ELSE 1 END, TRY_CAST(e.executor_id AS BIGINT), e.executor_id
