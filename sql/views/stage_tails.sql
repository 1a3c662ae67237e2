-- id: stage_tails
-- title: How long stages waited for their last tasks, where those ran, and what failed tasks said
-- description: One row per stage attempt whose tasks are in the lake. tail_ms is the wall time from
--   the end of the last task of ordinary length to the end of the last task: how long the stage
--   waited for long tasks and nothing else. A task is long from half of the longest run time on. 0
--   where the long tasks ended first, as the first wave of an application does. long_gc_ms and
--   long_fetch_wait_ms are the parts of long_run_time_ms that went into garbage collection and into
--   waiting for shuffle data; long_executors counts the executors that ran long tasks, and
--   long_executor_tasks is all tasks that those executors ran. longest_… is what the longest task itself read, and its processor time.
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
    t.executor_id,
    t.status = 'SUCCESS' AS is_success,
    t.status = 'SUCCESS' AND COALESCE(t.executor_run_time >= l.longest_ms / 2e0, FALSE) AS is_long,
    UNIX_MILLIS(t.launch_time) + t.duration AS end_ms,
    t.status = 'SUCCESS' AND COALESCE(t.executor_run_time >= l.longest_ms, FALSE) AS is_longest,
    t.executor_run_time, t.jvm_gc_time, t.shuffle_read_fetch_wait_time, t.executor_cpu_time,
    t.input_bytes_read, t.input_records_read, t.shuffle_read_remote_bytes_read + t.shuffle_read_local_bytes_read AS shuffle_read_bytes, t.shuffle_read_records_read,
    CASE WHEN t.status = 'FAILED' THEN COALESCE(t.error_message, t.end_reason) END AS task_error
  FROM tasks AS t
  LEFT JOIN longest AS l
    ON l.platform = t.platform AND l.cluster_id = t.cluster_id
    AND l.application_id = t.application_id AND l.attempt_id = t.attempt_id
    AND l.stage_id = t.stage_id AND l.stage_attempt_id = t.stage_attempt_id
),
by_executor AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, executor_id,
    MAX(CASE WHEN is_success THEN end_ms END) AS end_ms,
    MAX(CASE WHEN is_success AND NOT is_long THEN end_ms END) AS ordinary_end_ms,
    SUM(CASE WHEN is_success THEN 1 ELSE 0 END) AS num_tasks,
    SUM(CASE WHEN is_long THEN 1 ELSE 0 END) AS long_tasks,
    SUM(CASE WHEN is_long THEN executor_run_time ELSE 0 END) AS long_run_time_ms,
    SUM(CASE WHEN is_long THEN jvm_gc_time ELSE 0 END) AS long_gc_ms,
    SUM(CASE WHEN is_long THEN shuffle_read_fetch_wait_time ELSE 0 END) AS long_fetch_wait_ms,
    MAX(CASE WHEN is_longest THEN input_bytes_read END) AS longest_input_bytes,
    MAX(CASE WHEN is_longest THEN input_records_read END) AS longest_input_rows,
    MAX(CASE WHEN is_longest THEN shuffle_read_bytes END) AS longest_shuffle_bytes,
    MAX(CASE WHEN is_longest THEN shuffle_read_records_read END) AS longest_shuffle_rows,
    MAX(CASE WHEN is_longest THEN executor_cpu_time END) AS longest_cpu_ns,
    MAX(task_error) AS task_error
  FROM ends
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, executor_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
  GREATEST(MAX(end_ms) - MAX(ordinary_end_ms), 0) AS tail_ms,
  SUM(long_tasks) AS long_tasks,
  SUM(long_run_time_ms) AS long_run_time_ms,
  SUM(long_gc_ms) AS long_gc_ms,
  SUM(long_fetch_wait_ms) AS long_fetch_wait_ms,
  SUM(CASE WHEN long_tasks > 0 THEN 1 ELSE 0 END) AS long_executors,
  SUM(CASE WHEN long_tasks > 0 THEN num_tasks ELSE 0 END) AS long_executor_tasks,
  SUM(CASE WHEN num_tasks > 0 THEN 1 ELSE 0 END) AS executors,
  MAX(CASE WHEN long_tasks > 0 THEN executor_id END) AS long_executor_id,
  MAX(longest_input_bytes) AS longest_input_bytes, MAX(longest_input_rows) AS longest_input_rows,
  MAX(longest_shuffle_bytes) AS longest_shuffle_bytes, MAX(longest_shuffle_rows) AS longest_shuffle_rows,
  CAST(NULLIF(MAX(longest_cpu_ns), 0) AS DOUBLE) / 1e6 AS longest_cpu_ms,
  MAX(task_error) AS task_error
FROM by_executor
GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
