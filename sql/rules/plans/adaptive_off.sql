-- id: adaptive_off
-- title: Adaptive query execution is off
-- category: plans
-- severity: low
-- version: 2
-- description: Fires where adaptive execution was switched off, or is by the default of an old Spark, in an
--   application whose queries moved much data through shuffles. It would merge small partitions, split
--   skewed ones and choose joins by real sizes; how much that saves is not known beforehand.
-- parameter: min_shuffle_bytes bigint = 1073741824 [bytes] shuffle data read by queries, at least
-- parameter: min_run_time_ms bigint = 600000 [ms] task time of stages that read it, at least
-- parameter: min_small_bytes bigint = 134217728 [bytes] or this much where these stages are most of the application
-- parameter: min_small_run_time_ms bigint = 30000 [ms] and their task time then, at least
-- parameter: min_small_share double = 0.5 [ratio] and their share of the application's task time, at least
-- evidence: Queries read {shuffle_bytes:bytes} through shuffles in {num_stages:stage|stages} of {run_ms:s} of task time with adaptive
--   execution off.
-- advice: spark_minor >= 300 | spark.sql.adaptive.enabled | 'true' | Turn adaptive execution on.
-- recommendation: Move to Spark 3.2 or later, where adaptive execution is on by default.
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'low' AS severity, 'medium' AS confidence,
  COUNT(*) AS num_stages,
  SUM(CAST(shuffle_read_bytes AS DOUBLE)) AS shuffle_bytes,
  SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms,
  MAX(spark_minor) AS spark_minor
FROM stage_facts
WHERE has_settings AND NOT adaptive AND sql_id IS NOT NULL AND shuffle_read_bytes > 0
GROUP BY platform, cluster_id, application_id, attempt_id
HAVING (SUM(CAST(shuffle_read_bytes AS DOUBLE)) >= $min_shuffle_bytes
    AND SUM(CAST(executor_run_time AS DOUBLE)) >= $min_run_time_ms)
  OR (SUM(CAST(shuffle_read_bytes AS DOUBLE)) >= $min_small_bytes
    AND SUM(CAST(executor_run_time AS DOUBLE)) >= $min_small_run_time_ms
    AND SUM(CAST(executor_run_time AS DOUBLE)) >= $min_small_share * MAX(total_task_time_ms))
