-- id: repeated_scans
-- title: The same data is read again and again
-- category: plans
-- severity: low
-- version: 1
-- description: Fires where scans of one application read the same table or path with the same filters on its partitions
--   several times. Lost is the task time of the stages that read it, but for the most expensive of these reads;
--   a stage does more than read, so this is an upper bound of what reading once would save, and a lower one
--   where the same results are computed again after it. Reads of a cache count as no reads.
-- parameter: min_scans bigint = 3 [count] reads of the same data, at least
-- parameter: min_lost_ms bigint = 20000 [ms] task time of stages with reads but the most expensive, at least
-- evidence: {source} was read {num_scans:time|times} in {num_queries:query|queries}[, {bytes_read:bytes} in all][ and
--   {files_read:file|files}]; the stages that read it took {scan_ms:s} of task time, {first_ms:s} of it in the most expensive one.
-- advice: is_text AND num_scans >= 3 | - | - | Read it once and write it as Parquet or a table; reads of {format} parse every byte each time.
-- advice: largest_bytes >= 10737418240 | - | - | Do the work of these queries in one pass over it, or write the part that they share to a table
--   once; it is too large to cache as a whole.
-- recommendation: Read it once: cache the part that all of these queries need (only its columns and rows), or do their work in one
--   pass.
WITH scans AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.format,
    COALESCE(s.table_name, s.location) AS source,
    -- Expressions are numbered anew in every query.
    COALESCE(REGEXP_REPLACE(REGEXP_REPLACE(s.partition_filters, '#[0-9]+L?', ''), '#[0-9]+L?', ''), '') AS filters,
    s.bytes_read, s.files_read
  FROM sql_scans AS s
  INNER JOIN sql AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  WHERE s.operation = 'read' AND q.streaming_query_id IS NULL AND COALESCE(s.table_name, s.location) IS NOT NULL
    AND COALESCE(s.format, '') NOT IN ('cache', 'rdd', 'local', 'kafka', 'delta_log', 'noop')
),
stage_shares AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    SUM(CAST(run_ms AS DOUBLE)) AS run_ms
  FROM operator_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
timed AS (
  SELECT s.*, COALESCE(w.run_ms, 0e0) AS run_ms
  FROM scans AS s
  LEFT JOIN stage_shares AS w
    ON w.platform = s.platform AND w.cluster_id = s.cluster_id
    AND w.application_id = s.application_id AND w.attempt_id = s.attempt_id
    AND w.sql_id = s.sql_id AND w.node_id = s.node_id
),
-- A self join reads twice in stages that may be the same: each query counts its longest.
per_query AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters, sql_id,
    COUNT(*) AS num_scans, SUM(run_ms) AS run_ms, MIN(format) AS format,
    SUM(bytes_read) AS bytes_read, MAX(bytes_read) AS largest_bytes, SUM(files_read) AS files_read
  FROM timed
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters, sql_id
),
repeated AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters,
    SUM(num_scans) AS num_scans, COUNT(*) AS num_queries, MIN(format) AS format,
    SUM(run_ms) AS scan_ms, MAX(run_ms / num_scans) AS first_ms,
    SUM(bytes_read) AS bytes_read, MAX(largest_bytes) AS largest_bytes, SUM(files_read) AS files_read
  FROM per_query
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id,
  CONCAT(SUBSTR(r.source, 1, 200), CASE WHEN r.filters = '' THEN '' ELSE CONCAT(' ', SUBSTR(r.filters, 1, 100)) END) AS subject_id,
  'medium' AS confidence,
  TRY_CAST(r.scan_ms - r.first_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST((r.scan_ms - r.first_ms) * a.app_duration_ms / GREATEST(a.total_task_time_ms, a.app_duration_ms, 1) AS BIGINT) AS recoverable_ms,
  r.source, r.format, r.num_scans, r.num_queries, r.bytes_read, r.largest_bytes, r.files_read,
  TRY_CAST(r.scan_ms AS BIGINT) AS scan_ms, TRY_CAST(r.first_ms AS BIGINT) AS first_ms,
  COALESCE(r.format IN ('csv', 'json', 'text', 'xml'), FALSE) AS is_text
FROM repeated AS r
INNER JOIN application_facts AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
WHERE r.num_scans >= $min_scans AND r.scan_ms - r.first_ms >= $min_lost_ms
