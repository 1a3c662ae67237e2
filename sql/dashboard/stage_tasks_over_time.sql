-- id: stage_tasks_over_time
-- title: Tasks of a stage by launch and duration
-- description: Task attempts of one stage attempt, counted in 60 slices of its time by launch, and in buckets of duration
--   that grow by the square root of two: bucket n begins at 2^(n/2) milliseconds.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = 0 [id] its attempt
WITH of_stage AS (
  SELECT
    UNIX_MILLIS(t.launch_time) AS begin_ms, GREATEST(COALESCE(t.duration, 0), 0) AS duration_ms,
    CASE WHEN t.status = 'FAILED' THEN 1 ELSE 0 END AS failed
  FROM tasks AS t
  WHERE t.launch_time IS NOT NULL AND t.stage_id = $stage_id AND t.stage_attempt_id = $stage_attempt_id
    AND t.platform = $platform AND t.cluster_id = $cluster_id
    AND t.application_id = $application_id AND t.attempt_id = $attempt_id
    AND t.app_date = CAST($app_date AS DATE)
),
span AS (
  SELECT MIN(begin_ms) AS begin_ms, GREATEST(MAX(begin_ms + duration_ms) - MIN(begin_ms), 1) AS span_ms
  FROM of_stage
)
SELECT
  CAST(LEAST(FLOOR(CAST(t.begin_ms - s.begin_ms AS DOUBLE) * 60e0 / s.span_ms), 59e0) AS BIGINT) AS slice,
  CAST(FLOOR(LOG2(GREATEST(CAST(t.duration_ms AS DOUBLE), 1e0)) * 2e0) AS BIGINT) AS bucket,
  COUNT(*) AS num_tasks, SUM(t.failed) AS num_failed_tasks, MAX(s.span_ms) AS span_ms
FROM of_stage AS t
CROSS JOIN span AS s
GROUP BY
  CAST(LEAST(FLOOR(CAST(t.begin_ms - s.begin_ms AS DOUBLE) * 60e0 / s.span_ms), 59e0) AS BIGINT),
  CAST(FLOOR(LOG2(GREATEST(CAST(t.duration_ms AS DOUBLE), 1e0)) * 2e0) AS BIGINT)
ORDER BY slice, bucket
