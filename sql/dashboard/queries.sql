-- id: queries
-- title: SQL executions of an application, page by page
-- description: SQL executions with the task time of their stages and what the rules found about them. sorted_by is duration,
--   start, task_time, shuffle, spill or finding.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: sorted_by string = duration [column] the largest first
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
WITH work AS (
  SELECT
    s.sql_id, SUM(s.executor_run_time) AS task_time_ms, COUNT(*) AS num_stages, SUM(s.input_bytes) AS input_bytes,
    SUM(s.shuffle_read_bytes) AS shuffle_read_bytes, SUM(s.disk_bytes_spilled) AS disk_bytes_spilled
  FROM stages AS s
  WHERE s.sql_id IS NOT NULL AND s.status NOT IN ('SKIPPED', 'PENDING')
    AND s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
  GROUP BY s.sql_id
),
-- What is about the query, its plan nodes or its stages.
about AS (
  SELECT
    SPLIT_PART(f.subject_id, '.', 1) AS sql_text, f.finding_id, f.title,
    CASE f.severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS severity_rank
  FROM findings AS f
  WHERE f.subject_type IN ('sql', 'node')
    AND f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
  UNION ALL
  SELECT CAST(f.sql_id AS STRING) AS sql_text, f.finding_id, f.title, f.severity_rank
  FROM stage_findings AS f
  WHERE f.sql_id IS NOT NULL AND f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
),
found AS (
  SELECT
    sql_text, MAX_BY(title, CONCAT(CAST(severity_rank AS STRING), title)) AS title,
    COUNT(DISTINCT finding_id) AS num_findings, MAX(severity_rank) AS weight
  FROM about
  GROUP BY sql_text
)
SELECT
  q.sql_id, LEFT(COALESCE(q.statement, q.description), 300) AS description, q.status, q.duration_ms,
  CASE WHEN q.submission_time >= a.start_time
    THEN UNIX_MILLIS(q.submission_time) - UNIX_MILLIS(a.start_time) END AS start_ms,
  w.num_stages, w.task_time_ms, w.input_bytes, w.shuffle_read_bytes, w.disk_bytes_spilled, q.num_nodes,
  f.weight AS severity_rank, COALESCE(f.num_findings, 0) AS num_findings, f.title AS finding_title,
  COUNT(*) OVER () AS num_rows
FROM sql AS q
INNER JOIN applications AS a
  ON a.platform = q.platform AND a.cluster_id = q.cluster_id
  AND a.application_id = q.application_id AND a.attempt_id = q.attempt_id AND a.app_date = q.app_date
LEFT JOIN work AS w ON w.sql_id = q.sql_id
LEFT JOIN found AS f ON f.sql_text = CAST(q.sql_id AS STRING)
WHERE q.platform = $platform AND q.cluster_id = $cluster_id
    AND q.application_id = $application_id AND q.attempt_id = $attempt_id
    AND q.app_date = CAST($app_date AS DATE)
ORDER BY
  CASE $sorted_by
    WHEN 'start' THEN -UNIX_MILLIS(q.submission_time)
    WHEN 'task_time' THEN w.task_time_ms
    WHEN 'shuffle' THEN w.shuffle_read_bytes
    WHEN 'spill' THEN w.disk_bytes_spilled
    WHEN 'finding' THEN CAST(COALESCE(f.weight, 0) AS BIGINT)
    ELSE q.duration_ms
  END DESC NULLS LAST,
  q.sql_id
LIMIT $limit OFFSET $offset
