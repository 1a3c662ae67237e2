-- id: missed_broadcast
-- title: A join shuffles a large side to meet a small one
-- category: plans
-- severity: low
-- version: 9
-- description: Fires for a sort merge or shuffled hash join of which one side, as its shuffle measured it, is small enough to be sent
--   to every executor instead: up to 10 MiB, more where the other side is very large, and only a side that the
--   type of the join lets be broadcast. Lost is what a broadcast does not need: of the stages that read the shuffles, to fetch, sort and merge them, half of their task time without spill, but no more
--   than their rows and bytes cost at least (four million rows of three widths joined both ways in Spark 4.3: 0.6 microseconds a row and 3 to 9 nanoseconds a byte, where half of the stages was 25 to 90 % of
--   what the broadcast saved), and no less than the operators measured in shuffles and sorts. Where another join, or a window, in the same stages needs the large side by key too, only what the operators measured counts, but
--   nothing where broadcasts are switched off and it is the many partitions of the shuffle that took the time of the stages. Where Spark knew from the files of the small side that it is
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
-- parameter: default_bytes double = 10485760 [bytes] Spark's default of the threshold
-- parameter: read_part double = 0.5 [ratio] task time of the stages that read the shuffles that a broadcast spares, at most
-- parameter: row_ms double = 0.0006 [ms] what a row that is shuffled, sorted and merged costs
-- parameter: byte_ms double = 0.000004 [ms] what a byte of it costs
-- parameter: min_query_ms bigint = 10000 [ms] duration of the query, at least
-- evidence: {node_name} {node_id:int} of query {sql_id:int} ({query_description:query}, {query_duration_ms:s}) joins {small:bytes} with
--   {large:bytes} by shuffling both[; its shuffles and sorts took {timers_ms:s} of task time][; the stages that read these shuffles ({read_rows:row|rows}) took {read_ms:s} of {app_ms:s} of task time, of which a broadcast spares {spared_ms:s} or more][; the stages that it works in took {stage_ms:s} of {app_ms:s} of task time].
-- advice: is_full | - | - | A full outer join can broadcast neither side: write it as a left outer join of the large side with the small one
--   (broadcast) and add, with a union, the rows of the small side that the large one lacks; or update only the partitions
--   that change (MERGE of a table format, a filter on the partition column).
-- advice: is_hinted | - | - | Spark knew that this side is small (its files hold {file_bytes:bytes}) and broadcasts such sides by itself: a hint for another
--   join (MERGE, SHUFFLE_HASH) stops it. Take the hint out.
-- advice: is_own_setting AND is_off | spark.sql.autoBroadcastJoinThreshold | '10MB' | Spark broadcasts no table by itself because spark.sql.autoBroadcastJoinThreshold is {threshold_text}. Remove this setting: the small side[, whose files hold {known_bytes:bytes},] is
--   below the default of 10 MB, and neither side is shuffled then where Spark knows its size beforehand. Else give the small side a broadcast hint.
-- advice: is_own_setting | spark.sql.autoBroadcastJoinThreshold | '10MB' | Spark does not broadcast this side by itself because spark.sql.autoBroadcastJoinThreshold is {threshold_text}. Remove this setting: the small side[, whose files hold {known_bytes:bytes},] is
--   below the default of 10 MB, and neither side is shuffled then where Spark knows its size beforehand. Else give the small side a broadcast hint.
-- advice: is_off AND is_measured AND is_raisable | spark.sql.adaptive.autoBroadcastJoinThreshold | threshold_needed | Broadcasts are switched off. Give the small side a broadcast hint:
--   neither side is shuffled then. Or set this threshold, which adaptive execution compares with measured sizes (where it is not set, spark.sql.autoBroadcastJoinThreshold counts, here {threshold_text}): the large side is still written to its shuffle, but not sorted, and its tasks read it
--   where it lies.
-- advice: is_off AND NOT is_measured AND is_raisable | spark.sql.autoBroadcastJoinThreshold | threshold_needed | Broadcasts are switched off: allow them up to the
--   size of tables like this one, or give the small side a broadcast hint.
-- advice: small <= threshold_bytes AND NOT adaptive AND spark_minor >= 300 | spark.sql.adaptive.enabled | 'true' | Spark did not
--   know beforehand how small this side is: adaptive execution sees it while the query runs; statistics (ANALYZE TABLE) or a
--   broadcast hint do as well.
-- advice: small > measured_threshold AND is_measured AND is_raisable | spark.sql.adaptive.autoBroadcastJoinThreshold | threshold_needed | Give the small side a broadcast hint: neither side is
--   shuffled then. Or set this threshold, which adaptive execution compares with measured sizes (where it is not set, spark.sql.autoBroadcastJoinThreshold counts, here {threshold_text}): the large side is still written to its shuffle, but not sorted, and its tasks read it
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
known AS (
  SELECT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, s.file_bytes, s.file_bytes <= $max_known_share * j.threshold_bytes AS is_hinted
  FROM joins AS j
  INNER JOIN join_sides AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id AND s.sql_id = j.sql_id AND s.node_id = j.node_id
    AND s.side_id = j.small_id
  WHERE s.num_leaves = 1 AND s.num_growers = 0 AND s.table_name IS NULL AND s.format IN ('parquet', 'orc', 'avro', 'csv', 'json', 'text')
    AND s.partition_filters NOT LIKE '%dynamicpruning%' AND s.file_bytes > 0e0
),
-- What else in the stages of a join needs rows by key.
keyed AS (
  SELECT DISTINCT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.stage_id, o.node_id
  FROM operator_stages AS o
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  WHERE n.node_name LIKE 'Window%' OR n.node_name LIKE '%SortMergeJoin%' OR n.node_name LIKE '%ShuffledHashJoin%' OR n.node_name LIKE '%Groups%'
),
spills AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(compute_ms + disk_ms) AS spill_ms
  FROM spill_costs
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
reads AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(shuffle_read_records AS DOUBLE)) AS read_rows
  FROM stage_facts
  WHERE shuffle_read_records > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
work AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, SUM(CAST(o.run_ms AS DOUBLE)) AS stage_ms,
    SUM(GREATEST(CAST(o.run_ms AS DOUBLE) - COALESCE(l.spill_ms, 0e0), 0e0)) AS free_ms,
    -- NULL where nobody counted the rows.
    CASE WHEN COUNT(r.read_rows) = COUNT(*) THEN SUM(r.read_rows) END AS read_rows, MAX(CASE WHEN k.stage_id IS NOT NULL THEN 1 ELSE 0 END) = 1 AS is_shared
  FROM operator_stages AS o
  INNER JOIN joins AS j
    ON j.platform = o.platform AND j.cluster_id = o.cluster_id
    AND j.application_id = o.application_id AND j.attempt_id = o.attempt_id AND j.sql_id = o.sql_id AND j.node_id = o.node_id
  LEFT JOIN spills AS l
    ON l.platform = o.platform AND l.cluster_id = o.cluster_id
    AND l.application_id = o.application_id AND l.attempt_id = o.attempt_id AND l.stage_id = o.stage_id
  LEFT JOIN reads AS r
    ON r.platform = o.platform AND r.cluster_id = o.cluster_id
    AND r.application_id = o.application_id AND r.attempt_id = o.attempt_id AND r.stage_id = o.stage_id
  LEFT JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, stage_id
    FROM keyed
    GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id
    HAVING COUNT(*) > 1
  ) AS k
    ON k.platform = o.platform AND k.cluster_id = o.cluster_id
    AND k.application_id = o.application_id AND k.attempt_id = o.attempt_id AND k.sql_id = o.sql_id AND k.stage_id = o.stage_id
  WHERE j.many_bytes >= $min_other_bytes AND j.many_bytes >= $min_ratio * j.few_bytes
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
),
weighed AS (
  SELECT
    j.*, h.file_bytes, COALESCE(h.is_hinted, FALSE) AS is_hinted, w.stage_ms, w.read_rows, r.executor_run_time AS app_ms,
    -- The timers of shuffles and sorts are next to nothing, the stages are not.
    COALESCE((j.threshold_bytes <= 0e0 OR h.is_hinted) AND w.stage_ms >= $min_off_share * r.executor_run_time AND j.shuffle_ms < 0.05e0 * w.stage_ms, FALSE) AS is_slow,
    CASE WHEN NOT w.is_shared AND w.read_rows > 0e0
      THEN LEAST($read_part * w.free_ms, w.read_rows * $row_ms + (j.few_bytes + j.many_bytes) * $byte_ms) END AS read_lost_ms
  FROM joins AS j
  LEFT JOIN work AS w
    ON w.platform = j.platform AND w.cluster_id = j.cluster_id
    AND w.application_id = j.application_id AND w.attempt_id = j.attempt_id AND w.sql_id = j.sql_id AND w.node_id = j.node_id
  LEFT JOIN known AS h
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
  TRY_CAST(f.lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(f.lost_ms * a.wall_ratio AS BIGINT) AS recoverable_ms,
  CASE WHEN f.lost_ms > 0e0 THEN CAST(NULL AS STRING) ELSE 'low' END AS severity,
  CASE WHEN f.lost_ms IS NULL AND f.is_slow THEN f.stage_ms END AS stage_ms, CASE WHEN f.is_read OR (f.lost_ms IS NULL AND f.is_slow) THEN f.app_ms END AS app_ms,
  CASE WHEN NOT f.is_read THEN f.lost_ms END AS timers_ms,
  CASE WHEN f.is_read THEN f.stage_ms END AS read_ms, CASE WHEN f.is_read THEN f.read_rows END AS read_rows, CASE WHEN f.is_read THEN f.lost_ms END AS spared_ms,
  f.node_name, f.node_id, f.sql_id, f.query_description, f.query_duration_ms,
  f.few_bytes AS small, f.many_bytes AS large, f.threshold_bytes, f.is_hinted, f.file_bytes, f.is_own_setting, CASE WHEN f.file_bytes <= $default_bytes THEN f.file_bytes END AS known_bytes,
  CASE WHEN f.threshold_bytes < 0e0 THEN '-1' ELSE CONCAT(CAST(TRY_CAST(f.threshold_bytes AS BIGINT) AS STRING), ' bytes') END AS threshold_text,
  CASE WHEN f.adaptive AND a.spark_minor >= 302 THEN COALESCE(f.adaptive_threshold_bytes, f.threshold_bytes) ELSE f.threshold_bytes END <= 0e0 AS is_off, COALESCE(f.is_full, FALSE) AS is_full, f.adaptive, a.spark_minor,
  -- Twice the size that was measured, in whole MiB, and no less than Spark's own default.
  CONCAT(CAST(TRY_CAST(GREATEST(CEIL(2 * f.few_bytes / 1048576e0), 10e0) AS BIGINT) AS STRING), 'MB') AS threshold_needed,
  2 * f.few_bytes <= $max_threshold_bytes AS is_raisable,
  -- Databricks has a setting of its own.
  COALESCE(f.adaptive AND a.spark_minor >= 302 AND NOT COALESCE(a.is_databricks, FALSE), FALSE) AS is_measured,
  CASE WHEN f.adaptive AND a.spark_minor >= 302 THEN COALESCE(f.adaptive_threshold_bytes, f.threshold_bytes) ELSE f.threshold_bytes END AS measured_threshold
FROM (
  SELECT
    w.*,
    CASE WHEN read_lost_ms > COALESCE(shuffle_ms, 0) THEN read_lost_ms WHEN NOT is_slow THEN NULLIF(CAST(shuffle_ms AS DOUBLE), 0e0) END AS lost_ms,
    COALESCE(read_lost_ms > COALESCE(shuffle_ms, 0), FALSE) AS is_read,
    -- Files that are known to be small, or a size that adaptive execution measures.
    COALESCE(NOT COALESCE(is_full, FALSE) AND threshold_bytes < few_bytes AND few_bytes <= $default_bytes AND threshold_bytes < $default_bytes AND adaptive_threshold_bytes IS NULL
      AND (file_bytes <= $default_bytes OR adaptive), FALSE) AS is_own_setting
  FROM weighed AS w
) AS f
INNER JOIN application_facts AS a
  ON a.platform = f.platform AND a.cluster_id = f.cluster_id
  AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
WHERE f.query_duration_ms >= $min_query_ms
  AND f.many_bytes >= $min_other_bytes AND f.many_bytes >= $min_ratio * f.few_bytes
  AND (f.few_bytes <= $small_bytes
    OR (f.few_bytes <= $medium_bytes AND f.many_bytes >= $large_bytes)
    OR (f.few_bytes <= $big_bytes AND f.many_bytes >= $huge_bytes))
