-- id: first_task_waits
-- title: Applications whose stages waited for their first task
-- description: One row per application with stages that ran alone and waited for long between their submission and their first task: their number, the sum of their waits and the longest, in ms.
--   A stage that waits because another one has the cores is in a queue and not counted; nor is the first stage of the application, which waits for the start of executors.
-- parameter: min_delay_ms bigint = 3000 [ms] wait of a stage that counts, at least
-- reads: stages
WITH ordered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, scheduling_delay_ms,
    UNIX_MILLIS(submission_time) AS begin_ms, UNIX_MILLIS(completion_time) AS end_ms
  FROM stages
  WHERE status NOT IN ('SKIPPED', 'PENDING') AND submission_time IS NOT NULL
),
firsts AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(begin_ms) AS first_ms
  FROM ordered
  GROUP BY platform, cluster_id, application_id, attempt_id
),
waiting AS (
  SELECT o.*
  FROM ordered AS o
  INNER JOIN firsts AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id
  WHERE o.scheduling_delay_ms >= $min_delay_ms AND o.begin_ms > f.first_ms
),
queued AS (
  SELECT DISTINCT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
  FROM waiting AS w
  INNER JOIN ordered AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id
  WHERE NOT (o.stage_id = w.stage_id AND o.stage_attempt_id = w.stage_attempt_id)
    AND o.begin_ms < w.begin_ms + w.scheduling_delay_ms AND (o.end_ms > w.begin_ms OR o.end_ms IS NULL)
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id,
  COUNT(*) AS num_stages, SUM(w.scheduling_delay_ms) AS delay_ms, MAX(w.scheduling_delay_ms) AS longest_ms
FROM waiting AS w
LEFT JOIN queued AS q
  ON q.platform = w.platform AND q.cluster_id = w.cluster_id
  AND q.application_id = w.application_id AND q.attempt_id = w.attempt_id
  AND q.stage_id = w.stage_id AND q.stage_attempt_id = w.stage_attempt_id
WHERE q.stage_id IS NULL
GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id
