-- id: small_files
-- title: Many small files are written
-- category: storage
-- severity: low
-- version: 10
-- description: Fires for a query that wrote many files of a small average size, by the count and the bytes
--   of the write node itself. The batches of a stream that write to one place count together; a file sink of a stream
--   has no write node, so each of its tasks that wrote counts as one file, which is the least. Each later read pays for every file: a listing entry, an open, a task or a
--   part of one. What that costs later is not known here. Lost is what the writing tasks took to open and to close the files that are too many, at a few
--   milliseconds each (8 core-ms were measured with Spark 4.3 and a local disk), or to commit them where the write node counts more than that. Where the tasks do nothing but write the rows of a
--   repartition, one or a file each, they are as many only for it: then all that the median task took beyond what its rows and bytes take on a slow machine is lost with each task too many (those
--   up to the cores stay). The driver commits the job after the tasks: the share of that time which belongs to the files too many could be won as well. Where each shuffle partition made a file
--   because adaptive execution may not merge them, that setting is advised, and what tiny_tasks counts is not lost again.
-- subject: sql
-- group_by: place
-- parameter: min_files bigint = 100 [count] files written, at least
-- parameter: max_mean_bytes bigint = 3145728 [bytes] their average size, at most
-- parameter: min_batch_files bigint = 8 [count] files of a batch of a stream on average, at least
-- parameter: max_merge_bytes double = 8388608 [bytes] advisory size of adaptive execution that is small, at most, as in tiny_tasks
-- parameter: file_ms double = 5.0 [ms] task time to open and close a file that is written, at least
-- parameter: row_ms double = 0.01 [ms] task time to read and write a row of a repartition, at most
-- parameter: data_bytes_per_ms double = 5000.0 [bytes_per_ms] bytes of it that a task reads and writes in a millisecond, at least
-- parameter: max_file_share double = 0.8 [ratio] that time over the task time of the write, at most
-- parameter: min_lost_share double = 0.05 [ratio] that time over the task time of the application from which it decides the severity of fewer than ten times as many files
-- evidence: [{at_least} ]{files:file|files} of {mean_bytes:bytes} on average were written in {duration_ms:s}, {bytes:bytes} in all[, into
--   {partitions:partition|partitions}][, by {write_tasks:task|tasks} that took {write_ms:s}][ (the median task {median_ms:s} for {task_rows:row|rows})][; committing them took {commit_ms:s} in the tasks][ and {job_commit_ms:s} in the driver][,
--   by {num_batches:batch|batches} of a stream][; the target is {target}][; the {counted_by} finding counts the time].
-- advice: num_batches > 0 AND is_shuffled | - | - | Each batch writes {batch_files:int} files on average, one for each shuffle partition that has rows: use fewer partitions (spark.sql.shuffle.partitions; a query with
--   state keeps the number that its checkpoint began with), or coalesce before the write, and compact the table regularly.
-- advice: num_batches > 0 | - | - | Each batch writes {batch_files:int} files on average: give a batch more rows (a longer trigger interval), write it with fewer
--   tasks (coalesce before the write), and compact the table regularly.
-- advice: num_buckets > 1 AND files >= 2 * num_buckets | - | - | Each task writes a file for each of the {num_buckets:int} buckets that it has rows of: repartition by {bucket_columns}
--   before the write, into as many partitions as there are buckets or into a divisor of that; and make fewer buckets for that little data.
-- advice: num_buckets > 1 | - | - | There are too many buckets for that little data: make fewer.
-- advice: is_unmerged AND merge_bytes > 0 AND partitions IS NULL | spark.sql.adaptive.advisoryPartitionSizeInBytes | '64MB' | Adaptive execution merges small shuffle partitions only up to
--   {merge_bytes:bytes}, and each of the {write_tasks:task|tasks} writes a file: let it merge them up to the default size.
-- advice: is_unmerged AND partitions IS NULL | spark.sql.adaptive.coalescePartitions.enabled | 'true' | Adaptive execution may not merge small shuffle partitions, so that each of the {write_tasks:task|tasks} writes a file:
--   let it merge them.
-- advice: partitions > 1 AND files >= 2 * partitions AND is_repartitioned | - | - | The code repartitions the rows by number, which spreads each partition
--   over all tasks: repartition by the partition columns instead, so that one task writes each partition.
-- advice: partitions > 1 AND files >= 2 * partitions | - | - | Repartition by the partition columns before the write, so that one
--   task writes each partition.
-- advice: partitions > 1 | - | - | The table has too many partitions for its data: partition it by fewer or coarser columns.
-- advice: partitions IS NULL AND files >= 2 * write_tasks | - | - | Each task wrote many files: the write is partitioned by
--   columns with many values, or limits the rows of a file. Partition by fewer or coarser columns, or raise that limit.
-- advice: partitions IS NULL AND is_repartitioned AND num_batches IS NULL | - | - | The code repartitions the rows into {write_tasks:partition|partitions}, each of which becomes a file: ask for fewer (files of 128 MiB that
--   the data fills: {files_needed:int}). Where the steps before it are cheap, coalesce does without the shuffle.
-- advice: partitions IS NULL | - | - | Write with fewer tasks (repartition or coalesce before the write; files of 128 MiB that
--   the data fills: {files_needed:int}), or compact the table.
-- recommendation: Write with fewer tasks, so that files hold 128 MiB or more (repartition or coalesce
--   before the write), or compact the table.
WITH photon_writes AS (
  -- Photon's writer counts by metrics of its own.
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    MAX(CASE WHEN metric_name = 'files written' THEN total END) AS files_written,
    MAX(CASE WHEN metric_name = 'file size' THEN total END) AS bytes_written
  FROM sql_node_metrics
  WHERE metric_name IN ('files written', 'file size')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
writes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(COALESCE(CAST(files_written AS DOUBLE), photon_files)) AS files,
    SUM(COALESCE(CAST(bytes_written AS DOUBLE), photon_bytes)) AS bytes,
    SUM(dynamic_partitions) AS partitions,
    MAX(COALESCE(table_name, location)) AS target
  FROM (
    SELECT s.*, p.files_written AS photon_files, p.bytes_written AS photon_bytes
    FROM sql_scans AS s
    LEFT JOIN photon_writes AS p
      ON p.platform = s.platform AND p.cluster_id = s.cluster_id
      AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id
      AND p.sql_id = s.sql_id AND p.node_id = s.node_id
    WHERE s.operation = 'write'
  ) AS s
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
commits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(CASE WHEN metric_name = 'task commit time' THEN total END) AS commit_ms, SUM(CASE WHEN metric_name = 'job commit time' THEN total END) AS job_commit_ms
  FROM sql_node_metrics
  WHERE metric_name IN ('task commit time', 'job commit time')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
work AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(CAST(executor_run_time AS DOUBLE)) AS write_ms, SUM(num_tasks) AS num_tasks, MAX(task_slots) AS task_slots,
    -- One stage that only writes the rows of a repartition.
    CASE WHEN COUNT(*) = 1 THEN MAX(CASE WHEN is_repartitioned AND NOT COALESCE(has_join, FALSE) AND NOT COALESCE(has_window, FALSE) AND NOT COALESCE(has_python, FALSE) AND NOT COALESCE(has_gpu, FALSE)
      AND shuffle_read_records > 0 AND COALESCE(input_bytes, 0) = 0 AND COALESCE(shuffle_write_bytes, 0) = 0 AND COALESCE(memory_bytes_spilled, 0) = 0 THEN run_time_median END) END AS median_ms,
    MAX(CAST(shuffle_read_records AS DOUBLE) / NULLIF(num_tasks, 0)) AS task_rows,
    MAX(CAST(shuffle_read_bytes + output_bytes AS DOUBLE) / NULLIF(num_tasks, 0)) AS task_bytes
  FROM stage_facts
  WHERE output_bytes > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- Steps of the writing stages that compute something.
computing AS (
  SELECT DISTINCT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id
  FROM sql_nodes AS n
  INNER JOIN stage_facts AS f
    ON f.platform = n.platform AND f.cluster_id = n.cluster_id
    AND f.application_id = n.application_id AND f.attempt_id = n.attempt_id AND f.sql_id = n.sql_id
  WHERE f.output_bytes > 0 AND ARRAY_CONTAINS(n.stage_ids, f.stage_id)
    AND NOT (n.node_name LIKE '%Exchange%' OR n.node_name LIKE '%ShuffleRead%' OR n.node_name LIKE 'Execute %' OR n.node_name LIKE '%WriteFiles%'
      OR n.node_name LIKE 'Sort%' OR n.node_name LIKE '%ColumnarToRow%' OR n.node_name LIKE '%ShuffleQueryStage%' OR n.node_name LIKE 'WholeStageCodegen%' OR n.node_name LIKE 'InputAdapter%')
),
written AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, q.streaming_query_id, q.description, q.duration_ms,
    w.target, w.files, w.bytes, w.partitions, t.write_ms, t.num_tasks, c.commit_ms, c.job_commit_ms, t.task_slots,
    CASE WHEN o.platform IS NULL AND w.files <= t.num_tasks THEN t.median_ms END AS median_ms, t.task_rows, t.task_bytes
  FROM sql AS q
  INNER JOIN writes AS w
    ON w.platform = q.platform AND w.cluster_id = q.cluster_id
    AND w.application_id = q.application_id AND w.attempt_id = q.attempt_id AND w.sql_id = q.sql_id
  LEFT JOIN work AS t
    ON t.platform = q.platform AND t.cluster_id = q.cluster_id
    AND t.application_id = q.application_id AND t.attempt_id = q.attempt_id AND t.sql_id = q.sql_id
  LEFT JOIN commits AS c
    ON c.platform = q.platform AND c.cluster_id = q.cluster_id
    AND c.application_id = q.application_id AND c.attempt_id = q.attempt_id AND c.sql_id = q.sql_id
  LEFT JOIN computing AS o
    ON o.platform = q.platform AND o.cluster_id = q.cluster_id
    AND o.application_id = q.application_id AND o.attempt_id = q.attempt_id AND o.sql_id = q.sql_id
  WHERE w.files > 0e0
),
sinking AS (
  SELECT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.stage_id, f.stage_attempt_id
  FROM stage_facts AS f
  INNER JOIN sql AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  WHERE q.streaming_query_id IS NOT NULL AND f.output_bytes > 0
),
sunk AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, q.streaming_query_id, q.duration_ms,
    CAST(f.files AS DOUBLE) AS files, f.bytes
  FROM sql AS q
  INNER JOIN (
    SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, COUNT(*) AS files, SUM(CAST(t.output_bytes_written AS DOUBLE)) AS bytes
    FROM sinking AS s
    INNER JOIN tasks AS t
      ON t.platform = s.platform AND t.cluster_id = s.cluster_id
      AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
      AND t.stage_id = s.stage_id AND t.stage_attempt_id = s.stage_attempt_id
    WHERE t.status = 'SUCCESS' AND t.output_bytes_written > 0
    GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id
  ) AS f
    ON f.platform = q.platform AND f.cluster_id = q.cluster_id
    AND f.application_id = q.application_id AND f.attempt_id = q.attempt_id AND f.sql_id = q.sql_id
  LEFT JOIN writes AS w
    ON w.platform = q.platform AND w.cluster_id = q.cluster_id
    AND w.application_id = q.application_id AND w.attempt_id = q.attempt_id AND w.sql_id = q.sql_id
  WHERE q.streaming_query_id IS NOT NULL AND w.platform IS NULL
),
judged AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, description, duration_ms, target, files, bytes, partitions, write_ms,
    num_tasks, commit_ms, job_commit_ms, task_slots, median_ms, task_rows, task_bytes, TRY_CAST(NULL AS BIGINT) AS num_batches, TRY_CAST(NULL AS STRING) AS at_least
  FROM written
  WHERE streaming_query_id IS NULL
  UNION ALL
  -- Named by its last batch.
  SELECT
    platform, cluster_id, application_id, attempt_id, MAX(sql_id) AS sql_id, streaming_query_id AS description,
    SUM(duration_ms) AS duration_ms, target, SUM(files) AS files, SUM(bytes) AS bytes,
    TRY_CAST(NULL AS BIGINT) AS partitions, TRY_CAST(NULL AS DOUBLE) AS write_ms, TRY_CAST(NULL AS BIGINT) AS num_tasks,
    TRY_CAST(NULL AS DOUBLE) AS commit_ms, TRY_CAST(NULL AS DOUBLE) AS job_commit_ms, TRY_CAST(NULL AS BIGINT) AS task_slots, TRY_CAST(NULL AS BIGINT) AS median_ms, TRY_CAST(NULL AS DOUBLE) AS task_rows, TRY_CAST(NULL AS DOUBLE) AS task_bytes,
    COUNT(*) AS num_batches, TRY_CAST(NULL AS STRING) AS at_least
  FROM written
  WHERE streaming_query_id IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, streaming_query_id, target
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, MAX(sql_id) AS sql_id, streaming_query_id AS description,
    SUM(duration_ms) AS duration_ms, TRY_CAST(NULL AS STRING) AS target, SUM(files) AS files, SUM(bytes) AS bytes,
    TRY_CAST(NULL AS BIGINT) AS partitions, TRY_CAST(NULL AS DOUBLE) AS write_ms, TRY_CAST(NULL AS BIGINT) AS num_tasks,
    TRY_CAST(NULL AS DOUBLE) AS commit_ms, TRY_CAST(NULL AS DOUBLE) AS job_commit_ms, TRY_CAST(NULL AS BIGINT) AS task_slots, TRY_CAST(NULL AS BIGINT) AS median_ms, TRY_CAST(NULL AS DOUBLE) AS task_rows, TRY_CAST(NULL AS DOUBLE) AS task_bytes,
    COUNT(*) AS num_batches, 'At least' AS at_least
  FROM sunk
  GROUP BY platform, cluster_id, application_id, attempt_id, streaming_query_id
),
-- Streams whose writes read a shuffle.
shuffled AS (
  SELECT DISTINCT q.platform, q.cluster_id, q.application_id, q.attempt_id, q.streaming_query_id
  FROM sql AS q
  INNER JOIN stage_facts AS f
    ON f.platform = q.platform AND f.cluster_id = q.cluster_id
    AND f.application_id = q.application_id AND f.attempt_id = q.attempt_id AND f.sql_id = q.sql_id
  WHERE q.streaming_query_id IS NOT NULL AND f.output_bytes > 0 AND f.shuffle_read_bytes > 0
),
-- Writes that read a shuffle whose number of partitions stands in the code.
repartitioned AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id
  FROM stage_facts
  WHERE output_bytes > 0 AND is_repartitioned
),
-- Writes of the partitions of a shuffle that adaptive execution may not merge, or only up to a small size.
unmerged AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, MAX(CASE WHEN t.file_ms > 0 THEN 1 ELSE 0 END) AS is_told,
    MAX(CASE WHEN f.coalesce_partitions THEN f.advisory_bytes END) AS merge_bytes
  FROM stage_facts AS f
  LEFT JOIN tiny_stages AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id AND t.subject_id = f.subject_id
  WHERE f.output_bytes > 0 AND f.adaptive AND f.spark_minor >= 300
    AND ((NOT f.coalesce_partitions AND f.num_tasks = f.shuffle_partitions)
      OR (f.coalesce_partitions AND f.num_tasks <= f.shuffle_partitions AND f.advisory_bytes <= $max_merge_bytes AND f.shuffle_read_bytes <= 2e0 * f.advisory_bytes * f.num_tasks))
    AND f.shuffle_read_bytes > 0 AND f.shuffle_read_bytes >= f.input_bytes AND NOT COALESCE(f.is_repartitioned, FALSE)
    AND 2e0 * f.shuffle_read_bytes <= CASE WHEN f.coalesce_partitions THEN 67108864e0 ELSE COALESCE(CAST(f.advisory_bytes AS DOUBLE), 67108864e0) END * f.num_tasks
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id
),
-- Every task that writes makes a file for each of its buckets.
bucketed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    MAX(TRY_CAST(REGEXP_REPLACE(SPLIT_PART(description, ' buckets, bucket columns: [', 1), '^.* ', '') AS BIGINT)) AS num_buckets,
    MAX(SPLIT_PART(SPLIT_PART(description, ' buckets, bucket columns: [', 2), ']', 1)) AS bucket_columns
  FROM sql_nodes
  WHERE description LIKE '% buckets, bucket columns: [%'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, CAST(j.sql_id AS STRING) AS subject_id,
  'high' AS confidence,
  CASE WHEN files >= 10 * $min_files THEN 'medium' WHEN u.is_told = 1 THEN 'low' WHEN j.lost_ms >= $min_lost_share * a.executor_run_time THEN NULL ELSE 'low' END AS severity,
  CASE WHEN u.is_told = 1 THEN CAST(NULL AS BIGINT) ELSE TRY_CAST(j.lost_ms AS BIGINT) END AS lost_core_ms,
  CASE WHEN u.is_told = 1 THEN CAST(NULL AS BIGINT) ELSE TRY_CAST(j.lost_ms * f.wall_ratio AS BIGINT) END AS recoverable_ms,
  -- One setting is one finding.
  CASE WHEN u.platform IS NOT NULL AND num_batches IS NULL AND COALESCE(partitions, 0) = 0 THEN CASE WHEN u.merge_bytes > 0 THEN 'spark.sql.adaptive.advisoryPartitionSizeInBytes' ELSE 'spark.sql.adaptive.coalescePartitions.enabled' END ELSE SUBSTR(description, 1, 80) END AS place,
  u.platform IS NOT NULL AND num_batches IS NULL AS is_unmerged, TRY_CAST(u.merge_bytes AS BIGINT) AS merge_bytes, CASE WHEN u.is_told = 1 THEN 'tiny_tasks' END AS counted_by,
  j.sql_id, SUBSTR(description, 1, 80) AS description,
  SUBSTR(target, 1, 200) AS target,
  TRY_CAST(files AS BIGINT) AS files, TRY_CAST(bytes AS BIGINT) AS bytes, bytes / NULLIF(files, 0) AS mean_bytes,
  NULLIF(partitions, 0) AS partitions, duration_ms,
  TRY_CAST(write_ms AS BIGINT) AS write_ms, num_tasks AS write_tasks, median_ms, CASE WHEN median_ms IS NOT NULL THEN TRY_CAST(task_rows AS BIGINT) END AS task_rows,
  CASE WHEN commit_ms >= 1e3 THEN TRY_CAST(commit_ms AS BIGINT) END AS commit_ms, CASE WHEN commit_ms >= 1e3 THEN TRY_CAST(NULLIF(job_commit_ms, 0e0) AS BIGINT) END AS job_commit_ms, num_batches, files / NULLIF(num_batches, 0) AS batch_files,
  TRY_CAST(CEIL(GREATEST(bytes / 134217728e0, 1e0)) AS BIGINT) AS files_needed,
  at_least, r.sql_id IS NOT NULL AS is_repartitioned, h.platform IS NOT NULL AS is_shuffled,
  b.num_buckets, b.bucket_columns
FROM (
  SELECT
    k.*,
    CASE WHEN files > files_kept AND write_ms > 0e0 THEN LEAST(GREATEST(
      (files - files_kept) * $file_ms,
      COALESCE(commit_ms * (files - files_kept) / NULLIF(files, 0e0), 0e0),
      COALESCE((num_tasks - GREATEST(files_kept, COALESCE(CAST(task_slots AS DOUBLE), 1e0))) * (median_ms - task_rows * $row_ms - task_bytes / NULLIF($data_bytes_per_ms, 0e0)), 0e0)
    ), $max_file_share * write_ms) END AS lost_ms,
    CASE WHEN files > files_kept THEN job_commit_ms * (files - files_kept) / NULLIF(files, 0e0) END AS driver_ms
  FROM (
    SELECT h.*, GREATEST(CEIL(bytes / 134217728e0), COALESCE(CAST(partitions AS DOUBLE), 1e0), 1e0) AS files_kept
    FROM judged AS h
  ) AS k
) AS j
LEFT JOIN application_facts AS f
  ON f.platform = j.platform AND f.cluster_id = j.cluster_id
  AND f.application_id = j.application_id AND f.attempt_id = j.attempt_id
LEFT JOIN application_run_times AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
LEFT JOIN shuffled AS h
  ON h.platform = j.platform AND h.cluster_id = j.cluster_id
  AND h.application_id = j.application_id AND h.attempt_id = j.attempt_id AND h.streaming_query_id = j.description
LEFT JOIN repartitioned AS r
  ON r.platform = j.platform AND r.cluster_id = j.cluster_id
  AND r.application_id = j.application_id AND r.attempt_id = j.attempt_id AND r.sql_id = j.sql_id
LEFT JOIN unmerged AS u
  ON u.platform = j.platform AND u.cluster_id = j.cluster_id
  AND u.application_id = j.application_id AND u.attempt_id = j.attempt_id AND u.sql_id = j.sql_id
LEFT JOIN bucketed AS b
  ON b.platform = j.platform AND b.cluster_id = j.cluster_id
  AND b.application_id = j.application_id AND b.attempt_id = j.attempt_id AND b.sql_id = j.sql_id
WHERE files >= $min_files AND bytes / NULLIF(files, 0) <= $max_mean_bytes
  AND COALESCE(files >= $min_batch_files * num_batches, TRUE)
