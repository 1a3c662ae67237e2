-- id: streaming_lag
-- title: A streaming query falls behind its source
-- category: streaming
-- severity: medium
-- version: 4
-- description: Fires for a streaming query whose batches began one right after the other and became longer and longer, because more
--   rows came while a batch ran than a batch can take: the last third of its batches is compared with the middle one,
--   after the start. Where a limit keeps batches even (maxOffsetsPerTrigger, maxFilesPerTrigger), it fires where the source says how much waits (Kafka since Spark 3.2, Auto Loader, Delta) and that grows so. What arrives is seen later and later, and the batches end in memory's limits. No loss is counted. Where most of a batch does not depend on its rows, or writes a table
--   anew (table_rewrites), it does not advise to limit them.
-- subject: application
-- parameter: min_batches bigint = 5 [count] batches with rows, at least
-- parameter: min_growth double = 1.5 [ratio] mean duration and rows of a batch of the last third over those of the middle one, at least
-- parameter: min_batch_ms double = 5000 [ms] mean duration of a batch of the last third, at least
-- parameter: min_limited_batches bigint = 12 [count] batches with rows of a query whose batches a limit keeps even, at least
-- parameter: medium_behind double = 20.0 [ratio] offsets that it is behind in the last third over the rows of a batch from which it is of medium severity
-- parameter: max_pause double = 0.1 [ratio] pauses between batches over their duration in the last third, at most
-- evidence: The query {query} ran {num_batches:batch|batches}; in the last third of them a batch took {late_ms:s} and read {late_rows:row|rows}
--   on average, in the third before {early_ms:s} and {early_rows:row|rows}{pause_text}[. Meanwhile what waited in the source grew from {early_behind:int} to {late_behind:int} {behind_unit} on average].
-- advice: is_rewriting | - | - | Most of a batch reads a table and writes it anew, which table_rewrites tells: change that first. A limit on what a batch takes would make the query fall behind faster.
-- advice: is_limited AND late_pause_ms > $max_pause * late_ms | - | - | A limit on what a batch takes (maxOffsetsPerTrigger, maxFilesPerTrigger, maxBytesPerTrigger) and pauses between batches hold the query back, while more waits in the source:
--   raise the limit, or let batches begin sooner (a shorter processingTime).
-- advice: is_limited | - | - | Each batch takes what its limit allows (maxOffsetsPerTrigger, maxFilesPerTrigger, maxBytesPerTrigger), one right after the other, and more waits in the source: raise the limit as far as memory
--   allows, because what each batch costs besides its rows counts less then, and give the query more cores, with as many partitions of the source.
-- advice: cpu_bound AND is_fixed | - | - | Give the query more cores, with as many partitions of the source and of its shuffles. Batches of more rows need less time per row, so do not limit what a batch takes while it
--   catches up, as far as memory allows.
-- advice: cpu_bound | - | - | Give the query more cores, with as many partitions of the source and of its shuffles, or make the work for each row cheaper; limit
--   what a batch takes (maxOffsetsPerTrigger, maxFilesPerTrigger), so that batches stay even while it catches up.
-- recommendation: Most of a batch is not work on its rows but planning, offsets and commits: give batches more rows with a longer
--   trigger interval, and keep checkpoints on fast storage.
WITH numbered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id,
    COALESCE(query_name, query_id) AS query,
    CAST(batch_duration AS DOUBLE) AS batch_ms, CAST(num_input_rows AS DOUBLE) AS rows, CAST(add_batch_ms AS DOUBLE) AS work_ms,
    TRY_CAST(REGEXP_REPLACE(SPLIT_PART(sources_json, '"maxOffsetsBehindLatest":"', 2), '[^0-9].*$', '') AS DOUBLE) AS offsets_behind,
    TRY_CAST(REGEXP_REPLACE(SPLIT_PART(sources_json, '"numFilesOutstanding":"', 2), '[^0-9].*$', '') AS DOUBLE) AS files_behind,
    UNIX_MILLIS(progress_time) - LAG(UNIX_MILLIS(progress_time) + batch_duration) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS pause_ms,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS place,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id) AS num_batches
  FROM streaming_progress
  WHERE num_input_rows > 0 AND batch_duration > 0
),
thirds AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query, num_batches,
    AVG(CASE WHEN place * 3 > num_batches AND place * 3 <= 2 * num_batches THEN batch_ms END) AS early_ms,
    AVG(CASE WHEN place * 3 > num_batches AND place * 3 <= 2 * num_batches THEN rows END) AS early_rows,
    AVG(CASE WHEN place * 3 > 2 * num_batches THEN batch_ms END) AS late_ms,
    AVG(CASE WHEN place * 3 > 2 * num_batches THEN rows END) AS late_rows,
    AVG(CASE WHEN place * 3 > 2 * num_batches THEN work_ms END) AS late_work_ms,
    AVG(CASE WHEN place * 3 > 2 * num_batches THEN GREATEST(pause_ms, 0) END) AS late_pause_ms,
    AVG(CASE WHEN place * 3 > num_batches AND place * 3 <= 2 * num_batches THEN COALESCE(offsets_behind, files_behind) END) AS early_behind,
    AVG(CASE WHEN place * 3 > 2 * num_batches THEN COALESCE(offsets_behind, files_behind) END) AS late_behind,
    MAX(CASE WHEN offsets_behind IS NOT NULL THEN 1 ELSE 0 END) = 1 AS is_offsets
  FROM numbered
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query, num_batches
),
judged AS (
  SELECT
    t.*,
    num_batches >= $min_batches AND late_ms >= $min_batch_ms AND late_ms >= $min_growth * early_ms AND late_rows >= $min_growth * early_rows AND late_pause_ms <= $max_pause * late_ms AS is_growing,
    -- More than a batch takes: each partition of the source gives it a part only.
    COALESCE(num_batches >= $min_limited_batches AND late_behind >= $min_growth * early_behind AND late_behind >= CASE WHEN is_offsets THEN late_rows ELSE 100e0 END
      AND late_rows < $min_growth * early_rows, FALSE) AS is_limited
  FROM thirds AS t
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, CONCAT(t.application_id, ' ', t.query_run_id) AS subject_id,
  CASE WHEN t.late_ms >= 60000 OR (t.is_limited AND t.is_offsets AND t.late_behind >= $medium_behind * t.late_rows) THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  t.query, t.num_batches, t.early_ms, t.late_ms,
  TRY_CAST(ROUND(t.early_rows) AS BIGINT) AS early_rows, TRY_CAST(ROUND(t.late_rows) AS BIGINT) AS late_rows,
  CASE WHEN t.is_limited THEN TRY_CAST(ROUND(t.early_behind) AS BIGINT) END AS early_behind, CASE WHEN t.is_limited THEN TRY_CAST(ROUND(t.late_behind) AS BIGINT) END AS late_behind,
  CASE WHEN t.is_offsets THEN 'offsets of a partition' ELSE 'files' END AS behind_unit, t.is_limited, t.late_pause_ms,
  CASE WHEN t.late_pause_ms <= $max_pause * t.late_ms THEN ', with no pause between them' ELSE '' END AS pause_text,
  COALESCE(t.late_work_ms >= 0.5e0 * t.late_ms, TRUE) AS cpu_bound,
  -- The time grows by less than half as much as the rows do.
  (t.late_ms - t.early_ms) * t.early_rows < 0.5e0 * (t.late_rows - t.early_rows) * t.early_ms AS is_fixed, r.platform IS NOT NULL AS is_rewriting
FROM judged AS t
LEFT JOIN rewritten_batches AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id AND r.query_id = t.query_id
WHERE t.is_growing OR t.is_limited
