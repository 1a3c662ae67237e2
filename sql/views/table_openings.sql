-- id: table_openings
-- title: Time that jobs took which only open tables
-- description: One row per application with many short jobs outside of any query (load, parquet, orc), one after the other, which only list folders and read the
--   schema of files, and take a good part of its wall time, or much of it, or of its core time: for table_opening and for the rules that must not tell this time again.
--   A job counts from its start to that of the next one (open_ms), at most max_step_ms or its own duration; where another job follows, only its own
--   duration. lost_ms is what the cores held meanwhile could have done while these jobs ran (jobs_ms), without the task time of their other stages than
--   those that list folders (listing_ms): listing is what a catalog saves. Cores of a host whose executors were lost before they ended a task do not count: lost_executors tells them. Many folders of one table are told by folder_reads. Interactive sessions are left out.
-- parameter: min_jobs bigint = 8 [count] jobs that open tables, at least, most of them in a row
-- parameter: min_open_ms bigint = 10000 [ms] wall time that they take together, at least
-- parameter: min_share double = 0.15 [ratio] the same over the wall time of the application, at least
-- parameter: min_large_share double = 0.05 [ratio] that share where they take large_open_ms, or the share of the core time where they lose large_lost_ms, at least
-- parameter: large_open_ms bigint = 60000 [ms] wall time that is worth a word below min_share
-- parameter: large_lost_ms double = 600000 [core_ms] core time that is
-- parameter: max_step_ms bigint = 2000 [ms] time from one such job to the next that counts, at most
-- parameter: max_job_cores double = 0.5 [ratio] task time of these jobs but for listing over the core time held while they ran, below: others work
-- parameter: max_folders bigint = 10 [count] folders of one parent that were read, below
-- reads: application_facts, executors, jobs, lost_hosts, sql_scans, timed_stages
WITH followed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, job_id, job_name, COALESCE(duration_ms, 0) AS duration_ms, COALESCE(num_completed_tasks, 0) AS num_tasks,
    UNIX_MILLIS(submission_time) AS begin_ms,
    sql_id IS NULL AND (job_name LIKE 'parquet at %' OR job_name LIKE 'orc at %' OR job_name LIKE 'load at %') AS is_open,
    LEAD(UNIX_MILLIS(submission_time)) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY submission_time, job_id
    ) AS next_ms
  FROM jobs
  WHERE submission_time IS NOT NULL
),
opened AS (
  SELECT
    f.*, COALESCE(LEAD(is_open) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY begin_ms, job_id), FALSE) AS is_next_open
  FROM followed AS f
),
calls AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_jobs, MAX(job_name) AS job_name, SUM(num_tasks) AS num_tasks,
    SUM(CASE WHEN is_next_open THEN 1 ELSE 0 END) AS num_in_a_row,
    -- Of jobs side by side only up to the start of the next.
    SUM(CASE WHEN is_next_open THEN LEAST(next_ms - begin_ms, duration_ms) ELSE duration_ms END) AS jobs_ms,
    SUM(CASE WHEN is_next_open THEN LEAST(next_ms - begin_ms, GREATEST(duration_ms, $max_step_ms)) ELSE duration_ms END) AS open_ms,
    MIN(begin_ms) AS first_ms, MAX(begin_ms + duration_ms) AS last_ms
  FROM opened
  WHERE is_open
  GROUP BY platform, cluster_id, application_id, attempt_id
),
works AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id,
    SUM(CASE WHEN s.stage_name LIKE 'Listing leaf files%' OR s.description LIKE 'Listing leaf files%' THEN 0e0 ELSE CAST(s.executor_run_time AS DOUBLE) END) AS run_ms,
    SUM(CASE WHEN s.stage_name LIKE 'Listing leaf files%' OR s.description LIKE 'Listing leaf files%' THEN CAST(s.executor_run_time AS DOUBLE) ELSE 0e0 END) AS listing_ms
  FROM opened AS o
  INNER JOIN timed_stages AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND ARRAY_MIN(s.job_ids) = o.job_id
  WHERE o.is_open
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id
),
held AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id,
    SUM(e.total_cores * CAST(
      LEAST(c.last_ms, COALESCE(UNIX_MILLIS(e.remove_time), c.last_ms)) - GREATEST(c.first_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE
    )) / NULLIF(MAX(c.last_ms - c.first_ms), 0) AS held_cores
  FROM calls AS c
  INNER JOIN executors AS e
    ON e.platform = c.platform AND e.cluster_id = c.cluster_id
    AND e.application_id = c.application_id AND e.attempt_id = c.attempt_id
  LEFT JOIN lost_hosts AS l
    ON l.platform = e.platform AND l.cluster_id = e.cluster_id
    AND l.application_id = e.application_id AND l.attempt_id = e.attempt_id AND l.host = REGEXP_REPLACE(e.host_port, ':[0-9]+$', '') AND l.held_ms IS NOT NULL
  WHERE l.host IS NULL AND e.total_cores > 0 AND UNIX_MILLIS(e.add_time) < c.last_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > c.first_ms, TRUE)
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id
),
locations AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, location, REGEXP_REPLACE(location, '/[^/]+/?$', '') AS parent,
    REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(location, '^.*/([^/]+)/?$', '$1'), '=.*$', '='), '[0-9]+', '0') AS pattern
  FROM sql_scans
  WHERE operation = 'read' AND location LIKE '%/%/%'
),
-- Folders of one table, a call for each.
parts AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, parent, pattern
    FROM locations
    WHERE pattern LIKE '%=' OR pattern LIKE '%0%'
    GROUP BY platform, cluster_id, application_id, attempt_id, parent, pattern
    HAVING COUNT(*) >= $max_folders
  ) AS many
),
judged AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.num_jobs, c.job_name, c.num_tasks, c.jobs_ms, c.open_ms, a.app_duration_ms, a.core_time_ms, h.held_cores, w.listing_ms,
    COALESCE(a.is_local, FALSE) AS is_local, GREATEST(c.jobs_ms * h.held_cores - COALESCE(w.run_ms, 0e0), 0e0) AS lost_ms,
    (COALESCE(w.run_ms, 0e0) + COALESCE(w.listing_ms, 0e0)) / NULLIF(c.jobs_ms * h.held_cores, 0e0) AS busy_share
  FROM calls AS c
  INNER JOIN application_facts AS a
    ON a.platform = c.platform AND a.cluster_id = c.cluster_id
    AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
  LEFT JOIN works AS w
    ON w.platform = c.platform AND w.cluster_id = c.cluster_id
    AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id
  LEFT JOIN held AS h
    ON h.platform = c.platform AND h.cluster_id = c.cluster_id
    AND h.application_id = c.application_id AND h.attempt_id = c.attempt_id
  LEFT JOIN parts AS p
    ON p.platform = c.platform AND p.cluster_id = c.cluster_id
    AND p.application_id = c.application_id AND p.attempt_id = c.attempt_id
  WHERE p.platform IS NULL AND NOT a.is_interactive AND c.num_jobs >= $min_jobs AND c.num_in_a_row * 2 >= c.num_jobs
    AND c.open_ms >= $min_open_ms
    AND COALESCE(w.run_ms <= $max_job_cores * c.jobs_ms * h.held_cores, TRUE)
)
SELECT *
FROM judged
WHERE open_ms >= $min_share * app_duration_ms
  OR (open_ms >= $large_open_ms AND open_ms >= $min_large_share * app_duration_ms)
  OR (lost_ms >= $large_lost_ms AND lost_ms >= $min_large_share * core_time_ms)
