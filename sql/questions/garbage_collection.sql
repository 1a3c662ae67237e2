-- id: garbage_collection
-- title: Time in garbage collection
-- question: Which stages spend the most of their run time in garbage collection?
SELECT
  application_name, application_id, stage_id, stage_attempt_id,
  100e0 * jvm_gc_time / CAST(executor_run_time AS DOUBLE) AS gc_percent,
  executor_run_time / 6e4 AS task_minutes
FROM stage_overview
WHERE executor_run_time > 60000
ORDER BY gc_percent DESC, application_id, stage_id, stage_attempt_id
LIMIT 20
