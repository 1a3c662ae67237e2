-- id: origin
-- title: Where the time of a trace begins
-- description: The application of a trace, and the earliest time that anything in it bears, ms since 1970:
--   clocks of driver and executors differ.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
WITH times AS (
  SELECT MIN(UNIX_MILLIS(a.start_time)) AS begin_ms FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster
  AND a.application_id = $application AND a.attempt_id = $attempt
  UNION ALL
  SELECT MIN(UNIX_MILLIS(j.submission_time)) AS begin_ms FROM jobs AS j
  WHERE j.platform = $platform AND j.cluster_id = $cluster
  AND j.application_id = $application AND j.attempt_id = $attempt
  UNION ALL
  SELECT MIN(UNIX_MILLIS(q.submission_time)) AS begin_ms FROM sql AS q
  WHERE q.platform = $platform AND q.cluster_id = $cluster
  AND q.application_id = $application AND q.attempt_id = $attempt
  UNION ALL
  SELECT MIN(UNIX_MILLIS(e.add_time)) AS begin_ms FROM executors AS e
  WHERE e.platform = $platform AND e.cluster_id = $cluster
  AND e.application_id = $application AND e.attempt_id = $attempt
  UNION ALL
  SELECT MIN(UNIX_MILLIS(t.launch_time)) AS begin_ms FROM tasks AS t
  WHERE t.platform = $platform AND t.cluster_id = $cluster
  AND t.application_id = $application AND t.attempt_id = $attempt
)
SELECT MIN(begin_ms) AS origin_ms FROM times
