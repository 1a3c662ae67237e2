-- id: stage_cores
-- title: Cores that were held while a stage with fewer tasks than cores ran
-- description: One row per stage attempt of a second or more that had fewer tasks than the application ever held cores:
--   held_cores are those of the executors that were there, by how long they were. The application's average counts its start and
--   its end too, when there were fewer. In local mode, where cores_max is 0, every stage has one.
-- reads: executors, stage_facts
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id,
  SUM(e.total_cores * CAST(
    LEAST(UNIX_MILLIS(f.completion_time), COALESCE(UNIX_MILLIS(e.remove_time), UNIX_MILLIS(f.completion_time)))
      - GREATEST(UNIX_MILLIS(f.completion_time) - f.duration_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE
  )) / NULLIF(MAX(f.duration_ms), 0) AS held_cores
FROM stage_facts AS f
INNER JOIN executors AS e
  ON e.platform = f.platform AND e.cluster_id = f.cluster_id
  AND e.application_id = f.application_id AND e.attempt_id = f.attempt_id
WHERE f.duration_ms >= 1000 AND f.num_tasks < COALESCE(NULLIF(f.cores_max, 0), 2147483647) AND e.total_cores > 0
  AND UNIX_MILLIS(e.add_time) < UNIX_MILLIS(f.completion_time)
  AND COALESCE(UNIX_MILLIS(e.remove_time) > UNIX_MILLIS(f.completion_time) - f.duration_ms, TRUE)
GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id
