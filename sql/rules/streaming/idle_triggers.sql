-- id: idle_triggers
-- title: A stream waits for its triggers most of the time
-- category: streaming
-- severity: info
-- version: 1
-- description: Fires for an application whose streaming queries all have triggers at a distance (ProcessingTime) and are done with a batch long before the next one, so that its cores
--   wait for the clock most of the time. That is how a stream of low delay has to be; it is waste only where its readers could wait longer, so it is told for information, without a loss. Where
--   executors wait so for hours, idle_executors tells it with the cost. The cores that are enough are those with which 95 in 100 batches would keep to a part of the trigger, if a
--   batch took longer by as much as it had fewer cores.
-- parameter: min_batches bigint = 6 [count] batches of a query with rows, at least
-- parameter: min_span double = 0.5 [ratio] time from the first trigger of queries to the end of the last batch over the wall time of the application, at least
-- parameter: max_busy double = 0.4 [ratio] time of the batches of all queries over that, at most
-- parameter: max_task_share double = 0.3 [ratio] core time of tasks over that held, at most
-- parameter: max_trigger_share double = 0.7 [ratio] part of the trigger that batches may take
-- parameter: min_told_idle_ms bigint = 36000000 [core_ms] idle core time of executors from which idle_executors tells it
-- parameter: max_told_busy double = 0.25 [ratio] and busy part of their core time, up to which it does
-- evidence: [Batches of the busiest of {num_queries:query|queries}][{one_query}] took {batch_ms:s} or less in 95 of 100 cases and began {trigger_ms:s} apart; batches filled {busy_share:pct} of the
--   time, and tasks used {task_share:pct} of the core time.
-- advice: cores_enough < cores AND spark_minor >= 303 | - | - | If its readers can wait longer than {trigger_ms:s}, start the stream on a schedule with Trigger.AvailableNow and pay for its batches only. Otherwise
--   {cores_enough:core is|cores are} enough for batches that stay below the trigger, instead of {cores:int}; or run several queries in one application.
-- advice: cores_enough < cores | - | - | If its readers can wait longer than {trigger_ms:s}, start the stream on a schedule with Trigger.Once and pay for its batches only. Otherwise
--   {cores_enough:core is|cores are} enough for batches that stay below the trigger, instead of {cores:int}; or run several queries in one application.
-- recommendation: If its readers can wait longer, start the stream on a schedule with Trigger.AvailableNow and pay for its batches only; or run several queries in one application.
WITH numbered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, COALESCE(query_name, query_id) AS query,
    CAST(batch_duration AS DOUBLE) AS batch_ms, UNIX_MILLIS(progress_time) AS at_ms,
    UNIX_MILLIS(progress_time) - LAG(UNIX_MILLIS(progress_time)) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS distance_ms,
    -- The first batch starts everything.
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS batch_place
  FROM streaming_progress
  WHERE num_input_rows > 0 AND batch_duration > 0
),
placed AS (
  SELECT
    n.*,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY batch_ms, batch_place) AS place,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id) AS num_batches
  FROM numbered AS n
  WHERE batch_place > 1
),
-- A query with few batches has no distance that is known.
runs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query, COUNT(*) AS num_batches, MIN(at_ms) AS begin_ms, MAX(at_ms + batch_ms) AS end_ms,
    CAST(MEDIAN(distance_ms) AS DOUBLE) AS trigger_ms, SUM(batch_ms) AS busy_ms,
    MAX(CASE WHEN place <= CEIL(0.95e0 * num_batches) THEN batch_ms END) AS batch_ms
  FROM placed
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query
),
ranked AS (
  SELECT
    r.*,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY batch_ms / NULLIF(trigger_ms, 0e0) DESC, query_run_id) AS place
  FROM runs AS r
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_queries, MIN(num_batches) AS num_batches, MAX(end_ms) - MIN(begin_ms) AS span_ms, SUM(busy_ms) AS busy_ms,
    SUM(batch_ms / NULLIF(trigger_ms, 0e0)) AS trigger_share,
    MAX(CASE WHEN place = 1 THEN query END) AS query, MAX(CASE WHEN place = 1 THEN trigger_ms END) AS trigger_ms, MAX(CASE WHEN place = 1 THEN batch_ms END) AS batch_ms
  FROM ranked
  GROUP BY platform, cluster_id, application_id, attempt_id
),
judged AS (
  SELECT
    s.*, a.app_duration_ms, COALESCE(a.spark_minor, 0) AS spark_minor, CAST(a.total_task_time_ms AS DOUBLE) * COALESCE(a.task_cpus, 1) / NULLIF(CAST(a.core_time_ms AS DOUBLE), 0e0) AS task_share,
    TRY_CAST(CASE WHEN a.is_local THEN a.executor_cores ELSE COALESCE(a.cores_max, ROUND(a.average_cores)) END AS BIGINT) AS cores
  FROM summed AS s
  INNER JOIN application_facts AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
  LEFT JOIN spaced_streams AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
  WHERE NOT COALESCE(a.is_interactive, FALSE) AND NOT COALESCE(a.lacks_tasks, FALSE)
    AND NOT (t.platform IS NOT NULL AND NOT a.is_local AND CAST(a.core_time_ms AS DOUBLE) - CAST(a.total_task_time_ms AS DOUBLE) * COALESCE(a.task_cpus, 1) >= $min_told_idle_ms
      AND CAST(a.total_task_time_ms AS DOUBLE) * COALESCE(a.task_cpus, 1) <= $max_told_busy * a.core_time_ms)
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  'info' AS severity, 'high' AS confidence,
  CASE WHEN num_queries > 1 THEN num_queries END AS num_queries, CASE WHEN num_queries = 1 THEN CONCAT('Batches of the query ', query) END AS one_query,
  batch_ms, trigger_ms, busy_ms / NULLIF(span_ms, 0e0) AS busy_share, task_share, cores, spark_minor,
  GREATEST(TRY_CAST(CEIL(cores * trigger_share / NULLIF($max_trigger_share, 0e0)) AS BIGINT), 1) AS cores_enough
FROM judged
WHERE num_batches >= $min_batches - 1 AND span_ms >= $min_span * app_duration_ms AND busy_ms <= $max_busy * span_ms AND task_share <= $max_task_share
  AND batch_ms <= $max_trigger_share * trigger_ms
