-- id: task_histogram
-- title: How many tasks of a stage ran how long
-- description: Successful tasks of one stage attempt, counted by duration in buckets that grow by the square
--   root of two: bucket n begins at 2^(n/2) milliseconds. Bucket 0 also holds what is shorter.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = 0 [id] its attempt
SELECT
  CAST(FLOOR(LOG2(GREATEST(CAST(t.duration AS DOUBLE), 1e0)) * 2e0) AS BIGINT) AS bucket, COUNT(*) AS num_tasks
FROM tasks AS t
WHERE t.status = 'SUCCESS' AND t.duration IS NOT NULL
  AND t.stage_id = $stage_id AND t.stage_attempt_id = $stage_attempt_id
  AND t.platform = $platform AND t.cluster_id = $cluster_id
  AND t.application_id = $application_id AND t.attempt_id = $attempt_id
  AND t.app_date = CAST($app_date AS DATE)
GROUP BY CAST(FLOOR(LOG2(GREATEST(CAST(t.duration AS DOUBLE), 1e0)) * 2e0) AS BIGINT)
ORDER BY bucket
