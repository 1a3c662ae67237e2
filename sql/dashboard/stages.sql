-- id: stages
-- title: Stages of an application, page by page
-- description: Stage attempts that ran, with what the rules found. sorted_by is duration, start, task_time, tasks, read,
--   shuffle, spill or finding.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: sorted_by string = duration [column] the largest first
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
WITH found AS (
  SELECT
    f.stage_id, f.stage_attempt_id, MAX_BY(f.title, CONCAT(CAST(f.severity_rank AS STRING), f.title)) AS title, COUNT(*) AS num_findings,
    MAX(f.severity_rank) AS weight
  FROM stage_findings AS f
  WHERE f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
  GROUP BY f.stage_id, f.stage_attempt_id
)
SELECT
  s.stage_id, s.stage_attempt_id, LEFT(n.stage_name, 200) AS stage_name, s.status, s.sql_id,
  CASE WHEN s.submission_time >= a.start_time
    THEN UNIX_MILLIS(s.submission_time) - UNIX_MILLIS(a.start_time) END AS start_ms,
  CASE WHEN s.completion_time >= s.submission_time
    THEN UNIX_MILLIS(s.completion_time) - UNIX_MILLIS(s.submission_time) END AS duration_ms,
  s.num_tasks, s.num_failed_tasks, CASE WHEN s.executor_run_time >= 0 THEN s.executor_run_time END AS run_time_ms,
  s.input_bytes, s.shuffle_read_bytes, s.shuffle_write_bytes, s.disk_bytes_spilled,
  f.weight AS severity_rank, COALESCE(f.num_findings, 0) AS num_findings, f.title AS finding_title,
  COUNT(*) OVER () AS num_rows
FROM stages AS s
INNER JOIN applications AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id AND a.app_date = s.app_date
LEFT JOIN found AS f
  ON f.stage_id = s.stage_id AND f.stage_attempt_id = s.stage_attempt_id
LEFT JOIN stage_names AS n
  ON n.platform = s.platform AND n.cluster_id = s.cluster_id AND n.application_id = s.application_id
  AND n.attempt_id = s.attempt_id AND n.app_date = s.app_date
  AND n.stage_id = s.stage_id AND n.stage_attempt_id = s.stage_attempt_id
WHERE s.submission_time IS NOT NULL AND s.status <> 'SKIPPED'
  AND s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
ORDER BY
  CASE $sorted_by
    WHEN 'start' THEN -UNIX_MILLIS(s.submission_time)
    WHEN 'task_time' THEN s.executor_run_time
    WHEN 'tasks' THEN CAST(s.num_tasks AS BIGINT)
    WHEN 'read' THEN s.input_bytes
    WHEN 'shuffle' THEN s.shuffle_read_bytes + s.shuffle_write_bytes
    WHEN 'spill' THEN s.disk_bytes_spilled
    WHEN 'finding' THEN CAST(COALESCE(f.weight, 0) AS BIGINT)
    ELSE UNIX_MILLIS(s.completion_time) - UNIX_MILLIS(s.submission_time)
  END DESC NULLS LAST,
  s.stage_id, s.stage_attempt_id
LIMIT $limit OFFSET $offset
