-- id: uncut_files
-- title: One task reads all rows, the other splits are empty
-- category: partitioning
-- severity: low
-- version: 1
-- description: Fires where Spark cut columnar files into a few splits, but nearly all rows came to one of them (stage_facts: is_one_row_group): a
--   row group of Parquet, or stripe of ORC, is read by the task whose split holds its middle. The other cores stood idle meanwhile. Lost are the cores beyond
--   that one for the wall time of the stage; what could be won is what they would have taken off it. A single task is what
--   single_task reports, many empty splits are what tiny_tasks does.
-- subject: stage
-- parameter: min_stage_ms bigint = 10000 [ms] wall time of the stage, at least
-- parameter: min_won_share double = 0.1 [ratio] wall time that could be won over that of the application, at least
-- parameter: min_won_ms double = 60000 [ms] or the same wall time
-- evidence: One of {num_tasks:task|tasks} read {rows_max:int} of {rows:row|rows} and ran for {longest_ms:s} of the {duration_ms:s} of the stage, while
--   {stage_slots:core|cores} were there[; the rows came from {files_read:file|files}].
-- recommendation: The rows lie in one row group (the file has no other, or the filters keep no other), which one task reads: repartition right after
--   reading, before the costly step, or have the writer make smaller row groups (parquet.block.size) or more files.
WITH judged AS (
  SELECT
    f.*, CAST(duration_ms AS DOUBLE) * (1e0 - 1e0 / NULLIF(stage_slots, 0)) AS won_ms
  FROM stage_facts AS f
  WHERE status = 'COMPLETE' AND is_one_row_group AND NOT is_listing AND stage_slots >= 2 AND duration_ms >= $min_stage_ms
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'medium' AS confidence,
  TRY_CAST(CAST(duration_ms AS DOUBLE) * (stage_slots - 1) AS BIGINT) AS lost_core_ms,
  TRY_CAST(won_ms AS BIGINT) AS recoverable_ms,
  CASE WHEN won_ms >= 600000 THEN 'medium' ELSE 'low' END AS severity,
  stage_name, sql_id, num_tasks, TRY_CAST(input_rows_max AS BIGINT) AS rows_max, input_records AS rows,
  TRY_CAST(run_time_max AS BIGINT) AS longest_ms, duration_ms, stage_slots, files_read
FROM judged
WHERE won_ms >= $min_won_ms OR won_ms >= $min_won_share * app_duration_ms
