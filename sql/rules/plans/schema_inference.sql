-- id: schema_inference
-- title: Text files are read once more to guess their schema
-- category: plans
-- severity: low
-- version: 7
-- description: Fires where the call that opens CSV, JSON or XML files (csv, json, xml) ran a job of its own outside of any
--   query over much data, or over less where it took a good part of the task time, or where many such calls, one after the other, took
--   a good part of the wall time, as inferring a schema does. A query that reads these data parses all of them again; the history may not hold that query. Lost is the
--   task time of these stages. Where it is half of the task time and a good part of the wall time, it is medium.
-- subject: stage
-- group_by: kind
-- parameter: min_bytes bigint = 1073741824 [bytes] input of the stage, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] its task time, at least
-- parameter: min_small_bytes bigint = 67108864 [bytes] or less of it where it is a good part of the application, at least
-- parameter: min_small_run_time_ms bigint = 5000 [ms] and its task time then, at least
-- parameter: min_small_won_ms bigint = 2000 [ms] and the wall time to win then, at least
-- parameter: min_small_share double = 0.1 [ratio] and its share of the application's task time, at least
-- parameter: medium_share double = 0.5 [ratio] its share of the application's task time from which it is medium
-- parameter: medium_won_ms bigint = 10000 [ms] and the wall time to win then, at least, a quarter of that of the application
-- parameter: min_calls bigint = 5 [count] calls one after the other that count together, at least
-- parameter: min_calls_ms bigint = 5000 [ms] wall time of their stages, at least
-- parameter: min_query_share double = 0.1 [ratio] input of other stages over that of the stage from which they read these data
-- evidence: {stage_name} read {input_bytes:bytes} in {num_tasks:task|tasks} and took {run_ms:s} of task time {told}.
-- recommendation: Give the reader a schema (schema(...)), or let it look at a sample (samplingRatio); better, keep the data as Parquet or a
--   table, which know theirs.
WITH queries AS (
  SELECT platform, cluster_id, application_id, attempt_id,
    -- The reader itself runs a query over the first rows.
    SUM(CASE WHEN sql_id IS NOT NULL THEN CAST(input_bytes AS DOUBLE) END) AS query_bytes,
    -- Python and typed code can read the rows of a query as an RDD.
    SUM(CASE WHEN sql_id IS NULL AND stage_name NOT LIKE 'csv at %' AND stage_name NOT LIKE 'json at %' AND stage_name NOT LIKE 'xml at %'
      THEN CAST(input_bytes AS DOUBLE) END) AS other_bytes
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
inferring AS (
  SELECT
    f.*,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id) AS num_calls,
    SUM(duration_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id) AS calls_ms
  FROM stage_facts AS f
  WHERE sql_id IS NULL AND status = 'COMPLETE'
    AND (stage_name LIKE 'csv at %' OR stage_name LIKE 'json at %' OR stage_name LIKE 'xml at %')
    AND output_bytes = 0 AND shuffle_read_bytes = 0 AND input_bytes > 0
),
judged AS (
  SELECT
    i.*,
    num_calls >= $min_calls AND calls_ms >= $min_calls_ms AND calls_ms >= $min_small_share * app_duration_ms AS is_loop,
    LEAST(CAST(executor_run_time AS DOUBLE) / NULLIF(task_slots, 0), duration_ms) AS won_ms
  FROM inferring AS i
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, subject_id,
  CASE WHEN NOT is_interactive AND executor_run_time >= $medium_share * total_task_time_ms AND won_ms >= $medium_won_ms AND won_ms >= 0.25e0 * app_duration_ms
    THEN 'medium' END AS severity,
  'medium' AS confidence,
  executor_run_time AS lost_core_ms,
  -- Calls in a loop wait for each other.
  TRY_CAST(CASE WHEN is_loop THEN duration_ms ELSE won_ms END AS BIGINT) AS recoverable_ms,
  stage_name, num_tasks, input_bytes, executor_run_time AS run_ms, 'schema' AS kind,
  CASE WHEN q.query_bytes >= $min_query_share * j.input_bytes THEN 'before the query that reads these data'
    WHEN q.other_bytes >= $min_query_share * j.input_bytes THEN 'before the stages that read these data' ELSE 'for the schema alone' END AS told
FROM judged AS j
LEFT JOIN queries AS q
  ON q.platform = j.platform AND q.cluster_id = j.cluster_id
  AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id
WHERE is_loop
  OR (input_bytes >= $min_bytes AND executor_run_time >= $min_run_time_ms)
  OR (input_bytes >= $min_small_bytes AND executor_run_time >= $min_small_run_time_ms
    AND won_ms >= $min_small_won_ms AND executor_run_time >= $min_small_share * total_task_time_ms)
