-- id: loss_work
-- title: Work that went with lost executors, by stage
-- description: One row per stage, in applications that lost executors (view executor_losses), of which attempts failed with their executor or because its shuffle data was gone (failed_ms, their time),
--   or finished tasks ran again (num_again runs in again_ms, view reruns). lost_executors tells it, so that rules about the jobs of these stages leave it out.
-- reads: executor_losses, failed_fetches, reruns, tasks
WITH losers AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM executor_losses
)
SELECT
  platform, cluster_id, application_id, attempt_id, stage_id, SUM(failed_ms) AS failed_ms, SUM(again_ms) AS again_ms, SUM(num_again) AS num_again
FROM (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, CAST(t.duration AS DOUBLE) AS failed_ms,
    CAST(NULL AS DOUBLE) AS again_ms, CAST(NULL AS BIGINT) AS num_again
  FROM tasks AS t
  INNER JOIN losers AS l
    ON l.platform = t.platform AND l.cluster_id = t.cluster_id
    AND l.application_id = t.application_id AND l.attempt_id = t.attempt_id
  -- Fetches from executors that lived are what fetch_failures tells.
  LEFT JOIN failed_fetches AS f
    ON f.platform = t.platform AND f.cluster_id = t.cluster_id
    AND f.application_id = t.application_id AND f.attempt_id = t.attempt_id
    AND f.stage_id = t.stage_id AND f.stage_attempt_id = t.stage_attempt_id AND f.task_id = t.task_id
  WHERE t.status = 'FAILED' AND (t.end_reason = 'ExecutorLostFailure' OR (t.end_reason = 'FetchFailed' AND f.cause = 'loss'))
  UNION ALL
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, CAST(NULL AS DOUBLE) AS failed_ms, r.again_ms, r.num_again
  FROM reruns AS r
  INNER JOIN losers AS l
    ON l.platform = r.platform AND l.cluster_id = r.cluster_id
    AND l.application_id = r.application_id AND l.attempt_id = r.attempt_id
) AS w
GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
