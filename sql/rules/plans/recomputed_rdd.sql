-- id: recomputed_rdd
-- title: An RDD is computed again for every job
-- category: plans
-- severity: low
-- version: 10
-- description: Fires for the input of RDD work (an RDD without parents) that is not cached and that many stages of several jobs
--   computed again from the start. A stage that found what is derived from it in the cache of an earlier stage did
--   not compute it; a stage attempt after the first and one that computed less than half of the partitions (take) are no pass of their own.
--   A pass costs at most what the cheapest of them took, and reading the cache is not free: what as many tasks took in the median of another stage of
--   the application, the cheapest with (or without) Python as that pass, is left out. Lost is the rest for each pass but one, less what storing it once costs: as much as reading it, but half of a pass at most. The wall time is that of the
--   passes, in proportion. Where the passes are iterations of an estimator of machine learning, it is named, and
--   a part of each pass is taken to be its own work on the rows (0.3 was measured with Spark 4.3 for a regression with 120 features). Stages in which a sort for the first elements looked for its ranges are left to sorted_take. Queries make new RDDs each
--   time; repeated_scans reports theirs.
-- parameter: min_reads bigint = 2 [count] stages that computed it again, at least
-- parameter: min_lost_ms bigint = 30000 [ms] task time that the passes after the first took so, at least
-- parameter: min_small_lost_ms bigint = 10000 [ms] the same where it is a large share of all task time, at least
-- parameter: min_share double = 0.1 [ratio] that share, at least
-- parameter: own_share double = 0.3 [ratio] part of a pass of an estimator that is taken to be its own work, which a cache does not spare
-- parameter: max_task_ms double = 500 [ms] what reading a cache is taken to cost a task, at most
-- evidence: {rdd_name}[ at {call_site}][ was computed in {plain_stages:stage|stages}][ of {plain_jobs:job|jobs}][, all of {place}][, {some_stages:int} of them in iterations of {estimator} ({stage_name})], which took {run_ms:s} of task
--   time and read {input_bytes:bytes}; the shortest of them took {least_ms:s}[, and about {floor_ms:s} of task time would be left of it with a cache].
-- advice: estimator IS NOT NULL AND estimator_stages * 2 >= num_stages AND is_rdd_estimator | - | - | {estimator} goes through its input in each iteration, and computes it from the start each time: persist the RDD that it trains on, after the filtering and parsing, before the training
--   starts.
-- advice: estimator IS NOT NULL AND estimator_stages * 2 >= num_stages | - | - | {estimator} goes through its input in each iteration, and computes it from the start each time, with what prepares the features: fit those first, persist what
--   they make of the data (the columns of features, label and weight alone), and fit {estimator} on that.
-- advice: has_zip AND has_sort | - | - | zipWithIndex computes its input once more to count the rows of each partition, and sortBy and sortByKey do to find the bounds of their ranges: persist() what goes into {sort_place}, after the filtering and parsing, and what is sorted before it is numbered[ (all of these jobs share {shared})]. Where the numbers may have gaps, zipWithUniqueId gives them without a job of its own.
-- advice: has_zip | - | - | zipWithIndex computes its input once more to count the rows of each partition before it numbers them: persist() what goes into {zip_place}, after the filtering and parsing[ (all of these jobs share {shared})], or take
--   zipWithUniqueId, which needs no job of its own, where the numbers may have gaps.
-- advice: has_sort | - | - | sortByKey and sortBy compute their input again to find the bounds of their ranges before they sort it: persist() what goes into {sort_place}, after the filtering and
--   parsing[ (all of these jobs share {shared})], and unpersist() it after the last job.
-- advice: shared IS NOT NULL | - | - | Cache what these jobs share: persist() the RDD of {shared}, and unpersist() it after the last of them, or write it once.
-- recommendation: Cache what these jobs share (persist() after the filtering and parsing), or write it once.
WITH inputs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rdd_id, rdd_name, call_site, first_stage_id, last_stage_id, num_partitions
  FROM rdds
  WHERE NOT is_persisted AND num_reads >= $min_reads AND CARDINALITY(parent_ids) = 0
),
-- Stages with Python: each has a PythonRDD of its own.
python_stages AS (
  SELECT platform, cluster_id, application_id, attempt_id, first_stage_id AS stage_id FROM rdds WHERE rdd_name = 'PythonRDD'
  UNION
  SELECT platform, cluster_id, application_id, attempt_id, last_stage_id AS stage_id FROM rdds WHERE rdd_name = 'PythonRDD'
),
-- Stages that begin at something that an earlier stage had put into the cache.
from_cache AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, r.rdd_id
  FROM timed_stages AS s
  INNER JOIN rdds AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE r.is_persisted AND r.first_stage_id < s.stage_id AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
),
-- Stages that train a model, by the stack of their call site.
estimators AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    REPLACE(SPLIT_PART(SPLIT_PART(SPLIT_PART(frame, '(', 1), '.', 2), '$', 1), ' ', '') AS estimator, is_rdd
  FROM (
    SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id,
      -- The older library trains on RDDs; where the newer one calls it, that prepares them from a DataFrame.
      INSTR(s.details, 'org.apache.spark.ml.') = 0 AS is_rdd,
      CASE
        WHEN INSTR(s.details, 'org.apache.spark.ml.regression.') > 0 THEN CONCAT('ml.', SPLIT_PART(s.details, 'org.apache.spark.ml.regression.', 2))
        WHEN INSTR(s.details, 'org.apache.spark.ml.classification.') > 0 THEN CONCAT('ml.', SPLIT_PART(s.details, 'org.apache.spark.ml.classification.', 2))
        WHEN INSTR(s.details, 'org.apache.spark.ml.clustering.') > 0 THEN CONCAT('ml.', SPLIT_PART(s.details, 'org.apache.spark.ml.clustering.', 2))
        WHEN INSTR(s.details, 'org.apache.spark.ml.recommendation.') > 0 THEN CONCAT('ml.', SPLIT_PART(s.details, 'org.apache.spark.ml.recommendation.', 2))
        WHEN INSTR(s.details, 'org.apache.spark.mllib.regression.') > 0 THEN CONCAT('ml.', SPLIT_PART(s.details, 'org.apache.spark.mllib.regression.', 2))
        WHEN INSTR(s.details, 'org.apache.spark.mllib.classification.') > 0 THEN CONCAT('ml.', SPLIT_PART(s.details, 'org.apache.spark.mllib.classification.', 2))
        WHEN INSTR(s.details, 'org.apache.spark.mllib.clustering.') > 0 THEN CONCAT('ml.', SPLIT_PART(s.details, 'org.apache.spark.mllib.clustering.', 2))
        WHEN INSTR(s.details, 'org.apache.spark.mllib.recommendation.') > 0 THEN CONCAT('ml.', SPLIT_PART(s.details, 'org.apache.spark.mllib.recommendation.', 2))
      END AS frame
    FROM stages AS s
    INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM inputs) AS i
      ON i.platform = s.platform AND i.cluster_id = s.cluster_id
      AND i.application_id = s.application_id AND i.attempt_id = s.attempt_id
    WHERE s.sql_id IS NULL AND s.status = 'COMPLETE' AND s.details LIKE '%org.apache.spark.ml%'
  ) AS f
  WHERE frame IS NOT NULL
),
computed AS (
  SELECT i.platform, i.cluster_id, i.application_id, i.attempt_id, i.rdd_id, s.stage_id, s.stage_attempt_id,
    s.job_ids, s.rdd_ids, s.executor_run_time, s.duration_ms, s.input_bytes, s.num_tasks, s.stage_name, p.platform IS NOT NULL AS has_python, e.estimator, e.is_rdd
  FROM inputs AS i
  INNER JOIN timed_stages AS s
    ON s.platform = i.platform AND s.cluster_id = i.cluster_id
    AND s.application_id = i.application_id AND s.attempt_id = i.attempt_id
  LEFT JOIN from_cache AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.stage_id = s.stage_id
    -- What is derived from the input is newer than it.
    AND c.rdd_id > i.rdd_id
  LEFT JOIN python_stages AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.stage_id = s.stage_id
  LEFT JOIN estimators AS e
    ON e.platform = s.platform AND e.cluster_id = s.cluster_id
    AND e.application_id = s.application_id AND e.attempt_id = s.attempt_id AND e.stage_id = s.stage_id AND e.stage_attempt_id = s.stage_attempt_id
  -- What a sort for the first elements computed to look for its ranges is told by sorted_take.
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sample_stage_id FROM taken_rdd_sorts) AS k
    ON k.platform = s.platform AND k.cluster_id = s.cluster_id
    AND k.application_id = s.application_id AND k.attempt_id = s.attempt_id AND k.sample_stage_id = s.stage_id
  WHERE k.platform IS NULL AND s.status = 'COMPLETE' AND s.sql_id IS NULL AND c.stage_id IS NULL
    AND s.stage_id >= i.first_stage_id AND s.stage_id <= i.last_stage_id AND ARRAY_CONTAINS(s.rdd_ids, i.rdd_id)
    -- A retry computes what was lost.
    AND s.stage_attempt_id = 0 AND COALESCE(s.num_tasks >= 0.5e0 * i.num_partitions, TRUE)
),
-- What a task takes that does next to nothing.
light AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, q.median / COALESCE(z.run_cores, 1e0) AS median,
    -- The history does not know the RDDs of a stage that failed.
    CASE WHEN p.platform IS NOT NULL THEN TRUE WHEN s.status = 'COMPLETE' THEN FALSE END AS has_python
  FROM timed_stages AS s
  INNER JOIN task_quantiles AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id
    AND q.stage_id = s.stage_id AND q.stage_attempt_id = s.stage_attempt_id
  LEFT JOIN run_time_cores AS z
    ON z.platform = s.platform AND z.cluster_id = s.cluster_id
    AND z.application_id = s.application_id AND z.attempt_id = s.attempt_id
    AND z.stage_id = s.stage_id AND z.stage_attempt_id = s.stage_attempt_id
  LEFT JOIN python_stages AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.stage_id = s.stage_id
  WHERE q.metric = 'executor_run_time' AND q.num_tasks >= 4 AND s.sql_id IS NULL
),
kinds AS (
  SELECT platform, cluster_id, application_id, attempt_id, rdd_id, has_python
  FROM computed
  GROUP BY platform, cluster_id, application_id, attempt_id, rdd_id, has_python
  HAVING SUM(CAST(executor_run_time AS DOUBLE)) >= $min_small_lost_ms
),
floors AS (
  SELECT k.platform, k.cluster_id, k.application_id, k.attempt_id, k.rdd_id, k.has_python, LEAST(MIN(CAST(l.median AS DOUBLE)), $max_task_ms) AS task_ms
  FROM kinds AS k
  INNER JOIN light AS l
    ON l.platform = k.platform AND l.cluster_id = k.cluster_id
    AND l.application_id = k.application_id AND l.attempt_id = k.attempt_id
  LEFT JOIN computed AS c
    ON c.platform = l.platform AND c.cluster_id = l.cluster_id
    AND c.application_id = l.application_id AND c.attempt_id = l.attempt_id AND c.rdd_id = k.rdd_id AND c.stage_id = l.stage_id
  WHERE c.stage_id IS NULL AND COALESCE(l.has_python = k.has_python, TRUE)
  GROUP BY k.platform, k.cluster_id, k.application_id, k.attempt_id, k.rdd_id, k.has_python
),
worked AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.rdd_id,
    COUNT(*) AS num_stages,
    COUNT(DISTINCT ARRAY_MIN(c.job_ids)) AS num_jobs,
    SUM(CAST(c.executor_run_time AS DOUBLE)) AS run_ms,
    MIN(CAST(c.executor_run_time AS DOUBLE)) AS least_ms,
    -- What caching would leave of each pass.
    MIN(GREATEST(c.executor_run_time - COALESCE(f.task_ms * c.num_tasks, 0e0), 0e0)) AS pass_ms,
    MAX(CASE WHEN c.stage_name LIKE 'sortBy%' THEN 1 ELSE 0 END) = 1 AS has_sort,
    MAX(CASE WHEN c.stage_name LIKE 'zipWithIndex%' THEN 1 ELSE 0 END) = 1 AS has_zip, MAX(c.estimator) AS estimator, COALESCE(MIN(CASE WHEN c.is_rdd THEN 1 WHEN c.estimator IS NOT NULL THEN 0 END) = 1, FALSE) AS is_rdd_estimator, NULLIF(SUM(CASE WHEN c.estimator IS NOT NULL THEN 1 ELSE 0 END), 0) AS estimator_stages,
    MIN(CASE WHEN c.estimator IS NOT NULL THEN c.stage_name END) AS stage_name,
    COALESCE(COUNT(c.estimator) = COUNT(*) AND MIN(c.stage_name) = MAX(c.stage_name), FALSE) AS is_iterated, CASE WHEN MIN(c.input_bytes) = MAX(c.input_bytes) THEN MIN(c.input_bytes) END AS pass_bytes,
    SUM(CAST(c.input_bytes AS DOUBLE)) AS input_bytes, SUM(CAST(c.duration_ms AS DOUBLE)) AS duration_ms, MIN(c.stage_id) AS first_id, MAX(c.stage_id) AS last_id,
    CASE WHEN MIN(c.stage_name) = MAX(c.stage_name) THEN MIN(c.stage_name) END AS all_place,
    MAX(CASE WHEN c.stage_name LIKE 'sortBy%' THEN c.stage_name END) AS sort_place, MAX(CASE WHEN c.stage_name LIKE 'zipWithIndex%' THEN c.stage_name END) AS zip_place
  FROM computed AS c
  LEFT JOIN floors AS f
    ON f.platform = c.platform AND f.cluster_id = c.cluster_id
    AND f.application_id = c.application_id AND f.attempt_id = c.attempt_id AND f.rdd_id = c.rdd_id AND f.has_python = c.has_python
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.rdd_id
),
costs AS (
  SELECT
    w.*, GREATEST((w.num_stages - 1) * w.pass_ms - LEAST(w.least_ms - w.pass_ms, 0.5e0 * w.pass_ms), 0e0) AS lost_ms
  FROM worked AS w
),
ranked AS (
  SELECT
    w.*,
    ROW_NUMBER() OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id ORDER BY w.lost_ms DESC, w.rdd_id
    ) AS place
  FROM costs AS w
  INNER JOIN application_run_times AS t
    ON t.platform = w.platform AND t.cluster_id = w.cluster_id
    AND t.application_id = w.application_id AND t.attempt_id = w.attempt_id
  WHERE w.num_jobs > 1 AND (w.lost_ms >= $min_lost_ms
    OR (w.lost_ms >= $min_small_lost_ms AND w.lost_ms >= $min_share * t.executor_run_time))
),
-- What queries read of files, by its size: an estimator reads the same files where no other ones are as large.
sources AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, MAX(s.location) AS location, MAX(s.format) AS format, MAX(s.files_read) AS files
  FROM ranked AS w
  INNER JOIN sql_scans AS s
    ON s.platform = w.platform AND s.cluster_id = w.cluster_id
    AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id AND s.bytes_read = w.pass_bytes
  WHERE w.place = 1 AND w.is_iterated AND s.operation = 'read' AND s.bytes_read > 0 AND s.location IS NOT NULL
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id
  HAVING MIN(s.location) = MAX(s.location) AND MIN(s.files_read) = MAX(s.files_read)
),
-- The last RDD that all of these stages have, unless it is the input: one of Python's is made anew in each.
shared_rdds AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, r.call_site,
    ROW_NUMBER() OVER (PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id ORDER BY r.rdd_id DESC) AS place
  FROM ranked AS w
  INNER JOIN rdds AS r
    ON r.platform = w.platform AND r.cluster_id = w.cluster_id
    AND r.application_id = w.application_id AND r.attempt_id = w.attempt_id AND r.rdd_id >= w.rdd_id AND r.first_stage_id <= w.first_id AND r.last_stage_id >= w.last_id
  INNER JOIN computed AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id AND a.rdd_id = w.rdd_id AND a.stage_id = w.first_id
  INNER JOIN computed AS b
    ON b.platform = w.platform AND b.cluster_id = w.cluster_id
    AND b.application_id = w.application_id AND b.attempt_id = w.attempt_id AND b.rdd_id = w.rdd_id AND b.stage_id = w.last_id
  WHERE w.place = 1 AND ARRAY_CONTAINS(a.rdd_ids, r.rdd_id) AND ARRAY_CONTAINS(b.rdd_ids, r.rdd_id)
    -- Not what sorts and numbers make themselves, nor what has no place in the code.
    AND r.call_site NOT LIKE 'sortBy%' AND r.call_site NOT LIKE 'zipWithIndex%' AND r.call_site NOT LIKE '%PythonRDD.scala%' AND r.call_site NOT LIKE '% at NativeMethodAccessorImpl.java:0'
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, CONCAT('rdd ', CAST(w.rdd_id AS STRING)) AS subject_id,
  'medium' AS confidence,
  TRY_CAST(w.lost_ms * CASE WHEN w.estimator_stages * 2 >= w.num_stages THEN 1e0 - $own_share ELSE 1e0 END AS BIGINT) AS lost_core_ms,
  TRY_CAST(w.lost_ms * CASE WHEN w.estimator_stages * 2 >= w.num_stages THEN 1e0 - $own_share ELSE 1e0 END
    * LEAST(w.duration_ms / NULLIF(w.run_ms, 0e0), 1e0) AS BIGINT) AS recoverable_ms,
  CASE WHEN w.is_iterated THEN CONCAT(w.estimator, ' computed its input', CASE WHEN s.location IS NOT NULL THEN CONCAT(' from ', CAST(s.files AS STRING), CASE WHEN s.files = 1 THEN ' file (' ELSE ' files (' END, s.format, ') of ', SUBSTR(s.location, 1, 160))
    WHEN i.rdd_name = 'FileScanRDD' THEN ' from files' ELSE CONCAT(' from ', SUBSTR(i.rdd_name, 1, 100)) END,
    ' in each of ', CAST(w.num_stages AS STRING), ' iterations (', SUBSTR(w.stage_name, 1, 100), ')') ELSE SUBSTR(i.rdd_name, 1, 100) END AS rdd_name,
  CASE WHEN w.is_iterated THEN CONCAT(w.estimator, ' computes its input again in each iteration') END AS title,
  -- What an adaptive query starts in a thread of its own has no place in the code, nor has what Python calls.
  CASE WHEN NOT w.is_iterated AND i.call_site NOT LIKE '_anonfun_withThreadLocalCaptured%' AND i.call_site NOT LIKE '% at NativeMethodAccessorImpl.java:0' THEN NULLIF(i.call_site, '') END AS call_site,
  w.num_stages, w.num_jobs, CASE WHEN NOT w.is_iterated THEN w.num_stages END AS plain_stages, CASE WHEN NOT w.is_iterated THEN w.num_jobs END AS plain_jobs, TRY_CAST(w.run_ms AS BIGINT) AS run_ms, w.input_bytes,
  TRY_CAST(w.least_ms AS BIGINT) AS least_ms, NULLIF(TRY_CAST(w.least_ms - w.pass_ms AS BIGINT), 0) AS floor_ms, w.has_sort,
  w.has_zip, w.estimator, w.is_rdd_estimator, CASE WHEN NOT w.is_iterated THEN w.estimator_stages END AS some_stages, w.estimator_stages, SUBSTR(w.stage_name, 1, 100) AS stage_name,
  CASE WHEN w.estimator IS NULL THEN SUBSTR(w.all_place, 1, 100) END AS place, SUBSTR(w.sort_place, 1, 100) AS sort_place, SUBSTR(w.zip_place, 1, 100) AS zip_place,
  CASE WHEN h.call_site <> i.call_site THEN SUBSTR(NULLIF(h.call_site, ''), 1, 100) END AS shared
FROM ranked AS w
INNER JOIN inputs AS i
  ON i.platform = w.platform AND i.cluster_id = w.cluster_id
  AND i.application_id = w.application_id AND i.attempt_id = w.attempt_id AND i.rdd_id = w.rdd_id
LEFT JOIN sources AS s
  ON s.platform = w.platform AND s.cluster_id = w.cluster_id
  AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id
LEFT JOIN shared_rdds AS h
  ON h.platform = w.platform AND h.cluster_id = w.cluster_id
  AND h.application_id = w.application_id AND h.attempt_id = w.attempt_id AND h.place = 1
-- The inputs of one application are used side by side: the worst stands for all.
WHERE w.place = 1
