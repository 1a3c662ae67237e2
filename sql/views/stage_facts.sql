-- id: stage_facts
-- title: Stage attempts with what the rules need to know about them
-- description: One row per stage attempt that ran: its sums, the distribution of its successful
--   tasks, the cores it could use, the time of all its task attempts, what its plan nodes do, and
--   the application and settings it ran under, so that a rule needs no join. task_slots counts the
--   task slots of the executors that worked for the stage, at most one a task. Where no cores were logged, as in local mode up to Spark 1.x, they are
--   the threads that the master names (local[4]), else the most tasks side by side on average of a stage. data_bytes is the
--   largest of input, output, shuffle read and shuffle write, chunk_… the same of a task. is_input_hidden: the input of a scan was not counted, as of vectored
--   reads; data_bytes takes the size of its files instead. A listing
--   stage looks for files and moves no data. has_gpu: a query of an
--   application that runs on RAPIDS, most of which a GPU computes.
--   stage_slots are the task slots that it could have had: those of the executors that worked for it,
--   at least what the application held. partitions_fit is the number of partitions in which
--   the stage's data makes good ones: none above 128 MiB, each task's need of memory met as far as
--   spill tells, in whole waves of stage_slots. is_repartitioned: the code asked for the number of its
--   partitions (repartition(n)), which neither spark.sql.shuffle.partitions nor adaptive execution changes.
--   split_bytes are those that splits are cut from. is_row_group_bound: splits for partitions_fit would be smaller than the row groups
--   that writers of Parquet make unless told otherwise (128 MiB; stripes of ORC half of it), so that most of them would be empty.
--   scarce_heap_mib is the heap of an executor in which the worst task would not have spilled, at most four times what there is: known where executors have
--   little heap for each core, so that tasks got less than 256 MiB and the median one spilled.
--   longest_… is what the longest task itself read, and its processor time; where the lake has no tasks it is NULL.
--   cpu_ms (NULL before Spark 2.1) and fetch_wait_ms are the parts of the task time on the processor of the JVM and in waiting for shuffle data,
--   scan_ms the time in scans of files that count it, decoding included; scans below a reused exchange are those that it reuses, and not counted again. An operator of Python without metrics of its own, as before Spark 3.4,
--   works in the stage of the next operator below it that has some.
--   is_uncut: its tasks read a whole file each, larger than what Spark would have cut for its cores: the files cannot be split (gzip, multi-line CSV or JSON, one row group).
--   is_one_row_group: of a few splits of columnar files one had nearly all rows, and took nearly all of the time.
-- reads: application_facts, executors, query_settings, run_time_cores, sql_node_metrics, sql_nodes, sql_scans,
--   stage_executors, stage_tails, stages, task_quantiles, timed_stages
WITH quantiles AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    MAX(num_tasks) AS succeeded_tasks,
    -- Not known where a clock that was set back makes a task end before it begins.
    MAX(CASE WHEN metric = 'duration' AND min >= 0 THEN min END) AS duration_min,
    MAX(CASE WHEN metric = 'duration' AND min >= 0 THEN median END) AS duration_median,
    MAX(CASE WHEN metric = 'duration' AND min >= 0 THEN max END) AS duration_max,
    MAX(CASE WHEN metric = 'duration' AND min >= 0 THEN total END) AS duration_total,
    MAX(CASE WHEN metric = 'executor_run_time' THEN median END) AS run_time_median,
    MAX(CASE WHEN metric = 'executor_run_time' THEN max END) AS run_time_max,
    MAX(CASE WHEN metric = 'executor_run_time' THEN mean END) AS run_time_mean,
    MAX(CASE WHEN metric = 'executor_run_time' THEN total END) AS run_time_total,
    MAX(CASE WHEN metric = 'executor_cpu_time' THEN median END) AS cpu_time_median,
    MAX(CASE WHEN metric = 'jvm_gc_time' THEN max END) AS gc_time_max,
    MAX(CASE WHEN metric = 'scheduler_delay' THEN total END) AS scheduler_delay_total,
    MAX(CASE WHEN metric = 'executor_deserialize_time' THEN total END) AS deserialize_time_total,
    MAX(CASE WHEN metric = 'result_serialization_time' THEN total END) AS serialize_time_total,
    MAX(CASE WHEN metric = 'peak_execution_memory' THEN max END) AS peak_memory_max,
    MAX(CASE WHEN metric = 'memory_bytes_spilled' THEN median END) AS memory_spilled_median,
    MAX(CASE WHEN metric = 'memory_bytes_spilled' THEN max END) AS memory_spilled_max,
    MAX(CASE WHEN metric = 'disk_bytes_spilled' THEN median END) AS disk_spilled_median,
    MAX(CASE WHEN metric = 'disk_bytes_spilled' THEN max END) AS disk_spilled_max,
    MAX(CASE WHEN metric = 'input_bytes_read' THEN median END) AS input_median,
    MAX(CASE WHEN metric = 'input_bytes_read' THEN max END) AS input_max,
    MAX(CASE WHEN metric = 'input_records_read' THEN median END) AS input_rows_median,
    MAX(CASE WHEN metric = 'input_records_read' THEN max END) AS input_rows_max,
    MAX(CASE WHEN metric = 'shuffle_read_records_read' THEN median END) AS shuffle_rows_median,
    MAX(CASE WHEN metric = 'shuffle_read_records_read' THEN max END) AS shuffle_rows_max,
    MAX(CASE WHEN metric = 'output_bytes_written' THEN median END) AS output_median,
    MAX(CASE WHEN metric = 'output_bytes_written' THEN max END) AS output_max,
    MAX(CASE WHEN metric = 'shuffle_read_bytes' THEN median END) AS shuffle_read_median,
    MAX(CASE WHEN metric = 'shuffle_read_bytes' THEN max END) AS shuffle_read_max,
    MAX(CASE WHEN metric = 'shuffle_write_bytes_written' THEN median END) AS shuffle_write_median,
    MAX(CASE WHEN metric = 'shuffle_write_bytes_written' THEN max END) AS shuffle_write_max
  FROM task_quantiles
  WHERE metric IN (
    'duration', 'executor_run_time', 'executor_cpu_time', 'jvm_gc_time', 'scheduler_delay',
    'executor_deserialize_time', 'result_serialization_time', 'peak_execution_memory',
    'memory_bytes_spilled', 'disk_bytes_spilled', 'input_bytes_read', 'output_bytes_written',
    'shuffle_read_bytes', 'shuffle_write_bytes_written', 'input_records_read', 'shuffle_read_records_read'
  )
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
-- Operators of Python that counted nothing, with the next operator below. Nodes are numbered from the top down.
python_inputs AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, MIN(i.node_id) AS input_id
  FROM sql_nodes AS p
  INNER JOIN sql_nodes AS i
    ON i.platform = p.platform AND i.cluster_id = p.cluster_id
    AND i.application_id = p.application_id AND i.attempt_id = p.attempt_id AND i.sql_id = p.sql_id
  WHERE (p.node_name LIKE '%Python%' OR p.node_name LIKE '%Pandas%') AND COALESCE(CARDINALITY(p.stage_ids), 0) = 0
    AND i.node_id > p.node_id AND i.node_id <= p.last_node_id AND CARDINALITY(i.stage_ids) > 0
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
),
-- The last stage of an exchange is the one that reads it; where it has but one, that one writes it, unless it reads a shuffle.
python_stages AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, ARRAY_MAX(i.stage_ids) AS stage_id,
    MIN(CASE WHEN TRIM(i.node_name) = 'Exchange' AND CARDINALITY(i.stage_ids) = 1 THEN 1 ELSE 0 END) AS is_single
  FROM python_inputs AS p
  INNER JOIN sql_nodes AS i
    ON i.platform = p.platform AND i.cluster_id = p.cluster_id
    AND i.application_id = p.application_id AND i.attempt_id = p.attempt_id AND i.sql_id = p.sql_id AND i.node_id = p.input_id
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, ARRAY_MAX(i.stage_ids)
),
scan_times AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, SUM(total) AS scan_ms
  FROM sql_node_metrics
  WHERE metric_name = 'scan time'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
-- Some platforms show what stands below a reused exchange or subquery again, with the same numbers.
reused_nodes AS (
  SELECT DISTINCT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id
  FROM sql_nodes AS r
  INNER JOIN sql_nodes AS n
    ON n.platform = r.platform AND n.cluster_id = r.cluster_id
    AND n.application_id = r.application_id AND n.attempt_id = r.attempt_id AND n.sql_id = r.sql_id
  WHERE r.node_name LIKE 'Reused%' AND n.node_id > r.node_id AND n.node_id <= r.last_node_id
),
plans AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id,
    MAX(CASE WHEN n.node_name LIKE '%Join%' THEN 1 ELSE 0 END) AS has_join,
    MAX(CASE WHEN n.node_name LIKE 'Window%' OR n.node_name LIKE 'PhotonWindow%' THEN 1 ELSE 0 END) AS has_window,
    MAX(CASE WHEN n.node_name LIKE '%Scan %' THEN 1 ELSE 0 END) AS has_scan,
    MAX(CASE WHEN n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%' OR n.node_name LIKE '%InArrow%' OR n.node_name LIKE '%InPySpark%' THEN 1 ELSE 0 END) AS has_python,
    SUM(CASE WHEN u.platform IS NULL THEN x.scan_ms END) AS scan_ms,
    SUM(CASE WHEN u.platform IS NULL THEN c.files_read END) AS files_read,
    SUM(CASE WHEN u.platform IS NULL THEN c.bytes_read END) AS file_bytes,
    MAX(c.format) AS file_format,
    MAX(COALESCE(c.table_name, c.location)) AS file_source,
    MAX(CASE WHEN n.node_name LIKE '%Limit%' THEN 1 ELSE 0 END) AS has_limit
  FROM stages AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id
    AND n.sql_id = s.sql_id
  LEFT JOIN sql_scans AS c
    ON c.platform = n.platform AND c.cluster_id = n.cluster_id
    AND c.application_id = n.application_id AND c.attempt_id = n.attempt_id
    AND c.sql_id = n.sql_id AND c.node_id = n.node_id AND c.operation = 'read'
  LEFT JOIN scan_times AS x
    ON x.platform = n.platform AND x.cluster_id = n.cluster_id
    AND x.application_id = n.application_id AND x.attempt_id = n.attempt_id
    AND x.sql_id = n.sql_id AND x.node_id = n.node_id
  LEFT JOIN reused_nodes AS u
    ON u.platform = n.platform AND u.cluster_id = n.cluster_id
    AND u.application_id = n.application_id AND u.attempt_id = n.attempt_id
    AND u.sql_id = n.sql_id AND u.node_id = n.node_id
  WHERE ARRAY_CONTAINS(n.stage_ids, s.stage_id)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id
),
-- Stages that read a shuffle whose number of partitions stands in the code.
repartitions AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, ARRAY_MAX(stage_ids) AS stage_id
  FROM sql_nodes
  WHERE operator_kind = 'exchange' AND CARDINALITY(stage_ids) >= 2 AND description LIKE '%REPARTITION_BY_NUM%'
),
workers AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(GREATEST(COALESCE(e.max_tasks, 1), 1)) AS slots, COALESCE(MAX(e.max_tasks), 0) > 0 AS has_slots,
    SUM(w.task_time) AS attempts_time
  FROM stage_executors AS w
  LEFT JOIN executors AS e
    ON e.platform = w.platform AND e.cluster_id = w.cluster_id
    AND e.application_id = w.application_id AND e.attempt_id = w.attempt_id
    AND e.executor_id = w.executor_id
  -- An executor that was excluded for the stage has a row without a task.
  WHERE w.succeeded_tasks + w.failed_tasks + w.killed_tasks > 0
  GROUP BY
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
-- How many tasks ran side by side, on average of the stage in which they were most: tasks_running_max counts short tasks twice, whose ends are told late.
side_by_side AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id,
    TRY_CAST(CEIL(MAX(CAST(q.duration_total AS DOUBLE) / NULLIF(s.duration_ms, 0))) AS BIGINT) AS num_tasks
  FROM stages AS s
  INNER JOIN quantiles AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id
    AND q.stage_id = s.stage_id AND q.stage_attempt_id = s.stage_attempt_id
  WHERE s.duration_ms >= 100
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id
),
-- In local mode the driver runs the tasks, and up to Spark 1.x no event tells its cores.
local_slots AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    -- Of local[4] these are the threads that the master names.
    COALESCE(TRY_CAST(FLOOR(CAST(a.executor_cores AS DOUBLE) / GREATEST(COALESCE(a.task_cpus, 1), 1)) AS BIGINT), LEAST(m.num_tasks, a.tasks_running_max)) AS slots
  FROM application_facts AS a
  LEFT JOIN side_by_side AS m
    ON m.platform = a.platform AND m.cluster_id = a.cluster_id
    AND m.application_id = a.application_id AND m.attempt_id = a.attempt_id
  WHERE a.master LIKE 'local%' AND a.num_workers = 0
),
facts AS (
  SELECT
    s.platform, s.cluster_id, s.cluster_name, s.application_id, s.attempt_id, s.app_date,
    s.stage_id, s.stage_attempt_id,
    CONCAT(CAST(s.stage_id AS STRING), '.', CAST(s.stage_attempt_id AS STRING)) AS subject_id,
    s.stage_name, s.status, s.failure_reason, s.sql_id, s.first_task_launched_time, s.completion_time,
    s.num_tasks, s.num_complete_tasks, s.num_failed_tasks, s.num_killed_tasks,
    s.task_completion_rate, s.duration_ms, s.executor_run_time, s.jvm_gc_time AS gc_time,
    CAST(NULLIF(s.executor_cpu_time, 0) AS DOUBLE) / 1e6 AS cpu_ms, CAST(s.shuffle_fetch_wait_time AS DOUBLE) AS fetch_wait_ms, p.scan_ms,
    s.memory_bytes_spilled, s.disk_bytes_spilled,
    s.input_bytes, s.output_bytes, s.shuffle_read_bytes, s.shuffle_write_bytes,
    s.input_records, s.output_records, s.shuffle_read_records,
    GREATEST(LEAST(s.num_tasks, COALESCE(CASE WHEN NOT w.has_slots THEN l.slots END, w.slots, s.num_tasks)), 1) AS task_slots,
    GREATEST(
      LEAST(s.num_tasks, COALESCE(CASE WHEN NOT w.has_slots THEN l.slots END, w.slots, s.num_tasks)),
      -- Under dynamic allocation the average; it is below what there was where executors came late.
      COALESCE(TRY_CAST(CEIL(COALESCE(
        CASE WHEN NOT a.dynamic_allocation THEN CAST(NULLIF(a.cores_max, 0) AS DOUBLE) END, a.average_cores
      ) / GREATEST(a.task_cpus, 1)) AS BIGINT), CASE WHEN NOT w.has_slots THEN l.slots END, 1), 1
    ) AS stage_slots,
    COALESCE(w.attempts_time, 0) AS attempts_time,
    COALESCE(q.succeeded_tasks, 0) AS succeeded_tasks,
    q.duration_min, q.duration_median, q.duration_max, COALESCE(q.duration_total, 0) AS duration_total,
    -- As executor_run_time, the time that a task ran.
    CASE WHEN z.run_cores > 1e0 THEN TRY_CAST(q.run_time_median / NULLIF(z.run_cores, 0e0) AS BIGINT) ELSE q.run_time_median END AS run_time_median,
    CASE WHEN z.run_cores > 1e0 THEN TRY_CAST(q.run_time_max / NULLIF(z.run_cores, 0e0) AS BIGINT) ELSE q.run_time_max END AS run_time_max,
    q.run_time_mean / COALESCE(z.run_cores, 1e0) AS run_time_mean,
    CASE WHEN z.run_cores > 1e0 THEN TRY_CAST(q.run_time_total / NULLIF(z.run_cores, 0e0) AS BIGINT) ELSE q.run_time_total END AS run_time_total,
    q.gc_time_max, q.scheduler_delay_total, q.deserialize_time_total, q.serialize_time_total,
    NULLIF(q.peak_memory_max, 0) AS peak_memory_max,
    q.memory_spilled_median, q.memory_spilled_max, q.disk_spilled_median, q.disk_spilled_max,
    q.input_rows_median, q.input_rows_max, q.shuffle_rows_median, q.shuffle_rows_max,
    q.input_median, q.input_max, q.output_median, q.output_max,
    q.shuffle_read_median, q.shuffle_read_max, q.shuffle_write_median, q.shuffle_write_max,
    GREATEST(q.input_median, q.output_median, q.shuffle_read_median, q.shuffle_write_median)
      AS chunk_median,
    GREATEST(q.input_max, q.output_max, q.shuffle_read_max, q.shuffle_write_max) AS chunk_max,
    -- Vectored reads, as of Spark 4.3, are not counted: less than a byte a row is not what the columns held.
    COALESCE(p.has_scan = 1 AND p.file_format IN ('parquet', 'orc', 'delta', 'iceberg') AND p.file_bytes >= 16777216
      AND s.input_bytes < 0.01e0 * p.file_bytes AND s.input_bytes < s.input_records, FALSE) AS is_input_hidden,
    GREATEST(s.input_bytes, s.output_bytes, s.shuffle_read_bytes, s.shuffle_write_bytes, CASE
      WHEN p.has_scan = 1 AND p.file_format IN ('parquet', 'orc', 'delta', 'iceberg') AND p.file_bytes >= 16777216
        AND s.input_bytes < 0.01e0 * p.file_bytes AND s.input_bytes < s.input_records THEN p.file_bytes ELSE 1 END) AS data_bytes,
    s.stage_name LIKE 'Listing leaf files%' OR COALESCE(s.description LIKE 'Listing leaf files%', FALSE)
      AS is_listing,
    COALESCE(p.has_join, 0) = 1 AS has_join, COALESCE(p.has_window, 0) = 1 AS has_window,
    COALESCE(p.has_scan, 0) = 1 AS has_scan, COALESCE(p.has_python, 0) = 1 OR (y.stage_id IS NOT NULL AND COALESCE(y.is_single = 0 OR s.shuffle_read_bytes > 0, FALSE)) AS has_python,
    COALESCE(a.has_gpu, FALSE) AND s.sql_id IS NOT NULL AS has_gpu,
    COALESCE(p.has_limit, 0) = 1 AS has_limit, r.stage_id IS NOT NULL AS is_repartitioned,
    p.files_read, p.file_bytes, p.file_format, p.file_source,
    CASE WHEN z.run_cores > 1e0 THEN TRY_CAST(e.long_run_time_ms / NULLIF(z.run_cores, 0e0) AS BIGINT) ELSE e.long_run_time_ms END AS long_run_time_ms, e.long_gc_ms, e.long_fetch_wait_ms, e.long_executors, e.long_executor_tasks,
    e.executors, e.long_executor_id,
    e.longest_input_bytes, e.longest_input_rows, e.longest_shuffle_bytes, e.longest_shuffle_rows, e.longest_cpu_ms,
    CAST(NULLIF(q.cpu_time_median, 0) AS DOUBLE) / 1e6 AS cpu_median_ms,
    COALESCE(e.tail_ms, s.tail_ms) AS tail_ms, e.long_tasks, s.scheduling_delay_ms, COALESCE(s.failure_reason, e.task_error) AS reason,
    a.complete, a.app_duration_ms, a.total_task_time_ms, a.average_cores, a.core_time_ms, a.cores_max,
    a.executor_cores, a.num_executors_max, a.is_interactive, a.spark_minor, a.has_settings, a.is_local,
    a.is_databricks, a.is_emr, a.default_parallelism,
    -- What the query itself was run with wins over the application's settings.
    COALESCE(t.shuffle_partitions, a.shuffle_partitions) AS shuffle_partitions,
    COALESCE(t.adaptive, a.adaptive) AS adaptive,
    COALESCE(t.coalesce_partitions, a.coalesce_partitions) AS coalesce_partitions,
    COALESCE(t.skew_join, a.skew_join) AS skew_join,
    COALESCE(t.advisory_bytes, a.advisory_bytes) AS advisory_bytes,
    COALESCE(t.skew_threshold_bytes, a.skew_threshold_bytes) AS skew_threshold_bytes,
    COALESCE(t.max_partition_bytes, a.max_partition_bytes) AS max_partition_bytes,
    COALESCE(t.broadcast_threshold_bytes, a.broadcast_threshold_bytes) AS broadcast_threshold_bytes,
    a.unified_memory_bytes, a.executor_memory_bytes, a.overhead_bytes, a.container_memory_bytes, a.task_cpus, a.dynamic_allocation,
    a.speculation
  FROM timed_stages AS s
  INNER JOIN application_facts AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
  LEFT JOIN plans AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id
    AND p.stage_id = s.stage_id AND p.stage_attempt_id = s.stage_attempt_id
  LEFT JOIN python_stages AS y
    ON y.platform = s.platform AND y.cluster_id = s.cluster_id
    AND y.application_id = s.application_id AND y.attempt_id = s.attempt_id
    AND y.sql_id = s.sql_id AND y.stage_id = s.stage_id
  LEFT JOIN repartitions AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
    AND r.sql_id = s.sql_id AND r.stage_id = s.stage_id
  LEFT JOIN query_settings AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id AND t.sql_id = s.sql_id
  LEFT JOIN stage_tails AS e
    ON e.platform = s.platform AND e.cluster_id = s.cluster_id
    AND e.application_id = s.application_id AND e.attempt_id = s.attempt_id
    AND e.stage_id = s.stage_id AND e.stage_attempt_id = s.stage_attempt_id
  LEFT JOIN quantiles AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id
    AND q.stage_id = s.stage_id AND q.stage_attempt_id = s.stage_attempt_id
  LEFT JOIN workers AS w
    ON w.platform = s.platform AND w.cluster_id = s.cluster_id
    AND w.application_id = s.application_id AND w.attempt_id = s.attempt_id
    AND w.stage_id = s.stage_id AND w.stage_attempt_id = s.stage_attempt_id
  LEFT JOIN run_time_cores AS z
    ON z.platform = s.platform AND z.cluster_id = s.cluster_id
    AND z.application_id = s.application_id AND z.attempt_id = s.attempt_id
    AND z.stage_id = s.stage_id AND z.stage_attempt_id = s.stage_attempt_id
  LEFT JOIN local_slots AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id
  WHERE s.status NOT IN ('SKIPPED', 'PENDING')
),
fitted AS (
  SELECT
    f.*,
    -- Of columnar files less is read, vectored reads count next to nothing, and failed tasks count again.
    CAST(COALESCE(NULLIF(file_bytes, 0), input_bytes) AS DOUBLE) AS split_bytes,
    stage_slots * TRY_CAST(CEIL(GREATEST(
      CEIL(CAST(data_bytes AS DOUBLE) / 134217728e0),
      -- A task that spilled s and peaked at p needed s + p at once; twice where the peak is not known.
      CASE WHEN memory_bytes_spilled > 0
        THEN LEAST(
          -- More tasks at once share the memory that fewer had.
          num_tasks * (1e0 + COALESCE(CAST(memory_spilled_max AS DOUBLE) / NULLIF(peak_memory_max, 0), 1e0))
            * GREATEST(COALESCE(CAST(executor_cores AS DOUBLE) / NULLIF(tasks_at_once, 0e0), 1e0), 1e0)
            -- Operators that follow each other in a task can each have had all of its memory: their peaks are summed.
            * GREATEST(COALESCE(peak_memory_max * tasks_at_once / CAST(unified_memory_bytes AS DOUBLE), 1e0), 1e0),
          -- Partitions of less than 4 MiB would cost more than they save.
          GREATEST(CAST(num_tasks AS DOUBLE), CAST(data_bytes AS DOUBLE) / 4194304e0)
        ) ELSE 1e0 END
    ) / NULLIF(stage_slots, 0)) AS BIGINT) AS partitions_fit
  FROM (
    SELECT
      t.*,
      -- In one executor, at most.
      GREATEST(LEAST(CAST(executor_cores AS DOUBLE), CEIL(CAST(num_tasks AS DOUBLE) / GREATEST(COALESCE(executors, 1), 1))), 1e0) AS tasks_at_once
    FROM facts AS t
  ) AS f
)
SELECT
  f.*,
  COALESCE(
    split_bytes / NULLIF(partitions_fit, 0) < CASE file_format WHEN 'orc' THEN 67108864e0 ELSE 134217728e0 END
    AND file_format IN ('parquet', 'orc', 'delta', 'iceberg')
    -- Tasks that read several files can read one each, as far as there are files.
    AND COALESCE(files_read <= num_tasks OR (files_read < partitions_fit AND files_read <= 1.25e0 * num_tasks), TRUE), FALSE
  ) AS is_row_group_bound,
  -- Spark cuts files so that each core gets a part, but none below what opening one costs (4 MiB): larger ones cannot be cut. How many cores
  -- dynamic allocation had when they were cut is not known.
  COALESCE(has_scan AND input_bytes >= shuffle_read_bytes AND (
    (files_read <= num_tasks AND input_max > 1.1e0 * max_partition_bytes)
    OR (files_read = num_tasks AND NOT dynamic_allocation AND file_bytes / NULLIF(CAST(files_read AS DOUBLE), 0e0) > 1.5e0 * GREATEST(
      4194304e0, (file_bytes + 4194304e0 * files_read) / NULLIF(CAST(LEAST(stage_slots, COALESCE(default_parallelism, stage_slots)) AS DOUBLE), 0e0)))
  ), FALSE) AS is_uncut,
  -- Of the heap 300 MB are Spark's own, and 60 % of the rest is for execution and storage, which the tasks that run at once share.
  CASE
    WHEN NOT is_local AND NOT is_databricks AND memory_spilled_median > 0 AND peak_memory_max < 268435456
      AND CAST(executor_memory_bytes AS DOUBLE) <= 805306368e0 * tasks_at_once
      THEN TRY_CAST(LEAST(
        GREATEST(1024e0, 256e0 * CEIL((
          300e0 + tasks_at_once * (CAST(peak_memory_max AS DOUBLE) + memory_spilled_max) / 1048576e0 / 0.6e0
        ) / 256e0)),
        4e0 * FLOOR(executor_memory_bytes / 1048576e0)
      ) AS BIGINT)
  END AS scarce_heap_mib,
  COALESCE(
    has_scan AND file_format IN ('parquet', 'orc', 'delta', 'iceberg') AND num_tasks >= 2 AND num_tasks <= 2 * stage_slots AND input_records >= 10000
    AND input_rows_max >= 0.9e0 * input_records AND run_time_max >= 0.7e0 * executor_run_time, FALSE
  ) AS is_one_row_group
FROM fitted AS f
