-- id: stage_names
-- title: Names of stages that say where in the code they come from
-- description: One row per stage attempt with its name. Adaptive execution starts stages from threads of its own, so
--   that Spark names them after the thread (withThreadLocalCaptured at CompletableFuture.java): these take the
--   description of their query, which names the line of the application.
-- reads: sql, stages
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.app_date, s.stage_id, s.stage_attempt_id,
  COALESCE(
    CASE WHEN s.stage_name LIKE '%CompletableFuture.java%' OR s.stage_name LIKE '%ThreadPoolExecutor.java%' THEN NULLIF(q.description, '') END,
    s.stage_name
  ) AS stage_name
FROM stages AS s
LEFT JOIN sql AS q
  ON q.platform = s.platform AND q.cluster_id = s.cluster_id AND q.application_id = s.application_id
  AND q.attempt_id = s.attempt_id AND q.app_date = s.app_date AND q.sql_id = s.sql_id
