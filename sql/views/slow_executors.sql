-- id: slow_executors
-- title: Executors that took much longer for the same work than the others, by stage
-- description: One row per executor and stage attempt in which it was slow, of executors that were slow in all of their stages together. What a task
--   is expected to take is what it took on the median executor of the stage (by tasks: half of them ran where they took no longer), more where the
--   executor's own tasks had more bytes or rows than those of the others. A mean of the others would hold other slow executors. Only stages that many
--   executors worked on count, and executors with many tasks, so that the first wave of a new executor does not. Where the lake has
--   tasks, their waits for shuffle data do not count, as those are for other machines, and most of the executor's own have to be long, not one of them. typical_ms is a task on the median executor, wanted_ms all tasks of the executor as expected,
--   executors those that worked on the stage.
-- parameter: min_ratio double = 2.0 [ratio] task time over what was expected, at least
-- parameter: min_executors bigint = 3 [count] executors that worked on a stage, at least
-- parameter: min_tasks bigint = 15 [count] tasks of the executor in such stages, at least
-- parameter: min_excess_ms bigint = 60000 [ms] task time beyond what was expected, at least
-- parameter: min_task_excess_ms bigint = 2000 [ms] the same of a task in a stage, at least: less is the start of a new executor
-- parameter: max_data_ratio double = 10.0 [ratio] bytes or rows of its tasks over those on the median executor, below which their times compare: more are no task like those of empty splits
-- parameter: min_data_bytes double = 1048576 [bytes] bytes of a task from which that is asked
-- parameter: min_data_rows double = 10000 [rows] or its rows
-- parameter: min_long_share double = 0.5 [ratio] its tasks that are that many times the typical one, at least
-- reads: executors, stage_executors, tasks
WITH waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, executor_id,
    SUM(CAST(COALESCE(shuffle_read_fetch_wait_time, 0) AS DOUBLE)) AS fetch_ms
  FROM tasks
  WHERE shuffle_read_fetch_wait_time > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, executor_id
),
timed AS (
  SELECT x.*, GREATEST(CAST(x.task_time AS DOUBLE) - COALESCE(f.fetch_ms, 0e0), 0e0) AS busy_ms
  FROM stage_executors AS x
  LEFT JOIN waits AS f
    ON f.platform = x.platform AND f.cluster_id = x.cluster_id
    AND f.application_id = x.application_id AND f.attempt_id = x.attempt_id
    AND f.stage_id = x.stage_id AND f.stage_attempt_id = x.stage_attempt_id AND f.executor_id = x.executor_id
),
work AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, executor_id,
    busy_ms AS own_ms,
    succeeded_tasks + COALESCE(failed_tasks, 0) + COALESCE(killed_tasks, 0) AS own_tasks,
    busy_ms / NULLIF(succeeded_tasks + COALESCE(failed_tasks, 0) + COALESCE(killed_tasks, 0), 0) AS task_ms,
    CAST(input_bytes + shuffle_read + output_bytes + shuffle_write AS DOUBLE) AS own_bytes,
    CAST(COALESCE(input_records, 0) + COALESCE(shuffle_read_records, 0) AS DOUBLE) AS own_rows
  FROM timed
  WHERE succeeded_tasks > 0 AND executor_id NOT IN ('driver', '<driver>')
),
ranked AS (
  SELECT
    w.*,
    SUM(own_tasks) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id ORDER BY task_ms, executor_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS faster_tasks,
    SUM(own_tasks) OVER stage AS all_tasks, SUM(own_bytes) OVER stage AS all_bytes, SUM(own_rows) OVER stage AS all_rows,
    COUNT(*) OVER stage AS executors
  FROM work AS w
  WINDOW stage AS (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id)
),
compared AS (
  SELECT
    r.*,
    MIN(CASE WHEN 2 * faster_tasks >= all_tasks THEN task_ms END) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
    ) AS typical_ms,
    GREATEST(
      1e0,
      COALESCE(own_bytes / NULLIF(own_tasks, 0) / NULLIF((all_bytes - own_bytes) / NULLIF(all_tasks - own_tasks, 0), 0e0), 1e0),
      COALESCE(own_rows / NULLIF(own_tasks, 0) / NULLIF((all_rows - own_rows) / NULLIF(all_tasks - own_tasks, 0), 0e0), 1e0)
    ) AS data_factor
  FROM ranked AS r
  WHERE executors >= $min_executors
),
-- What a task on the median executor had: empty splits (row groups that another one reads, partitions without a row) tell
-- nothing of one with data.
alike AS (
  SELECT
    c.*,
    MAX(CASE WHEN task_ms = typical_ms THEN own_bytes / NULLIF(own_tasks, 0) END) OVER stage AS typical_bytes,
    MAX(CASE WHEN task_ms = typical_ms THEN own_rows / NULLIF(own_tasks, 0) END) OVER stage AS typical_rows
  FROM compared AS c
  WINDOW stage AS (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id)
),
summed AS (
  SELECT
    c.*, own_tasks * typical_ms * data_factor AS wanted_ms,
    SUM(own_ms) OVER executor AS executor_ms, SUM(own_tasks) OVER executor AS executor_tasks,
    SUM(own_tasks * typical_ms * data_factor) OVER executor AS executor_wanted_ms
  FROM alike AS c
  WHERE all_tasks >= 2 * own_tasks
    AND COALESCE(own_bytes / NULLIF(own_tasks, 0) < GREATEST($min_data_bytes, $max_data_ratio * typical_bytes), TRUE)
    AND COALESCE(own_rows / NULLIF(own_tasks, 0) < GREATEST($min_data_rows, $max_data_ratio * typical_rows), TRUE)
  WINDOW executor AS (PARTITION BY platform, cluster_id, application_id, attempt_id, executor_id)
),
slow AS (
  SELECT *
  FROM summed
  WHERE executor_tasks >= $min_tasks AND executor_ms >= $min_ratio * executor_wanted_ms AND executor_ms - executor_wanted_ms >= $min_excess_ms
    AND own_ms >= $min_ratio * wanted_ms AND own_ms - wanted_ms >= $min_task_excess_ms * own_tasks
),
-- One task of many is skew, not a slow machine.
counted AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id, s.executor_id,
    COUNT(*) AS num_tasks, SUM(CASE WHEN t.duration - COALESCE(t.shuffle_read_fetch_wait_time, 0) >= $min_ratio * s.typical_ms THEN 1 ELSE 0 END) AS num_long
  FROM slow AS s
  INNER JOIN tasks AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
    AND t.stage_id = s.stage_id AND t.stage_attempt_id = s.stage_attempt_id AND t.executor_id = s.executor_id
  WHERE t.status = 'SUCCESS'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id, s.executor_id
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id, s.executor_id,
  SPLIT_PART(e.host_port, ':', 1) AS host, GREATEST(COALESCE(e.max_tasks, 1), 1) AS slots,
  s.own_ms, s.own_tasks, s.typical_ms, s.wanted_ms, s.executors
FROM slow AS s
LEFT JOIN counted AS c
  ON c.platform = s.platform AND c.cluster_id = s.cluster_id
  AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id
  AND c.stage_id = s.stage_id AND c.stage_attempt_id = s.stage_attempt_id AND c.executor_id = s.executor_id
LEFT JOIN executors AS e
  ON e.platform = s.platform AND e.cluster_id = s.cluster_id
  AND e.application_id = s.application_id AND e.attempt_id = s.attempt_id AND e.executor_id = s.executor_id
WHERE COALESCE(c.num_long >= $min_long_share * c.num_tasks, TRUE)
