-- id: counters
-- title: Executors and cores over time
-- description: Executors and their cores after each time at which that changes, ms since 1970; the driver is none,
--   unless it is all there is (local mode).
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
WITH life AS (
  SELECT UNIX_MILLIS(a.start_time) + COALESCE(a.observed_duration_ms, a.duration_ms, 0) AS end_ms
  FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster
    AND a.application_id = $application AND a.attempt_id = $attempt
),
workers AS (
  SELECT
    UNIX_MILLIS(e.add_time) AS begin_ms, COALESCE(UNIX_MILLIS(e.remove_time), l.end_ms) AS end_ms, e.total_cores AS cores
  FROM executors AS e
  CROSS JOIN life AS l
  WHERE e.platform = $platform AND e.cluster_id = $cluster
    AND e.application_id = $application AND e.attempt_id = $attempt
    AND e.add_time IS NOT NULL AND (e.executor_id NOT IN ('driver', '<driver>') OR e.total_cores > 0)
),
changes AS (
  SELECT
    CASE WHEN d.delta > 0 THEN w.begin_ms ELSE w.end_ms END AS time_ms,
    d.delta AS executors, d.delta * w.cores AS cores
  FROM workers AS w
  CROSS JOIN (VALUES (1), (-1)) AS d (delta)
),
summed AS (
  SELECT time_ms, SUM(executors) AS executors, SUM(cores) AS cores FROM changes GROUP BY time_ms
)
SELECT
  time_ms,
  SUM(executors) OVER (ORDER BY time_ms ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS executors,
  SUM(cores) OVER (ORDER BY time_ms ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cores
FROM summed
ORDER BY time_ms
