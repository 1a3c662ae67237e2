-- id: small_files_read
-- title: Many small files are read
-- category: storage
-- severity: low
-- version: 7
-- description: Fires for a source of which a query read many files of a small average size, by the count and
--   the bytes of the scan node itself. Each file costs an entry in a listing, a request and an open, and a
--   split packs only as many of them as spark.sql.files.openCostInBytes lets it. Queries that read the
--   same source are reported once, and of a query with several such sources the one of most files, with the number of the others. Where the scan was timed,
--   opening the files took what is left of that time after decoding their bytes, at a rate that is slow for a core, and at most max_open_ms a file; elsewhere it is not known.
--   Jobs of the application that listed the folders of such a source in tasks (more than 32 folders) count as well, for the first query that
--   read it and once, also where it reads another source below it, unless table_opening tells them. A source that an earlier query of the application wrote is told as such. Lost is the time of listing, and of opening all files but those that would be needed.
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
-- parameter: decode_bytes_per_second double = 30000000.0 [bytes_per_second] what a core decodes of a file that it has opened, at least
-- parameter: max_open_ms double = 100.0 [ms] task time to open a file, at most, where the scan was timed
-- parameter: min_listing_ms bigint = 1000 [ms] time of the stages that list folders of a source, at least, to count
-- parameter: min_start_share double = 0.5 [ratio] part of their task time that starting the tasks took, from which fewer tasks are advised
-- parameter: listing_waves bigint = 4 [count] tasks for each core that list folders, to keep
-- parameter: min_folders bigint = 32 [count] folders of a source, at least, to advise fewer of them
-- parameter: max_folder_bytes double = 67108864.0 [bytes] what a folder holds on average then, at most
-- parameter: many_files bigint = 10000 [count] files read, from which it is of medium severity
-- parameter: min_duration_ms bigint = 10000 [ms] time of the query, at least
-- parameter: some_files bigint = 1000 [count] files read, from which a shorter query is enough
-- parameter: min_short_duration_ms bigint = 2000 [ms] time of such a query, at least
-- parameter: max_ms_each bigint = 2000 [ms] time of the query for each file read, at most: in a longer one the files are a detail
-- evidence: {files:file|files} of {mean_bytes:bytes} on average[ in {folders:folder|folders}] were read, {bytes:bytes} in all, by a query of {duration_ms:s}[; the
--   source is {source}][; opening them took about {open_ms:s} of {scan_ms:s} of scan time][; to list {listing_paths:folder|folders} in {listing_jobs:job|jobs}
--   took {listing_ms:s}, {listing_task_ms:s} of task time][; {other_sources:other source|other sources} of the query had {other_files:file|files} as small][, which took about {other_open_ms:s} to open][; query {written_by:int} of this application wrote it].
-- advice: format = 'delta' | - | - | Compact the table (OPTIMIZE, optimized writes): {files_needed:file|files} of 128 MiB would hold it.
-- advice: format = 'iceberg' | - | - | Compact the table (rewrite_data_files): {files_needed:file|files} of 128 MiB would hold it.
-- advice: written_by IS NOT NULL | - | - | This application wrote the source itself, in query {written_by:int}: write fewer, larger files there (repartition by the partition columns, or coalesce,
--   before the write), which makes reading them fast too.
-- advice: has_slow_starts AND spark_minor >= 201 AND few_per_folder | spark.sql.sources.parallelPartitionDiscovery.parallelism | listing_tasks_needed |
--   Write the source with fewer partition folders (by month, say, not by day) and larger files, each folder holds only {folder_bytes:bytes}; a table
--   format that keeps a list of its files (Delta Lake, Iceberg) lists no folders.[ Read it once and use the DataFrame again: each of {times_listed:int} reads listed it anew.] Until then list the folders in fewer tasks.
-- advice: has_slow_starts AND spark_minor >= 201 | spark.sql.sources.parallelPartitionDiscovery.parallelism | listing_tasks_needed |
--   Compact the source; a table format that keeps a list of its files (Delta Lake, Iceberg) lists no folders.[ Read it once and use the DataFrame again:
--   each of {times_listed:int} reads listed it anew.] Until then list the folders in fewer tasks.
-- advice: few_per_folder AND listing_ms > 0 | - | - | Write the source with fewer partition folders (by month, say, not by day) and larger files, each folder holds only {folder_bytes:bytes}; a table
--   format that keeps a list of its files (Delta Lake, Iceberg) lists no folders.[ Read it once and use the DataFrame again: each of {times_listed:int} reads listed it anew.]
-- advice: few_per_folder | - | - | Write the source with fewer partition folders (by month, say, not by day) and larger files: each folder holds only {folder_bytes:bytes}.
-- advice: listing_ms > 0 | - | - | Compact the source, and let its writer write fewer, larger files; a table format that keeps a list of its files (Delta Lake, Iceberg) lists no
--   folders.[ Read it once and use the DataFrame again: each of {times_listed:int} reads listed it anew.]
-- recommendation: Compact the source, and let its writer write fewer, larger files.
WITH own_writes AS (
  SELECT platform, cluster_id, application_id, attempt_id, location, MIN(sql_id) AS sql_id
  FROM sql_scans
  WHERE operation = 'write' AND location IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, location
),
scan_times AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, SUM(CAST(total AS DOUBLE)) AS scan_ms
  FROM sql_node_metrics
  WHERE metric_name = 'scan time'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
small_scans AS (
  SELECT
    s.*, q.duration_ms, a.executor_run_time,
    TRY_CAST(CEIL(GREATEST(s.bytes_read / 134217728e0, 1e0)) AS BIGINT) AS files_needed
  FROM (
    SELECT
      n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.table_name, n.location, n.format,
      -- A source that a query scans twice is there once.
      MAX(n.files_read) AS files_read, MAX(n.bytes_read) AS bytes_read, MAX(n.partitions_read) AS folders, MAX(t.scan_ms) AS scan_ms,
      MAX(n.files_read) * MAX(CASE WHEN n.location LIKE 'file:%' THEN $local_open_ms ELSE $open_ms END) AS open_all_ms,
      -- But each of its scans opened the files.
      SUM(t.scan_ms) AS scans_ms,
      SUM(LEAST(GREATEST(t.scan_ms - n.bytes_read * 1e3 / $decode_bytes_per_second, 0e0), n.files_read * $max_open_ms)) AS beyond_decode_ms
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
),
-- Stages that list folders, but for those that table_opening tells.
listing_stages AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, s.description, f.num_tasks, f.task_slots,
    TRY_CAST(SPLIT_PART(SPLIT_PART(s.description, ' directories for ', 2), ' ', 1) AS BIGINT) AS num_paths,
    CAST(f.duration_ms AS DOUBLE) AS stage_ms, CAST(f.duration_total AS DOUBLE) AS task_ms,
    CAST(COALESCE(f.scheduler_delay_total, 0) + COALESCE(f.deserialize_time_total, 0) + COALESCE(f.serialize_time_total, 0) AS DOUBLE) AS start_ms
  FROM stage_facts AS f
  INNER JOIN stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id
    AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN table_openings AS o
    ON o.platform = f.platform AND o.cluster_id = f.cluster_id
    AND o.application_id = f.application_id AND o.attempt_id = f.attempt_id
  WHERE f.is_listing AND f.duration_ms > 0 AND o.platform IS NULL
),
-- A description names the first folder: that of the source, or one in it. Of a source and another one below it the latter has the stage, so that it counts once.
listed AS (
  SELECT
    q.location, q.sql_id, l.*,
    ROW_NUMBER() OVER (
      PARTITION BY l.platform, l.cluster_id, l.application_id, l.attempt_id, l.stage_id, l.stage_attempt_id ORDER BY LENGTH(q.location) DESC, q.location
    ) AS place
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, location, MIN(sql_id) AS sql_id
    FROM small_scans
    WHERE location LIKE '%/%' AND format NOT IN ('delta', 'iceberg')
    GROUP BY platform, cluster_id, application_id, attempt_id, location
  ) AS q
  INNER JOIN listing_stages AS l
    ON l.platform = q.platform AND l.cluster_id = q.cluster_id
    AND l.application_id = q.application_id AND l.attempt_id = q.attempt_id
  WHERE INSTR(l.description, CONCAT(q.location, '/')) > 0 OR INSTR(l.description, CONCAT(q.location, ',')) > 0
),
listings AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, location, MIN(sql_id) AS sql_id,
    SUM(stage_ms) AS listing_ms, SUM(task_ms) AS task_ms, SUM(start_ms) AS start_ms, COUNT(*) AS num_jobs, MAX(num_paths) AS num_paths,
    MAX(num_tasks) AS num_tasks, MAX(task_slots) AS task_slots
  FROM listed
  WHERE place = 1
  GROUP BY platform, cluster_id, application_id, attempt_id, location
  HAVING SUM(stage_ms) >= $min_listing_ms
),
-- What is known of the time of each source.
timed AS (
  SELECT
    s.*,
    CASE WHEN s.bytes_read > CAST($max_mean_bytes AS DOUBLE) * s.files_read THEN s.scan_ms ELSE s.scans_ms END AS told_scan_ms,
    CASE WHEN s.bytes_read > CAST($max_mean_bytes AS DOUBLE) * s.files_read THEN LEAST(s.open_all_ms, $max_open_scan_share * s.scan_ms)
      ELSE NULLIF(s.beyond_decode_ms, 0e0) END AS open_ms,
    l.listing_ms, l.task_ms, l.start_ms, l.num_jobs, l.num_paths, l.num_tasks, l.task_slots
  FROM (
    SELECT
      c.*,
      -- A query can read one location under several names.
      ROW_NUMBER() OVER (
        PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id, location ORDER BY files_read DESC, bytes_read DESC, table_name, format
      ) AS location_place
    FROM small_scans AS c
  ) AS s
  LEFT JOIN listings AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id AND l.location = s.location AND l.sql_id = s.sql_id AND s.location_place = 1
),
sources AS (
  SELECT
    t.*,
    -- A query is told once.
    ROW_NUMBER() OVER w AS place,
    COUNT(*) OVER q - 1 AS other_sources,
    (SUM(files_read) OVER q) - files_read AS other_files, (SUM(open_ms) OVER q) - COALESCE(open_ms, 0e0) AS other_open_ms,
    SUM(open_ms * GREATEST(1e0 - CAST(files_needed AS DOUBLE) / NULLIF(files_read, 0), 0e0)) OVER q AS open_lost_ms,
    SUM(listing_ms) OVER q AS all_listing_ms, SUM(task_ms) OVER q AS all_task_ms, SUM(start_ms) OVER q AS all_start_ms,
    SUM(num_jobs) OVER q AS all_jobs, SUM(num_paths) OVER q AS all_paths, MAX(num_jobs) OVER q AS most_jobs, MAX(num_tasks) OVER q AS most_tasks, MAX(task_slots) OVER q AS most_slots
  FROM timed AS t
  WINDOW
    w AS (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id ORDER BY files_read DESC, bytes_read DESC, table_name, location, format),
    q AS (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id)
),
-- Queries of one source are one finding, of which the first one has the listing: all of them show it.
shown AS (
  SELECT
    s.*, f.average_cores, f.spark_minor, f.core_time_ms, SUBSTR(COALESCE(s.table_name, s.location), 1, 200) AS source,
    SUM(s.all_listing_ms) OVER w AS listing_ms_shown, SUM(s.all_task_ms) OVER w AS task_ms_shown, SUM(s.all_start_ms) OVER w AS start_ms_shown,
    SUM(s.all_jobs) OVER w AS jobs_shown, MAX(s.all_paths) OVER w AS paths_shown, MAX(s.most_jobs) OVER w AS most_jobs_shown, MAX(s.most_tasks) OVER w AS tasks_shown, MAX(s.most_slots) OVER w AS slots_shown
  FROM sources AS s
  LEFT JOIN application_facts AS f
    ON f.platform = s.platform AND f.cluster_id = s.cluster_id
    AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id
  WHERE s.place = 1
  WINDOW w AS (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, SUBSTR(COALESCE(s.table_name, s.location), 1, 200))
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, CAST(s.sql_id AS STRING) AS subject_id,
  -- What is known to be lost decides where it is known.
  CASE WHEN s.open_lost_ms IS NOT NULL OR s.all_task_ms IS NOT NULL THEN NULL WHEN s.files_read >= $many_files THEN 'medium' ELSE 'low' END AS severity,
  CASE WHEN s.open_lost_ms IS NULL AND s.all_task_ms IS NULL THEN 'high' ELSE 'medium' END AS confidence,
  TRY_CAST(CASE WHEN s.open_lost_ms IS NOT NULL OR s.all_task_ms IS NOT NULL THEN COALESCE(s.open_lost_ms, 0e0) + COALESCE(s.all_task_ms, 0e0) END AS BIGINT) AS lost_core_ms,
  TRY_CAST(CASE
    WHEN s.open_lost_ms IS NOT NULL THEN LEAST(s.open_lost_ms / NULLIF(s.average_cores, 0), s.duration_ms) + COALESCE(s.all_listing_ms, 0e0)
    ELSE s.all_listing_ms
  END AS BIGINT) AS recoverable_ms,
  s.source, s.format,
  s.files_read AS files, s.bytes_read AS bytes, CASE WHEN s.folders > 1 THEN s.folders END AS folders,
  CAST(s.bytes_read AS DOUBLE) / NULLIF(s.files_read, 0) AS mean_bytes, s.duration_ms,
  s.open_ms, CASE WHEN s.open_ms IS NOT NULL THEN s.told_scan_ms END AS scan_ms,
  s.paths_shown AS listing_paths, s.jobs_shown AS listing_jobs, TRY_CAST(s.listing_ms_shown AS BIGINT) AS listing_ms, TRY_CAST(s.task_ms_shown AS BIGINT) AS listing_task_ms,
  COALESCE(s.folders >= $min_folders AND s.bytes_read <= $max_folder_bytes * s.folders, FALSE) AS few_per_folder,
  CAST(s.bytes_read AS DOUBLE) / NULLIF(s.folders, 0) AS folder_bytes,
  COALESCE(s.start_ms_shown >= $min_start_share * s.task_ms_shown AND s.tasks_shown >= 2 * $listing_waves * s.slots_shown, FALSE) AS has_slow_starts,
  $listing_waves * s.slots_shown AS listing_tasks_needed, CASE WHEN s.most_jobs_shown > 1 THEN s.most_jobs_shown END AS times_listed, s.spark_minor,
  NULLIF(s.other_sources, 0) AS other_sources, NULLIF(s.other_files, 0) AS other_files,
  CASE WHEN s.other_sources > 0 AND s.other_open_ms >= 1e3 THEN s.other_open_ms END AS other_open_ms,
  s.files_needed, CASE WHEN o.sql_id < s.sql_id THEN o.sql_id END AS written_by
FROM shown AS s
LEFT JOIN own_writes AS o
  ON o.platform = s.platform AND o.cluster_id = s.cluster_id
  AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.location = s.location
