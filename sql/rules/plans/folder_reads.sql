-- id: folder_reads
-- title: Folders of one table are opened one by one
-- category: plans
-- severity: low
-- version: 3
-- description: Fires where an application opened many folders that lie beside each other in calls of their own (a loop over days whose results
--   are united). Each call lists a folder and runs a job to find its schema before the first query, and the plan gets a scan for
--   each. A call counts from the start of its job to that of the next one, at most max_step_ms or its own duration; where another job
--   follows, only its own duration.
-- parameter: min_folders bigint = 10 [count] folders of one parent that were read, at least
-- parameter: min_jobs bigint = 10 [count] jobs of calls that open files, outside of any query, at least
-- parameter: max_step_ms bigint = 2000 [ms] time from one such job to the next that counts as opening files, at most
-- parameter: min_open_ms bigint = 5000 [ms] wall time from the first to the last of them, at least
-- parameter: min_share double = 0.05 [ratio] the same over the wall time of the application, at least
-- evidence: {num_folders:folder|folders} of {parent} were read each by itself, and {num_jobs:job|jobs} outside of any query looked for
--   schemas ({job_name}), theirs among them. Those jobs and the time between them took {open_ms:s} of {app_duration_ms:s}[, {between_ms:s} of it in the driver].
-- advice: is_partitioned | - | - | Read {parent} itself: the values in the names of its folders become columns, and a filter on them reads only the
--   wanted folders. For some folders give the reader all paths in one call, with basePath.
-- recommendation: Give the reader all paths in one call, or the folder above them, and a schema (schema(...)) if they differ.
WITH followed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, job_name, COALESCE(duration_ms, 0) AS duration_ms,
    UNIX_MILLIS(submission_time) AS begin_ms,
    sql_id IS NULL AND (job_name LIKE 'parquet at %' OR job_name LIKE 'orc at %' OR job_name LIKE 'csv at %' OR job_name LIKE 'json at %'
      OR job_name LIKE 'xml at %' OR job_name LIKE 'load at %') AS is_open,
    LEAD(UNIX_MILLIS(submission_time)) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY submission_time, job_id
    ) AS next_ms, job_id
  FROM jobs
  WHERE submission_time IS NOT NULL
),
opened AS (
  SELECT
    f.*, LEAD(is_open) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY begin_ms, job_id) AS is_next_open
  FROM followed AS f
),
calls AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_jobs, MAX(job_name) AS job_name,
    -- Where other jobs come between them each folder has work of its own.
    SUM(CASE WHEN is_next_open THEN 1 ELSE 0 END) AS num_in_a_row,
    SUM(CASE WHEN is_next_open THEN LEAST(next_ms - begin_ms, GREATEST(duration_ms, $max_step_ms)) ELSE duration_ms END) AS open_ms,
    -- Of jobs side by side only up to the start of the next.
    SUM(CASE WHEN is_next_open THEN LEAST(next_ms - begin_ms, duration_ms) ELSE duration_ms END) AS jobs_ms
  FROM opened
  WHERE is_open
  GROUP BY platform, cluster_id, application_id, attempt_id
),
locations AS (
  SELECT DISTINCT
    platform, cluster_id, application_id, attempt_id, location,
    REGEXP_REPLACE(location, '/[^/]+/?$', '') AS parent,
    -- Folders of one table differ in a value or in numbers (dt=2026-11-26, 2026/11/26, batch_17), tables in words.
    REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(location, '^.*/([^/]+)/?$', '$1'), '=.*$', '='), '[0-9]+', '0') AS pattern
  FROM sql_scans
  -- A file is no folder: its name has an ending.
  WHERE operation = 'read' AND location LIKE '%/%/%' AND location NOT LIKE '%.parquet' AND location NOT LIKE '%.orc'
    AND location NOT LIKE '%.csv' AND location NOT LIKE '%.json' AND location NOT LIKE '%.gz'
),
parents AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, parent, COUNT(*) AS num_folders,
    pattern LIKE '%=' AS is_partitioned,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY COUNT(*) DESC, parent) AS place
  FROM locations
  WHERE pattern LIKE '%=' OR pattern LIKE '%0%'
  GROUP BY platform, cluster_id, application_id, attempt_id, parent, pattern
)
SELECT
  c.platform, c.cluster_id, c.application_id, c.attempt_id, p.parent AS subject_id,
  'medium' AS confidence,
  c.open_ms AS recoverable_ms,
  p.num_folders, p.is_partitioned, SUBSTR(p.parent, 1, 200) AS parent, c.num_jobs, c.job_name, c.open_ms,
  CASE WHEN c.open_ms - c.jobs_ms >= 50 THEN c.open_ms - c.jobs_ms END AS between_ms, a.app_duration_ms
FROM calls AS c
INNER JOIN parents AS p
  ON p.platform = c.platform AND p.cluster_id = c.cluster_id
  AND p.application_id = c.application_id AND p.attempt_id = c.attempt_id
INNER JOIN application_facts AS a
  ON a.platform = c.platform AND a.cluster_id = c.cluster_id
  AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
WHERE p.place = 1 AND p.num_folders >= $min_folders AND c.num_jobs >= $min_jobs AND c.num_in_a_row * 2 >= c.num_jobs
  AND c.open_ms >= $min_open_ms AND c.open_ms >= $min_share * a.app_duration_ms
