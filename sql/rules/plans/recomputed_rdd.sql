-- id: recomputed_rdd
-- title: An RDD is computed again for every job
-- category: plans
-- severity: low
-- version: 3
-- description: Fires for the input of RDD work (an RDD without parents) that is not cached and that many stages of several jobs
--   computed again from the start. A stage that found what is derived from it in the cache of an earlier stage did
--   not compute it. Lost is the task time of these stages but for the longest; they do more than
--   compute that RDD, so it is an upper bound. Queries make new RDDs each time; repeated_scans reports theirs.
-- parameter: min_reads bigint = 2 [count] stages that computed it again, at least
-- parameter: min_lost_ms bigint = 30000 [ms] task time of these stages but the longest, at least
-- parameter: min_small_lost_ms bigint = 10000 [ms] the same where it is a large share of all task time, at least
-- parameter: min_share double = 0.4 [ratio] that share, at least
-- evidence: {rdd_name}[ at {call_site}] was computed in {num_stages:stage|stages} of {num_jobs:job|jobs}, which took {run_ms:s} of task
--   time and read {input_bytes:bytes}.
-- recommendation: Cache what these jobs share (persist() after the filtering and parsing), or write it once.
WITH inputs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rdd_id, rdd_name, call_site, first_stage_id, last_stage_id
  FROM rdds
  WHERE NOT is_persisted AND num_reads >= $min_reads AND CARDINALITY(parent_ids) = 0
),
-- Stages that begin at something that an earlier stage had put into the cache.
from_cache AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, r.rdd_id
  FROM stages AS s
  INNER JOIN rdds AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE r.is_persisted AND r.first_stage_id < s.stage_id AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
),
computed AS (
  SELECT i.platform, i.cluster_id, i.application_id, i.attempt_id, i.rdd_id, s.stage_id, s.stage_attempt_id,
    s.job_ids, s.executor_run_time, s.input_bytes
  FROM inputs AS i
  INNER JOIN stages AS s
    ON s.platform = i.platform AND s.cluster_id = i.cluster_id
    AND s.application_id = i.application_id AND s.attempt_id = i.attempt_id
  LEFT JOIN from_cache AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.stage_id = s.stage_id
    -- What is derived from the input is newer than it.
    AND c.rdd_id > i.rdd_id
  WHERE s.status = 'COMPLETE' AND s.sql_id IS NULL AND c.stage_id IS NULL
    AND s.stage_id >= i.first_stage_id AND s.stage_id <= i.last_stage_id AND ARRAY_CONTAINS(s.rdd_ids, i.rdd_id)
),
worked AS (
  SELECT
    i.platform, i.cluster_id, i.application_id, i.attempt_id, i.rdd_id,
    COUNT(*) AS num_stages,
    COUNT(DISTINCT ARRAY_MIN(i.job_ids)) AS num_jobs,
    SUM(CAST(i.executor_run_time AS DOUBLE)) AS run_ms,
    MAX(CAST(i.executor_run_time AS DOUBLE)) AS longest_ms,
    SUM(CAST(i.input_bytes AS DOUBLE)) AS input_bytes
  FROM computed AS i
  GROUP BY i.platform, i.cluster_id, i.application_id, i.attempt_id, i.rdd_id
),
ranked AS (
  SELECT
    w.*,
    ROW_NUMBER() OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id ORDER BY w.run_ms - w.longest_ms DESC, w.rdd_id
    ) AS place
  FROM worked AS w
  INNER JOIN application_run_times AS t
    ON t.platform = w.platform AND t.cluster_id = w.cluster_id
    AND t.application_id = w.application_id AND t.attempt_id = w.attempt_id
  WHERE w.num_jobs > 1 AND (w.run_ms - w.longest_ms >= $min_lost_ms
    OR (w.run_ms - w.longest_ms >= $min_small_lost_ms AND w.run_ms - w.longest_ms >= $min_share * t.executor_run_time))
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, CONCAT('rdd ', CAST(w.rdd_id AS STRING)) AS subject_id,
  'medium' AS confidence,
  TRY_CAST(w.run_ms - w.longest_ms AS BIGINT) AS lost_core_ms,
  SUBSTR(i.rdd_name, 1, 100) AS rdd_name, NULLIF(i.call_site, '') AS call_site,
  w.num_stages, w.num_jobs, TRY_CAST(w.run_ms AS BIGINT) AS run_ms, w.input_bytes
FROM ranked AS w
INNER JOIN inputs AS i
  ON i.platform = w.platform AND i.cluster_id = w.cluster_id
  AND i.application_id = w.application_id AND i.attempt_id = w.attempt_id AND i.rdd_id = w.rdd_id
-- The inputs of one application are used side by side: the worst stands for all.
WHERE w.place = 1
