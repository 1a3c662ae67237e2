-- id: uneven_end
-- title: Cores wait for the last tasks of a stage
-- category: partitioning
-- severity: low
-- version: 2
-- description: Fires where a stage has a few tasks for each core, so that its last ones leave many cores without work: the last round is
--   hardly filled, or tasks of uneven length end far apart. Counted is the time from the start of the last task on, when nothing
--   was left to start. Smaller tasks end closer together. A stage that waits for tasks much longer than the others is told by
--   task_skew; one that other stages ran beside is not judged, since their tasks took the cores, nor one whose tasks mostly loaded classes on executors that had just started. What could be won assumes tasks of a quarter of the length.
-- subject: stage
-- group_by: stage_name
-- parameter: min_stage_ms bigint = 10000 [ms] wall time of the stage, at least
-- parameter: max_skew double = 3.0 [ratio] longest over median task, below
-- parameter: min_task_ms bigint = 2000 [ms] median task, at least: shorter ones gain nothing from being cut
-- parameter: min_idle_ratio double = 0.1 [ratio] wall time that cores waited at the end over that of the stage, at least
-- parameter: max_load_share double = 0.5 [ratio] time that tasks took to load what they run over their duration, less than
-- parameter: min_packed double = 2.0 [ratio] files read over tasks from which several whole files make a task
-- parameter: min_idle_ms bigint = 5000 [ms] that time, at least
-- evidence: {num_tasks:task|tasks} ran on {slots:core|cores}, {median_ms:s} the median and {longest_ms:s} the longest. When the last one began, nothing was left for cores that
--   became free: on average each waited {idle_ms:s} of the {duration_ms:s} that the stage took.
-- advice: cause = 'packed' | spark.sql.files.maxPartitionBytes | split_text | A task reads several whole files, put together up to this size: with less, {wanted:int} tasks or so end closer together.
-- advice: cause = 'splits' | spark.sql.files.maxPartitionBytes | split_text | Read smaller splits: {wanted:int} tasks or so end closer together.
-- advice: cause = 'shuffle partitions' | spark.sql.shuffle.partitions | wanted | Use {wanted:int} shuffle partitions, whole rounds of the cores.
-- advice: cause = 'merged' | spark.sql.adaptive.advisoryPartitionSizeInBytes | advisory_text | Let adaptive execution merge partitions less, so that tasks are smaller.
-- advice: cause = 'files' | - | - | The files are read by a task each and cannot be cut (compressed text, one row group): write more and smaller ones, best a multiple of
--   {slots:int}.
-- advice: TRUE | - | - | Give the operation that makes these partitions about {wanted:int} of them (numSlices, minPartitions, numPartitions, repartition), whole rounds of
--   the cores.
-- recommendation: Make more and smaller partitions, in whole rounds of the cores, so that the last tasks end closer together.
WITH candidates AS (
  SELECT
    f.*,
    -- Whole files never fill their tasks evenly.
    CASE
      WHEN f.input_bytes >= f.shuffle_read_bytes AND f.has_scan AND f.sql_id IS NOT NULL AND f.files_read >= $min_packed * f.num_tasks THEN 2e0
      WHEN f.duration_max <= 1.3e0 * f.duration_median THEN 1e0
      ELSE 4e0
    END AS factor,
    f.input_bytes >= f.shuffle_read_bytes AND f.has_scan AS is_scan
  FROM stage_facts AS f
  WHERE f.status = 'COMPLETE' AND NOT f.is_listing AND NOT COALESCE(f.has_gpu, FALSE)
    AND f.num_tasks > f.task_slots AND f.succeeded_tasks = f.num_tasks AND f.duration_ms >= $min_stage_ms
    AND f.duration_median >= $min_task_ms AND f.duration_max < $max_skew * f.duration_median
    AND COALESCE(f.deserialize_time_total < $max_load_share * f.duration_total, TRUE)
    AND f.duration_ms - f.duration_total / NULLIF(f.task_slots, 0) >= $min_idle_ratio * f.duration_ms
),
-- Stages that another ran beside.
beside AS (
  SELECT DISTINCT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.stage_id
  FROM candidates AS c
  INNER JOIN stages AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id
  WHERE o.stage_id <> c.stage_id AND o.first_task_launched_time < c.completion_time AND o.completion_time > c.first_task_launched_time
),
ends AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id,
    UNIX_MILLIS(t.launch_time) + t.duration AS end_ms,
    MAX(UNIX_MILLIS(t.launch_time)) OVER (
      PARTITION BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id
    ) AS last_launch_ms
  FROM tasks AS t
  INNER JOIN candidates AS c
    ON c.platform = t.platform AND c.cluster_id = t.cluster_id
    AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
    AND c.stage_id = t.stage_id AND c.stage_attempt_id = t.stage_attempt_id
  WHERE t.status = 'SUCCESS'
),
waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    MAX(end_ms - last_launch_ms) AS window_ms,
    -- Spark starts a task a moment before it has counted the one before as done.
    SUM(CASE WHEN end_ms > last_launch_ms THEN CAST(end_ms - last_launch_ms AS DOUBLE) ELSE 0e0 END) AS busy_ms
  FROM ends
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
judged AS (
  SELECT
    c.*,
    w.window_ms - w.busy_ms / NULLIF(c.task_slots, 0) AS idle_ms,
    GREATEST(
      c.task_slots * TRY_CAST(CEIL(c.factor * c.num_tasks / NULLIF(c.task_slots, 0)) AS BIGINT), COALESCE(c.partitions_fit, 0)
    ) AS wanted
  FROM candidates AS c
  INNER JOIN waits AS w
    ON w.platform = c.platform AND w.cluster_id = c.cluster_id
    AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id
    AND w.stage_id = c.stage_id AND w.stage_attempt_id = c.stage_attempt_id
  LEFT JOIN beside AS b
    ON b.platform = c.platform AND b.cluster_id = c.cluster_id
    AND b.application_id = c.application_id AND b.attempt_id = c.attempt_id AND b.stage_id = c.stage_id
  WHERE b.stage_id IS NULL
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'medium' AS confidence,
  TRY_CAST(idle_ms * task_slots * task_cpus AS BIGINT) AS lost_core_ms,
  TRY_CAST(0.75e0 * idle_ms AS BIGINT) AS recoverable_ms,
  stage_name, num_tasks, task_slots AS slots, duration_median AS median_ms, duration_max AS longest_ms, TRY_CAST(idle_ms AS BIGINT) AS idle_ms, duration_ms, wanted,
  CASE
    WHEN is_scan AND sql_id IS NOT NULL AND files_read >= $min_packed * num_tasks THEN 'packed'
    WHEN is_scan AND sql_id IS NOT NULL AND (is_row_group_bound OR files_read >= num_tasks) THEN 'files'
    WHEN is_scan AND sql_id IS NOT NULL THEN 'splits'
    WHEN sql_id IS NOT NULL AND shuffle_read_bytes > 0 AND num_tasks = shuffle_partitions AND NOT COALESCE(is_repartitioned, FALSE) THEN 'shuffle partitions'
    WHEN sql_id IS NOT NULL AND adaptive AND coalesce_partitions AND shuffle_read_bytes > 0 AND num_tasks < shuffle_partitions
      AND NOT COALESCE(is_repartitioned, FALSE) THEN 'merged'
    ELSE 'code'
  END AS cause,
  CONCAT(CAST(GREATEST(TRY_CAST(CEIL((split_bytes
    -- Each file counts 4 MiB more (spark.sql.files.openCostInBytes).
    + CASE WHEN files_read >= $min_packed * num_tasks THEN 4194304e0 * files_read ELSE 0e0 END) / NULLIF(wanted, 0) / 1048576e0) AS BIGINT), 1) AS STRING), 'MB') AS split_text,
  CONCAT(CAST(GREATEST(TRY_CAST(CEIL(shuffle_read_bytes / NULLIF(wanted, 0) / 1048576e0) AS BIGINT), 1) AS STRING), 'MB') AS advisory_text
FROM judged
WHERE idle_ms >= $min_idle_ratio * duration_ms AND idle_ms >= $min_idle_ms
