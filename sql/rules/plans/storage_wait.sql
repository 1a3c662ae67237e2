-- id: storage_wait
-- title: Tasks wait for storage rather than compute
-- category: plans
-- severity: low
-- version: 9
-- description: Fires where the tasks of a stage used little of their run time on the processor while they read or wrote much, and
--   neither Python, a GPU, garbage collection, spill nor fetching shuffle data explains it, and the bytes came slowly. Lost is half of the time
--   that they waited, of reading no more than the scans took where they count it: reading and writing cannot be free. Timed scans of many files
--   of a small average size are told by small_files_read.
-- subject: stage
-- group_by: stage_name
-- parameter: max_cpu_ratio double = 0.3 [ratio] processor time over run time of the tasks, at most
-- parameter: min_run_time_ms bigint = 600000 [ms] task time of the stage, at least
-- parameter: min_bytes double = 1073741824 [bytes] input and output, at least
-- parameter: min_small_files bigint = 100 [count] files of a small average size from which small_files_read tells the time of their scan
-- parameter: max_small_file_bytes double = 3145728.0 [bytes] that size, at most
-- parameter: max_bytes_per_second double = 104857600 [bytes_per_second] bytes a second and core above which the storage is fast, at most
-- evidence: Tasks used the processor for {cpu_ratio:pct} of {run_ms:s} of run time while they read {input:bytes} and wrote {output:bytes},
--   {bytes_per_second:bytes} a second and core[; the scans took {scan_ms:s}].
-- advice: is_write | - | - | The writing waits: fewer and larger files, a committer that does not rename on an object store, and more
--   connections to it.
-- advice: file_format IN ('csv', 'json', 'text', 'xml') | - | - | The reading waits: columnar files (Parquet, ORC) instead of {file_format} bring
--   only the columns and rows that are needed; keep the storage in the same region.
-- advice: scheme IN ('webhdfs', 'swebhdfs', 'httpfs', 'shttpfs') | - | - | The reading waits: {scheme}:// brings files over HTTP, often through one gateway for all tasks. Read them with hdfs:// where the name node and the data nodes can be reached, or copy what is
--   read often to storage near the executors.
-- advice: scheme IN ('http', 'https', 'ftp', 'sftp') | - | - | The reading waits: {scheme}:// brings each file as one stream from one server. Copy what is read to storage near the executors first.
-- advice: mean_file_bytes < 33554432 | - | - | The reading waits: {files_read:file|files} of {mean_file_bytes:bytes} on average cost a request and more
--   each; compact them, and keep the storage in the same region.
-- advice: scheme = 's3a' AND is_columnar AND spark_minor < 400 AND NOT is_random | - | - | The reading waits: read {less}, and keep the storage in the same region. For columnar files set
--   spark.hadoop.fs.s3a.experimental.input.fadvise=random: read-ahead in sequence fetches what is not needed and drops connections. spark.hadoop.fs.s3a.connection.maximum has to be
--   well above the cores of an executor.
-- advice: scheme = 's3a' | - | - | The reading waits: read {less}, and keep the storage in the same region. spark.hadoop.fs.s3a.connection.maximum has to be well above the
--   cores of an executor.
-- advice: scheme = 's3' AND is_emr | - | - | The reading waits: read {less}, and keep the bucket in the same region. The client's connections have to be well above the cores of an
--   executor: spark.hadoop.fs.s3.maxConnections with EMRFS, spark.hadoop.fs.s3a.connection.maximum from EMR 7.10 on, which reads s3:// with S3A.
-- advice: less = 'fewer rows' | - | - | The reading waits, of one column: read fewer rows (partitions, a filter that skips files), and keep the storage in the same region.
-- recommendation: The reading waits: read fewer columns and rows, and keep the storage in the same region.
WITH measured AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.stage_name, f.task_slots, f.duration_ms,
    CAST(s.executor_run_time AS DOUBLE) AS run_ms,
    CAST(s.executor_cpu_time AS DOUBLE) / 1e6 AS cpu_ms,
    CAST(s.jvm_gc_time AS DOUBLE) + COALESCE(CAST(s.shuffle_fetch_wait_time AS DOUBLE), 0e0) AS explained_ms, f.scan_ms,
    CAST(f.input_bytes AS DOUBLE) AS input, CAST(f.output_bytes AS DOUBLE) AS output,
    f.sql_id, f.stage_id, f.spark_minor, COALESCE(f.is_emr, FALSE) AS is_emr, f.file_format, f.files_read, CAST(f.file_bytes AS DOUBLE) / NULLIF(f.files_read, 0) AS mean_file_bytes
  FROM stage_facts AS f
  INNER JOIN timed_stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id
    AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
  -- Reads that are not counted say nothing of a rate.
  WHERE NOT COALESCE(f.is_input_hidden, FALSE) AND NOT f.has_python AND NOT COALESCE(f.has_gpu, FALSE) AND NOT f.is_listing AND f.disk_bytes_spilled = 0 AND f.memory_bytes_spilled = 0
    AND s.executor_run_time >= $min_run_time_ms AND s.executor_cpu_time > 0
),
waits AS (
  SELECT
    m.*,
    -- A scan decodes too, so its time is what the storage took at most.
    CASE WHEN output <= input AND scan_ms > 0e0 THEN LEAST(run_ms - cpu_ms - explained_ms, scan_ms) ELSE run_ms - cpu_ms - explained_ms END AS wait_ms
  FROM measured AS m
),
slow AS (
  SELECT *
  FROM waits
  WHERE cpu_ms <= $max_cpu_ratio * run_ms AND explained_ms <= 0.2e0 * run_ms
    -- Where the scans took little, something else waited: a call in a function, a service.
    AND (output > input OR COALESCE(scan_ms >= 0.3e0 * run_ms, TRUE))
    AND NOT COALESCE(output <= input AND scan_ms > 0e0 AND files_read >= $min_small_files AND mean_file_bytes <= $max_small_file_bytes, FALSE) AND input + output >= $min_bytes
    AND (input + output) / NULLIF(run_ms / 1e3, 0) <= $max_bytes_per_second
),
-- What names the storage, where all that a stage reads lies in one kind of it.
schemes AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id,
    CASE WHEN MIN(SPLIT_PART(c.location, '://', 1)) = MAX(SPLIT_PART(c.location, '://', 1)) THEN LOWER(MIN(SPLIT_PART(c.location, '://', 1))) END AS scheme, MAX(c.num_columns) AS num_columns
  FROM slow AS w
  INNER JOIN operator_stages AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id AND o.sql_id = w.sql_id AND o.stage_id = w.stage_id
  INNER JOIN sql_scans AS c
    ON c.platform = o.platform AND c.cluster_id = o.cluster_id
    AND c.application_id = o.application_id AND c.attempt_id = o.attempt_id AND c.sql_id = o.sql_id AND c.node_id = o.node_id
  WHERE c.operation = 'read' AND c.location LIKE '%://%'
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id,
  'low' AS confidence,
  TRY_CAST(wait_ms / 2e0 AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST(wait_ms / 2e0 / NULLIF(task_slots, 0), duration_ms) AS BIGINT) AS recoverable_ms,
  stage_name, run_ms, cpu_ms / NULLIF(run_ms, 0) AS cpu_ratio, input, output,
  (input + output) / NULLIF(run_ms / 1e3, 0) AS bytes_per_second,
  output > input AS is_write, CASE WHEN output <= input AND scan_ms > 0e0 THEN scan_ms END AS scan_ms, file_format, files_read, mean_file_bytes,
  c.scheme, CASE WHEN c.num_columns = 1 THEN 'fewer rows' ELSE 'fewer columns and rows' END AS less, spark_minor, is_emr, COALESCE(file_format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi'), FALSE) AS is_columnar,
  COALESCE(r.value = 'random', FALSE) AS is_random
FROM slow AS w
LEFT JOIN spark_settings AS r
  ON r.platform = w.platform AND r.cluster_id = w.cluster_id
  AND r.application_id = w.application_id AND r.attempt_id = w.attempt_id AND r.key = 'spark.hadoop.fs.s3a.experimental.input.fadvise'
LEFT JOIN schemes AS c
  ON c.platform = w.platform AND c.cluster_id = w.cluster_id
  AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id AND c.subject_id = w.subject_id
