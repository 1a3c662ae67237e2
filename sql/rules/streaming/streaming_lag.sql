-- id: streaming_lag
-- title: A streaming query falls behind its source
-- category: streaming
-- severity: medium
-- version: 2
-- description: Fires for a streaming query whose batches began one right after the other and became longer and longer, because more
--   rows came while a batch ran than a batch can take: the last third of its batches is compared with the middle one,
--   after the start. What arrives is seen later and later, and the batches end in memory's limits. No loss is counted. Where most of a batch does not depend on its rows, or writes a table
--   anew (table_rewrites), it does not advise to limit them.
-- subject: application
-- parameter: min_batches bigint = 5 [count] batches with rows, at least
-- parameter: min_growth double = 1.5 [ratio] mean duration and rows of a batch of the last third over those of the middle one, at least
-- parameter: min_batch_ms double = 5000 [ms] mean duration of a batch of the last third, at least
-- parameter: max_pause double = 0.1 [ratio] pauses between batches over their duration in the last third, at most
-- evidence: The query {query} ran {num_batches:batch|batches}; in the last third of them a batch took {late_ms:s} and read {late_rows:row|rows}
--   on average, in the third before {early_ms:s} and {early_rows:row|rows}, with no pause between them.
-- advice: is_rewriting | - | - | Most of a batch reads a table and writes it anew, which table_rewrites tells: change that first. A limit on what a batch takes would make the query fall behind faster.
-- advice: cpu_bound AND is_fixed | - | - | Give the query more cores, with as many partitions of the source and of its shuffles. Batches of more rows need less time a row, so do not limit what a batch takes while it
--   catches up, as far as memory allows.
-- advice: cpu_bound | - | - | Give the query more cores, with as many partitions of the source and of its shuffles, or cheaper work a row; limit
--   what a batch takes (maxOffsetsPerTrigger, maxFilesPerTrigger), so that batches stay even while it catches up.
-- recommendation: Most of a batch is not work on its rows but planning, offsets and commits: give batches more rows with a longer
--   trigger interval, and keep checkpoints on fast storage.
WITH numbered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id,
    COALESCE(query_name, query_id) AS query,
    CAST(batch_duration AS DOUBLE) AS batch_ms, CAST(num_input_rows AS DOUBLE) AS rows, CAST(add_batch_ms AS DOUBLE) AS work_ms,
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
    AVG(CASE WHEN place * 3 > 2 * num_batches THEN GREATEST(pause_ms, 0) END) AS late_pause_ms
  FROM numbered
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query, num_batches
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, CONCAT(t.application_id, ' ', t.query_run_id) AS subject_id,
  CASE WHEN t.late_ms >= 60000 THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  t.query, t.num_batches, t.early_ms, t.late_ms,
  TRY_CAST(ROUND(t.early_rows) AS BIGINT) AS early_rows, TRY_CAST(ROUND(t.late_rows) AS BIGINT) AS late_rows,
  COALESCE(t.late_work_ms >= 0.5e0 * t.late_ms, TRUE) AS cpu_bound,
  -- The time grows by less than half as much as the rows do.
  (t.late_ms - t.early_ms) * t.early_rows < 0.5e0 * (t.late_rows - t.early_rows) * t.early_ms AS is_fixed, r.platform IS NOT NULL AS is_rewriting
FROM thirds AS t
LEFT JOIN rewritten_batches AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id AND r.query_id = t.query_id
WHERE t.num_batches >= $min_batches AND t.late_ms >= $min_batch_ms AND t.late_ms >= $min_growth * t.early_ms
  AND t.late_rows >= $min_growth * t.early_rows AND t.late_pause_ms <= $max_pause * t.late_ms
