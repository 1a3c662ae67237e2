-- id: unjudged
-- title: Steps that failed for a run
-- description: Rules and tables that could not be computed for an application; the next run tries again.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
SELECT step, error
FROM analysis_failures
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
ORDER BY step
LIMIT 100
