-- id: repeated_scans
-- title: The same data is read again and again
-- category: plans
-- severity: low
-- version: 4
-- description: Fires where scans of one application read the same table or path with the same filters on its partitions
--   several times. Where each read is followed by the same filters and keys in its stage, and no join, the same is computed again, as where
--   a result is counted, checked and then written: lost is the task time of these stages but for the most expensive one. Else it is what the scans themselves
--   measured, without the longest; for text, which is parsed in the stage and has no timer, the time of the stages;
--   and unknown for what else has none. Where most of that time went into
--   splits without a row, which tiny_tasks counts, nothing is lost. Never above medium; reads of a cache count as no reads.
-- parameter: min_scans bigint = 3 [count] reads of the same data, at least
-- parameter: min_bytes double = 16777216 [bytes] what was read in all, at least, where it is known and a read takes little time
-- parameter: min_scan_ms double = 1000 [ms] task time of the stages of one read on average, which is enough too
-- parameter: min_lost_ms bigint = 20000 [ms] task time of stages with reads but the most expensive, at least
-- parameter: min_small_lost_ms bigint = 5000 [ms] the same where it is a large share of the core time, at least
-- parameter: min_share double = 0.1 [ratio] that share, at least
-- parameter: medium_lost_ms bigint = 600000 [ms] the time from which it is of medium severity
-- evidence: {source} was read {num_scans:time|times} in {num_queries:query|queries}[, {bytes_read:bytes} in all][ from
--   {files_read:file|files}]; the stages that read it took {scan_ms:s} of task time, {first_ms:s} of it in the most expensive one[, and
--   {empty_ms:s} in stages whose splits are mostly empty][; the reading itself took {read_ms:s}].
-- advice: is_text AND num_scans >= 3 | - | - | Read it once and write it as Parquet or a table; reads of {format} parse every byte each time.
-- advice: num_queries = 1 | - | - | The query itself asks for it so often: compute all of it in one pass (conditional aggregates instead of one
--   subquery for each part), or write what its parts share to a table first.
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
-- Stages whose files were cut into so many splits that the median one holds no row.
cut_stages AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, stage_id
  FROM stage_facts
  WHERE has_scan AND input_rows_median = 0 AND files_read * 4 < num_tasks
),
inputs AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(input_bytes AS DOUBLE)) AS input_bytes,
    SUM(CAST(input_records AS DOUBLE)) AS input_records
  FROM stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
-- A union reads its parts in one stage: each of them has its share of it.
readers AS (
  SELECT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.stage_id, COUNT(*) AS num_scans
  FROM operator_stages AS o
  INNER JOIN scans AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND s.sql_id = o.sql_id AND s.node_id = o.node_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.stage_id
),
stage_shares AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id,
    SUM(CAST(o.run_ms AS DOUBLE) / r.num_scans) AS run_ms, SUM(o.own_ms) AS own_ms,
    SUM(CASE WHEN c.platform IS NOT NULL THEN CAST(o.run_ms AS DOUBLE) / r.num_scans ELSE 0e0 END) AS empty_ms,
    SUM(i.input_bytes / r.num_scans) AS input_bytes, SUM(i.input_records / r.num_scans) AS input_records
  FROM operator_stages AS o
  INNER JOIN readers AS r
    ON r.platform = o.platform AND r.cluster_id = o.cluster_id
    AND r.application_id = o.application_id AND r.attempt_id = o.attempt_id AND r.sql_id = o.sql_id AND r.stage_id = o.stage_id
  LEFT JOIN cut_stages AS c
    ON c.platform = o.platform AND c.cluster_id = o.cluster_id
    AND c.application_id = o.application_id AND c.attempt_id = o.attempt_id AND c.stage_id = o.stage_id
  LEFT JOIN inputs AS i
    ON i.platform = o.platform AND i.cluster_id = o.cluster_id
    AND i.application_id = o.application_id AND i.attempt_id = o.attempt_id AND i.stage_id = o.stage_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
),
timed AS (
  -- Of columnar files only some columns are read, of the first rows only some files. Vectored reads of some file systems
  -- (Spark 4 on local files) count almost no bytes: then it is not known.
  SELECT s.*, CASE WHEN w.input_bytes >= 0.1e0 * w.input_records OR w.input_bytes IS NULL THEN LEAST(CAST(s.bytes_read AS DOUBLE), w.input_bytes) END AS bytes, COALESCE(w.run_ms, 0e0) AS run_ms, COALESCE(w.empty_ms, 0e0) AS empty_ms,
    -- A scan without a stage was not run.
    CASE WHEN w.platform IS NULL THEN 0e0 WHEN w.own_ms > w.run_ms THEN w.run_ms ELSE w.own_ms END AS own_ms
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
    COUNT(*) AS num_scans, SUM(run_ms) AS run_ms, SUM(empty_ms) AS empty_ms, MIN(format) AS format,
    CASE WHEN COUNT(own_ms) = COUNT(*) THEN SUM(own_ms) END AS own_ms, MAX(own_ms) AS longest_ms,
    CASE WHEN COUNT(bytes) = COUNT(*) THEN SUM(bytes) END AS bytes_read, MAX(COALESCE(bytes, CAST(bytes_read AS DOUBLE))) AS largest_bytes, SUM(files_read) AS files_read
  FROM timed
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters, sql_id
),
repeated AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters,
    SUM(num_scans) AS num_scans, COUNT(*) AS num_queries, MIN(format) AS format,
    SUM(run_ms) AS scan_ms, MAX(run_ms / num_scans) AS first_ms, SUM(empty_ms) AS empty_ms,
    CASE WHEN COUNT(own_ms) = COUNT(*) THEN SUM(own_ms) END AS read_ms, MAX(longest_ms) AS longest_ms,
    CASE WHEN COUNT(bytes_read) = COUNT(*) THEN SUM(bytes_read) END AS bytes_read, MAX(largest_bytes) AS largest_bytes, SUM(files_read) AS files_read
  FROM per_query
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters
),
-- What follows the scans in their stages: where it is the same for each of them, all of it is computed again.
reading_stages AS (
  SELECT DISTINCT t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters, t.sql_id, o.stage_id
  FROM scans AS t
  INNER JOIN operator_stages AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND o.node_id = t.node_id
),
followers AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters, t.sql_id, t.stage_id,
    -- Which columns and functions a query asks for is no other work: of aggregates the keys count, of projections and sorts nothing.
    CASE
      WHEN n.node_name LIKE '%Aggregate' THEN CONCAT('Aggregate|', COALESCE(SPLIT_PART(SPLIT_PART(n.description, '=[', 2), ']', 1), ''))
      ELSE CONCAT(n.node_name, '|', COALESCE(REGEXP_REPLACE(n.description, 'plan_id=[0-9]+', ''), ''))
    END AS numbered,
    -- What a join meets on its other side can differ.
    CASE WHEN n.node_name LIKE '%Join%' THEN 1 ELSE 0 END AS is_join
  FROM reading_stages AS t
  INNER JOIN operator_stages AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND o.stage_id = t.stage_id
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  LEFT JOIN scans AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND s.sql_id = o.sql_id AND s.node_id = o.node_id
  WHERE s.platform IS NULL AND n.node_name NOT IN ('Project', 'Sort')
),
-- Expressions are numbered anew in every query. One engine replaces all at once, the other one at a time.
half_named AS (
  SELECT f.*, REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(
    numbered, '#[0-9]+L?', ''), '#[0-9]+L?', ''), '#[0-9]+L?', ''), '#[0-9]+L?', '') AS half
  FROM followers AS f
),
named AS (
  SELECT h.*, REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(
    half, '#[0-9]+L?', ''), '#[0-9]+L?', ''), '#[0-9]+L?', ''), '#[0-9]+L?', '') AS operator
  FROM half_named AS h
),
kinds AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters,
    COUNT(DISTINCT operator) AS num_operators, SUM(is_join) AS num_joins,
    COUNT(DISTINCT CONCAT(operator, '|', CAST(sql_id AS STRING), '|', CAST(stage_id AS STRING))) AS num_places
  FROM named
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters
),
places AS (
  SELECT platform, cluster_id, application_id, attempt_id, source, filters, COUNT(*) AS num_stages
  FROM reading_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters
),
compared AS (
  SELECT
    r.*,
    COALESCE(r.format IN ('csv', 'json', 'text', 'xml'), FALSE) AS is_text,
    COALESCE(p.num_stages >= r.num_scans, FALSE)
      AND COALESCE(k.num_places, 0) = COALESCE(k.num_operators, 0) * p.num_stages AND COALESCE(k.num_joins, 0) = 0 AS is_same
  FROM repeated AS r
  LEFT JOIN places AS p
    ON p.platform = r.platform AND p.cluster_id = r.cluster_id
    AND p.application_id = r.application_id AND p.attempt_id = r.attempt_id AND p.source = r.source AND p.filters = r.filters
  LEFT JOIN kinds AS k
    ON k.platform = r.platform AND k.cluster_id = r.cluster_id
    AND k.application_id = r.application_id AND k.attempt_id = r.attempt_id AND k.source = r.source AND k.filters = r.filters
),
judged AS (
  SELECT
    r.*, a.app_duration_ms - COALESCE(a.driver_only_time_ms, 0) AS jobs_ms, a.total_task_time_ms, a.core_time_ms,
    CASE
      WHEN r.empty_ms >= 0.5e0 * r.scan_ms THEN CAST(NULL AS DOUBLE)
      WHEN r.is_same OR r.is_text THEN r.scan_ms - r.first_ms
      ELSE r.read_ms - r.longest_ms
    END AS lost_ms
  FROM compared AS r
  INNER JOIN application_facts AS a
    ON a.platform = r.platform AND a.cluster_id = r.cluster_id
    AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
),
weighed AS (
  -- Without a timer the stages say whether it is worth a word.
  SELECT j.*, COALESCE(lost_ms, scan_ms - first_ms) AS weight_ms FROM judged AS j
)
SELECT
  platform, cluster_id, application_id, attempt_id,
  CONCAT(SUBSTR(source, 1, 200), CASE WHEN filters = '' THEN '' ELSE CONCAT(' ', SUBSTR(filters, 1, 100)) END) AS subject_id,
  CASE WHEN lost_ms >= $medium_lost_ms THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  -- Wall time at the application's own average of tasks side by side while its jobs ran.
  TRY_CAST(lost_ms * jobs_ms / GREATEST(total_task_time_ms, jobs_ms, 1) AS BIGINT) AS recoverable_ms,
  source, format, num_scans, num_queries, bytes_read, largest_bytes, files_read,
  TRY_CAST(scan_ms AS BIGINT) AS scan_ms, TRY_CAST(first_ms AS BIGINT) AS first_ms,
  CASE WHEN NOT is_same AND NOT is_text AND lost_ms IS NOT NULL THEN TRY_CAST(read_ms AS BIGINT) END AS read_ms,
  CASE WHEN empty_ms >= 0.5e0 * scan_ms THEN TRY_CAST(empty_ms AS BIGINT) END AS empty_ms,
  is_text, is_same
FROM weighed
WHERE num_scans >= $min_scans AND (COALESCE(bytes_read >= $min_bytes, FALSE) OR scan_ms >= $min_scan_ms * num_scans)
  AND weight_ms >= 0.02e0 * COALESCE(core_time_ms, 0)
  AND (weight_ms >= $min_lost_ms OR (weight_ms >= $min_small_lost_ms AND weight_ms >= $min_share * core_time_ms))
