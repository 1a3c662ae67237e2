-- id: late_rows
-- title: A stream drops rows that come after its watermark
-- category: streaming
-- severity: low
-- version: 2
-- description: Fires for a streaming query whose stateful operators dropped rows because they came later than the watermark allows, so that its results lack them; and for
--   one whose watermark stood still although event times of its rows moved on: with several inputs it waits for one without rows, and keeps all state, or it is ahead of all rows,
--   as after one with a time in the future. Rows are counted after partial aggregation, so that more may have been dropped. Deduplication drops rows on purpose and is not told, nor
--   is what the first batches of runs drop, which read again what came before. No loss is counted.
-- subject: application
-- parameter: min_dropped bigint = 1000 [rows] dropped rows, at least
-- parameter: min_share double = 0.001 [ratio] the same over the rows read, at least
-- parameter: medium_share double = 0.05 [ratio] share of dropped rows from which it is of medium severity
-- parameter: min_still_batches bigint = 20 [count] batches with rows and one watermark, at least
-- parameter: min_moved_ms double = 60000 [ms] by which the latest event time of their rows moved on meanwhile, at least
-- evidence: [The query {query} dropped at least {dropped:row|rows} of {dropped_of:int} that it read, {dropped_share:pct}, because they came after its watermark][{join_text}][{still_subject} stood still at
--   {still_text} for {still_batches:batch|batches} with rows, while the latest event time of a batch moved on by {moved_ms:s}{still_side}].
-- advice: is_ahead | - | - | A row with a time in the future put the watermark ahead of these: correct or drop such rows before withWatermark. Old rows that are read again belong
--   into a batch job, or into a query with a checkpoint of its own.
-- advice: is_behind | - | - | The slowest input holds the watermark back: let an input without new rows send some, or take it out of the query; spark.sql.streaming.multipleWatermarkPolicy=max
--   follows the fastest one, and drops what the others bring late.
-- recommendation: Allow as much delay as the rows have (a longer withWatermark delay, which keeps more state), or have their results corrected by a later batch job. See whether some
--   rows bear a time in the future: they move the watermark ahead of all others.
WITH batches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, COALESCE(query_name, query_id) AS query, streaming_batch_id,
    CAST(num_input_rows AS DOUBLE) AS rows, CAST(state_rows_dropped_by_watermark AS DOUBLE) AS dropped, UNIX_MILLIS(watermark) AS watermark_ms,
    CASE WHEN event_time_json LIKE '%"watermark":"%' THEN SUBSTR(REGEXP_REPLACE(event_time_json, '^.*"watermark":"([^"]+)".*$', '$1'), 1, 19) END AS watermark_text,
    UNIX_MILLIS(TRY_CAST(REGEXP_REPLACE(event_time_json, '^.*"max":"([^"]+)".*$', '$1') AS TIMESTAMP)) AS latest_ms,
    COALESCE(state_operators_json LIKE '%"operatorName":"dedupe%', FALSE) AS is_dedupe,
    COALESCE(state_operators_json LIKE '%"operatorName"%', FALSE) AS has_operators,
    COALESCE(SPLIT_PART(sources_json, '"description":', 3) <> '', FALSE) AS has_inputs,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS place
  FROM streaming_progress
  WHERE num_input_rows > 0 AND watermark IS NOT NULL
),
drops AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query, SUM(rows) AS rows, SUM(CASE WHEN place > 1 THEN dropped END) AS dropped,
    SUM(CASE WHEN place > 1 THEN dropped END) >= $min_dropped AND SUM(CASE WHEN place > 1 THEN dropped END) >= $min_share * SUM(rows) AS is_dropped
  FROM batches
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query
  HAVING MAX(CASE WHEN is_dedupe AND place > 1 THEN 1 ELSE 0 END) = 0 AND MAX(CASE WHEN has_operators AND place > 1 THEN 1 ELSE 0 END) = 1
),
-- A watermark never goes back within a run, so that one value is one stretch of batches.
stretches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, watermark_ms, COUNT(latest_ms) AS num_batches,
    MAX_BY(latest_ms, streaming_batch_id) - MAX_BY(latest_ms, -streaming_batch_id) AS moved_ms,
    MAX(latest_ms) AS latest_ms, MAX(watermark_text) AS watermark_text, watermark_ms > MAX(latest_ms) AS is_ahead
  FROM batches
  WHERE place > 1
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, watermark_ms
  -- A single input without newer rows has no later times either, unless a row was ahead of its time by less than the delay, which does no harm.
  HAVING watermark_ms > MAX(latest_ms) OR MAX(CASE WHEN has_inputs THEN 1 ELSE 0 END) = 1
),
still AS (
  SELECT
    s.*,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY num_batches DESC, watermark_ms
    ) AS place
  FROM stretches AS s
  WHERE num_batches >= $min_still_batches AND moved_ms >= $min_moved_ms
),
judged AS (
  SELECT
    d.*, s.platform IS NOT NULL AS is_still, COALESCE(s.is_ahead, FALSE) AS is_ahead, COALESCE(NOT s.is_ahead, FALSE) AS is_behind,
    s.num_batches, s.moved_ms, s.watermark_ms, s.latest_ms, s.watermark_text
  FROM drops AS d
  LEFT JOIN still AS s
    ON s.platform = d.platform AND s.cluster_id = d.cluster_id
    AND s.application_id = d.application_id AND s.attempt_id = d.attempt_id AND s.query_run_id = d.query_run_id AND s.place = 1
)
SELECT
  platform, cluster_id, application_id, attempt_id, CONCAT(application_id, ' ', query_run_id) AS subject_id,
  CASE WHEN is_dropped AND dropped >= $medium_share * rows THEN 'medium' ELSE 'low' END AS severity,
  CASE WHEN is_dropped THEN 'high' ELSE 'medium' END AS confidence,
  CASE WHEN NOT is_dropped THEN 'The watermark of a stream stands still' END AS title,
  CASE WHEN is_dropped THEN query END AS query,
  CASE WHEN is_dropped THEN TRY_CAST(dropped AS BIGINT) END AS dropped, CASE WHEN is_dropped THEN TRY_CAST(rows AS BIGINT) END AS dropped_of,
  CASE WHEN is_dropped THEN dropped / NULLIF(rows, 0e0) END AS dropped_share,
  CASE WHEN is_dropped AND is_still THEN '; ' END AS join_text,
  CASE WHEN is_dropped THEN 'its watermark' ELSE CONCAT('The watermark of the query ', query) END AS still_subject,
  watermark_text AS still_text, num_batches AS still_batches, moved_ms,
  CASE WHEN is_ahead THEN ', all of it before the watermark' ELSE CONCAT(', at last ', CAST(TRY_CAST(ROUND((latest_ms - watermark_ms) / 6e4) AS BIGINT) AS STRING), ' minutes after the watermark') END AS still_side,
  is_ahead, is_behind
FROM judged
WHERE is_dropped OR is_still
