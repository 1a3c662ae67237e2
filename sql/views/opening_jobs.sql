-- id: opening_jobs
-- title: Jobs of folders or files that are opened one by one
-- description: One row per job of an application that opened many folders or files which lie beside each other in calls of their own (parquet, orc, csv, json, xml, load), one call after the other, and per first job of a query
--   whose plan then has a scan for each of them: for folder_reads and for the rules that must not tell this time again. Readers of CSV files run a query for the header and a job for the types. is_step: the time before the job is
--   such a call's or such a plan's. A call counts from the start of its job to that of the next one (open_ms), at most max_step_ms or its own duration (jobs_ms is that without the driver's time); where another job follows, only its own duration.
--   plan_ms is the time from the start of the queries with such a plan to their first jobs, max_scans the scans of the largest. The other columns are of the application. is_file: files; is_partitioned: folders named by a value.
-- parameter: min_folders bigint = 10 [count] folders or files of one parent that were read, at least
-- parameter: min_jobs bigint = 10 [count] jobs of calls that open files, at least
-- parameter: max_step_ms bigint = 2000 [ms] time from one such job to the next that counts as opening files, at most
-- parameter: min_open_ms bigint = 5000 [ms] wall time from the first to the last of them, at least
-- parameter: min_share double = 0.05 [ratio] the same over the wall time of the application, at least
-- parameter: min_scans bigint = 50 [count] scans of these folders or files in one plan from which its planning counts, at least
-- reads: application_facts, jobs, sql, sql_scans
WITH scans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, operation, format, location,
    -- The name of a file has an ending.
    location LIKE '%.parquet' OR location LIKE '%.orc' OR location LIKE '%.csv' OR location LIKE '%.tsv' OR location LIKE '%.txt' OR location LIKE '%.json' OR location LIKE '%.jsonl'
      OR location LIKE '%.xml' OR location LIKE '%.gz' OR location LIKE '%.bz2' OR location LIKE '%.zst' AS is_file
  FROM sql_scans
),
-- Queries that the reader of CSV files runs itself, for the header.
readers AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id
  FROM scans
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
  HAVING COUNT(*) = 1 AND MAX(operation) = 'read' AND MAX(format) = 'text'
),
followed AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, j.job_name, COALESCE(j.duration_ms, 0) AS duration_ms,
    UNIX_MILLIS(j.submission_time) AS begin_ms, j.sql_id IS NULL AS is_plain,
    (j.sql_id IS NULL AND (j.job_name LIKE 'parquet at %' OR j.job_name LIKE 'orc at %' OR j.job_name LIKE 'csv at %' OR j.job_name LIKE 'json at %'
      OR j.job_name LIKE 'xml at %' OR j.job_name LIKE 'load at %'))
      OR (r.sql_id IS NOT NULL AND (j.job_name LIKE 'csv at %' OR j.job_name LIKE 'load at %')) AS is_open
  FROM jobs AS j
  LEFT JOIN readers AS r
    ON r.platform = j.platform AND r.cluster_id = j.cluster_id
    AND r.application_id = j.application_id AND r.attempt_id = j.attempt_id AND r.sql_id = j.sql_id
  WHERE j.submission_time IS NOT NULL
),
opened AS (
  SELECT
    f.*,
    LEAD(begin_ms) OVER in_order AS next_ms, COALESCE(LEAD(is_open) OVER in_order, FALSE) AS is_next_open,
    LAG(begin_ms) OVER in_order AS before_ms, LAG(duration_ms) OVER in_order AS before_duration_ms, COALESCE(LAG(is_open) OVER in_order, FALSE) AS is_before_open
  FROM followed AS f
  WINDOW in_order AS (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY begin_ms, job_id)
),
calls AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_jobs, MAX(job_name) AS job_name,
    -- Where other jobs come between them each folder has work of its own. The query for a header has the job for the types behind it at any rate.
    SUM(CASE WHEN is_plain THEN 1 ELSE 0 END) AS num_plain, SUM(CASE WHEN is_plain AND is_next_open THEN 1 ELSE 0 END) AS plain_in_a_row,
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
    platform, cluster_id, application_id, attempt_id, location, is_file,
    REGEXP_REPLACE(location, '/[^/]+/?$', '') AS parent,
    -- Folders of one table differ in a value or in numbers (dt=2026-11-26, 2026/11/26, batch_17), tables in words.
    CASE WHEN is_file THEN REGEXP_REPLACE(REGEXP_REPLACE(location, '^.*/([^/]+)$', '$1'), '[0-9a-f]*[0-9][0-9a-f]*', '0')
      ELSE REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(location, '^.*/([^/]+)/?$', '$1'), '=.*$', '='), '[0-9]+', '0') END AS pattern
  FROM scans
  WHERE operation = 'read' AND location LIKE '%/%/%'
),
parents AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, parent, is_file, COUNT(*) AS num_folders,
    pattern LIKE '%=' AS is_partitioned,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY COUNT(*) DESC, parent, is_file, pattern) AS place
  FROM locations
  WHERE pattern LIKE '%=' OR pattern LIKE '%0%'
  GROUP BY platform, cluster_id, application_id, attempt_id, parent, is_file, pattern
),
told AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, p.parent, p.num_folders, p.is_file, p.is_partitioned,
    c.num_jobs, c.job_name, c.open_ms, c.jobs_ms, a.app_duration_ms
  FROM calls AS c
  INNER JOIN parents AS p
    ON p.platform = c.platform AND p.cluster_id = c.cluster_id
    AND p.application_id = c.application_id AND p.attempt_id = c.attempt_id
  INNER JOIN application_facts AS a
    ON a.platform = c.platform AND a.cluster_id = c.cluster_id
    AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
  WHERE p.place = 1 AND p.num_folders >= $min_folders AND c.num_jobs >= $min_jobs
    AND CASE WHEN c.num_plain > 0 THEN c.plain_in_a_row * 2 >= c.num_plain ELSE c.num_in_a_row * 2 >= c.num_jobs END
    AND c.open_ms >= $min_open_ms AND c.open_ms >= $min_share * a.app_duration_ms
),
-- Queries whose plan has a scan for each of very many, and how long they took up to their first job.
unions AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, COUNT(*) AS num_scans
  FROM scans AS s
  INNER JOIN told AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
  WHERE s.operation = 'read' AND s.is_file = t.is_file AND REGEXP_REPLACE(s.location, '/[^/]+/?$', '') = t.parent
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id
  HAVING COUNT(*) >= $min_scans
),
first_jobs AS (
  SELECT
    u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, MAX(u.num_scans) AS num_scans, MIN(j.job_id) AS job_id,
    GREATEST(MIN(UNIX_MILLIS(j.submission_time)) - MIN(UNIX_MILLIS(q.submission_time)), 0) AS plan_ms
  FROM unions AS u
  INNER JOIN sql AS q
    ON q.platform = u.platform AND q.cluster_id = u.cluster_id
    AND q.application_id = u.application_id AND q.attempt_id = u.attempt_id AND q.sql_id = u.sql_id
  INNER JOIN jobs AS j
    ON j.platform = u.platform AND j.cluster_id = u.cluster_id
    AND j.application_id = u.application_id AND j.attempt_id = u.attempt_id AND j.sql_id = u.sql_id
  WHERE j.submission_time IS NOT NULL AND q.submission_time IS NOT NULL
  GROUP BY u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id
),
plans AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_unions, MAX(num_scans) AS max_scans, SUM(plan_ms) AS plan_ms
  FROM first_jobs
  GROUP BY platform, cluster_id, application_id, attempt_id
),
steps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, job_id,
    is_before_open AND begin_ms - before_ms <= GREATEST(before_duration_ms, $max_step_ms) AS is_step
  FROM opened
  WHERE is_open
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, job_id, TRUE AS is_step
  FROM first_jobs
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.job_id, s.is_step, t.parent, t.num_folders, t.is_file, t.is_partitioned, t.num_jobs, t.job_name, t.open_ms, t.jobs_ms,
  p.num_unions, p.max_scans, p.plan_ms, t.app_duration_ms
FROM steps AS s
INNER JOIN told AS t
  ON t.platform = s.platform AND t.cluster_id = s.cluster_id
  AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
LEFT JOIN plans AS p
  ON p.platform = s.platform AND p.cluster_id = s.cluster_id
  AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id
