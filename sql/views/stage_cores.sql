-- id: stage_cores
-- title: Stages with the cores that were held while they ran
-- description: stage_facts with three columns more. from_files is the input in bytes, where Spark did not count it (is_input_hidden) by the sizes of the files. running_ms is the time of the stage from its first task on: before, it can wait
--   for an executor. held_cores are the cores of the executors that were there, by how long of this time they were; the
--   application's average counts its start and its end too, when there were fewer. Both are looked at for stages of a second or
--   more that had fewer tasks than the application ever held cores (every one in local mode); the others
--   have the duration and the average.
-- reads: executors, stage_facts
WITH running AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, UNIX_MILLIS(completion_time) AS end_ms,
    LEAST(GREATEST(
      COALESCE(UNIX_MILLIS(first_task_launched_time), UNIX_MILLIS(completion_time) - duration_ms), UNIX_MILLIS(completion_time) - duration_ms
    ), UNIX_MILLIS(completion_time) - 1) AS begin_ms
  FROM stage_facts
  WHERE duration_ms >= 1000 AND (is_local OR num_tasks < COALESCE(NULLIF(cores_max, 0), 2147483647))
),
held AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, r.stage_attempt_id,
    MAX(r.end_ms - r.begin_ms) AS running_ms,
    SUM(e.total_cores * CAST(
      LEAST(r.end_ms, COALESCE(UNIX_MILLIS(e.remove_time), r.end_ms)) - GREATEST(r.begin_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE
    )) / NULLIF(MAX(r.end_ms - r.begin_ms), 0) AS held_cores
  FROM running AS r
  INNER JOIN executors AS e
    ON e.platform = r.platform AND e.cluster_id = r.cluster_id
    AND e.application_id = r.application_id AND e.attempt_id = r.attempt_id
  WHERE e.total_cores > 0 AND UNIX_MILLIS(e.add_time) < r.end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > r.begin_ms, TRUE)
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, r.stage_attempt_id
)
SELECT
  f.*, CASE WHEN f.is_input_hidden THEN GREATEST(f.file_bytes, f.input_bytes) ELSE f.input_bytes END AS from_files,
  COALESCE(h.running_ms, f.duration_ms) AS running_ms, COALESCE(h.held_cores, f.average_cores) AS held_cores
FROM stage_facts AS f
LEFT JOIN held AS h
  ON h.platform = f.platform AND h.cluster_id = f.cluster_id
  AND h.application_id = f.application_id AND h.attempt_id = f.attempt_id
  AND h.stage_id = f.stage_id AND h.stage_attempt_id = f.stage_attempt_id
