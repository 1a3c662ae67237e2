-- id: reruns
-- title: Stages of which finished tasks ran again
-- description: One row per stage with tasks that had succeeded once and ran again, since their output was lost with its executor: num_again are
--   the runs after the first, again_ms is their time. A stage that begins with a later attempt, or a new stage for the same RDDs with
--   fewer tasks after the first one was done, does for another job what had been done before. Where the history does not tell
--   the partition of a task (Spark before 3.3), later attempts of a stage count whose first one was done.
-- reads: executors, stages, tasks
WITH ran AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id,
    MIN(stage_attempt_id) AS first_attempt,
    MAX(CASE WHEN stage_attempt_id = 0 AND status = 'COMPLETE' THEN 1 ELSE 0 END) = 1 AS is_first_done,
    MAX(stage_attempt_id) > 0 OR MAX(num_complete_tasks) > MAX(num_tasks) AS is_tried_again,
    MAX(num_tasks) AS num_tasks, MAX(CAST(rdd_ids AS STRING)) AS rdds,
    MIN(submission_time) AS begin_time, MAX(completion_time) AS end_time, MAX(shuffle_write_bytes) > 0 AS is_map
  FROM stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
losers AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM executors
  WHERE loss_kind IN ('oom', 'spot', 'killed', 'lost', 'decommissioned') OR (loss_kind = 'idle' AND remove_reason LIKE '%ecommission%')
),
-- The scheduler makes a new stage for a shuffle that a later job reads, with the tasks alone whose output is gone.
made_anew AS (
  SELECT DISTINCT b.platform, b.cluster_id, b.application_id, b.attempt_id, b.stage_id
  FROM losers AS l
  INNER JOIN ran AS b
    ON b.platform = l.platform AND b.cluster_id = l.cluster_id
    AND b.application_id = l.application_id AND b.attempt_id = l.attempt_id
  INNER JOIN ran AS a
    ON a.platform = b.platform AND a.cluster_id = b.cluster_id
    AND a.application_id = b.application_id AND a.attempt_id = b.attempt_id AND a.rdds = b.rdds
  WHERE a.is_map AND b.is_map AND a.is_first_done AND a.stage_id < b.stage_id AND b.num_tasks < a.num_tasks AND b.begin_time >= a.end_time
),
chosen AS (
  SELECT r.*, m.stage_id IS NOT NULL OR r.first_attempt > 0 AS is_all_again
  FROM ran AS r
  LEFT JOIN made_anew AS m
    ON m.platform = r.platform AND m.cluster_id = r.cluster_id
    AND m.application_id = r.application_id AND m.attempt_id = r.attempt_id AND m.stage_id = r.stage_id
  WHERE r.is_tried_again OR m.stage_id IS NOT NULL
),
done AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, CAST(t.duration AS DOUBLE) AS task_ms,
    c.is_all_again OR (NOT COALESCE(t.partition_id >= 0, FALSE) AND t.stage_attempt_id > 0 AND c.is_first_done) OR t.task_id > MIN(t.task_id) OVER (
      PARTITION BY
        t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id,
        -- The index counts the tasks of each attempt of a stage anew.
        CASE WHEN t.partition_id >= 0 THEN t.partition_id WHEN t.stage_attempt_id = 0 THEN t.index ELSE -1 - t.task_id END
    ) AS is_again
  FROM tasks AS t
  INNER JOIN chosen AS c
    ON c.platform = t.platform AND c.cluster_id = t.cluster_id
    AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id AND c.stage_id = t.stage_id
  WHERE t.status = 'SUCCESS'
)
SELECT platform, cluster_id, application_id, attempt_id, stage_id, COUNT(*) AS num_again, SUM(task_ms) AS again_ms
FROM done
WHERE is_again
GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
