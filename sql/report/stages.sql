-- id: stages
-- title: Stages that matter most
-- description: The stage attempts of an application that ran, those with findings first, then the longest.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: limit bigint = 200 [count] most stage attempts
WITH found AS (
  SELECT
    f.stage_id, f.stage_attempt_id, MAX_BY(f.title, CONCAT(CAST(f.severity_rank AS STRING), f.title)) AS title, COUNT(*) AS num_findings,
    SUM(CASE WHEN f.is_named THEN f.lost_core_ms END) AS lost_core_ms, MAX(f.severity_rank) AS weight
  FROM stage_findings AS f
  WHERE f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
  GROUP BY f.stage_id, f.stage_attempt_id
),
listed AS (
  SELECT
    s.stage_id, s.stage_attempt_id, LEFT(n.stage_name, 200) AS stage_name, s.status, s.sql_id,
    CASE WHEN s.submission_time >= a.start_time
      THEN UNIX_MILLIS(s.submission_time) - UNIX_MILLIS(a.start_time) END AS start_ms,
    CASE WHEN s.completion_time >= s.submission_time
      THEN UNIX_MILLIS(s.completion_time) - UNIX_MILLIS(s.submission_time) END AS duration_ms,
    s.num_tasks, s.num_failed_tasks, s.num_killed_tasks,
    CASE WHEN s.executor_run_time >= 0 THEN s.executor_run_time END AS run_time_ms,
    s.input_bytes, s.output_bytes, s.shuffle_read_bytes, s.shuffle_write_bytes,
    s.memory_bytes_spilled, s.disk_bytes_spilled,
    f.weight AS severity_rank, COALESCE(f.num_findings, 0) AS num_findings, f.title AS finding_title, f.lost_core_ms,
    COUNT(*) OVER () AS num_stage_attempts
  FROM stages AS s
  INNER JOIN applications AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id AND a.app_date = s.app_date
  LEFT JOIN stage_names AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id AND n.application_id = s.application_id
    AND n.attempt_id = s.attempt_id AND n.app_date = s.app_date
    AND n.stage_id = s.stage_id AND n.stage_attempt_id = s.stage_attempt_id
  LEFT JOIN found AS f
    ON f.stage_id = s.stage_id AND f.stage_attempt_id = s.stage_attempt_id
  WHERE s.submission_time IS NOT NULL AND s.status <> 'SKIPPED'
    AND s.platform = $platform AND s.cluster_id = $cluster_id
    AND s.application_id = $application_id AND s.attempt_id = $attempt_id
    AND s.app_date = CAST($app_date AS DATE)
)
SELECT *
FROM listed
ORDER BY COALESCE(severity_rank, 0) DESC, lost_core_ms DESC NULLS LAST, duration_ms DESC NULLS LAST, stage_id, stage_attempt_id
LIMIT $limit
