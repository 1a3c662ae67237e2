-- id: rdd_joins
-- title: RDDs are shuffled whole to be compared or joined
-- category: plans
-- severity: low
-- version: 2
-- description: Fires for subtract and subtractByKey on RDDs (of the JVM) that shuffled both of their sides, and for joins of RDDs (join, cogroup,
--   intersection and the like) that shuffled both although one of them is small, where the stages that write and read these shuffles take a large
--   part of all task time. An RDD that has the same partitioner already is not shuffled, and not told. What another way would
--   cost is not known, so no loss is counted. It is medium where these stages took half of the wall time, a minute or more, or a quarter of the task time, an hour or more.
--   Joins within libraries of Spark (ALS, GraphX) are not judged.
-- subject: stage
-- group_by: call_site
-- parameter: min_bytes double = 268435456 [bytes] shuffle data of both sides, at least
-- parameter: min_share double = 0.2 [ratio] task time of the stages that write and read them over that of the application, at least
-- parameter: min_run_ms double = 60000 [ms] and this task time, at least
-- parameter: max_small_bytes double = 134217728 [bytes] shuffle data of the small side of a join, at most
-- parameter: min_size_ratio double = 10 [ratio] shuffle data of its other side over this, at least
-- parameter: medium_ms double = 3.6e6 [ms] task time from which it is medium, where its share is large
-- parameter: medium_share double = 0.25 [ratio] that share
-- parameter: medium_wall_ms double = 60000 [ms] wall time from which it is medium, where it is half of all
-- evidence: {call_site} shuffled both of its sides, {large_bytes:bytes} and {small_bytes:bytes}; the stages that wrote and read them took {run_ms:s} of task time,
--   {share:pct} of all[, and {wall_ms:s} of {app_duration_ms:s}].
-- advice: is_sample | - | - | One side is a sample of the other: randomSplit makes both parts of it (for training and for testing) without any shuffle. Give it a seed, or cache what it
--   splits, so that the parts fit together.
-- advice: is_subtract | - | - | Every record of both sides travels. Where the subtracted side is small, collect its keys, send them as a broadcast variable, and filter; else give
--   both sides the same partitioner (partitionBy and persist) where they are used again, or use DataFrames (a left anti join), whose rows are compact and whose small sides are broadcast.
-- recommendation: Every record of both sides travels although one side is small: collect it (collectAsMap), send it as a broadcast variable, and look it up in a map over
--   the large one; or join DataFrames, which broadcast small sides by themselves.
WITH made AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rdd_id, call_site, parent_ids, first_stage_id,
    rdd_name = 'SubtractedRDD' AS is_subtract
  FROM rdds
  WHERE rdd_name IN ('SubtractedRDD', 'CoGroupedRDD') AND first_stage_id IS NOT NULL AND CARDINALITY(parent_ids) = 2
    AND call_site NOT LIKE '% at ALS.scala:%' AND call_site NOT LIKE '% at GraphImpl.scala:%' AND call_site NOT LIKE '% at VertexRDD%'
),
reading AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.rdd_id, m.call_site, m.is_subtract, s.stage_id, s.stage_attempt_id,
    s.parent_ids AS stage_parent_ids, CAST(s.executor_run_time AS DOUBLE) AS run_ms, UNIX_MILLIS(s.completion_time) AS end_ms,
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
    MIN(bytes) AS small_bytes, MAX(bytes) AS large_bytes, SUM(bytes) AS all_bytes, SUM(run_ms) AS run_ms, MIN(begin_ms) AS begin_ms
  FROM sides
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
judged AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, CONCAT(CAST(r.stage_id AS STRING), '.', CAST(r.stage_attempt_id AS STRING)) AS subject_id,
    r.call_site, r.is_subtract, p.rdd_id IS NOT NULL AS is_sample, b.large_bytes, b.small_bytes, b.all_bytes,
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
  WHERE r.place = 1
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  CASE
    WHEN wall_ms >= $medium_wall_ms AND wall_ms >= 0.5e0 * app_duration_ms THEN 'medium'
    WHEN run_ms >= $medium_ms AND run_ms >= $medium_share * all_run_ms THEN 'medium'
    ELSE 'low'
  END AS severity,
  'medium' AS confidence,
  call_site, is_subtract, is_sample, large_bytes, small_bytes, run_ms, run_ms / NULLIF(all_run_ms, 0e0) AS share,
  CASE WHEN app_duration_ms > 0 THEN wall_ms END AS wall_ms, app_duration_ms
FROM judged
WHERE all_bytes >= $min_bytes AND run_ms >= $min_run_ms AND run_ms >= $min_share * all_run_ms
  AND (is_subtract OR (small_bytes <= $max_small_bytes AND large_bytes >= $min_size_ratio * small_bytes))
