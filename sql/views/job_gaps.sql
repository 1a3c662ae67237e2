-- id: job_gaps
-- title: Times without a job, with what the driver did
-- description: One row per time of a tenth of a second or more in which an application ran no job: from its start (or its
--   first executor, where that came later) to its first job, between jobs, and after its last. held_core_ms is
--   the core time that executors were held meanwhile, in local mode the driver's cores; lost_host_core_ms the part of it on hosts that
--   executors were lost for before they ended a task, which lost_executors tells (view lost_hosts). The gap is reported apart
--   by the queries that ran: before_job_ms before the first job of a query (listing partitions, compiling,
--   broadcasting), between_jobs_ms between two of its jobs, commit_ms after the last job of a query that
--   writes (files are moved, the table's log is written), collect_ms after the last of one that only reads
--   (the answer comes to the driver), command_ms in queries without any job. iterate_ms is what the program took
--   between two jobs of one toLocalIterator, for the rows of a partition. outside_ms is the rest: the program's own code, which includes analysis and planning of its next query, since Spark logs a query
--   from the end of its planning on. query_description names the query that took most of it, commit_format what committed queries wrote (hive, delta, parquet …).
-- reads: applications, executors, jobs, lost_hosts, sql, sql_scans, stages
WITH lives AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    UNIX_MILLIS(start_time) AS start_ms,
    UNIX_MILLIS(start_time) + COALESCE(observed_duration_ms, NULLIF(duration_ms, 0)) AS end_ms,
    COALESCE(is_local, FALSE) AS is_local, completed
  FROM applications
  WHERE start_time IS NOT NULL AND COALESCE(observed_duration_ms, NULLIF(duration_ms, 0)) > 0
),
workers AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id,
    CAST(e.total_cores AS DOUBLE) AS cores,
    UNIX_MILLIS(e.add_time) AS begin_ms,
    COALESCE(UNIX_MILLIS(e.remove_time), l.end_ms) AS end_ms, h.host IS NOT NULL AS is_lost
  FROM executors AS e
  INNER JOIN lives AS l
    ON l.platform = e.platform AND l.cluster_id = e.cluster_id
    AND l.application_id = e.application_id AND l.attempt_id = e.attempt_id
  LEFT JOIN lost_hosts AS h
    ON h.platform = e.platform AND h.cluster_id = e.cluster_id
    AND h.application_id = e.application_id AND h.attempt_id = e.attempt_id AND h.host = REGEXP_REPLACE(e.host_port, ':[0-9]+$', '') AND h.held_ms IS NOT NULL
  WHERE e.add_time IS NOT NULL AND e.total_cores > 0
),
first_workers AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(begin_ms) AS first_worker_ms
  FROM workers
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Applications in whose history jobs have no times, as Spark before 1.2 wrote it: their stages tell when jobs ran.
untimed AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM jobs
  WHERE submission_time IS NULL
),
bounds AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id,
    UNIX_MILLIS(j.submission_time) AS begin_ms,
    COALESCE(UNIX_MILLIS(j.completion_time), l.end_ms) AS end_ms, 0 AS is_end
  FROM jobs AS j
  INNER JOIN lives AS l
    ON l.platform = j.platform AND l.cluster_id = j.cluster_id
    AND l.application_id = j.application_id AND l.attempt_id = j.attempt_id
  WHERE j.submission_time IS NOT NULL
  UNION ALL
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, TRY_CAST(NULL AS BIGINT) AS job_id,
    UNIX_MILLIS(s.submission_time) AS begin_ms,
    COALESCE(UNIX_MILLIS(s.completion_time), l.end_ms) AS end_ms, 0 AS is_end
  FROM stages AS s
  INNER JOIN untimed AS u
    ON u.platform = s.platform AND u.cluster_id = s.cluster_id
    AND u.application_id = s.application_id AND u.attempt_id = s.attempt_id
  INNER JOIN lives AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id
  WHERE s.submission_time IS NOT NULL
  UNION ALL
  -- The end of the application, as a job that takes no time.
  SELECT
    platform, cluster_id, application_id, attempt_id, TRY_CAST(NULL AS BIGINT) AS job_id,
    end_ms AS begin_ms, end_ms, 1 AS is_end
  FROM lives
),
chained AS (
  SELECT
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.job_id, b.is_end, b.begin_ms AS gap_end_ms,
    MAX(b.end_ms) OVER (
      PARTITION BY b.platform, b.cluster_id, b.application_id, b.attempt_id
      -- A job that begins with the last event begins before the end.
      ORDER BY b.begin_ms, b.is_end, b.end_ms, b.job_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_end_ms
  FROM bounds AS b
),
gaps AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.job_id,
    c.previous_end_ms IS NULL AS is_first,
    c.is_end = 1 AS is_last,
    COALESCE(c.previous_end_ms, GREATEST(l.start_ms, w.first_worker_ms), l.start_ms) AS begin_ms,
    c.gap_end_ms AS end_ms
  FROM chained AS c
  INNER JOIN lives AS l
    ON l.platform = c.platform AND l.cluster_id = c.cluster_id
    AND l.application_id = c.application_id AND l.attempt_id = c.attempt_id
  LEFT JOIN first_workers AS w
    ON w.platform = c.platform AND w.cluster_id = c.cluster_id
    AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id
  WHERE c.gap_end_ms >= 100 + COALESCE(c.previous_end_ms, GREATEST(l.start_ms, w.first_worker_ms), l.start_ms)
),
held AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, g.begin_ms,
    SUM(w.cores * (LEAST(g.end_ms, w.end_ms) - GREATEST(g.begin_ms, w.begin_ms))) AS held_core_ms,
    SUM(CASE WHEN w.is_lost THEN w.cores * (LEAST(g.end_ms, w.end_ms) - GREATEST(g.begin_ms, w.begin_ms)) ELSE 0e0 END) AS lost_host_core_ms
  FROM gaps AS g
  INNER JOIN workers AS w
    ON w.platform = g.platform AND w.cluster_id = g.cluster_id
    AND w.application_id = g.application_id AND w.attempt_id = g.attempt_id
  WHERE w.begin_ms < g.end_ms AND w.end_ms > g.begin_ms
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, g.begin_ms
),
-- Jobs that follow another one of the same toLocalIterator.
iterations AS (
  SELECT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.job_id
  FROM jobs AS n
  INNER JOIN jobs AS b
    ON b.platform = n.platform AND b.cluster_id = n.cluster_id
    AND b.application_id = n.application_id AND b.attempt_id = n.attempt_id AND b.job_id = n.job_id - 1
  WHERE n.job_name LIKE 'toLocalIterator %' AND b.job_name = n.job_name
),
-- Nested executions (the query within a write) count as their root.
roots AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    COALESCE(root_execution_id, sql_id) AS root_id
  FROM sql
),
root_jobs AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.root_id,
    MIN(UNIX_MILLIS(j.submission_time)) AS first_job_ms,
    MAX(UNIX_MILLIS(j.completion_time)) AS last_job_ms
  FROM jobs AS j
  INNER JOIN roots AS r
    ON r.platform = j.platform AND r.cluster_id = j.cluster_id
    AND r.application_id = j.application_id AND r.attempt_id = j.attempt_id AND r.sql_id = j.sql_id
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.root_id
),
writers AS (
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.root_id, MAX(COALESCE(s.format, '')) AS format
  FROM sql_scans AS s
  INNER JOIN roots AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id AND r.sql_id = s.sql_id
  WHERE s.operation = 'write'
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.root_id
),
queries AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, q.description,
    UNIX_MILLIS(q.submission_time) AS begin_ms,
    -- In a history that was cut off the query still ran.
    COALESCE(UNIX_MILLIS(q.submission_time) + q.duration_ms, l.end_ms) AS end_ms,
    j.first_job_ms, j.last_job_ms, w.root_id IS NOT NULL AS is_write, w.format
  FROM sql AS q
  INNER JOIN lives AS l
    ON l.platform = q.platform AND l.cluster_id = q.cluster_id
    AND l.application_id = q.application_id AND l.attempt_id = q.attempt_id
  LEFT JOIN root_jobs AS j
    ON j.platform = q.platform AND j.cluster_id = q.cluster_id
    AND j.application_id = q.application_id AND j.attempt_id = q.attempt_id AND j.root_id = q.sql_id
  LEFT JOIN writers AS w
    ON w.platform = q.platform AND w.cluster_id = q.cluster_id
    AND w.application_id = q.application_id AND w.attempt_id = q.attempt_id AND w.root_id = q.sql_id
  WHERE q.submission_time IS NOT NULL AND (q.duration_ms > 0 OR (q.duration_ms IS NULL AND NOT l.completed))
    AND COALESCE(q.root_execution_id, q.sql_id) = q.sql_id
),
overlapping AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, g.begin_ms, q.description, q.format,
    CAST(LEAST(g.end_ms, q.end_ms) - GREATEST(g.begin_ms, q.begin_ms) AS DOUBLE) AS overlap_ms,
    CASE
      WHEN q.first_job_ms IS NULL THEN 'command'
      WHEN g.end_ms <= q.first_job_ms THEN 'before'
      WHEN g.begin_ms < q.last_job_ms THEN 'between'
      WHEN q.is_write THEN 'commit'
      ELSE 'collect'
    END AS part
  FROM gaps AS g
  INNER JOIN queries AS q
    ON q.platform = g.platform AND q.cluster_id = g.cluster_id
    AND q.application_id = g.application_id AND q.attempt_id = g.attempt_id
  WHERE q.begin_ms < g.end_ms AND q.end_ms > g.begin_ms
),
ranked AS (
  SELECT
    o.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, begin_ms
      ORDER BY overlap_ms DESC, description
    ) AS place
  FROM overlapping AS o
),
parts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, begin_ms,
    SUM(CASE WHEN part = 'command' THEN overlap_ms ELSE 0e0 END) AS command_ms,
    SUM(CASE WHEN part = 'before' THEN overlap_ms ELSE 0e0 END) AS before_job_ms,
    SUM(CASE WHEN part = 'between' THEN overlap_ms ELSE 0e0 END) AS between_jobs_ms,
    SUM(CASE WHEN part = 'commit' THEN overlap_ms ELSE 0e0 END) AS commit_ms,
    SUM(CASE WHEN part = 'collect' THEN overlap_ms ELSE 0e0 END) AS collect_ms,
    SUM(overlap_ms) AS query_ms,
    MAX(CASE WHEN place = 1 THEN description END) AS query_description,
    MAX(CASE WHEN part = 'commit' THEN format END) AS commit_format
  FROM ranked
  GROUP BY platform, cluster_id, application_id, attempt_id, begin_ms
)
SELECT
  g.platform, g.cluster_id, g.application_id, g.attempt_id,
  g.job_id, g.is_first, g.is_last, g.begin_ms, g.end_ms - g.begin_ms AS gap_ms,
  COALESCE(h.held_core_ms, 0e0) AS held_core_ms, COALESCE(h.lost_host_core_ms, 0e0) AS lost_host_core_ms,
  -- Queries side by side are scaled down to the gap.
  COALESCE(p.command_ms * LEAST(1e0, (g.end_ms - g.begin_ms) / NULLIF(p.query_ms, 0)), 0e0) AS command_ms,
  COALESCE(p.before_job_ms * LEAST(1e0, (g.end_ms - g.begin_ms) / NULLIF(p.query_ms, 0)), 0e0) AS before_job_ms,
  COALESCE(p.between_jobs_ms * LEAST(1e0, (g.end_ms - g.begin_ms) / NULLIF(p.query_ms, 0)), 0e0) AS between_jobs_ms,
  COALESCE(p.commit_ms * LEAST(1e0, (g.end_ms - g.begin_ms) / NULLIF(p.query_ms, 0)), 0e0) AS commit_ms,
  COALESCE(p.collect_ms * LEAST(1e0, (g.end_ms - g.begin_ms) / NULLIF(p.query_ms, 0)), 0e0) AS collect_ms,
  CASE WHEN i.job_id IS NOT NULL THEN GREATEST(g.end_ms - g.begin_ms - COALESCE(p.query_ms, 0e0), 0e0) ELSE 0e0 END AS iterate_ms,
  CASE WHEN i.job_id IS NULL THEN GREATEST(g.end_ms - g.begin_ms - COALESCE(p.query_ms, 0e0), 0e0) ELSE 0e0 END AS outside_ms,
  p.query_description, p.commit_format
FROM gaps AS g
LEFT JOIN held AS h
  ON h.platform = g.platform AND h.cluster_id = g.cluster_id
  AND h.application_id = g.application_id AND h.attempt_id = g.attempt_id AND h.begin_ms = g.begin_ms
LEFT JOIN parts AS p
  ON p.platform = g.platform AND p.cluster_id = g.cluster_id
  AND p.application_id = g.application_id AND p.attempt_id = g.attempt_id AND p.begin_ms = g.begin_ms
LEFT JOIN iterations AS i
  ON i.platform = g.platform AND i.cluster_id = g.cluster_id
  AND i.application_id = g.application_id AND i.attempt_id = g.attempt_id AND i.job_id = g.job_id
