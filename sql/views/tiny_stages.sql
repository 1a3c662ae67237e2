-- id: tiny_stages
-- title: Stages of far too many tiny tasks
-- description: One row per stage attempt with many more tasks than cores of which starting the tasks is a good part of their time, for tiny_tasks and for the rules that must
--   not tell this time again. overhead_ms is what starting and ending the tasks took (of tasks that read nothing all of their time), lost_core_ms what of it fewer tasks
--   (tasks_needed) would save. cause is what decides the number of tasks; worst_fit how many partitions the largest shuffle of the application with as many partitions as
--   spark.sql.shuffle.partitions says needs, and partitions_wanted a value for that setting, in whole waves of the cores in use.
--   is_unmerged: the partitions are those of spark.sql.shuffle.partitions, which adaptive execution may not merge, or it merges them only up to a small advisory size (merge_bytes); such stages of an application count together, however short each is,
--   and file_ms, which is lost too, is what their tasks took to open and close files that would not be there.
--   is_exchange: the log knows no query, but an RDD of the stage is the shuffle of one, with as many partitions as spark.sql.shuffle.partitions says.
--   python_ms is what the tasks of Python with hardly a row take before they see any: their run time where a line through it, by the rows that they read, meets no row (of tasks with rows, the slowest quarter as the next slower).
--   is_loop: the stage is one of many of its name with as many tasks each, as the iterations of an estimator of machine learning, or, outside of queries, one that has as many tasks as such a loop from a shuffle or a cache; those count together too, and have the cause cache where one of them has. together_… are sums over the stages that count together.
--   is_partly_seen: the stage is complete, but the history lacks the ends of many of its tasks; the numbers are those of the others.
--   num_frames is how many DataFrames of rows from the program (createDataFrame, VALUES) the query of such a stage unites, where they hold few rows (frame_rows in all) for so many tasks.
-- parameter: min_tasks bigint = 500 [count] successful tasks, at least
-- parameter: min_tasks_per_slot double = 8.0 [ratio] successful tasks for each core that worked on the stage, at least
-- parameter: max_median_ms bigint = 200 [ms] run time of the median task, at most
-- parameter: max_few_rows_median_ms bigint = 1000 [ms] the same of a task with few rows from a shuffle
-- parameter: few_rows bigint = 100 [rows] rows that a task of such a stage reads on average, at most
-- parameter: min_few_rows_tasks bigint = 100 [count] successful tasks of a stage with few rows, at least
-- parameter: min_few_rows_share double = 0.3 [ratio] time of the tasks of all such stages over that of the application, at least, for fewer tasks to count
-- parameter: min_few_rows_own_ms bigint = 1000 [ms] overhead of such a stage then, at least
-- parameter: min_few_rows_overhead_ms bigint = 5000 [ms] and of all of them
-- parameter: min_few_rows_wall_share double = 0.05 [ratio] and this over their cores and the wall time of the application
-- parameter: min_unmerged_overhead_ms bigint = 5000 [ms] overhead of all stages whose partitions adaptive execution may not merge, at least
-- parameter: min_unmerged_wall_share double = 0.05 [ratio] and this over their cores and the wall time of the application
-- parameter: min_loop_stages bigint = 10 [count] such stages of one name with as many tasks, at least, to be a loop
-- parameter: min_loop_overhead_ms bigint = 5000 [ms] overhead of all stages of a loop, at least
-- parameter: min_loop_wall_share double = 0.05 [ratio] and this over their cores and the wall time of the application
-- parameter: max_merge_bytes double = 8388608 [bytes] advisory size that is small, at most; Spark's default is 64 MiB
-- parameter: file_ms double = 5.0 [ms] task time to open and close a file that is written, at least, as in small_files
-- parameter: max_file_share double = 0.8 [ratio] that time over the run time of the tasks, at most, as in small_files
-- parameter: min_overhead_ratio double = 0.1 [ratio] overhead over the time of all tasks, at least
-- parameter: min_overhead_ms bigint = 20000 [ms] overhead of all tasks of such stages of the application together, at least
-- parameter: min_small_share double = 0.2 [ratio] or this share of the core time of a small application, from the overhead that the stage itself needs on
-- parameter: min_own_overhead_ms bigint = 5000 [ms] and of those of the stage
-- parameter: waves double = 4.0 [ratio] tasks to keep for each core
-- parameter: max_run_time_ms bigint = 120000 [ms] run time that a task should have at most
-- parameter: target_bytes bigint = 134217728 [bytes] what a partition should hold at most
-- parameter: min_python_tasks bigint = 50 [count] tasks with rows of such a stage, at least, for that line
-- parameter: min_frames bigint = 20 [count] DataFrames made of rows of the program that a query unites, at least
-- reads: rdds, sql, sql_nodes, sql_scans, stage_facts, stages, task_quantiles, tasks
WITH batches AS (
  -- The rows of a batch come when they come; state_partitions tells what its partitions cost.
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM sql WHERE streaming_query_id IS NOT NULL
),
starts AS (
  -- What each part of the start takes by its quantiles, without the highest quarter and the highest twentieth.
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    SUM(num_tasks * (0.375e0 * p25 + 0.25e0 * median + 0.375e0 * p75)) AS quarter_ms,
    SUM(num_tasks * (0.375e0 * p25 + 0.25e0 * median + 0.225e0 * p75 + 0.15e0 * p95)) AS twentieth_ms
  FROM task_quantiles
  WHERE metric IN ('scheduler_delay', 'executor_deserialize_time', 'result_serialization_time')
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
python_tasks AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, COUNT(*) AS num_rows_tasks,
    SUM(CAST(t.shuffle_read_records_read AS DOUBLE)) AS x, SUM(LEAST(CAST(t.executor_run_time AS DOUBLE), CAST(q.p75 AS DOUBLE))) AS y,
    SUM(CAST(t.shuffle_read_records_read AS DOUBLE) * t.shuffle_read_records_read) AS xx,
    SUM(CAST(t.shuffle_read_records_read AS DOUBLE) * LEAST(CAST(t.executor_run_time AS DOUBLE), CAST(q.p75 AS DOUBLE))) AS xy
  FROM tasks AS t
  INNER JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
    FROM stage_facts
    WHERE has_python AND succeeded_tasks >= $min_few_rows_tasks AND shuffle_read_bytes > 0 AND shuffle_read_records <= $few_rows * num_tasks
  ) AS s
    ON s.platform = t.platform AND s.cluster_id = t.cluster_id
    AND s.application_id = t.application_id AND s.attempt_id = t.attempt_id AND s.stage_id = t.stage_id AND s.stage_attempt_id = t.stage_attempt_id
  INNER JOIN task_quantiles AS q
    ON q.platform = t.platform AND q.cluster_id = t.cluster_id
    AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.stage_id = t.stage_id AND q.stage_attempt_id = t.stage_attempt_id
    AND q.metric = 'executor_run_time'
  WHERE t.status = 'SUCCESS' AND t.shuffle_read_records_read > 0
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id
),
pythons AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    GREATEST(LEAST(y, y - x * (num_rows_tasks * xy - x * y) / NULLIF(num_rows_tasks * xx - x * x, 0e0)), 0e0) AS python_ms
  FROM python_tasks
  WHERE num_rows_tasks >= $min_python_tasks AND num_rows_tasks * xx > x * x
),
writes AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, SUM(CAST(files_written AS DOUBLE)) AS files
  FROM sql_scans
  WHERE operation = 'write'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- Stages of RDDs that read what an earlier stage had put into the cache.
cached AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
  FROM stages AS s
  INNER JOIN rdds AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE s.sql_id IS NULL AND s.input_bytes > 0 AND r.is_persisted AND r.first_stage_id < s.stage_id AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
),
-- Unions of many small DataFrames: each brings partitions of its own.
frames AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(CASE WHEN node_name LIKE '%LocalTableScan%' OR node_name LIKE '%Scan ExistingRDD%' THEN 1 ELSE 0 END) AS num_frames,
    SUM(CASE WHEN node_name LIKE '%LocalTableScan%' OR node_name LIKE '%Scan ExistingRDD%' THEN CAST(rows_output AS DOUBLE) END) AS frame_rows
  FROM sql_nodes
  WHERE node_name LIKE '%LocalTableScan%' OR node_name LIKE '%Scan ExistingRDD%' OR TRIM(node_name) = 'Union' OR operator_kind IN ('scan', 'udf')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
  HAVING MAX(CASE WHEN TRIM(node_name) = 'Union' THEN 1 ELSE 0 END) = 1
    AND SUM(CASE WHEN node_name LIKE '%LocalTableScan%' OR node_name LIKE '%Scan ExistingRDD%' THEN 1 ELSE 0 END) >= $min_frames
    -- Nothing else is read, and no function of the user works on the rows.
    AND SUM(CASE WHEN TRIM(node_name) = 'Union' OR node_name LIKE '%LocalTableScan%' OR node_name LIKE '%Scan ExistingRDD%' THEN 0 ELSE 1 END) = 0
    AND SUM(CASE WHEN (node_name LIKE '%LocalTableScan%' OR node_name LIKE '%Scan ExistingRDD%') AND rows_output IS NULL THEN 1 ELSE 0 END) = 0
),
-- Stages that read a shuffle of a query of which the log knows only the RDDs (Spark before 1.5, queries turned into RDDs).
exchanged AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
  FROM stages AS s
  INNER JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, rdd_id, num_partitions
    FROM rdds
    WHERE scope IN ('Exchange', 'TungstenExchange') AND rdd_name LIKE 'Shuffled%'
  ) AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE s.sql_id IS NULL AND s.shuffle_read_bytes > 0 AND s.num_tasks = r.num_partitions AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
),
all_stages AS (
  SELECT
    s.*,
    SUM(CASE WHEN has_few_rows AND succeeded_tasks >= $min_few_rows_tasks THEN CAST(duration_total AS DOUBLE) ELSE 0e0 END) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id
    ) AS few_rows_ms,
    -- The setting holds for all shuffles: the one with the most data decides.
    MAX(CASE WHEN (sql_id IS NOT NULL OR is_exchange) AND shuffle_read_bytes > 0 AND num_tasks = shuffle_partitions AND NOT COALESCE(is_repartitioned, FALSE)
      THEN LEAST(partitions_fit, num_tasks) END) OVER (
        PARTITION BY platform, cluster_id, application_id, attempt_id
      ) AS worst_fit
  FROM (
    SELECT
      f.*,
      COALESCE(shuffle_read_bytes > 0 AND shuffle_read_records <= $few_rows * num_tasks, FALSE)
        -- A cache has the partitions of the shuffle that filled it.
        OR COALESCE(f.is_cache_read AND input_records <= $few_rows * num_tasks, FALSE)
        OR num_frames IS NOT NULL AS has_few_rows,
      COALESCE(sql_id IS NOT NULL AND adaptive AND spark_minor >= 300 AND shuffle_read_bytes > 0 AND shuffle_read_bytes >= input_bytes
        AND ((NOT coalesce_partitions AND num_tasks = shuffle_partitions)
          OR (coalesce_partitions AND num_tasks <= shuffle_partitions AND advisory_bytes <= $max_merge_bytes
            AND shuffle_read_bytes <= 2e0 * advisory_bytes * num_tasks)), FALSE) AND NOT COALESCE(is_repartitioned, FALSE) AS is_unmerged
    FROM (
      SELECT
        t.*, r.num_frames, r.frame_rows, x.platform IS NOT NULL AS is_exchange,
        -- Where the driver dropped events the ends of tasks are missing, which is a part of such a stage's overhead, too.
        COALESCE(t.status = 'COMPLETE' AND t.stage_attempt_id = 0 AND t.num_tasks >= $min_tasks AND t.succeeded_tasks >= $min_few_rows_tasks AND t.succeeded_tasks < 0.9e0 * t.num_tasks, FALSE) AS is_partly_seen,
        t.sql_id IS NOT NULL AND input_bytes > 0 AND NOT has_scan AND files_read IS NULL AND num_tasks = shuffle_partitions AS is_cache_read
      FROM stage_facts AS t
      LEFT JOIN frames AS r
        ON r.platform = t.platform AND r.cluster_id = t.cluster_id
        AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id AND r.sql_id = t.sql_id
        AND t.input_bytes = 0 AND t.shuffle_read_bytes = 0 AND t.num_tasks >= r.num_frames AND r.frame_rows <= $few_rows * t.num_tasks
      LEFT JOIN exchanged AS x
        ON x.platform = t.platform AND x.cluster_id = t.cluster_id
        AND x.application_id = t.application_id AND x.attempt_id = t.attempt_id AND x.stage_id = t.stage_id
    ) AS f
  ) AS s
),
sized AS (
  SELECT
    f.*, f.is_unmerged AND b.platform IS NULL AS is_left_unmerged,
    COALESCE(succeeded_tasks >= $min_tasks OR f.is_partly_seen OR (succeeded_tasks >= $min_few_rows_tasks AND has_few_rows AND few_rows_ms >= $min_few_rows_share * total_task_time_ms
      AND b.platform IS NULL) OR (succeeded_tasks >= $min_few_rows_tasks AND f.is_unmerged AND b.platform IS NULL), FALSE) AS is_told_alone,
    b.platform IS NULL AND NOT f.is_unmerged
      AND COALESCE(NOT (has_few_rows AND few_rows_ms >= $min_few_rows_share * total_task_time_ms AND succeeded_tasks < $min_tasks), TRUE) AS may_loop,
    -- Of one name, and all of many tiny tasks.
    COUNT(*) OVER (PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_name, f.num_tasks) AS num_alike,
    CASE WHEN f.is_unmerged AND f.output_bytes > 0 THEN w.files END AS files_made,
    f.task_slots * TRY_CAST(CEIL(GREATEST(
      $waves,
      CAST(run_time_total AS DOUBLE) / $max_run_time_ms / NULLIF(task_slots, 0),
      -- What a scan reads of small splits, footers above all, is more than the files hold.
      CAST(CASE WHEN input_bytes > shuffle_read_bytes THEN LEAST(data_bytes, COALESCE(file_bytes, data_bytes))
        ELSE data_bytes END AS DOUBLE) / $target_bytes / NULLIF(task_slots, 0)
    )) AS BIGINT) AS tasks_needed,
    CAST(COALESCE(scheduler_delay_total, 0) + COALESCE(deserialize_time_total, 0) + COALESCE(serialize_time_total, 0) AS DOUBLE)
      AS all_start_ms,
    CASE WHEN f.task_slots <= 0.025e0 * f.succeeded_tasks THEN q.twentieth_ms ELSE q.quarter_ms END AS steady_ms,
    CASE WHEN f.has_few_rows THEN COALESCE(p.python_ms, 0e0) ELSE 0e0 END AS python_ms,
    CASE
      WHEN is_cache_read AND has_few_rows THEN 'shuffle'
      WHEN input_bytes > shuffle_read_bytes AND (c.platform IS NOT NULL OR (f.sql_id IS NOT NULL AND files_read IS NULL AND NOT has_scan)) THEN 'cache'
      WHEN input_bytes > shuffle_read_bytes AND files_read * 4 < num_tasks THEN 'splits'
      WHEN input_bytes > shuffle_read_bytes THEN 'input'
      -- Vectored reads are not counted.
      WHEN shuffle_read_bytes = 0 AND f.is_input_hidden THEN CASE WHEN files_read * 4 < num_tasks THEN 'splits' ELSE 'input' END
      WHEN shuffle_read_bytes = 0 THEN 'made'
      ELSE 'shuffle'
    END AS cause
  FROM all_stages AS f
  LEFT JOIN batches AS b
    ON b.platform = f.platform AND b.cluster_id = f.cluster_id
    AND b.application_id = f.application_id AND b.attempt_id = f.attempt_id AND b.sql_id = f.sql_id
  LEFT JOIN starts AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id
    AND q.stage_id = f.stage_id AND q.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN pythons AS p
    ON p.platform = f.platform AND p.cluster_id = f.cluster_id
    AND p.application_id = f.application_id AND p.attempt_id = f.attempt_id
    AND p.stage_id = f.stage_id AND p.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN writes AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.sql_id = f.sql_id
  LEFT JOIN cached AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id AND c.stage_id = f.stage_id
  WHERE succeeded_tasks >= LEAST($min_tasks, $min_few_rows_tasks)
    AND succeeded_tasks >= $min_tasks_per_slot * task_slots
    AND NOT is_listing
    AND (run_time_median <= $max_median_ms
      OR (run_time_median <= $max_few_rows_median_ms AND has_few_rows))
),
grouped AS (
  SELECT
    s.*, is_left_unmerged OR is_loop AS counts_together,
    CASE
      WHEN is_left_unmerged THEN 'unmerged' WHEN is_loop AND sql_id IS NULL THEN CONCAT('loop ', CAST(num_tasks AS STRING)) WHEN is_loop THEN CONCAT(stage_name, ' ', CAST(num_tasks AS STRING))
    END AS together
  FROM (
    SELECT
      z.*,
      -- What goes into a loop of RDDs, and what comes out of it, has its partitions.
      may_loop AND (num_alike >= $min_loop_stages OR (sql_id IS NULL AND cause IN ('shuffle', 'cache')
        AND MAX(CASE WHEN may_loop AND sql_id IS NULL AND num_alike >= $min_loop_stages THEN 1 ELSE 0 END) OVER (
          PARTITION BY platform, cluster_id, application_id, attempt_id, num_tasks) = 1)) AS is_loop
    FROM sized AS z
  ) AS s
  WHERE is_told_alone OR is_loop
),
measured AS (
  SELECT
    s.*,
    cause = 'splits' AND input_rows_median = 0 AS is_empty,
    (cause = 'shuffle' OR num_frames IS NOT NULL) AND has_few_rows AND few_rows_ms >= $min_few_rows_share * total_task_time_ms AND succeeded_tasks < $min_tasks AND NOT counts_together AS is_few,
    CASE WHEN files_made > tasks_needed
      THEN TRY_CAST(LEAST((LEAST(files_made, CAST(num_tasks AS DOUBLE)) - tasks_needed) * $file_ms, $max_file_share * run_time_total) AS BIGINT) ELSE 0 END AS file_ms,
    -- Their time without what the first tasks took to start.
    GREATEST(duration_total - (all_start_ms - start_ms), 1e0) AS steady_total,
    TRY_CAST(LEAST(start_ms + python_ms + CASE WHEN cause = 'splits' AND input_rows_median = 0
      THEN LEAST(CAST(run_time_median AS DOUBLE) * succeeded_tasks, run_time_total) ELSE 0e0 END, duration_total) AS BIGINT) AS overhead_ms
  FROM (SELECT z.*, LEAST(all_start_ms, COALESCE(steady_ms, all_start_ms)) AS start_ms FROM grouped AS z) AS s
),
judged AS (
  SELECT
    m.*,
    LEAST(overhead_ms / NULLIF(steady_total, 0), 1e0) AS overhead_ratio,
    TRY_CAST(ROUND(overhead_ms * (1e0 - CAST(tasks_needed AS DOUBLE) / NULLIF(num_tasks, 0))) AS BIGINT) + file_ms AS lost_core_ms,
    COALESCE(SUM(CASE WHEN counts_together THEN 1 ELSE 0 END) OVER alike, 0) AS together_stages,
    SUM(CASE WHEN counts_together THEN succeeded_tasks ELSE 0 END) OVER alike AS together_tasks,
    SUM(CASE WHEN counts_together THEN CAST(duration_total AS DOUBLE) ELSE 0e0 END) OVER alike AS together_task_ms,
    SUM(CASE WHEN counts_together THEN CAST(shuffle_read_bytes AS DOUBLE) ELSE 0e0 END) OVER alike AS together_bytes,
    SUM(CASE WHEN counts_together THEN overhead_ms ELSE 0 END) OVER alike AS together_overhead_ms,
    SUM(CASE WHEN counts_together THEN CAST(overhead_ms AS DOUBLE) / NULLIF(task_slots, 0) ELSE 0e0 END) OVER alike AS together_wall_ms,
    MAX(CASE WHEN is_loop AND cause = 'cache' THEN 1 ELSE 0 END) OVER alike AS has_cache,
    -- Small files are told by small_files_read: their tasks count where they are many by themselves.
    CASE WHEN cause = 'input' THEN overhead_ms
      ELSE SUM(CASE WHEN cause <> 'input' AND (is_few OR overhead_ms >= $min_own_overhead_ms) THEN overhead_ms ELSE 0 END) OVER application END AS all_overhead_ms
  FROM measured AS m
  WHERE overhead_ms >= CASE WHEN is_few THEN $min_few_rows_own_ms WHEN counts_together THEN 1 ELSE $min_own_overhead_ms END AND tasks_needed < num_tasks
    AND CAST(overhead_ms AS DOUBLE) >= $min_overhead_ratio * steady_total
  WINDOW application AS (PARTITION BY platform, cluster_id, application_id, attempt_id),
    alike AS (PARTITION BY platform, cluster_id, application_id, attempt_id, together)
)
SELECT
  platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, subject_id, sql_id, stage_name, CASE WHEN has_cache = 1 THEN 'cache' ELSE cause END AS cause, is_few, is_empty, is_cache_read,
  is_partly_seen, num_frames, frame_rows, COALESCE(is_exchange, FALSE) AND num_tasks = shuffle_partitions AS is_exchange, succeeded_tasks, num_tasks, task_slots, duration_ms, run_time_median, overhead_ms, TRY_CAST(NULLIF(python_ms, 0e0) AS BIGINT) AS python_ms, overhead_ratio, lost_core_ms, tasks_needed, worst_fit,
  TRY_CAST(GREATEST(tasks_needed, task_slots * CEIL(CAST(worst_fit AS DOUBLE) / NULLIF(task_slots, 0))) AS BIGINT) AS partitions_wanted,
  is_left_unmerged AS is_unmerged, is_loop, CASE WHEN is_left_unmerged AND coalesce_partitions THEN TRY_CAST(advisory_bytes AS BIGINT) END AS merge_bytes, together_stages, together_tasks, together_task_ms, together_bytes, files_made, file_ms, total_task_time_ms,
  files_read, file_bytes, input_bytes, input_records, shuffle_read_records, max_partition_bytes, is_repartitioned, spark_minor, adaptive, coalesce_partitions,
  shuffle_partitions
FROM judged
WHERE (NOT counts_together OR overhead_ms >= $min_own_overhead_ms) AND all_overhead_ms >= CASE
  WHEN is_few THEN GREATEST($min_few_rows_overhead_ms, $min_few_rows_wall_share * COALESCE(app_duration_ms, 0) * task_slots)
  WHEN cause <> 'input' AND core_time_ms > 0 AND all_overhead_ms >= $min_small_share * core_time_ms THEN $min_own_overhead_ms
  ELSE $min_overhead_ms
END
OR (is_left_unmerged AND together_overhead_ms >= $min_unmerged_overhead_ms AND together_wall_ms >= $min_unmerged_wall_share * app_duration_ms)
OR (is_loop AND together_overhead_ms >= $min_loop_overhead_ms AND together_wall_ms >= $min_loop_wall_share * app_duration_ms)
