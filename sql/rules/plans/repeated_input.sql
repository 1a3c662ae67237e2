-- id: repeated_input
-- title: The same input is read again outside of queries
-- category: plans
-- severity: low
-- version: 9
-- description: Fires where stages of several jobs outside of queries (RDDs, machine learning) read the same number of rows in
--   the same number of tasks, from no cache, so most likely the same input. Lost is the task time of these stages but for
--   the longest; they do more than read, so it is an upper bound, and never above medium unless all come from one place in the code, which did the
--   same work again. Wall time is that of these stages but the longest, as far as they did not run side by side. The input of one RDD that costs
--   enough is what recomputed_rdd reports, scans of queries are what repeated_scans does. Where one of two such stages is the
--   pass in which sortByKey or sortBy look for the bounds of their ranges, it is told as that, and where it is the job that writes a checkpoint: then the lineage proves it, smaller floors hold, and only checkpoint_share of that job is lost,
--   as it still writes the checkpoint, and keeping the rows in the first job costs something (of one with Spark 4.3 a third to nine tenths were saved). Interactive sessions are not judged but for that.
-- subject: stage
-- group_by: kind
-- parameter: min_bytes bigint = 134217728 [bytes] input of a stage, at least
-- parameter: min_rows bigint = 1000000 [count] or its rows, at least
-- parameter: min_few_rows bigint = 10000 [count] or this many rows that took long, and as many bytes in each of these stages
-- parameter: min_run_ms bigint = 2000 [ms] task time of such a stage, at least
-- parameter: min_few_stages bigint = 3 [count] such stages, at least
-- parameter: min_lost_ms bigint = 60000 [ms] task time of these stages but the longest, at least
-- parameter: min_small_lost_ms bigint = 20000 [ms] the same where it is a large share of the core time, at least
-- parameter: min_share double = 0.1 [ratio] that share, at least
-- parameter: min_checkpoint_ms bigint = 5000 [ms] task time of the job that writes a checkpoint, at least, where it is a large share of the core time
-- parameter: checkpoint_share double = 0.5 [ratio] part of that job that persisting is taken to save
-- parameter: min_rdd_lost_ms bigint = 30000 [ms] task time of the stages of one RDD but the longest from which recomputed_rdd reports it
-- parameter: min_small_rdd_lost_ms bigint = 10000 [ms] the same where it is a large share of all task time
-- parameter: min_rdd_share double = 0.4 [ratio] that share
-- parameter: medium_lost_ms bigint = 7200000 [ms] the same, from which it can be above medium where all come from one place
-- parameter: known_lost_ms bigint = 600000 [ms] the same, up to which its severity is not limited
-- evidence: {num_stages:stage|stages} of {num_jobs:job|jobs} ({stage_name}) read {rows:row|rows} each[, {input_bytes:bytes} in all]; they
--   took {run_ms:s} of task time, {longest_ms:s} of it in the longest[; {sort_name} only looked for the bounds of its ranges][; {checkpoint_name} only wrote the checkpoint][ of {checkpoint_rdd}, which is not persisted, and computed all of it again for that].
-- advice: sort_name IS NOT NULL | - | - | sortByKey and sortBy read their input once more, to sample the keys, before they sort it: persist what they sort where it fits into memory. Where
--   sorted parts are enough, repartitionAndSortWithinPartitions does without that pass.
-- advice: checkpoint_name IS NOT NULL | - | - | A checkpoint is written by a job of its own after the first action, and that job computes the RDD anew: call persist() on the RDD before checkpoint() and
--   before that action (serialized, with MEMORY_AND_DISK_SER in Scala and Java, where the heap is small; MEMORY_AND_DISK or DISK_ONLY where it does not fit into memory), and unpersist() it after that job. Where only a few steps lead to it, persist() in place of checkpoint() does.
-- recommendation: Read and prepare the data once: persist what these steps share, or write it as Parquet before them. Algorithms that
--   pass over their input several times need it cached.
WITH candidates AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, stage_name, job_ids, rdd_ids, COALESCE(shuffle_write_bytes, 0) AS shuffle_write_bytes,
    UNIX_MILLIS(COALESCE(first_task_launched_time, submission_time)) AS begin_ms, UNIX_MILLIS(completion_time) AS end_ms,
    num_tasks, input_records, CAST(input_bytes AS DOUBLE) AS input_bytes, CAST(executor_run_time AS DOUBLE) AS run_ms
  FROM timed_stages
  WHERE status = 'COMPLETE' AND sql_id IS NULL AND input_records > 0
    AND (input_bytes >= $min_bytes OR input_records >= $min_rows OR (input_records >= $min_few_rows AND executor_run_time >= $min_run_ms))
),
rdd_stages AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.stage_id, c.job_ids, c.run_ms,
    r.rdd_id, r.is_persisted, r.first_stage_id, r.num_reads, r.parent_ids
  FROM candidates AS c
  INNER JOIN rdds AS r
    ON r.platform = c.platform AND r.cluster_id = c.cluster_id
    AND r.application_id = c.application_id AND r.attempt_id = c.attempt_id
  WHERE ARRAY_CONTAINS(c.rdd_ids, r.rdd_id)
),
-- RDDs that recomputed_rdd names.
named AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.rdd_id
  FROM rdd_stages AS s
  INNER JOIN application_run_times AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
  WHERE NOT s.is_persisted AND s.num_reads >= 2 AND CARDINALITY(s.parent_ids) = 0
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.rdd_id
  HAVING COUNT(DISTINCT ARRAY_MIN(s.job_ids)) > 1 AND (SUM(s.run_ms) - MAX(s.run_ms) >= $min_rdd_lost_ms
    OR (SUM(s.run_ms) - MAX(s.run_ms) >= $min_small_rdd_lost_ms
      AND SUM(s.run_ms) - MAX(s.run_ms) >= $min_rdd_share * MAX(CAST(t.executor_run_time AS DOUBLE))))
),
-- Stages that read a cache, or such an RDD.
explained AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
  FROM rdd_stages AS s
  LEFT JOIN named AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.rdd_id = s.rdd_id
  WHERE n.rdd_id IS NOT NULL OR (s.is_persisted AND s.first_stage_id < s.stage_id)
),
-- Where checkpoints were written: after the job of an action, under its name. Local ones keep what they compute.
checkpoints AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, call_site
  FROM rdds
  WHERE rdd_name LIKE '%CheckpointRDD%' AND rdd_name NOT LIKE 'Local%'
),
repeated AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.num_tasks, c.input_records,
    COUNT(*) AS num_stages, COALESCE(c.input_records >= $min_rows OR MAX(c.input_bytes) >= $min_bytes OR (COUNT(*) >= $min_few_stages AND MIN(c.input_bytes) = MAX(c.input_bytes)), FALSE) AS is_same,
    COUNT(DISTINCT ARRAY_MIN(c.job_ids)) AS num_jobs,
    GREATEST(LEAST(SUM(c.end_ms - c.begin_ms), MAX(c.end_ms) - MIN(c.begin_ms)) - MAX(c.end_ms - c.begin_ms), 0) AS won_ms,
    MIN(c.stage_name) = MAX(c.stage_name) AS is_one_place,
    SUM(c.input_bytes) AS input_bytes, SUM(c.run_ms) AS run_ms, MAX(c.run_ms) AS longest_ms,
    MIN(c.stage_id) AS stage_id, MAX(c.stage_id) AS last_stage_id, MIN(c.stage_attempt_id) AS stage_attempt_id, MIN(c.stage_name) AS stage_name,
    -- The sort itself writes its shuffle in a stage that bears the name of what it sorts.
    CASE WHEN COUNT(*) = 2 THEN MAX(CASE WHEN c.stage_name LIKE 'sortBy%' AND c.shuffle_write_bytes = 0 THEN c.stage_name END) END AS sort_name,
    CASE WHEN COUNT(*) = 2 AND COUNT(k.call_site) = 2 AND MIN(c.stage_name) = MAX(c.stage_name) THEN 'the later one' END AS checkpoint_name
  FROM candidates AS c
  LEFT JOIN explained AS e
    ON e.platform = c.platform AND e.cluster_id = c.cluster_id
    AND e.application_id = c.application_id AND e.attempt_id = c.attempt_id AND e.stage_id = c.stage_id
  LEFT JOIN checkpoints AS k
    ON k.platform = c.platform AND k.cluster_id = c.cluster_id
    AND k.application_id = c.application_id AND k.attempt_id = c.attempt_id AND k.call_site = c.stage_name
  WHERE e.platform IS NULL
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.num_tasks, c.input_records
),
-- What the job of a checkpoint writes is the last RDD of its stage.
written AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, MAX(s.rdd_id) AS rdd_id
  FROM rdd_stages AS s
  INNER JOIN repeated AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id AND r.last_stage_id = s.stage_id
  WHERE r.checkpoint_name IS NOT NULL
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
),
costs AS (
  SELECT
    r.*, CASE WHEN r.checkpoint_name IS NOT NULL THEN $checkpoint_share ELSE 1e0 END AS part,
    CASE WHEN NOT d.is_persisted THEN CONCAT('RDD ', CAST(d.rdd_id AS STRING), CASE WHEN d.call_site <> '' AND d.call_site NOT LIKE '%PythonRDD.scala%' AND d.call_site NOT LIKE '% at NativeMethodAccessorImpl.java:0'
      THEN CONCAT(' (', SUBSTR(d.call_site, 1, 100), ')') ELSE '' END) END AS checkpoint_rdd
  FROM repeated AS r
  LEFT JOIN written AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id AND w.stage_id = r.last_stage_id
  LEFT JOIN rdds AS d
    ON d.platform = w.platform AND d.cluster_id = w.cluster_id
    AND d.application_id = w.application_id AND d.attempt_id = w.attempt_id AND d.rdd_id = w.rdd_id
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id,
  CONCAT(CAST(r.stage_id AS STRING), '.', CAST(r.stage_attempt_id AS STRING)) AS subject_id,
  CASE WHEN r.run_ms - r.longest_ms >= $medium_lost_ms AND r.is_one_place AND r.sort_name IS NULL THEN CAST(NULL AS STRING)
    WHEN r.run_ms - r.longest_ms >= $known_lost_ms THEN 'medium' END AS severity,
  'medium' AS confidence,
  TRY_CAST(r.part * (r.run_ms - r.longest_ms) AS BIGINT) AS lost_core_ms,
  TRY_CAST(r.part * r.won_ms AS BIGINT) AS recoverable_ms,
  r.num_stages, r.num_jobs, SUBSTR(r.stage_name, 1, 100) AS stage_name, SUBSTR(r.sort_name, 1, 100) AS sort_name, r.checkpoint_name, r.checkpoint_rdd, r.input_records AS rows,
  CASE WHEN r.input_bytes >= 0.1e0 * r.num_stages * r.input_records THEN TRY_CAST(r.input_bytes AS BIGINT) END AS input_bytes, r.run_ms, r.longest_ms, 'input' AS kind
FROM costs AS r
INNER JOIN application_facts AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
WHERE r.num_jobs > 1 AND r.is_same
  AND (r.run_ms - r.longest_ms >= $min_lost_ms
    OR (r.run_ms - r.longest_ms >= CASE WHEN r.checkpoint_name IS NOT NULL THEN $min_checkpoint_ms ELSE $min_small_lost_ms END AND r.run_ms - r.longest_ms >= $min_share * a.core_time_ms))
  AND r.run_ms - r.longest_ms >= 0.005e0 * COALESCE(a.core_time_ms, 0) AND (NOT a.is_interactive OR r.checkpoint_rdd IS NOT NULL)
