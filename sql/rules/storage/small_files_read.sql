-- id: small_files_read
-- title: Many small files are read
-- category: storage
-- severity: low
-- version: 4
-- description: Fires for a source of which a query read many files of a small average size, by the count and
--   the bytes of the scan node itself. Each file costs an entry in a listing, a request and an open, and a
--   split packs only as many of them as spark.sql.files.openCostInBytes lets it. Queries that read the
--   same source are reported once, and of a query with several such sources the one of most files, with the number of the others. What the files cost is not known apart from the work on their rows.
--   Somewhat larger files are told by what it takes to open them: at 50 ms a file (52 to 72 ms were measured on HDFS in scans of files of less than 100 KiB, 3 to 5 ms on a local disk),
--   where that is a good part of the measured scan time and of the application.
-- subject: sql
-- group_by: source
-- parameter: min_files bigint = 100 [count] files read, at least
-- parameter: max_mean_bytes bigint = 3145728 [bytes] their average size, at most
-- parameter: max_counted_mean_bytes bigint = 8388608 [bytes] their average size where the cost of opening them decides, at most
-- parameter: open_ms double = 50.0 [ms] task time to open a file, its footer included
-- parameter: local_open_ms double = 3.0 [ms] the same on a local disk
-- parameter: max_open_scan_share double = 0.5 [ratio] part of the measured scan time that opening is taken for, at most
-- parameter: min_open_scan_share double = 0.1 [ratio] and at least
-- parameter: min_open_ms double = 60000 [ms] opening of all files of the source, at least
-- parameter: min_open_share double = 0.005 [ratio] the same over the task time of the application, at least
-- parameter: many_files bigint = 10000 [count] files read, from which it is of medium severity
-- parameter: min_duration_ms bigint = 10000 [ms] time of the query, at least
-- parameter: some_files bigint = 1000 [count] files read, from which a shorter query is enough
-- parameter: min_short_duration_ms bigint = 2000 [ms] time of such a query, at least
-- parameter: max_ms_each bigint = 2000 [ms] time of the query for each file read, at most: in a longer one the files are a detail
-- evidence: {files:file|files} of {mean_bytes:bytes} on average were read, {bytes:bytes} in all, by a query of {duration_ms:s}[; the
--   source is {source}][; to open them took about {open_ms:s} of {scan_ms:s} of scan time][; {other_sources:other source|other sources} of the query had {other_files:file|files} as small].
-- advice: format = 'delta' | - | - | Compact the table (OPTIMIZE, optimized writes): {files_needed:file|files} of 128 MiB would hold it.
-- advice: format = 'iceberg' | - | - | Compact the table (rewrite_data_files): {files_needed:file|files} of 128 MiB would hold it.
-- recommendation: Compact the source, and let its writer write fewer, larger files.
WITH scan_times AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, SUM(CAST(total AS DOUBLE)) AS scan_ms
  FROM sql_node_metrics
  WHERE metric_name = 'scan time'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
sources AS (
  SELECT
    s.*, q.duration_ms,
    CASE WHEN s.bytes_read > CAST($max_mean_bytes AS DOUBLE) * s.files_read THEN LEAST(s.open_all_ms, $max_open_scan_share * s.scan_ms) END AS open_ms,
    -- A query is told once.
    ROW_NUMBER() OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id
      ORDER BY s.files_read DESC, s.bytes_read DESC, s.table_name, s.location, s.format
    ) AS place,
    COUNT(*) OVER (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id) - 1 AS other_sources,
    SUM(s.files_read) OVER (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id) - s.files_read AS other_files
  FROM (
    SELECT
      n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.table_name, n.location, n.format,
      -- A source that a query scans twice is there once.
      MAX(n.files_read) AS files_read, MAX(n.bytes_read) AS bytes_read, MAX(t.scan_ms) AS scan_ms,
      MAX(n.files_read) * MAX(CASE WHEN n.location LIKE 'file:%' THEN $local_open_ms ELSE $open_ms END) AS open_all_ms
    FROM sql_scans AS n
    LEFT JOIN scan_times AS t
      ON t.platform = n.platform AND t.cluster_id = n.cluster_id
      AND t.application_id = n.application_id AND t.attempt_id = n.attempt_id AND t.sql_id = n.sql_id AND t.node_id = n.node_id
    WHERE n.operation = 'read' AND n.format NOT IN ('delta_log', 'cache', 'rdd', 'local')
    GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.table_name, n.location, n.format
  ) AS s
  INNER JOIN sql AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  LEFT JOIN application_run_times AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
  WHERE s.files_read >= $min_files AND (
      s.bytes_read <= CAST($max_mean_bytes AS DOUBLE) * s.files_read
      OR (s.files_read >= $some_files AND s.bytes_read <= CAST($max_counted_mean_bytes AS DOUBLE) * s.files_read
        AND LEAST(s.open_all_ms, $max_open_scan_share * s.scan_ms) >= $min_open_ms
        AND s.open_all_ms >= $min_open_scan_share * s.scan_ms
        AND LEAST(s.open_all_ms, $max_open_scan_share * s.scan_ms) >= $min_open_share * a.executor_run_time)
    )
    AND (q.duration_ms >= $min_duration_ms OR (s.files_read >= $some_files AND q.duration_ms >= $min_short_duration_ms))
    AND q.duration_ms <= CAST($max_ms_each AS DOUBLE) * s.files_read
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, CAST(s.sql_id AS STRING) AS subject_id,
  CASE WHEN s.files_read >= $many_files AND s.open_ms IS NULL THEN 'medium' ELSE 'low' END AS severity,
  CASE WHEN s.open_ms IS NULL THEN 'high' ELSE 'medium' END AS confidence,
  SUBSTR(COALESCE(s.table_name, s.location), 1, 200) AS source, s.format,
  s.files_read AS files, s.bytes_read AS bytes,
  CAST(s.bytes_read AS DOUBLE) / NULLIF(s.files_read, 0) AS mean_bytes, s.duration_ms,
  s.open_ms, CASE WHEN s.open_ms IS NOT NULL THEN s.scan_ms END AS scan_ms,
  NULLIF(s.other_sources, 0) AS other_sources, NULLIF(s.other_files, 0) AS other_files,
  TRY_CAST(CEIL(GREATEST(s.bytes_read / 134217728e0, 1e0)) AS BIGINT) AS files_needed
FROM sources AS s
WHERE s.place = 1
