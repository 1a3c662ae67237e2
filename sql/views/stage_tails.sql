-- id: stage_tails
-- title: How long stages waited for their last tasks, and what their failed tasks said
-- description: One row per stage attempt whose tasks are in the lake. tail_ms is the wall time from
--   the end of the last task of ordinary length to the end of the last task: how long the stage
--   waited for long tasks and nothing else. A task is long from half of the longest run time on. 0
--   where the long tasks ended first, as the first wave of an application does.
-- reads: task_quantiles, tasks
WITH longest AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    MAX(max) AS longest_ms
  FROM task_quantiles
  WHERE metric = 'executor_run_time'
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
ends AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id,
    t.status = 'SUCCESS' AS is_success,
    COALESCE(t.executor_run_time >= l.longest_ms / 2e0, FALSE) AS is_long,
    UNIX_MILLIS(t.launch_time) + t.duration AS end_ms,
    CASE WHEN t.status = 'FAILED' THEN COALESCE(t.error_message, t.end_reason) END AS task_error
  FROM tasks AS t
  LEFT JOIN longest AS l
    ON l.platform = t.platform AND l.cluster_id = t.cluster_id
    AND l.application_id = t.application_id AND l.attempt_id = t.attempt_id
    AND l.stage_id = t.stage_id AND l.stage_attempt_id = t.stage_attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
  GREATEST(
    MAX(CASE WHEN is_success THEN end_ms END) - MAX(CASE WHEN is_success AND NOT is_long THEN end_ms END),
    0
  ) AS tail_ms,
  SUM(CASE WHEN is_success AND is_long THEN 1 ELSE 0 END) AS long_tasks,
  MAX(task_error) AS task_error
FROM ends
GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
