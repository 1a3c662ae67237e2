-- id: table_rewrites
-- title: Batches of a stream write far more rows than they take in
-- category: streaming
-- severity: low
-- version: 1
-- description: Fires for a streaming query whose batches read what earlier batches of it wrote and write it again with the few rows that they took in, which are at most a twentieth of what they
--   write (view rewritten_batches, with the thresholds): a snapshot that is overwritten, or a MERGE that copies all rows of the files that it touches. A batch then costs what the tables hold, whatever it takes in. Lost
--   is what batches of ten times as many rows would save: of ten such batches all but the costliest, less the part of the rows taken in. A MERGE that writes only what changes
--   saves the writing without a delay, but still looks for its rows.
-- subject: application
-- parameter: batches_in_one double = 10 [count] batches that are counted as one larger batch
-- evidence: {num_batches:batch|batches} of the query {query} took in {input_rows:row|rows} and wrote {rows_written:row|rows}[ ({bytes_written:bytes})], {rows_ratio:int} times as many, after they had read
--   {rows_read:row|rows}[ ({bytes_read:bytes})] of what earlier batches wrote ({source}{others}). The stages that did it took {run_ms:s} of task time, {share:pct} of the application's, and {duration_ms:s} of the {batch_ms:s} of these batches.
-- advice: is_table_format AND has_files | - | - | Let MERGE write only what changes: deletion vectors (Delta) or merge-on-read (Iceberg, Hudi), compacted regularly, and a condition on the partition columns, so that it touches fewer
--   files. Or let a batch take more files (raise maxFilesPerTrigger or drop it, or a longer processingTime) as far as the delay may grow: most of its cost does not depend on its rows.
-- advice: is_table_format | - | - | Let MERGE write only what changes: deletion vectors (Delta) or merge-on-read (Iceberg, Hudi), compacted regularly, and a condition on the partition columns, so that it touches fewer
--   files. Or let a batch take more rows (raise maxOffsetsPerTrigger, or a longer processingTime) as far as the delay may grow: most of its cost does not depend on them.
-- advice: has_files | - | - | Keep it in a table format that changes single rows (Delta, Iceberg, Hudi) and MERGE each batch into it, with deletion vectors or merge-on-read; or append the rows of each batch and
--   build the table from them regularly. Or let a batch take more files (raise maxFilesPerTrigger or drop it, or a longer processingTime) as far as the delay may grow: most of its cost does not depend on its rows.
-- recommendation: Keep it in a table format that changes single rows (Delta, Iceberg, Hudi) and MERGE each batch into it, with deletion vectors or merge-on-read; or append the rows of each batch and
--   build the table from them regularly. Or let a batch take more rows (raise maxOffsetsPerTrigger, or a longer processingTime) as far as the delay may grow: most of its cost does not depend on them.
WITH judged AS (
  SELECT
    r.*,
    -- Of ten batches one is left, and so is the part of the rows that came in.
    (r.run_ms - r.most_run_ms) * (CAST(r.num_batches AS DOUBLE) - CEIL(CAST(r.num_batches AS DOUBLE) / $batches_in_one)) / NULLIF(CAST(r.num_batches AS DOUBLE) - 1e0, 0e0)
      * GREATEST(1e0 - r.input_rows / NULLIF(r.rows_written, 0e0), 0e0) AS lost_ms
  FROM rewritten_batches AS r
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, CONCAT(r.application_id, ' ', r.query_id) AS subject_id,
  'medium' AS confidence,
  TRY_CAST(r.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(r.lost_ms * a.wall_ratio AS BIGINT) AS recoverable_ms,
  r.query, r.num_batches, TRY_CAST(r.input_rows AS BIGINT) AS input_rows, TRY_CAST(r.rows_written AS BIGINT) AS rows_written, TRY_CAST(r.bytes_written AS BIGINT) AS bytes_written,
  r.rows_written / NULLIF(r.input_rows, 0e0) AS rows_ratio, TRY_CAST(r.rows_read AS BIGINT) AS rows_read, TRY_CAST(r.bytes_read AS BIGINT) AS bytes_read,
  r.source, CASE WHEN r.num_sources = 1 THEN '' WHEN r.num_sources = 2 THEN ' and one other' ELSE CONCAT(' and ', CAST(r.num_sources - 1 AS STRING), ' others') END AS others,
  TRY_CAST(r.run_ms AS BIGINT) AS run_ms, r.run_ms / NULLIF(r.all_run_ms, 0e0) AS share, TRY_CAST(r.duration_ms AS BIGINT) AS duration_ms, TRY_CAST(r.batch_ms AS BIGINT) AS batch_ms,
  r.has_files, r.is_table_format
FROM judged AS r
LEFT JOIN application_facts AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
