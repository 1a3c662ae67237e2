-- id: taken_rdd_sorts
-- title: Sorts of RDDs of which only the first elements were read
-- description: One row per sort of RDD code (sortBy, sortByKey) that wrote all of its elements into its shuffle, of which only a small part was read (take, first), and stage before it that looked for
--   its ranges (sample_stage_id, with sample_ms and sample_wall_ms; NULL where there was none): the stages of the same line since the sort before that wrote no shuffle data. sorted_take tells them; other rules leave these stages out.
-- parameter: max_read_share double = 0.3 [ratio] bytes read from the shuffle of the sort over those written, at most
-- parameter: min_written_bytes double = 1048576 [bytes] those written, at least
-- parameter: min_run_ms double = 5000 [ms] task time of the stage that writes them, at least
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- reads: application_run_times, timed_stages
WITH sorts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, stage_name,
    CAST(shuffle_write_bytes AS DOUBLE) AS written_bytes, CAST(executor_run_time AS DOUBLE) AS run_ms, CAST(duration_ms AS DOUBLE) AS wall_ms,
    LAG(stage_id) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_name ORDER BY stage_id, stage_attempt_id) AS before_id
  FROM timed_stages
  WHERE status = 'COMPLETE' AND sql_id IS NULL AND shuffle_write_bytes >= $min_written_bytes
    AND (stage_name LIKE 'sortBy at %' OR stage_name LIKE 'sortByKey at %')
),
taken AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, SUM(CAST(r.shuffle_read_bytes AS DOUBLE)) AS read_bytes
  FROM sorts AS s
  INNER JOIN timed_stages AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE ARRAY_CONTAINS(r.parent_ids, s.stage_id) AND r.status = 'COMPLETE'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
),
samples AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_name, CAST(executor_run_time AS DOUBLE) AS run_ms, CAST(duration_ms AS DOUBLE) AS wall_ms
  FROM timed_stages
  WHERE status = 'COMPLETE' AND sql_id IS NULL AND COALESCE(shuffle_write_bytes, 0) = 0 AND executor_run_time > 0
    AND (stage_name LIKE 'sortBy at %' OR stage_name LIKE 'sortByKey at %')
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id, s.stage_name, s.written_bytes, s.run_ms, s.wall_ms, t.read_bytes,
  CAST(a.executor_run_time AS DOUBLE) AS app_ms, p.stage_id AS sample_stage_id, p.run_ms AS sample_ms, p.wall_ms AS sample_wall_ms
FROM sorts AS s
INNER JOIN taken AS t
  ON t.platform = s.platform AND t.cluster_id = s.cluster_id
  AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id AND t.stage_id = s.stage_id
INNER JOIN application_run_times AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
LEFT JOIN samples AS p
  ON p.platform = s.platform AND p.cluster_id = s.cluster_id
  AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.stage_name = s.stage_name
  AND p.stage_id < s.stage_id AND p.stage_id > COALESCE(s.before_id, -1)
WHERE t.read_bytes > 0e0 AND t.read_bytes <= $max_read_share * s.written_bytes
  AND s.run_ms >= $min_run_ms AND s.run_ms >= $min_share * a.executor_run_time
