-- id: task_durations
-- title: Durations of tasks of the worst stages
-- description: Quantiles of the durations of successful tasks of the stages with the worst findings, or else
--   with the most task time.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: limit bigint = 3 [count] most stages
WITH found AS (
  SELECT
    f.stage_id, f.stage_attempt_id, MAX(f.lost_core_ms) AS lost_core_ms, MAX(f.severity_rank) AS weight
  FROM stage_findings AS f
  WHERE f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
  GROUP BY f.stage_id, f.stage_attempt_id
)
SELECT
  q.stage_id, q.stage_attempt_id, LEFT(n.stage_name, 200) AS stage_name, q.num_tasks,
  q.min AS min_ms, q.p25 AS p25_ms, q.median AS median_ms, q.p75 AS p75_ms, q.p95 AS p95_ms, q.p99 AS p99_ms,
  q.max AS max_ms, q.total AS total_ms
FROM task_quantiles AS q
INNER JOIN stages AS s
  ON s.platform = q.platform AND s.cluster_id = q.cluster_id
  AND s.application_id = q.application_id AND s.attempt_id = q.attempt_id AND s.app_date = q.app_date
  AND s.stage_id = q.stage_id AND s.stage_attempt_id = q.stage_attempt_id
LEFT JOIN found AS f
  ON f.stage_id = q.stage_id AND f.stage_attempt_id = q.stage_attempt_id
LEFT JOIN stage_names AS n
  ON n.platform = s.platform AND n.cluster_id = s.cluster_id AND n.application_id = s.application_id
  AND n.attempt_id = s.attempt_id AND n.app_date = s.app_date
  AND n.stage_id = s.stage_id AND n.stage_attempt_id = s.stage_attempt_id
WHERE q.metric = 'duration' AND q.num_tasks >= 4 AND q.min >= 0
  AND q.platform = $platform AND q.cluster_id = $cluster_id
  AND q.application_id = $application_id AND q.attempt_id = $attempt_id
  AND q.app_date = CAST($app_date AS DATE)
ORDER BY COALESCE(f.weight, 0) DESC, f.lost_core_ms DESC NULLS LAST, q.total DESC, q.stage_id, q.stage_attempt_id
LIMIT $limit
