-- id: stage_cores
-- title: Cores that were held while a stage with fewer tasks than cores ran
-- description: One row per stage attempt of a second or more that had fewer tasks than the application ever held cores:
--   running_ms is its time from the first task on, held_cores are those of the executors that were there, by how long of this time
--   they were. The application's average counts its start and its end too, when there were fewer, and a stage can wait for its first
--   executor. In local mode, where cores_max is 0, every stage has one.
-- reads: executors, stage_facts
WITH running AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, UNIX_MILLIS(completion_time) AS end_ms,
    LEAST(GREATEST(
      COALESCE(UNIX_MILLIS(first_task_launched_time), UNIX_MILLIS(completion_time) - duration_ms), UNIX_MILLIS(completion_time) - duration_ms
    ), UNIX_MILLIS(completion_time) - 1) AS begin_ms
  FROM stage_facts
  WHERE duration_ms >= 1000 AND num_tasks < COALESCE(NULLIF(cores_max, 0), 2147483647)
)
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id,
  MAX(f.end_ms - f.begin_ms) AS running_ms,
  SUM(e.total_cores * CAST(
    LEAST(f.end_ms, COALESCE(UNIX_MILLIS(e.remove_time), f.end_ms)) - GREATEST(f.begin_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE
  )) / NULLIF(MAX(f.end_ms - f.begin_ms), 0) AS held_cores
FROM running AS f
INNER JOIN executors AS e
  ON e.platform = f.platform AND e.cluster_id = f.cluster_id
  AND e.application_id = f.application_id AND e.attempt_id = f.attempt_id
WHERE e.total_cores > 0 AND UNIX_MILLIS(e.add_time) < f.end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > f.begin_ms, TRUE)
GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id
