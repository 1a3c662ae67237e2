-- id: rdd_joins
-- title: RDDs are shuffled whole to be compared or joined
-- category: plans
-- severity: low
-- version: 4
-- description: Fires for subtract and subtractByKey on RDDs (of the JVM) that shuffled both of their sides, and for joins of RDDs (join, cogroup,
--   intersection and the like) that shuffled both although one of them is small, where the stages that write and read these shuffles take a large
--   part of all task time. An RDD that has the same partitioner already is not shuffled, and not told. What another way would
--   cost is not known, so no loss is counted, but where the subtracted side is a sample of the other: randomSplit shuffles nothing, so that the stage of the sample is lost, what the other side took to write its shuffle,
--   and of the stage that compares them the part of the records that it takes away (all without garbage collection and waits for shuffle data, which other rules tell). To read what is split stays, though a cache would spare that too.
--   It is medium where these stages took half of the wall time, a minute or more (of a sample high), or a quarter of the task time, an hour or more.
--   Two more ways in which joins in a loop lose: a cached RDD without a partitioner that each round shuffles anew (its stages, but the most expensive, are lost), and RDDs of Python whose
--   partitions become more with each round, for PySpark gives a join without numPartitions those of both sides together: lost is what stages of one place in the code took beyond the cheapest of them,
--   where they moved about as many bytes as the one with the fewest tasks.
--   And a cartesian product of RDDs: each row (in Python each batch of rows) of the first reads or computes its part of the second again. It is told by the records that its stages read and the time that they took.
--   Joins within libraries of Spark (ALS, GraphX) are not judged.
-- subject: stage
-- group_by: call_site
-- parameter: min_bytes double = 268435456 [bytes] shuffle data of both sides, at least
-- parameter: min_share double = 0.2 [ratio] task time of the stages that write and read them over that of the application, at least
-- parameter: min_run_ms double = 60000 [ms] and this task time, at least
-- parameter: max_small_bytes double = 134217728 [bytes] shuffle data of the small side of a join, at most
-- parameter: min_size_ratio double = 10 [ratio] shuffle data of its other side over this, at least
-- parameter: min_rounds bigint = 3 [count] rounds that shuffled the same cached RDD, or different numbers of partitions of one place, at least
-- parameter: min_lost_ms double = 5000 [ms] task time that such rounds lost, at least
-- parameter: min_lost_share double = 0.05 [ratio] the same over that of the application, at least
-- parameter: min_growth double = 2 [ratio] most partitions of such a place over its fewest, at least
-- parameter: same_bytes double = 1.3 [ratio] bytes that a stage moved over those of the stage of its place with the fewest tasks, at most, to have done the same
-- parameter: min_pair_records double = 1e6 [count] records that the stages of a cartesian product read, at least
-- parameter: min_python_pair_records double = 1e5 [count] the same in Python, whose batches of rows read them again, at least
-- parameter: min_pair_ms double = 10000 [ms] task time of these stages, at least
-- parameter: min_pair_share double = 0.3 [ratio] the same over that of the application, at least
-- parameter: medium_pair_wall_ms double = 20000 [ms] wall time of these stages from which it is medium, where it is half of all
-- parameter: medium_ms double = 3.6e6 [ms] task time from which it is medium, where its share is large
-- parameter: medium_share double = 0.25 [ratio] that share
-- parameter: medium_wall_ms double = 60000 [ms] wall time from which it is medium (of a sample high), where it is half of all
-- evidence: [{call_site} shuffled both of its sides, {large_bytes:bytes} and {small_bytes:bytes}; the stages that wrote and read them took {run_ms:s} of task time,
--   {share:pct} of all][, and {wall_ms:s} of {app_duration_ms:s}][{again_place} shuffled the same cached RDD ({cached_rdd}) in each of {rounds:round|rounds}, {again_bytes:bytes} in all, which took {again_ms:s} of
--   {all_run_ms:s} of task time to write][{grown_place} ran {grown_rounds:time|times}, and its partitions grew from {least_partitions:int} to {most_partitions:int}; {grown_stages:stage|stages} with as many tasks took {grown_ms:s}
--   of {all_run_ms:s} of task time, {more_ms:s} more than if each took what the cheapest of its place did][{pair_place} paired every row of one RDD with every row of another: {pair_stages:stage|stages} read {pair_records:row|rows} ({pair_bytes:bytes}) for
--   it and took {pair_ms:s} of {all_run_ms:s} of task time, {pair_wall_ms:s} of {pair_app_ms:s}].
-- advice: kind = 'again' | - | - | What is joined in each round has no partitioner, so each join shuffles it anew: partitionBy(new HashPartitioner(n)) before persist(), and give reduceByKey and the other joins of the loop
--   the same partitioner. Then only what changes is shuffled. Where it is built by groupByKey or reduceByKey, mapValues keeps their partitioner, map loses it.
-- advice: kind = 'grown' | spark.default.parallelism | partitions_wanted | PySpark gives a join without numPartitions as many partitions as both sides have together, so that they grow with each round: pass the same numPartitions to join,
--   reduceByKey and groupByKey, or set it for all of them. An RDD that was partitioned so before the loop and persisted is then not shuffled again.
-- advice: kind = 'paired' | - | - | cartesian reads or computes its part of the second RDD again for each row of the first (in Python for each batch): where one side is small, collect it, send it as a broadcast variable, and loop
--   over it in a flatMap of the other, which emits only what matches; else persist the second. Better still, give both sides a key that rows which can match share (a cell of a grid and its neighbors, a range, first letters) and join on it, so that only
--   those are compared.
-- advice: is_sample | - | - | One side is a sample of the other: randomSplit makes both parts of it (for training and for testing) without any shuffle. Give it a seed, or, better, cache what it
--   splits, so that the parts fit together and it is read once.
-- advice: is_subtract | - | - | Every record of both sides travels. Where the subtracted side is small, collect its keys, send them as a broadcast variable, and filter; else give
--   both sides the same partitioner (partitionBy and persist) where they are used again, or use DataFrames (a left anti join), whose rows are compact and whose small sides are broadcast.
-- recommendation: Every record of both sides travels although one side is small: collect it (collectAsMap), send it as a broadcast variable, and look it up in a map over
--   the large one; or join DataFrames, which broadcast small sides by themselves.
WITH made AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rdd_id, call_site, parent_ids, first_stage_id, rdd_name = 'SubtractedRDD' AS is_subtract
  FROM rdds
  WHERE rdd_name IN ('SubtractedRDD', 'CoGroupedRDD') AND first_stage_id IS NOT NULL AND CARDINALITY(parent_ids) = 2
    AND call_site NOT LIKE '% at ALS.scala:%' AND call_site NOT LIKE '% at GraphImpl.scala:%' AND call_site NOT LIKE '% at VertexRDD%'
),
reading AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.rdd_id, m.call_site, m.is_subtract, s.stage_id, s.stage_attempt_id,
    s.parent_ids AS stage_parent_ids, CAST(s.executor_run_time AS DOUBLE) AS run_ms, UNIX_MILLIS(s.completion_time) AS end_ms,
    GREATEST(CAST(s.executor_run_time AS DOUBLE) - COALESCE(s.jvm_gc_time, 0) - COALESCE(s.shuffle_fetch_wait_time, 0), 0e0) AS work_ms,
    ROW_NUMBER() OVER (
      PARTITION BY m.platform, m.cluster_id, m.application_id, m.attempt_id, s.stage_id ORDER BY m.rdd_id, s.stage_attempt_id DESC
    ) AS place
  FROM made AS m
  INNER JOIN timed_stages AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id AND s.stage_id = m.first_stage_id
  WHERE s.status = 'COMPLETE'
),
sides AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, w.stage_id AS side_id,
    SUM(CAST(w.shuffle_write_bytes AS DOUBLE)) AS bytes, SUM(CAST(w.executor_run_time AS DOUBLE)) AS run_ms,
    SUM(GREATEST(CAST(w.executor_run_time AS DOUBLE) - COALESCE(w.jvm_gc_time, 0) - COALESCE(w.shuffle_fetch_wait_time, 0), 0e0)) AS work_ms,
    SUM(CAST(w.shuffle_write_time AS DOUBLE)) / 1e6 AS write_ms, SUM(CAST(w.shuffle_write_records AS DOUBLE)) AS records,
    MIN(UNIX_MILLIS(w.submission_time)) AS begin_ms
  FROM reading AS r
  INNER JOIN timed_stages AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id
  WHERE r.place = 1 AND w.status = 'COMPLETE' AND w.shuffle_write_bytes > 0 AND ARRAY_CONTAINS(r.stage_parent_ids, w.stage_id)
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.stage_id, w.stage_id
),
pairs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id,
    MIN(bytes) AS small_bytes, MAX(bytes) AS large_bytes, SUM(bytes) AS all_bytes, SUM(run_ms) AS run_ms, MIN(begin_ms) AS begin_ms,
    MIN(records) AS few_records, SUM(records) AS all_records,
    MAX(CASE WHEN place = 1 THEN work_ms END) AS few_ms, MAX(CASE WHEN place = 2 THEN LEAST(write_ms, work_ms) END) AS many_write_ms
  FROM (
    SELECT
      s.*, ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_id ORDER BY records, bytes, side_id) AS place
    FROM sides AS s
  ) AS p
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
  HAVING COUNT(*) = 2
),
-- subtract makes pairs of each side first; what it takes away is then a sample, and the other side that from which it was drawn.
samples AS (
  SELECT DISTINCT m.platform, m.cluster_id, m.application_id, m.attempt_id, m.rdd_id
  FROM made AS m
  INNER JOIN rdds AS a
    ON a.platform = m.platform AND a.cluster_id = m.cluster_id
    AND a.application_id = m.application_id AND a.attempt_id = m.attempt_id AND a.rdd_id = ARRAY_MIN(m.parent_ids)
  INNER JOIN rdds AS b
    ON b.platform = m.platform AND b.cluster_id = m.cluster_id
    AND b.application_id = m.application_id AND b.attempt_id = m.attempt_id AND b.rdd_id = ARRAY_MAX(m.parent_ids)
  INNER JOIN rdds AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id AND s.rdd_id = ARRAY_MIN(b.parent_ids)
  WHERE m.is_subtract AND (s.scope = 'sample' OR s.rdd_name LIKE '%SampledRDD')
    AND ARRAY_CONTAINS(a.parent_ids, ARRAY_MIN(s.parent_ids))
),
-- Shuffles of a cached RDD for one join after another. A join whose stage reads it without a shuffle has its partitioner.
again AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.call_site, x.rdd_id, MAX(x.call_site) AS cached_rdd, MAX(c.stage_id) AS last_id,
    COUNT(DISTINCT w.stage_id) AS rounds, SUM(CAST(w.executor_run_time AS DOUBLE)) AS again_ms,
    SUM(CAST(w.executor_run_time AS DOUBLE)) - MAX(CAST(w.executor_run_time AS DOUBLE)) AS lost_ms,
    SUM(CAST(w.shuffle_write_bytes AS DOUBLE)) AS bytes, SUM(CAST(w.duration_ms AS DOUBLE)) - MAX(CAST(w.duration_ms AS DOUBLE)) AS duration_ms,
    ROW_NUMBER() OVER (
      PARTITION BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.call_site
      ORDER BY SUM(CAST(w.executor_run_time AS DOUBLE)) - MAX(CAST(w.executor_run_time AS DOUBLE)) DESC, x.rdd_id
    ) AS place
  FROM made AS m
  INNER JOIN rdds AS x
    ON x.platform = m.platform AND x.cluster_id = m.cluster_id
    AND x.application_id = m.application_id AND x.attempt_id = m.attempt_id
  INNER JOIN timed_stages AS c
    ON c.platform = m.platform AND c.cluster_id = m.cluster_id
    AND c.application_id = m.application_id AND c.attempt_id = m.attempt_id AND c.stage_id = m.first_stage_id
  INNER JOIN timed_stages AS w
    ON w.platform = x.platform AND w.cluster_id = x.cluster_id
    AND w.application_id = x.application_id AND w.attempt_id = x.attempt_id AND ARRAY_MAX(w.rdd_ids) = x.rdd_id
  WHERE NOT m.is_subtract AND x.is_persisted AND x.num_reads >= $min_rounds - 1 AND ARRAY_CONTAINS(m.parent_ids, x.rdd_id)
    AND c.status = 'COMPLETE' AND c.stage_attempt_id = 0 AND NOT ARRAY_CONTAINS(c.rdd_ids, x.rdd_id)
    AND w.status = 'COMPLETE' AND w.stage_attempt_id = 0 AND w.shuffle_write_bytes > 0 AND ARRAY_CONTAINS(c.parent_ids, w.stage_id)
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.call_site, x.rdd_id
  HAVING COUNT(DISTINCT w.stage_id) >= $min_rounds
),
-- Joins of RDDs of Python, which are unions of both sides: each with its own number of partitions.
unions AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.call_site, u.num_partitions, MIN(p.first_stage_id) AS first_id, MAX(p.first_stage_id) AS last_id
  FROM rdds AS u
  INNER JOIN rdds AS p
    ON p.platform = u.platform AND p.cluster_id = u.cluster_id
    AND p.application_id = u.application_id AND p.attempt_id = u.attempt_id AND ARRAY_MAX(p.parent_ids) = u.rdd_id
  WHERE u.rdd_name = 'UnionRDD' AND CARDINALITY(u.parent_ids) = 2 AND p.rdd_name = 'PythonRDD' AND p.first_stage_id IS NOT NULL AND p.call_site <> u.call_site
    AND (p.call_site LIKE 'join at %' OR p.call_site LIKE '%OuterJoin at %' OR p.call_site LIKE 'cogroup at %' OR p.call_site LIKE 'groupWith at %'
      OR p.call_site LIKE 'intersection at %' OR p.call_site LIKE 'subtract% at %')
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.call_site, u.num_partitions
),
growing AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, call_site, COUNT(*) AS rounds, MIN(num_partitions) AS least_partitions, MAX(num_partitions) AS most_partitions,
    MIN(first_id) AS first_id, MAX(last_id) AS last_id
  FROM unions
  GROUP BY platform, cluster_id, application_id, attempt_id, call_site
  HAVING COUNT(*) >= $min_rounds AND MAX(num_partitions) >= $min_growth * MIN(num_partitions)
    -- Later rounds have more.
    AND MAX(CASE WHEN first_id < last_id THEN 1 ELSE 0 END) = 0
),
-- Of several places in one loop the one with the most rounds stands for all.
grown_places AS (
  SELECT
    g.*,
    ROW_NUMBER() OVER (PARTITION BY g.platform, g.cluster_id, g.application_id, g.attempt_id ORDER BY g.rounds DESC, g.most_partitions DESC, g.call_site) AS place
  FROM growing AS g
),
grown_stages AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, s.stage_name, CAST(s.executor_run_time AS DOUBLE) AS run_ms, CAST(s.duration_ms AS DOUBLE) AS duration_ms,
    CAST(s.shuffle_read_bytes + s.input_bytes AS DOUBLE) AS bytes,
    FIRST_VALUE(CAST(s.shuffle_read_bytes + s.input_bytes AS DOUBLE)) OVER (
      PARTITION BY g.platform, g.cluster_id, g.application_id, g.attempt_id, s.stage_name ORDER BY s.num_tasks, s.stage_id
    ) AS first_bytes,
    MIN(CAST(s.executor_run_time AS DOUBLE)) OVER (
      PARTITION BY g.platform, g.cluster_id, g.application_id, g.attempt_id, s.stage_name
    ) AS least_ms
  FROM grown_places AS g
  INNER JOIN unions AS u
    ON u.platform = g.platform AND u.cluster_id = g.cluster_id
    AND u.application_id = g.application_id AND u.attempt_id = g.attempt_id AND u.call_site = g.call_site
  INNER JOIN timed_stages AS s
    ON s.platform = u.platform AND s.cluster_id = u.cluster_id
    AND s.application_id = u.application_id AND s.attempt_id = u.attempt_id AND s.num_tasks = u.num_partitions
  WHERE g.place = 1 AND s.status = 'COMPLETE' AND s.stage_attempt_id = 0 AND s.sql_id IS NULL AND s.stage_id >= g.first_id
),
grown AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_stages, SUM(run_ms) AS run_ms, SUM(duration_ms) AS duration_ms,
    SUM(CASE WHEN bytes <= $same_bytes * first_bytes THEN run_ms - least_ms ELSE 0e0 END) AS lost_ms
  FROM grown_stages
  GROUP BY platform, cluster_id, application_id, attempt_id
),
paired AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.call_site, MAX(s.stage_id) AS last_id, COUNT(DISTINCT s.stage_id) AS num_stages,
    SUM(CAST(s.executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(s.duration_ms AS DOUBLE)) AS duration_ms,
    SUM(CAST(s.input_records AS DOUBLE) + s.shuffle_read_records) AS records, SUM(CAST(s.input_bytes AS DOUBLE) + s.shuffle_read_bytes) AS bytes, MAX(CASE WHEN p.rdd_name = 'PythonRDD' THEN 1 ELSE 0 END) AS has_python
  FROM rdds AS m
  INNER JOIN timed_stages AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id
  LEFT JOIN rdds AS p
    ON p.platform = m.platform AND p.cluster_id = m.cluster_id
    AND p.application_id = m.application_id AND p.attempt_id = m.attempt_id AND p.rdd_id = ARRAY_MAX(m.parent_ids)
  WHERE m.rdd_name = 'CartesianRDD' AND m.call_site NOT LIKE '%MatrixFactorizationModel.scala%' AND s.stage_id >= m.first_stage_id AND s.stage_id <= m.last_stage_id
    AND ARRAY_CONTAINS(s.rdd_ids, m.rdd_id) AND s.status = 'COMPLETE' AND s.stage_attempt_id = 0 AND s.sql_id IS NULL
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.call_site
),
judged AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, CONCAT(CAST(r.stage_id AS STRING), '.', CAST(r.stage_attempt_id AS STRING)) AS subject_id,
    r.call_site, r.is_subtract, p.rdd_id IS NOT NULL AS is_sample, b.large_bytes, b.small_bytes, b.all_bytes,
    CASE WHEN p.rdd_id IS NOT NULL AND b.few_records > 0e0
      THEN b.few_ms + b.many_write_ms + r.work_ms * 2e0 * b.few_records / NULLIF(b.all_records, 0e0) END AS lost_ms,
    b.run_ms + r.run_ms AS run_ms, CAST(t.executor_run_time AS DOUBLE) AS all_run_ms, CAST(r.end_ms - b.begin_ms AS DOUBLE) AS wall_ms, a.app_duration_ms
  FROM reading AS r
  INNER JOIN pairs AS b
    ON b.platform = r.platform AND b.cluster_id = r.cluster_id
    AND b.application_id = r.application_id AND b.attempt_id = r.attempt_id AND b.stage_id = r.stage_id
  INNER JOIN application_run_times AS t
    ON t.platform = r.platform AND t.cluster_id = r.cluster_id
    AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id
  INNER JOIN application_facts AS a
    ON a.platform = r.platform AND a.cluster_id = r.cluster_id
    AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
  LEFT JOIN samples AS p
    ON p.platform = r.platform AND p.cluster_id = r.cluster_id
    AND p.application_id = r.application_id AND p.attempt_id = r.attempt_id AND p.rdd_id = r.rdd_id
  LEFT JOIN again AS d
    ON d.platform = r.platform AND d.cluster_id = r.cluster_id
    AND d.application_id = r.application_id AND d.attempt_id = r.attempt_id AND d.call_site = r.call_site AND d.place = 1
  WHERE r.place = 1 AND NOT COALESCE(d.lost_ms >= $min_lost_ms AND d.lost_ms >= $min_lost_share * t.executor_run_time, FALSE)
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  CASE
    WHEN wall_ms >= $medium_wall_ms AND wall_ms >= 0.5e0 * app_duration_ms THEN CASE WHEN lost_ms IS NOT NULL THEN 'high' ELSE 'medium' END
    WHEN run_ms >= $medium_ms AND run_ms >= $medium_share * all_run_ms THEN 'medium'
    WHEN lost_ms IS NULL THEN 'low'
  END AS severity,
  'medium' AS confidence, TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(lost_ms * LEAST(wall_ms / NULLIF(run_ms, 0e0), 1e0) AS BIGINT) AS recoverable_ms, 'both' AS kind, CAST(NULL AS STRING) AS title,
  call_site, is_subtract, is_sample, large_bytes, small_bytes, run_ms, run_ms / NULLIF(all_run_ms, 0e0) AS share,
  CASE WHEN app_duration_ms > 0 THEN wall_ms END AS wall_ms, app_duration_ms,
  CAST(NULL AS STRING) AS again_place, CAST(NULL AS STRING) AS cached_rdd, CAST(NULL AS BIGINT) AS rounds, CAST(NULL AS DOUBLE) AS again_bytes, CAST(NULL AS DOUBLE) AS again_ms, all_run_ms,
  CAST(NULL AS STRING) AS grown_place, CAST(NULL AS BIGINT) AS grown_rounds, CAST(NULL AS BIGINT) AS grown_stages, CAST(NULL AS BIGINT) AS least_partitions, CAST(NULL AS BIGINT) AS most_partitions,
  CAST(NULL AS DOUBLE) AS grown_ms, CAST(NULL AS DOUBLE) AS more_ms, CAST(NULL AS BIGINT) AS partitions_wanted,
  CAST(NULL AS STRING) AS pair_place, CAST(NULL AS BIGINT) AS pair_stages, CAST(NULL AS DOUBLE) AS pair_records, CAST(NULL AS DOUBLE) AS pair_bytes, CAST(NULL AS DOUBLE) AS pair_ms, CAST(NULL AS DOUBLE) AS pair_wall_ms, CAST(NULL AS BIGINT) AS pair_app_ms
FROM judged
WHERE all_bytes >= $min_bytes AND run_ms >= $min_run_ms AND run_ms >= $min_share * all_run_ms
  AND (is_subtract OR (small_bytes <= $max_small_bytes AND large_bytes >= $min_size_ratio * small_bytes))
UNION ALL
SELECT
  d.platform, d.cluster_id, d.application_id, d.attempt_id, CONCAT(CAST(d.last_id AS STRING), '.0') AS subject_id,
  CAST(NULL AS STRING) AS severity, 'medium' AS confidence, TRY_CAST(d.lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(LEAST(d.duration_ms, d.lost_ms) AS BIGINT) AS recoverable_ms, 'again' AS kind, 'A cached RDD is shuffled again in each round' AS title,
  d.call_site, FALSE AS is_subtract, FALSE AS is_sample, CAST(NULL AS DOUBLE) AS large_bytes, CAST(NULL AS DOUBLE) AS small_bytes, CAST(NULL AS DOUBLE) AS run_ms, CAST(NULL AS DOUBLE) AS share,
  CAST(NULL AS DOUBLE) AS wall_ms, CAST(NULL AS BIGINT) AS app_duration_ms,
  SUBSTR(d.call_site, 1, 100) AS again_place, SUBSTR(d.cached_rdd, 1, 100) AS cached_rdd, d.rounds, d.bytes AS again_bytes, d.again_ms, CAST(t.executor_run_time AS DOUBLE) AS all_run_ms,
  CAST(NULL AS STRING) AS grown_place, CAST(NULL AS BIGINT) AS grown_rounds, CAST(NULL AS BIGINT) AS grown_stages, CAST(NULL AS BIGINT) AS least_partitions, CAST(NULL AS BIGINT) AS most_partitions,
  CAST(NULL AS DOUBLE) AS grown_ms, CAST(NULL AS DOUBLE) AS more_ms, CAST(NULL AS BIGINT) AS partitions_wanted,
  CAST(NULL AS STRING) AS pair_place, CAST(NULL AS BIGINT) AS pair_stages, CAST(NULL AS DOUBLE) AS pair_records, CAST(NULL AS DOUBLE) AS pair_bytes, CAST(NULL AS DOUBLE) AS pair_ms, CAST(NULL AS DOUBLE) AS pair_wall_ms, CAST(NULL AS BIGINT) AS pair_app_ms
FROM again AS d
INNER JOIN application_run_times AS t
  ON t.platform = d.platform AND t.cluster_id = d.cluster_id
  AND t.application_id = d.application_id AND t.attempt_id = d.attempt_id
WHERE d.place = 1 AND d.lost_ms >= $min_lost_ms AND d.lost_ms >= $min_lost_share * t.executor_run_time
UNION ALL
SELECT
  g.platform, g.cluster_id, g.application_id, g.attempt_id, CONCAT(CAST(g.last_id AS STRING), '.0') AS subject_id,
  CAST(NULL AS STRING) AS severity, 'medium' AS confidence, TRY_CAST(w.lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(w.lost_ms * LEAST(w.duration_ms / NULLIF(w.run_ms, 0e0), 1e0) AS BIGINT) AS recoverable_ms, 'grown' AS kind, 'Joins of RDDs in Python get more partitions in each round' AS title,
  g.call_site, FALSE AS is_subtract, FALSE AS is_sample, CAST(NULL AS DOUBLE) AS large_bytes, CAST(NULL AS DOUBLE) AS small_bytes, CAST(NULL AS DOUBLE) AS run_ms, CAST(NULL AS DOUBLE) AS share,
  CAST(NULL AS DOUBLE) AS wall_ms, CAST(NULL AS BIGINT) AS app_duration_ms,
  CAST(NULL AS STRING) AS again_place, CAST(NULL AS STRING) AS cached_rdd, CAST(NULL AS BIGINT) AS rounds, CAST(NULL AS DOUBLE) AS again_bytes, CAST(NULL AS DOUBLE) AS again_ms, CAST(t.executor_run_time AS DOUBLE) AS all_run_ms,
  SUBSTR(g.call_site, 1, 100) AS grown_place, g.rounds AS grown_rounds, w.num_stages AS grown_stages, CAST(g.least_partitions AS BIGINT) AS least_partitions, CAST(g.most_partitions AS BIGINT) AS most_partitions,
  w.run_ms AS grown_ms, w.lost_ms AS more_ms, GREATEST(TRY_CAST(FLOOR(g.least_partitions / 2e0) AS BIGINT), COALESCE(p.cores_max, 2)) AS partitions_wanted,
  CAST(NULL AS STRING) AS pair_place, CAST(NULL AS BIGINT) AS pair_stages, CAST(NULL AS DOUBLE) AS pair_records, CAST(NULL AS DOUBLE) AS pair_bytes, CAST(NULL AS DOUBLE) AS pair_ms, CAST(NULL AS DOUBLE) AS pair_wall_ms, CAST(NULL AS BIGINT) AS pair_app_ms
FROM grown_places AS g
INNER JOIN applications AS p
  ON p.platform = g.platform AND p.cluster_id = g.cluster_id
  AND p.application_id = g.application_id AND p.attempt_id = g.attempt_id
INNER JOIN grown AS w
  ON w.platform = g.platform AND w.cluster_id = g.cluster_id
  AND w.application_id = g.application_id AND w.attempt_id = g.attempt_id
INNER JOIN application_run_times AS t
  ON t.platform = g.platform AND t.cluster_id = g.cluster_id
  AND t.application_id = g.application_id AND t.attempt_id = g.attempt_id
WHERE g.place = 1 AND w.lost_ms >= $min_lost_ms AND w.lost_ms >= $min_lost_share * t.executor_run_time
UNION ALL
SELECT
  d.platform, d.cluster_id, d.application_id, d.attempt_id, CONCAT(CAST(d.last_id AS STRING), '.0') AS subject_id,
  CASE WHEN d.duration_ms >= $medium_pair_wall_ms AND d.duration_ms >= 0.5e0 * a.app_duration_ms THEN 'medium' ELSE 'low' END AS severity, 'medium' AS confidence,
  CAST(NULL AS BIGINT) AS lost_core_ms, CAST(NULL AS BIGINT) AS recoverable_ms, 'paired' AS kind, 'Every row of an RDD is paired with every row of another' AS title,
  d.call_site, FALSE AS is_subtract, FALSE AS is_sample, CAST(NULL AS DOUBLE) AS large_bytes, CAST(NULL AS DOUBLE) AS small_bytes, CAST(NULL AS DOUBLE) AS run_ms, CAST(NULL AS DOUBLE) AS share,
  CAST(NULL AS DOUBLE) AS wall_ms, CAST(NULL AS BIGINT) AS app_duration_ms,
  CAST(NULL AS STRING) AS again_place, CAST(NULL AS STRING) AS cached_rdd, CAST(NULL AS BIGINT) AS rounds, CAST(NULL AS DOUBLE) AS again_bytes, CAST(NULL AS DOUBLE) AS again_ms, CAST(t.executor_run_time AS DOUBLE) AS all_run_ms,
  CAST(NULL AS STRING) AS grown_place, CAST(NULL AS BIGINT) AS grown_rounds, CAST(NULL AS BIGINT) AS grown_stages, CAST(NULL AS BIGINT) AS least_partitions, CAST(NULL AS BIGINT) AS most_partitions,
  CAST(NULL AS DOUBLE) AS grown_ms, CAST(NULL AS DOUBLE) AS more_ms, CAST(NULL AS BIGINT) AS partitions_wanted,
  -- What Python calls has no place in the code.
  CASE WHEN d.call_site LIKE '% at NativeMethodAccessorImpl.java:0' THEN 'cartesian' ELSE SUBSTR(d.call_site, 1, 100) END AS pair_place, d.num_stages AS pair_stages, d.records AS pair_records, d.bytes AS pair_bytes,
  d.run_ms AS pair_ms, d.duration_ms AS pair_wall_ms, a.app_duration_ms AS pair_app_ms
FROM paired AS d
INNER JOIN application_run_times AS t
  ON t.platform = d.platform AND t.cluster_id = d.cluster_id
  AND t.application_id = d.application_id AND t.attempt_id = d.attempt_id
INNER JOIN application_facts AS a
  ON a.platform = d.platform AND a.cluster_id = d.cluster_id
  AND a.application_id = d.application_id AND a.attempt_id = d.attempt_id
WHERE d.records >= CASE WHEN d.has_python = 1 THEN $min_python_pair_records ELSE $min_pair_records END AND d.run_ms >= $min_pair_ms AND d.run_ms >= $min_pair_share * t.executor_run_time
