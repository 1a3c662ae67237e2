-- id: table_opening
-- title: Many jobs only open tables while the cores wait
-- category: driver
-- severity: low
-- version: 7
-- description: Fires where many short jobs outside of any query (load, parquet, orc), one after the other, only list folders and read the schema
--   of files, and take a good part of the wall time, or much of it, or of the core time (view table_openings). Lost is what the cores held meanwhile could have
--   done while these jobs ran, but for the task time of their stages that do not list folders.
-- parameter: min_wall_ms bigint = 10000 [ms] wall time that opening takes from which it is of medium severity
-- parameter: medium_share double = 0.3 [ratio] where it is this share of the wall time of the application, too
-- parameter: large_lost_ms double = 600000 [core_ms] lost core time from which it is of medium severity
-- parameter: large_open_ms bigint = 60000 [ms] where opening takes this wall time, too
-- parameter: busy_share double = 0.2 [ratio] share of the held cores that list folders from which fewer executors would be slower
-- parameter: medium_lost_share double = 0.25 [ratio] or where it is this share of the core time
-- parameter: many_lost_ms double = 3.6e6 [core_ms] lost core time from which it is of medium severity where it is a tenth of the core time and of the wall time
-- evidence: {num_jobs:job|jobs} outside of any query ({job_name}) only listed folders and read schemas, with {num_tasks:task|tasks} in all. That took {open_ms:s} of {app_duration_ms:s}[,
--   {between_ms:s} of it in the driver between these jobs][, while {held_cores:1} cores were held][; listing folders took {listing_ms:s} of task time].
-- advice: busy_share >= $busy_share | - | - | Open tables through a catalog that keeps their schema and partitions (saveAsTable or CREATE TABLE once, then spark.table), which lists no folders;
--   a schema for the reader (schema(...)) saves only the schema inference, not the listing. Open only what the queries read.
-- recommendation: Open tables through a catalog that keeps their schema and partitions (saveAsTable or CREATE TABLE once, then spark.table), which lists no folders;
--   a schema for the reader (schema(...)) saves only the schema inference, not the listing. Open only what the queries read, several at once from threads, and hold few executors until then.
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CASE
    WHEN open_ms >= $min_wall_ms AND open_ms >= $medium_share * app_duration_ms THEN 'medium'
    WHEN is_local OR COALESCE(held_cores, 0e0) < 8e0 THEN 'low'
    -- Many cores that wait for a short time lose as much as few that wait for long.
    WHEN lost_ms >= $large_lost_ms AND (open_ms >= $large_open_ms OR lost_ms >= $medium_lost_share * core_time_ms) THEN 'medium'
    WHEN lost_ms >= $many_lost_ms AND lost_ms >= 0.1e0 * core_time_ms AND open_ms >= 0.1e0 * app_duration_ms THEN 'medium'
    ELSE 'low'
  END AS severity,
  'medium' AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms, open_ms AS recoverable_ms,
  busy_share, num_jobs, job_name, num_tasks, open_ms,
  -- What the driver took up to the next such job, which cores wait for just as well.
  CASE WHEN open_ms - jobs_ms >= 50 THEN open_ms - jobs_ms END AS between_ms, app_duration_ms, held_cores, CASE WHEN listing_ms >= 1e3 THEN TRY_CAST(listing_ms AS BIGINT) END AS listing_ms
FROM table_openings
