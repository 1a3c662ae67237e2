-- id: stage_quantiles
-- title: Spread of the tasks of a stage
-- description: How the metrics of the successful tasks of one stage attempt are spread, without those that are 0.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = 0 [id] its attempt
SELECT metric, unit, num_tasks, min, p05, p25, median, p75, p95, p99, max, total
FROM task_quantiles
WHERE stage_id = $stage_id AND stage_attempt_id = $stage_attempt_id AND max > 0
  AND platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
ORDER BY
  CASE metric
    WHEN 'duration' THEN 0 WHEN 'executor_run_time' THEN 1 WHEN 'executor_cpu_time' THEN 2 WHEN 'jvm_gc_time' THEN 3
    WHEN 'scheduler_delay' THEN 4 WHEN 'input_bytes_read' THEN 5 WHEN 'shuffle_read_bytes' THEN 6
    WHEN 'shuffle_write_bytes_written' THEN 7 WHEN 'memory_bytes_spilled' THEN 8 WHEN 'disk_bytes_spilled' THEN 9
    ELSE 10
  END,
  metric
