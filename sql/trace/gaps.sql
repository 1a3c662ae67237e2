-- id: gaps
-- title: Driver gaps of a trace
-- description: One row per time of a second or more without a job, with what the driver did meanwhile; begin_ms and
--   end_ms in ms since 1970, every other column becomes an argument.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
SELECT
  CASE WHEN g.is_first THEN 'before the first job' WHEN g.is_last THEN 'after the last job' ELSE 'no job' END AS name,
  g.begin_ms, g.begin_ms + g.gap_ms AS end_ms,
  g.held_core_ms, g.command_ms, g.before_job_ms, g.between_jobs_ms, g.commit_ms, g.collect_ms, g.iterate_ms, g.outside_ms,
  SUBSTR(g.query_description, 1, 300) AS query_description
FROM job_gaps AS g
WHERE g.gap_ms >= 1000 AND g.platform = $platform AND g.cluster_id = $cluster
  AND g.application_id = $application AND g.attempt_id = $attempt
ORDER BY g.begin_ms
