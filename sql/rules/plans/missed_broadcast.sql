-- id: missed_broadcast
-- title: A join shuffles a large side to meet a small one
-- category: plans
-- severity: low
-- version: 7
-- description: Fires for a sort merge or shuffled hash join of which one side, as its shuffle measured it, is small enough to be sent
--   to every executor instead: up to 10 MiB, more where the other side is very large, and only a side that the
--   type of the join lets be broadcast. Lost is the task time of the shuffles and sorts that feed the join,
--   which a broadcast does not need; where operators measure no time nothing is counted, nor where broadcasts are switched off and it is the
--   many partitions of the shuffle that took the time of the stages. Where Spark knew from the files of the small side that it is
--   far below the threshold, a hint for another join stopped it (is_hinted). A threshold is advised as a setting up to max_threshold_bytes only, as it holds
--   for all joins, and where adaptive execution measures the sides (Spark 3.2), its own: the other one is held against the compressed size of files too. A full outer join can
--   broadcast no side, but can be written as two joins that do.
-- subject: node
-- group_by: query_description
-- parameter: small_bytes double = 10485760 [bytes] side that can always be broadcast, at most
-- parameter: medium_bytes double = 104857600 [bytes] the same where the other side has large_bytes or more
-- parameter: large_bytes double = 10737418240 [bytes] other side from which medium_bytes holds
-- parameter: big_bytes double = 419430400 [bytes] the same where the other side has huge_bytes or more: well below what oversized_broadcast tells
-- parameter: huge_bytes double = 322122547200 [bytes] other side from which big_bytes holds
-- parameter: max_threshold_bytes double = 209715200 [bytes] threshold that is advised, at most
-- parameter: min_other_bytes double = 10485760 [bytes] other side, at least
-- parameter: min_ratio double = 10.0 [ratio] other side over the small one, at least
-- parameter: min_off_share double = 0.2 [ratio] task time of the join's stages over that of the application from which a join is told for its own sake where broadcasts are off or another join is hinted
-- parameter: max_known_share double = 0.25 [ratio] files of the small side over the threshold up to which Spark would have broadcast it by itself
-- parameter: min_query_ms bigint = 10000 [ms] duration of the query, at least
-- evidence: {node_name} {node_id:int} of query {sql_id:int} ({query_description}, {query_duration_ms:s}) joins {small:bytes} with
--   {large:bytes} by shuffling both[; its shuffles and sorts took {lost_core_ms:s} of task time][; the stages that it works in took {stage_ms:s} of {app_ms:s} of task time].
-- advice: is_full | - | - | A full outer join can broadcast neither side: write it as a left outer join of the large side with the small one
--   (broadcast) and add, with a union, the rows of the small side that the large one lacks; or update only the partitions
--   that change (MERGE of a table format, a filter on the partition column).
-- advice: is_hinted | - | - | Spark knew that this side is small (its files hold {file_bytes:bytes}) and broadcasts such sides by itself: a hint for another
--   join (MERGE, SHUFFLE_HASH) stops it. Take the hint out.
-- advice: is_off AND is_measured AND is_raisable | spark.sql.adaptive.autoBroadcastJoinThreshold | threshold_needed | Broadcasts are switched off. Give the small side a broadcast hint:
--   neither side is shuffled then. Or set this threshold, which adaptive execution compares with measured sizes: the large side is still written to its shuffle, but not sorted, and its tasks read it
--   where it lies.
-- advice: is_off AND NOT is_measured AND is_raisable | spark.sql.autoBroadcastJoinThreshold | threshold_needed | Broadcasts are switched off: allow them up to the
--   size of tables like this one, or give the small side a broadcast hint.
-- advice: small <= threshold_bytes AND NOT adaptive AND spark_minor >= 300 | spark.sql.adaptive.enabled | 'true' | Spark did not
--   know beforehand how small this side is: adaptive execution sees it while the query runs; statistics (ANALYZE TABLE) or a
--   broadcast hint do as well.
-- advice: small > measured_threshold AND is_measured AND is_raisable | spark.sql.adaptive.autoBroadcastJoinThreshold | threshold_needed | Give the small side a broadcast hint: neither side is
--   shuffled then. Or set this threshold, which adaptive execution compares with measured sizes: the large side is still written to its shuffle, but not sorted, and its tasks read it
--   where it lies. The driver and every executor hold the small side in memory.
-- advice: small > threshold_bytes AND NOT is_measured AND is_raisable | spark.sql.autoBroadcastJoinThreshold | threshold_needed | Allow broadcasts of tables like this
--   one, or give the small side a broadcast hint. The driver and every executor hold it in memory.
-- advice: small > measured_threshold AND NOT is_raisable | - | - | Give the small side of this join a broadcast hint, where the driver and every executor have memory for {small:bytes} and more. Leave the threshold:
--   one as high as that would broadcast tables that are this small in compressed files only.
-- recommendation: Give the small side a broadcast hint: Spark does not know how small it is, or learned it too late.
WITH joins AS (
  SELECT
    j.*,
    CASE WHEN COALESCE(is_full, FALSE) THEN LEAST(left_bytes, right_bytes) ELSE small_bytes END AS few_bytes,
    CASE WHEN COALESCE(is_full, FALSE) THEN GREATEST(left_bytes, right_bytes) ELSE large_bytes END AS many_bytes
  FROM join_facts AS j
),
-- Where the small side is one read of files, with nothing that multiplies rows, Spark knew how large it is. The size of a
-- table of a metastore is not known without statistics, and partitions that are pruned while the query runs are not either.
hinted AS (
  SELECT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, s.file_bytes
  FROM joins AS j
  INNER JOIN join_sides AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id AND s.sql_id = j.sql_id AND s.node_id = j.node_id
    AND s.side_id = j.small_id
  WHERE s.num_leaves = 1 AND s.num_growers = 0 AND s.table_name IS NULL AND s.format IN ('parquet', 'orc', 'avro', 'csv', 'json', 'text')
    AND s.partition_filters NOT LIKE '%dynamicpruning%' AND s.file_bytes > 0e0 AND s.file_bytes <= $max_known_share * j.threshold_bytes
),
work AS (
  SELECT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, SUM(CAST(o.run_ms AS DOUBLE)) AS stage_ms
  FROM operator_stages AS o
  INNER JOIN joins AS j
    ON j.platform = o.platform AND j.cluster_id = o.cluster_id
    AND j.application_id = o.application_id AND j.attempt_id = o.attempt_id AND j.sql_id = o.sql_id AND j.node_id = o.node_id
  LEFT JOIN hinted AS h
    ON h.platform = o.platform AND h.cluster_id = o.cluster_id
    AND h.application_id = o.application_id AND h.attempt_id = o.attempt_id AND h.sql_id = o.sql_id AND h.node_id = o.node_id
  WHERE j.threshold_bytes <= 0e0 OR h.platform IS NOT NULL
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
),
weighed AS (
  SELECT
    j.*, h.file_bytes, h.platform IS NOT NULL AS is_hinted, w.stage_ms, r.executor_run_time AS app_ms,
    -- The timers of shuffles and sorts are next to nothing, the stages are not.
    COALESCE(w.stage_ms >= $min_off_share * r.executor_run_time AND j.shuffle_ms < 0.05e0 * w.stage_ms, FALSE) AS is_slow
  FROM joins AS j
  LEFT JOIN work AS w
    ON w.platform = j.platform AND w.cluster_id = j.cluster_id
    AND w.application_id = j.application_id AND w.attempt_id = j.attempt_id AND w.sql_id = j.sql_id AND w.node_id = j.node_id
  LEFT JOIN hinted AS h
    ON h.platform = j.platform AND h.cluster_id = j.cluster_id
    AND h.application_id = j.application_id AND h.attempt_id = j.attempt_id AND h.sql_id = j.sql_id AND h.node_id = j.node_id
  LEFT JOIN application_run_times AS r
    ON r.platform = j.platform AND r.cluster_id = j.cluster_id
    AND r.application_id = j.application_id AND r.attempt_id = j.attempt_id
)
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id,
  CONCAT(CAST(f.sql_id AS STRING), '.', CAST(f.node_id AS STRING)) AS subject_id,
  'high' AS confidence,
  CASE WHEN NOT f.is_slow THEN TRY_CAST(NULLIF(f.shuffle_ms, 0) AS BIGINT) END AS lost_core_ms,
  CASE WHEN NOT f.is_slow THEN TRY_CAST(NULLIF(f.shuffle_ms, 0) * a.wall_ratio AS BIGINT) END AS recoverable_ms,
  CASE WHEN f.shuffle_ms > 0 AND NOT f.is_slow THEN CAST(NULL AS STRING) ELSE 'low' END AS severity,
  CASE WHEN f.is_slow THEN f.stage_ms END AS stage_ms, CASE WHEN f.is_slow THEN f.app_ms END AS app_ms,
  f.node_name, f.node_id, f.sql_id, f.query_description, f.query_duration_ms,
  f.few_bytes AS small, f.many_bytes AS large, f.threshold_bytes, f.is_hinted, f.file_bytes,
  CASE WHEN f.adaptive AND a.spark_minor >= 302 THEN COALESCE(f.adaptive_threshold_bytes, f.threshold_bytes) ELSE f.threshold_bytes END <= 0e0 AS is_off, COALESCE(f.is_full, FALSE) AS is_full, f.adaptive, a.spark_minor,
  -- Twice the size that was measured, in whole MiB, and no less than Spark's own default.
  CONCAT(CAST(TRY_CAST(GREATEST(CEIL(2 * f.few_bytes / 1048576e0), 10e0) AS BIGINT) AS STRING), 'MB') AS threshold_needed,
  2 * f.few_bytes <= $max_threshold_bytes AS is_raisable,
  -- Databricks has a setting of its own.
  COALESCE(f.adaptive AND a.spark_minor >= 302 AND NOT COALESCE(a.is_databricks, FALSE), FALSE) AS is_measured,
  CASE WHEN f.adaptive AND a.spark_minor >= 302 THEN COALESCE(f.adaptive_threshold_bytes, f.threshold_bytes) ELSE f.threshold_bytes END AS measured_threshold
FROM weighed AS f
INNER JOIN application_facts AS a
  ON a.platform = f.platform AND a.cluster_id = f.cluster_id
  AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
WHERE f.query_duration_ms >= $min_query_ms
  AND f.many_bytes >= $min_other_bytes AND f.many_bytes >= $min_ratio * f.few_bytes
  AND (f.few_bytes <= $small_bytes
    OR (f.few_bytes <= $medium_bytes AND f.many_bytes >= $large_bytes)
    OR (f.few_bytes <= $big_bytes AND f.many_bytes >= $huge_bytes))
