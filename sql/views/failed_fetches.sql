-- id: failed_fetches
-- title: Task attempts that ended because shuffle data could not be fetched
-- description: One row per task attempt that ended as FetchFailed, with cause: loss (an executor that held the data had gone or was decommissioned, by then
--   or within a minute: lost_executors tells it), idle (it had been given back as idle), network (its executor lived and could not
--   be reached), files (the data was not there or not whole), other. An executor that goes after the attempt had waited longer than four
--   minutes and ten times as long as any task of the stage that succeeded is no cause: it could not be reached before. message is
--   the line that says why.
-- reads: executors, stage_facts, tasks
WITH fetches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, task_id, executor_id, host,
    fetch_failed_host, fetch_failed_executor_id, duration,
    -- Sums, because DataFusion would take the comment of a column along and then miss it.
    UNIX_MILLIS(launch_time) + 0 AS launch_ms, UNIX_MILLIS(launch_time) + duration AS end_ms,
    SUBSTR(error_message, 1, 20000) AS error
  FROM tasks
  WHERE status = 'FAILED' AND end_reason = 'FetchFailed'
),
fetching AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM fetches
),
gone AS (
  SELECT
    e.platform, e.cluster_id, e.application_id, e.attempt_id, e.executor_id, SPLIT_PART(e.host_port, ':', 1) AS host,
    e.loss_kind = 'idle' AND NOT COALESCE(e.remove_reason LIKE '%ecommission%', FALSE) AS is_idle, e.loss_kind = 'idle' AS is_single, UNIX_MILLIS(e.remove_time) + 0 AS gone_ms
  FROM executors AS e
  INNER JOIN fetching AS f
    ON f.platform = e.platform AND f.cluster_id = e.cluster_id
    AND f.application_id = e.application_id AND f.attempt_id = e.attempt_id
  WHERE e.executor_id NOT IN ('driver', '<driver>') AND e.loss_kind IN ('oom', 'spot', 'killed', 'lost', 'decommissioned', 'idle')
),
longest AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, MAX(s.duration_max) AS longest_ms
  FROM stage_facts AS s
  INNER JOIN fetching AS f
    ON f.platform = s.platform AND f.cluster_id = s.cluster_id
    AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
),
matched AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, f.task_id,
    MAX(CASE WHEN g.is_idle THEN 0 ELSE 1 END) AS is_lost,
    -- It had waited long before the executor went.
    MIN(CASE WHEN g.gone_ms > f.launch_ms + GREATEST(240000, 10 * l.longest_ms) AND l.longest_ms IS NOT NULL THEN 1 ELSE 0 END) AS is_late,
    MIN(g.gone_ms - f.launch_ms) AS waited_ms
  FROM fetches AS f
  INNER JOIN gone AS g
    ON g.platform = f.platform AND g.cluster_id = f.cluster_id
    AND g.application_id = f.application_id AND g.attempt_id = f.attempt_id
  LEFT JOIN longest AS l
    ON l.platform = f.platform AND l.cluster_id = f.cluster_id
    AND l.application_id = f.application_id AND l.attempt_id = f.attempt_id AND l.stage_id = f.stage_id
  WHERE COALESCE(g.gone_ms <= f.end_ms + 60000, TRUE) AND (
    f.fetch_failed_executor_id IS NULL OR g.executor_id = f.fetch_failed_executor_id
    -- A machine that went takes its other executors and its shuffle service along.
    OR (g.host = f.fetch_failed_host AND NOT g.is_single AND COALESCE(g.gone_ms >= f.end_ms - 600000, TRUE))
  )
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, f.task_id
)
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, f.task_id, f.executor_id, f.host,
  f.fetch_failed_host, f.fetch_failed_executor_id, f.launch_ms, f.end_ms, f.duration,
  CASE
    WHEN m.is_late = 1 THEN 'network'
    WHEN m.is_lost = 1 THEN 'loss'
    WHEN m.is_lost = 0 THEN 'idle'
    WHEN f.error LIKE '%Failed to connect to%' OR f.error LIKE '%Connecting to %' OR f.error LIKE '%Connection refused%'
      OR f.error LIKE '%Connection reset%' OR f.error LIKE '%Connection from % closed%' OR f.error LIKE '%Connection timed out%'
      OR f.error LIKE '%No route to host%' OR f.error LIKE '%UnknownHostException%' OR f.error LIKE '%Connection to % has been quiet%'
      OR f.error LIKE '%ExecutorDeadException%' THEN 'network'
    WHEN f.error LIKE '%issing an output location%' OR f.error LIKE '%NoSuchFileException%' OR f.error LIKE '%FileNotFoundException%'
      OR f.error LIKE '%.index%' OR f.error LIKE '%orrupt%' THEN 'files'
    ELSE 'other'
  END AS cause,
  CASE
    WHEN m.is_late = 1 THEN CONCAT('its executor went only when it had waited for ', CAST(TRY_CAST(ROUND(m.waited_ms / 1e3) AS BIGINT) AS STRING), ' s')
    WHEN f.error LIKE '%Connecting to %' OR f.error LIKE '%Failed to connect to %' THEN REGEXP_REPLACE(
      f.error, CONCAT('^(?s:.*?)((Connecting to |Failed to connect to )[^', CHR(10), ']*)(?s:.*)$'), '$1')
    WHEN f.error LIKE '%Caused by: %' THEN SPLIT_PART(SPLIT_PART(f.error, 'Caused by: ', 2), CHR(10), 1)
    -- The first line ends with the text "message=".
    WHEN f.error LIKE '%message=%' THEN SPLIT_PART(TRIM(REGEXP_REPLACE(SPLIT_PART(f.error, 'message=', 2), '^[^A-Za-z/]*', '')), CHR(10), 1)
    ELSE SPLIT_PART(f.error, CHR(10), 1)
  END AS message
FROM fetches AS f
LEFT JOIN matched AS m
  ON m.platform = f.platform AND m.cluster_id = f.cluster_id
  AND m.application_id = f.application_id AND m.attempt_id = f.attempt_id
  AND m.stage_id = f.stage_id AND m.stage_attempt_id = f.stage_attempt_id AND m.task_id = f.task_id
