-- id: inferred_schemas
-- title: Stages that infer the schema of text files
-- description: One row per stage attempt that the call which opens CSV, JSON or XML files ran outside of any query, as inferring a schema does. is_told: schema_inference tells it, so that the rules
--   which would make the stage itself faster do not. is_loop: many such calls, one after the other, took a good part of the wall time. won_ms is the wall time
--   that is won without the stage.
-- parameter: min_bytes bigint = 1073741824 [bytes] input of the stage, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] its task time, at least
-- parameter: min_small_bytes bigint = 67108864 [bytes] or less of it where it is a good part of the application, at least
-- parameter: min_small_run_time_ms bigint = 5000 [ms] and its task time then, at least
-- parameter: min_small_won_ms bigint = 2000 [ms] and the wall time to win then, at least
-- parameter: min_small_share double = 0.1 [ratio] and its share of the application's task time, at least
-- parameter: min_wall_ms bigint = 2500 [ms] wall time to win, and task time, from which it is told where it is a part of the wall time
-- parameter: min_wall_share double = 0.05 [ratio] that part, at least
-- parameter: min_wall_bytes bigint = 16777216 [bytes] input of the stage then, at least
-- parameter: min_calls bigint = 5 [count] calls one after the other that count together, at least
-- parameter: min_calls_ms bigint = 5000 [ms] wall time of their stages, at least
-- reads: stage_facts
WITH inferring AS (
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
    -- The program waits for it. Of many tasks the cores share the time; few leave cores idle.
    CASE WHEN num_tasks < task_slots THEN CAST(duration_ms AS DOUBLE) ELSE LEAST(CAST(executor_run_time AS DOUBLE) / NULLIF(task_slots, 0), duration_ms) END AS won_ms
  FROM inferring AS i
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, stage_name, num_tasks, input_bytes, executor_run_time, duration_ms,
  total_task_time_ms, app_duration_ms, is_interactive, is_loop, won_ms,
  COALESCE(is_loop
    OR (input_bytes >= $min_bytes AND executor_run_time >= $min_run_time_ms)
    OR (input_bytes >= $min_small_bytes AND executor_run_time >= $min_small_run_time_ms
      AND won_ms >= $min_small_won_ms AND executor_run_time >= $min_small_share * total_task_time_ms)
    OR (input_bytes >= $min_wall_bytes AND executor_run_time >= $min_wall_ms AND won_ms >= $min_wall_ms AND won_ms >= $min_wall_share * app_duration_ms), FALSE) AS is_told
FROM judged
