-- id: ineffjobraw
-- title: Stage efficiency flags
-- description: The six flags of every stage attempt that ran, with the numbers behind each. A stage
--   without successful tasks has no distribution: the flags that need one are 0 and their numbers
--   NULL. Rates are taken task by task (bytes of a task over the run time of the same task).
-- parameter: skew_ratio double = 2.0 [ratio] longest over median, or median over shortest task duration, above which a stage is skewed
-- parameter: min_tasks bigint = 4 [count] successful tasks that a stage needs to be skewed
-- parameter: min_task_ms bigint = 5000 [ms] duration that the longer of the two tasks needs for skew to matter
-- parameter: min_spilled_bytes bigint = 1 [bytes] spill of a stage, at least; 1 is any spill
-- parameter: max_chunk_bytes bigint = 536870912 [bytes] most that a task should read or write
-- parameter: rate_ratio double = 2.0 [ratio] median over a task's processing rate above which the task is slow
-- parameter: min_rate_ms bigint = 1000 [ms] run time that a task needs for its rate to mean something
-- parameter: min_rate_bytes bigint = 1048576 [bytes] data that a task needs for its rate to mean something
-- parameter: min_slow_share double = 0.1 [ratio] share of slow tasks in the run time of such tasks, at least
-- parameter: min_completion_rate double = 90.0 [percent] planned tasks that have to succeed
-- reads: stage_facts, tasks
WITH task_rates AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    executor_run_time,
    CAST(
      input_bytes_read + output_bytes_written + shuffle_read_local_bytes_read
        + shuffle_read_remote_bytes_read + shuffle_write_bytes_written AS DOUBLE
    ) / NULLIF(executor_run_time, 0) AS rate
  FROM tasks
  WHERE status = 'SUCCESS'
    AND executor_run_time >= $min_rate_ms
    AND executor_run_time > 0
    AND input_bytes_read + output_bytes_written + shuffle_read_local_bytes_read
      + shuffle_read_remote_bytes_read + shuffle_write_bytes_written >= $min_rate_bytes
),
rated_tasks AS (
  SELECT
    t.*,
    MEDIAN(rate) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
    ) AS median_rate
  FROM task_rates AS t
),
rates AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    COUNT(*) AS num_rates,
    MIN(rate) AS min_rate,
    MIN(median_rate) AS median_rate,
    MAX(rate) AS max_rate,
    SUM(CASE WHEN rate * $rate_ratio < median_rate THEN executor_run_time ELSE 0 END)
      / CAST(SUM(executor_run_time) AS DOUBLE) AS slow_share
  FROM rated_tasks
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
flagged AS (
  SELECT
    f.*,
    r.min_rate, r.median_rate, r.max_rate, r.slow_share,
    CASE
      WHEN f.succeeded_tasks < $min_tasks THEN 0
      WHEN f.duration_max >= $min_task_ms AND f.duration_max > $skew_ratio * f.duration_median
        THEN 1
      WHEN f.duration_median >= $min_task_ms AND f.duration_median > $skew_ratio * f.duration_min
        THEN 1
      ELSE 0
    END AS skewbinary,
    CASE WHEN f.memory_bytes_spilled >= $min_spilled_bytes THEN 1 ELSE 0 END AS spillbinary,
    CASE WHEN f.disk_bytes_spilled >= $min_spilled_bytes THEN 1 ELSE 0 END AS diskspillbinary,
    CASE WHEN f.chunk_max > $max_chunk_bytes THEN 1 ELSE 0 END AS chunkbinary,
    CASE
      WHEN r.num_rates >= $min_tasks AND r.slow_share >= $min_slow_share THEN 1
      ELSE 0
    END AS prbinary,
    CASE
      WHEN f.status IN ('COMPLETE', 'FAILED') AND f.task_completion_rate < $min_completion_rate
        THEN 1
      ELSE 0
    END AS trbinary
  FROM stage_facts AS f
  LEFT JOIN rates AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id
    AND r.stage_id = f.stage_id AND r.stage_attempt_id = f.stage_attempt_id
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id,
  stage_id, stage_attempt_id,
  skewbinary, spillbinary, diskspillbinary, chunkbinary, prbinary,
  skewbinary + spillbinary + diskspillbinary + chunkbinary + prbinary + trbinary
    AS goldcheckfilter,
  task_completion_rate,
  duration_ms AS duration,
  completion_time,
  trbinary,
  sql_id,
  num_tasks,
  succeeded_tasks AS num_successful_tasks,
  duration_min AS min_task_duration,
  duration_median AS median_task_duration,
  duration_max AS max_task_duration,
  CAST(duration_max AS DOUBLE) / NULLIF(duration_median, 0) AS skew_ratio,
  memory_bytes_spilled,
  memory_spilled_median AS median_memory_bytes_spilled,
  memory_spilled_max AS max_memory_bytes_spilled,
  disk_bytes_spilled,
  disk_spilled_median AS median_disk_bytes_spilled,
  disk_spilled_max AS max_disk_bytes_spilled,
  chunk_median AS median_chunk_bytes,
  chunk_max AS max_chunk_bytes,
  min_rate AS min_processing_rate,
  median_rate AS median_processing_rate,
  max_rate AS max_processing_rate,
  slow_share AS slow_task_share,
  app_date
FROM flagged
