-- id: stage_quantiles
-- title: Spread of the tasks
-- description: Distribution of the metrics of the successful tasks of one stage attempt, without metrics that are 0.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
SELECT metric, unit, min, p25, median, p75, p95, max, total, num_tasks, p05, p99, mean
FROM task_quantiles
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND stage_id = $stage_id AND stage_attempt_id = $stage_attempt_id AND max > 0
ORDER BY
  CASE metric WHEN 'duration' THEN 0 WHEN 'executor_run_time' THEN 1 WHEN 'jvm_gc_time' THEN 2 ELSE 3 END, metric
