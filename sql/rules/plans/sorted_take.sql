-- id: sorted_take
-- title: All rows are sorted for the first few
-- category: plans
-- severity: low
-- version: 1
-- description: Fires where RDD code sorts everything (sortBy, sortByKey) and then takes the first elements: only a small part of what the sort wrote into
--   its shuffle was read. The sort samples its input in a job of its own before, so what is not cached is computed once more. Queries do not need this rule:
--   Spark plans ORDER BY with LIMIT without a shuffle. What the same stages would take without the sort is not known, so nothing is counted as lost.
-- subject: stage
-- parameter: max_read_share double = 0.3 [ratio] bytes read from the shuffle of the sort over those written, at most
-- parameter: min_written_bytes double = 1048576 [bytes] those written, at least
-- parameter: min_run_ms double = 5000 [ms] task time of the stage that writes them, at least
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- evidence: The stage of {stage_name} wrote {written_bytes:bytes} into its shuffle in {run_ms:s} of task time, {share:pct} of all, and {read_bytes:bytes} of it were read.
-- recommendation: Ask for the first elements instead of a sort: takeOrdered(n, key) or top(n) on the RDD, orderBy(…).limit(n) on a DataFrame. Each task keeps
--   n rows, and nothing is shuffled.
WITH sorts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, stage_name,
    CAST(shuffle_write_bytes AS DOUBLE) AS written_bytes, CAST(executor_run_time AS DOUBLE) AS run_ms
  FROM stages
  WHERE status = 'COMPLETE' AND sql_id IS NULL AND shuffle_write_bytes >= $min_written_bytes
    AND (stage_name LIKE 'sortBy at %' OR stage_name LIKE 'sortByKey at %')
),
taken AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, SUM(CAST(r.shuffle_read_bytes AS DOUBLE)) AS read_bytes
  FROM sorts AS s
  INNER JOIN stages AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE ARRAY_CONTAINS(r.parent_ids, s.stage_id) AND r.status = 'COMPLETE'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id,
  CONCAT(CAST(s.stage_id AS STRING), '.', CAST(s.stage_attempt_id AS STRING)) AS subject_id,
  'medium' AS confidence,
  SUBSTR(s.stage_name, 1, 100) AS stage_name, s.written_bytes, s.run_ms, s.run_ms / NULLIF(CAST(a.executor_run_time AS DOUBLE), 0e0) AS share,
  t.read_bytes
FROM sorts AS s
INNER JOIN taken AS t
  ON t.platform = s.platform AND t.cluster_id = s.cluster_id
  AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id AND t.stage_id = s.stage_id
INNER JOIN application_run_times AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
WHERE t.read_bytes > 0e0 AND t.read_bytes <= $max_read_share * s.written_bytes
  AND s.run_ms >= $min_run_ms AND s.run_ms >= $min_share * a.executor_run_time
