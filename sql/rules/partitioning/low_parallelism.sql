-- id: low_parallelism
-- title: Stages have too few tasks for the cores that are held
-- category: partitioning
-- severity: medium
-- version: 20
-- description: Fires for stages with several tasks, but fewer than half of the cores that were
--   held meanwhile, where the tasks have data or work to share; from four fifths of the cores down where such
--   stages, whose tasks are long and all run at once, are most of the application. Stages with the same cause are reported
--   together, so that ten short ones count as one long one; a single task is reported by single_task, tasks of
--   more than half a gibibyte by oversized_partitions. An application in local mode that needs no more than a few of its cores is told by
--   idle_local_cores instead. Tasks that wait for shuffle data or for something outside of Spark get other advice. Where files were cut before most of the
--   executors had registered, into no more tasks than there were cores then (Spark takes two where there is none), that is told as the cause. A
--   retry of a stage runs only the tasks whose output is missing, and does not count. Lost are the cores without a task for the wall time
--   of the stages, never more than the cores that stood idle in the whole application while its jobs ran, nor, of such stages that ran side by side, than
--   what did from the first to the last: some of them worked for the others. What could be won is what even tasks on all
--   cores would save. Of an interactive application the time without a job, when it waited for people, is no wall time here.
-- subject: stage
-- group_by: cause
-- parameter: min_stage_ms bigint = 5000 [ms] wall time of a stage, at least
-- parameter: max_core_share double = 0.5 [ratio] tasks over held cores, at most
-- parameter: max_long_core_share double = 0.8 [ratio] the same where such stages are most of the application
-- parameter: min_long_task_ms bigint = 10000 [ms] median task of such a stage, at least
-- parameter: min_long_share double = 0.5 [ratio] wall time of such stages with the same cause over that of the application, at least
-- parameter: min_lost_ms bigint = 600000 [core_ms] lost core time of all stages with the same cause from which it is reported
-- parameter: min_share double = 0.05 [ratio] or the share of the wall time that could be won
-- parameter: min_recoverable_ms bigint = 10000 [ms] which then is, at least
-- parameter: large_bytes bigint = 536870912 [bytes] data of the median task from which oversized_partitions tells it
-- parameter: open_cost_bytes double = 4194304 [bytes] what opening a file counts as when Spark cuts files (spark.sql.files.openCostInBytes)
-- parameter: min_local_cores bigint = 16 [count] cores of local mode from which idle_local_cores tells the application instead
-- parameter: min_local_ms bigint = 30000 [ms] its wall time, at least
-- parameter: max_local_busy_share double = 0.05 [ratio] task time over core time of those, at most
-- parameter: max_local_longer double = 0.1 [ratio] what four or eight cores would take longer, over the wall time, at most
-- parameter: min_fetch_share double = 0.5 [ratio] waiting for shuffle data over task time from which the tasks wait for that
-- parameter: max_cpu_share double = 0.1 [ratio] processor and garbage collection time of the JVM over task time up to which tasks that read nothing wait for something else, as for remote calls
-- evidence: {num_tasks:task|tasks} ran for {running_ms:s}[, the median one for {long_task_ms:s},] while {held_cores:1} cores were held[; they moved
--   {data_bytes:bytes}][ from {moved_files:file|files}][ (input: {read_bytes:bytes} from {read_files:file|files})][; they waited {fetch_wait_ms:s} of {run_ms:s} of task time for shuffle data][; the processor worked for
--   {cpu_ms:s} of {run_ms:s} of task time][; {early_cores:int} of these cores had registered when the stage was submitted].
-- advice: fetch_wait_ms IS NOT NULL | - | - | The tasks wait for shuffle data, and more of them would wait for the same executors: first shuffle less (filter, select and aggregate before it), in
--   fewer and larger blocks, and look at the disks and the network of the executors that serve them.
-- advice: cpu_ms IS NOT NULL | - | - | The tasks wait for something outside of Spark, such as calls to other services: keep several calls of a task in flight (threads, asynchronous calls, batches), or ask for
--   more partitions ({tasks_wanted:int} use all cores) where the other side can answer more at once. Where it cannot, the same work needs fewer cores.
-- advice: is_long AND cause = 'code' | - | - | Ask for more partitions before this stage (numSlices, minPartitions, numPartitions of groupByKey and other shuffles of RDDs, repartition, smaller blocks of work): at least
--   {tasks_wanted:int}, one for each core, better {rounds_wanted:int} or so, in whole rounds of the cores, so that they end close together.
-- advice: cause = 'unsplittable' | - | - | The {files_read:file|files} hold up to {input_max:bytes} each and are read by one task
--   each: they cannot be split (gzip, multi-line CSV or JSON, one row group). Write them smaller or in a format that can be
--   split, or repartition right after reading.
-- advice: cause = 'splits' AND early_cores IS NOT NULL | spark.default.parallelism | tasks_wanted | The files were cut before these cores had registered, by a default parallelism of {early_parallelism:int}: set it to the cores that there will be, which is how many splits
--   files are cut into at least. Or let Spark wait until executors are there (spark.scheduler.minRegisteredResourcesRatio and maxRegisteredResourcesWaitingTime; on a standalone cluster only with spark.cores.max).
-- advice: cause = 'splits' AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text | Read smaller splits, so that every core gets one. Files
--   that cannot be split (gzip, one row group) need a repartition after reading instead.
-- advice: cause = 'splits' OR cause = 'input' | - | - | The input gives few tasks (files that cannot be split, few partitions
--   in a cache): repartition to about {tasks_wanted:int} right after reading.
-- advice: cause = 'output' | - | - | The code writes with few tasks (coalesce or repartition before the write): coalesce also
--   narrows the steps before it; use repartition, or write more files and compact them afterwards.
-- advice: cause = 'shuffle partitions' | spark.sql.shuffle.partitions | partitions_wanted | Use at least as many shuffle partitions as
--   there are cores, and enough that the data of a task fits into its memory.
-- advice: cause = 'merged' AND better_setting = 'minimum' | spark.sql.adaptive.coalescePartitions.minPartitionSize |
--   CONCAT(CAST(minimum_kib AS STRING), 'KB') | Adaptive execution merged the partitions, though each takes long: let it merge
--   less, or ask for {tasks_wanted:partition|partitions} in the code, which it keeps.
-- advice: cause = 'merged' AND better_setting = 'parallelism' | spark.sql.adaptive.coalescePartitions.parallelismFirst | 'true' | Adaptive execution merged the
--   partitions up to the advisory size, though each takes long: let it keep one for each core, about {better_tasks:int} here.
-- advice: cause = 'merged' AND better_setting = 'advisory' | spark.sql.adaptive.advisoryPartitionSizeInBytes | CONCAT(CAST(advisory_mib AS STRING), 'MB') | Adaptive execution merged the
--   partitions up to the advisory size, though each takes long: let it merge less, into about {better_tasks:int} here.
-- advice: cause = 'merged' | - | - | Adaptive execution merged the partitions, though each takes long: ask for
--   {tasks_wanted:partition|partitions} in the code (repartition), which it keeps.
-- advice: cause = 'code' AND NOT COALESCE(is_local, FALSE) | - | - | Ask for more partitions before this stage (repartition, numSlices, minPartitions, numPartitions of groupByKey and other shuffles of RDDs), at least {tasks_wanted:int}, one for each core. Where the work
--   cannot be cut further, fewer cores do it in the same time.
-- recommendation: Ask for more partitions before this stage (repartition, numSlices, minPartitions, numPartitions of groupByKey and other shuffles of RDDs), at least one for each core.
WITH retries AS (
  -- Retries that run a part of their stage again: how many tasks those have does not depend on the program.
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, r.stage_attempt_id
  FROM stages AS r
  INNER JOIN stages AS s
    ON s.platform = r.platform AND s.cluster_id = r.cluster_id
    AND s.application_id = r.application_id AND s.attempt_id = r.attempt_id AND s.stage_id = r.stage_id
  WHERE r.stage_attempt_id > 0 AND s.stage_attempt_id = 0 AND s.num_tasks > r.num_tasks
),
slow AS (
  SELECT
    f.*,
    CASE
      WHEN input_bytes >= shuffle_read_bytes AND has_scan AND files_read <= num_tasks
        AND input_max > 1.1e0 * max_partition_bytes THEN 'unsplittable'
      -- Spark cuts files so that each core gets a part, but none below what opening one costs: larger ones cannot be cut.
      WHEN input_bytes >= shuffle_read_bytes AND has_scan AND files_read = num_tasks AND NOT dynamic_allocation
        AND file_bytes / NULLIF(files_read, 0) > 1.5e0 * GREATEST(
          $open_cost_bytes, (file_bytes + $open_cost_bytes * files_read) / NULLIF(LEAST(held_cores, COALESCE(default_parallelism, held_cores)), 0)
        )
        THEN 'unsplittable'
      WHEN input_bytes >= shuffle_read_bytes AND has_scan AND from_files / NULLIF(held_cores, 0) >= 1048576 THEN 'splits'
      WHEN input_bytes >= shuffle_read_bytes AND input_bytes > 0 THEN 'input'
      WHEN COALESCE(is_repartitioned, FALSE) THEN CASE WHEN output_bytes > 0 THEN 'output' ELSE 'code' END
      WHEN sql_id IS NOT NULL AND shuffle_read_bytes > 0 AND num_tasks = shuffle_partitions THEN 'shuffle partitions'
      WHEN sql_id IS NOT NULL AND adaptive AND coalesce_partitions AND shuffle_read_bytes > 0
        AND num_tasks < shuffle_partitions AND output_bytes = 0 THEN 'merged'
      WHEN output_bytes > 0 THEN 'output'
      ELSE 'code'
    END AS cause,
    num_tasks * GREATEST(COALESCE(task_cpus, 1), 1) > $max_core_share * held_cores AS is_long,
    COALESCE(fetch_wait_ms >= $min_fetch_share * executor_run_time, FALSE) AS is_fetch,
    -- The JVM does not see what Python and other processes compute, and before Spark 2.1 not its own processor time. What reads or writes waits for its data.
    COALESCE(cpu_ms + COALESCE(gc_time, 0) <= $max_cpu_share * executor_run_time AND fetch_wait_ms < 0.1e0 * executor_run_time, FALSE)
      AND COALESCE(memory_bytes_spilled, 0) = 0 AND COALESCE(input_bytes, 0) = 0 AND COALESCE(output_bytes, 0) = 0 AND NOT COALESCE(has_scan, FALSE)
      AND NOT COALESCE(has_python, FALSE) AND NOT COALESCE(has_gpu, FALSE) AS is_call,
    (held_cores - num_tasks * GREATEST(COALESCE(task_cpus, 1), 1)) * running_ms AS idle_core_ms
  FROM stage_cores AS f
  LEFT JOIN retries AS y
    ON y.platform = f.platform AND y.cluster_id = f.cluster_id
    AND y.application_id = f.application_id AND y.attempt_id = f.attempt_id
    AND y.stage_id = f.stage_id AND y.stage_attempt_id = f.stage_attempt_id
  WHERE y.platform IS NULL AND status = 'COMPLETE' AND NOT is_listing
    AND running_ms >= $min_stage_ms AND num_tasks > 1
    AND (num_tasks * GREATEST(COALESCE(task_cpus, 1), 1) <= $max_core_share * held_cores
      -- What has more tasks than cores that worked for it ran in rounds: uneven_end looks at those.
      OR (num_tasks * GREATEST(COALESCE(task_cpus, 1), 1) <= $max_long_core_share * held_cores AND num_tasks <= task_slots
        AND NOT COALESCE(has_gpu, FALSE) AND duration_median >= $min_long_task_ms))
    -- Tasks that wait for something else than their data do not gain from company.
    AND executor_run_time >= running_ms * num_tasks / 4e0 AND COALESCE(chunk_median, 0) < $large_bytes
),
-- Stages of RDDs whose functions run in other processes.
other_processes AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
  FROM stages AS s
  INNER JOIN rdds AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE (r.rdd_name LIKE '%Python%' OR r.rdd_name LIKE 'Piped%') AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
),
-- Files were cut when fewer cores had registered. Nothing that the code or the settings say made them so few.
early AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id,
    SUM(CASE WHEN UNIX_MILLIS(e.add_time) <= UNIX_MILLIS(s.completion_time) - s.duration_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > UNIX_MILLIS(s.completion_time) - s.duration_ms, TRUE) THEN e.total_cores ELSE 0 END) AS early_cores
  FROM slow AS s
  INNER JOIN executors AS e
    ON e.platform = s.platform AND e.cluster_id = s.cluster_id
    AND e.application_id = s.application_id AND e.attempt_id = s.attempt_id
  LEFT JOIN (
    SELECT DISTINCT platform, cluster_id, application_id, attempt_id
    FROM spark_settings
    WHERE key IN ('spark.default.parallelism', 'spark.sql.leafNodeDefaultParallelism', 'spark.sql.files.minPartitionNum')
  ) AS k
    ON k.platform = s.platform AND k.cluster_id = s.cluster_id
    AND k.application_id = s.application_id AND k.attempt_id = s.attempt_id
  WHERE s.cause = 'splits' AND s.has_scan AND NOT COALESCE(s.is_local, FALSE) AND k.platform IS NULL AND e.executor_id NOT IN ('driver', '<driver>') AND e.total_cores > 0
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id, s.num_tasks, s.held_cores
  HAVING s.num_tasks <= GREATEST(2, SUM(CASE WHEN UNIX_MILLIS(e.add_time) <= UNIX_MILLIS(s.completion_time) - s.duration_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > UNIX_MILLIS(s.completion_time) - s.duration_ms, TRUE) THEN e.total_cores ELSE 0 END))
    AND 2e0 * SUM(CASE WHEN UNIX_MILLIS(e.add_time) <= UNIX_MILLIS(s.completion_time) - s.duration_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > UNIX_MILLIS(s.completion_time) - s.duration_ms, TRUE) THEN e.total_cores ELSE 0 END) <= s.held_cores
),
-- What idle_local_cores tells: fewer cores, not more tasks.
wide AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN num_tasks > 4 THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) / 4e0 AS longer_4_ms,
    SUM(CASE WHEN num_tasks > 8 THEN CAST(executor_run_time AS DOUBLE) ELSE 0e0 END) / 8e0 AS longer_8_ms
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
spare AS (
  SELECT a.platform, a.cluster_id, a.application_id, a.attempt_id
  FROM application_facts AS a
  INNER JOIN wide AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
  WHERE (a.master = 'local' OR a.master LIKE 'local[%') AND NOT COALESCE(a.is_databricks, FALSE) AND a.complete AND a.num_jobs > 0
    AND a.executor_cores >= $min_local_cores AND a.app_duration_ms >= $min_local_ms
    AND a.total_task_time_ms <= $max_local_busy_share * a.app_duration_ms * a.executor_cores
    AND a.total_task_time_ms <= 0.5e0 * a.app_duration_ms * CASE
      WHEN w.longer_4_ms <= $max_local_longer * a.app_duration_ms THEN 4e0 WHEN w.longer_8_ms <= $max_local_longer * a.app_duration_ms THEN 8e0 ELSE 0e0 END
),
chosen AS (
  SELECT
    s.*, s.is_call AND o.platform IS NULL AS is_waiting,
    CAST(SUM(CASE WHEN s.is_long THEN s.running_ms ELSE 0 END) OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.cause
    ) AS DOUBLE) AS long_ms
  FROM slow AS s
  LEFT JOIN spare AS x
    ON x.platform = s.platform AND x.cluster_id = s.cluster_id
    AND x.application_id = s.application_id AND x.attempt_id = s.attempt_id
  LEFT JOIN other_processes AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.stage_id = s.stage_id
  WHERE x.platform IS NULL
),
capped AS (
  SELECT
    s.*,
    -- While no job ran there is no stage to blame, and what stages share is theirs once.
    COALESCE(x.idle_part, 1e0) * LEAST(1e0, GREATEST(
      s.core_time_ms - CAST(s.total_task_time_ms AS DOUBLE)
        - COALESCE(p.driver_only_core_ms, 0) - COALESCE(p.start_up_core_ms, 0),
      0e0
    ) / NULLIF(SUM(COALESCE(x.idle_part, 1e0) * s.idle_core_ms) OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id
    ), 0e0)) AS part,
    -- In a session people think between its jobs.
    CASE WHEN s.is_interactive THEN s.app_duration_ms - COALESCE(p.driver_only_core_ms, 0) / NULLIF(s.average_cores, 0e0) ELSE s.app_duration_ms END AS wall_ms
  FROM chosen AS s
  LEFT JOIN shared_idle AS x
    ON x.platform = s.platform AND x.cluster_id = s.cluster_id
    AND x.application_id = s.application_id AND x.attempt_id = s.attempt_id AND x.subject_id = s.subject_id
  LEFT JOIN core_time_parts AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id
  WHERE NOT s.is_long OR s.long_ms >= $min_long_share * s.app_duration_ms
),
judged AS (
  SELECT
    c.*,
    COALESCE(part, 0e0) * idle_core_ms AS lost_ms,
    COALESCE(part, 0e0) * running_ms * (1e0 - num_tasks * GREATEST(COALESCE(task_cpus, 1), 1) / NULLIF(held_cores, 0)) AS won_ms,
    SUM(COALESCE(part, 0e0) * idle_core_ms) OVER cause AS all_lost_ms,
    SUM(COALESCE(part, 0e0) * running_ms * (1e0 - num_tasks * GREATEST(COALESCE(task_cpus, 1), 1) / NULLIF(held_cores, 0))) OVER cause AS all_won_ms
  FROM capped AS c
  WINDOW cause AS (PARTITION BY platform, cluster_id, application_id, attempt_id, cause)
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  -- Under dynamic allocation fewer cores may have been held just then.
  CASE WHEN dynamic_allocation THEN 'low' ELSE 'medium' END AS confidence,
  -- What the waiting costs is told by fetch_wait.
  CASE WHEN is_fetch THEN 'low' END AS severity,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(won_ms AS BIGINT) AS recoverable_ms,
  stage_name, sql_id, cause, is_local, num_tasks, running_ms, held_cores, is_long, CASE WHEN is_long THEN duration_median END AS long_task_ms,
  executor_run_time AS run_ms, CASE WHEN is_fetch THEN fetch_wait_ms END AS fetch_wait_ms, CASE WHEN is_waiting THEN cpu_ms END AS cpu_ms,
  -- stage_facts has 1 where nothing was counted.
  CASE WHEN data_bytes > 1 THEN data_bytes END AS data_bytes, input_bytes, output_bytes, shuffle_read_bytes,
  input_max, CASE WHEN cause IN ('unsplittable', 'splits', 'input') THEN files_read END AS files_read,
  -- What they put out can be more than what they read from the files.
  CASE WHEN cause IN ('unsplittable', 'splits', 'input') AND data_bytes <= from_files THEN files_read END AS moved_files,
  CASE WHEN cause IN ('unsplittable', 'splits', 'input') AND data_bytes > from_files THEN files_read END AS read_files,
  CASE WHEN cause IN ('unsplittable', 'splits', 'input') AND data_bytes > from_files THEN from_files END AS read_bytes,
  TRY_CAST(CEIL(held_cores / GREATEST(COALESCE(task_cpus, 1), 1)) AS BIGINT) AS tasks_wanted,
  2 * TRY_CAST(CEIL(held_cores / GREATEST(COALESCE(task_cpus, 1), 1)) AS BIGINT) AS rounds_wanted,
  TRY_CAST(GREATEST(CEIL(held_cores), partitions_fit) AS BIGINT) AS partitions_wanted,
  CONCAT(CAST(TRY_CAST(CEIL(CAST(GREATEST(input_bytes, COALESCE(file_bytes, 0)) AS DOUBLE) / 1048576e0 / NULLIF(held_cores, 0)) AS BIGINT) AS STRING), 'MB') AS split_text,
  TRY_CAST(CEIL(CAST(GREATEST(input_bytes, COALESCE(file_bytes, 0)) AS DOUBLE) / 1048576e0 / NULLIF(held_cores, 0)) AS BIGINT) AS split_mib, max_partition_bytes,
  early_cores, GREATEST(early_cores, 2) AS early_parallelism, better_setting, better_tasks, advisory_mib, minimum_kib
FROM (
  SELECT j.*, y.early_cores, m.better_setting, m.better_tasks, m.advisory_mib, m.minimum_kib
  FROM judged AS j
  LEFT JOIN early AS y
    ON y.platform = j.platform AND y.cluster_id = j.cluster_id
    AND y.application_id = j.application_id AND y.attempt_id = j.attempt_id AND y.subject_id = j.subject_id
  LEFT JOIN merged_shuffles AS m
    ON m.platform = j.platform AND m.cluster_id = j.cluster_id
    AND m.application_id = j.application_id AND m.attempt_id = j.attempt_id AND m.subject_id = j.subject_id
) AS advised
WHERE all_lost_ms >= $min_lost_ms
  OR (all_won_ms >= $min_recoverable_ms AND all_won_ms >= $min_share * wall_ms)
