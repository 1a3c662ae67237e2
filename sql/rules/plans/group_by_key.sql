-- id: group_by_key
-- title: All values travel to their group before they are reduced
-- category: plans
-- severity: low
-- version: 7
-- description: Fires for groupByKey on RDDs (of the JVM; of Python python_udf tells it) where the stages that read the groups put out little of what they read: the values were
--   reduced (summed, counted, the largest taken) after all of them had been shuffled. reduceByKey and aggregateByKey reduce on
--   the map side first, so that at most one record for each key and map task travels. Where these stages put out records, each is taken for a key, whose values lie
--   in the map tasks as chance has it: x values of a key in a map task on average become (1 - e^-x) / x of them. The rest of the records is that part of the reading stages'
--   task time that is lost, without its garbage collection, which gc_pressure counts, and less what combining each record before the shuffle takes. What the map side would save is not counted. Elsewhere no loss is
--   counted, and it is medium where both sides took an hour of task time or more, and a quarter of all, or half of the wall time.
-- subject: stage
-- parameter: min_bytes bigint = 134217728 [bytes] shuffle data of the groups of all such stages, at least
-- parameter: min_stage_bytes bigint = 33554432 [bytes] the same of one of them
-- parameter: min_task_records double = 1e3 [count] records that a task reads, at least: with fewer there is little to combine
-- parameter: max_record_bytes double = 65536.0 [bytes] shuffle data of a record, at most: larger records are unlikely to be values that reduce to one
-- parameter: min_share double = 0.1 [ratio] task time of the stages that write and read them over that of the application, at least
-- parameter: combine_us double = 0.3 [us] task time in which the map side combines a record
-- parameter: medium_ms double = 3.6e6 [ms] task time of both sides from which it is medium, where its share is large
-- parameter: medium_share double = 0.25 [ratio] that share
-- parameter: medium_wall_ms double = 10000 [ms] wall time of both sides (their task time on the cores that the application kept busy) from which it is medium, at least
-- parameter: medium_wall_share double = 0.5 [ratio] the same over the wall time of the application, at least
-- parameter: max_output_ratio double = 0.1 [ratio] output and shuffle data written by the stage that reads the groups, over what it read, at most
-- evidence: {call_site}[ and {more_sites:other place|other places}] shuffled {shuffle_bytes:bytes} in {records:record|records}, and {num_stages:stage that reads|stages that read} the groups
--   [wrote {output_bytes:bytes}][{no_output}][ in {output_records:record|records}]; both sides took {run_ms:s} of task time[, {share:pct} of all][, {gc_ms:s} of it garbage collection][, and spilled
--   {spilled_bytes:bytes} to disk].
-- recommendation: Use reduceByKey, aggregateByKey or combineByKey, or a DataFrame with groupBy and agg: they combine the values of a key in each map
--   task before the shuffle. Where the groups are needed as lists, keep it.
WITH grouped AS (
  SELECT platform, cluster_id, application_id, attempt_id, rdd_id, call_site, first_stage_id
  FROM rdds
  WHERE scope = 'groupByKey' AND first_stage_id IS NOT NULL
),
reading AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, s.stage_id,
    -- A library hides where it calls it.
    COALESCE(NULLIF(g.call_site, ''), CONCAT('groupByKey before ', s.stage_name), 'groupByKey') AS call_site,
    CONCAT(CAST(s.stage_id AS STRING), '.', CAST(s.stage_attempt_id AS STRING)) AS subject_id,
    s.shuffle_read_bytes, s.shuffle_read_records, COALESCE(s.output_bytes, 0) + COALESCE(s.shuffle_write_bytes, 0) AS output_bytes,
    CAST(COALESCE(s.output_records, 0) + COALESCE(s.shuffle_write_records, 0) AS DOUBLE) AS output_records, COALESCE(s.disk_bytes_spilled, 0) AS spilled_bytes,
    COALESCE(s.jvm_gc_time, 0) AS gc_ms, s.duration_ms,
    s.executor_run_time, s.parent_ids, s.num_tasks,
    ROW_NUMBER() OVER (
      PARTITION BY g.platform, g.cluster_id, g.application_id, g.attempt_id, s.stage_id, s.stage_attempt_id ORDER BY g.rdd_id
    ) AS place
  FROM grouped AS g
  INNER JOIN timed_stages AS s
    ON s.platform = g.platform AND s.cluster_id = g.cluster_id
    AND s.application_id = g.application_id AND s.attempt_id = g.attempt_id AND s.stage_id = g.first_stage_id
  WHERE s.status = 'COMPLETE' AND s.shuffle_read_bytes >= $min_stage_bytes
),
-- What writes the groups; a stage that was skipped wrote them for an earlier one.
pairs AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.subject_id, w.stage_id, w.num_tasks, w.shuffle_write_records,
    CASE WHEN w.status = 'COMPLETE' THEN w.executor_run_time END AS run_ms, CASE WHEN w.status = 'COMPLETE' THEN w.jvm_gc_time END AS gc_ms,
    CASE WHEN w.status = 'COMPLETE' THEN w.disk_bytes_spilled END AS spilled_bytes
  FROM reading AS r
  INNER JOIN timed_stages AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id
  WHERE r.place = 1 AND w.status IN ('COMPLETE', 'SKIPPED') AND ARRAY_CONTAINS(r.parent_ids, w.stage_id)
),
writing AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, subject_id, CAST(SUM(num_tasks) AS DOUBLE) AS num_tasks, NULLIF(SUM(shuffle_write_records), 0) AS records
  FROM pairs
  GROUP BY platform, cluster_id, application_id, attempt_id, subject_id
),
judged AS (
  SELECT
    r.*, COALESCE(w.records, r.shuffle_read_records) AS records,
    -- Values of a key in a map task.
    COALESCE(w.records, r.shuffle_read_records) / NULLIF(w.num_tasks * r.output_records, 0e0) AS each,
    GREATEST(CAST(r.executor_run_time AS DOUBLE) - r.gc_ms, 0e0) AS work_ms,
    LEAST(COALESCE(CAST(r.duration_ms AS DOUBLE) / NULLIF(r.executor_run_time, 0), 1e0), 1e0) AS wall_ratio,
    ROW_NUMBER() OVER (
      PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id ORDER BY r.executor_run_time DESC, r.stage_id
    ) AS rank
  FROM reading AS r
  LEFT JOIN writing AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id AND w.subject_id = r.subject_id
  WHERE r.place = 1 AND COALESCE(r.shuffle_read_records >= $min_task_records * r.num_tasks AND r.shuffle_read_bytes <= $max_record_bytes * r.shuffle_read_records, TRUE)
    AND r.output_bytes <= $max_output_ratio * r.shuffle_read_bytes
),
-- A stage that writes for several is counted once.
writers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, SUM(CAST(run_ms AS DOUBLE)) AS run_ms, SUM(CAST(gc_ms AS DOUBLE)) AS gc_ms,
    SUM(CAST(spilled_bytes AS DOUBLE)) AS spilled_bytes
  FROM (
    SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.stage_id, p.run_ms, p.gc_ms, p.spilled_bytes
    FROM pairs AS p
    INNER JOIN judged AS j
      ON j.platform = p.platform AND j.cluster_id = p.cluster_id
      AND j.application_id = p.application_id AND j.attempt_id = p.attempt_id AND j.subject_id = p.subject_id
  ) AS d
  GROUP BY platform, cluster_id, application_id, attempt_id
),
saved AS (
  SELECT j.*, CASE WHEN each > 0e0 THEN GREATEST(work_ms * (1e0 - (1e0 - EXP(-each)) / NULLIF(each, 0e0)) - $combine_us / 1e3 * records, 0e0) END AS saved_ms
  FROM judged AS j
),
readers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_stages, COUNT(DISTINCT call_site) AS num_sites,
    MAX(CASE WHEN rank = 1 THEN subject_id END) AS subject_id, MAX(CASE WHEN rank = 1 THEN call_site END) AS call_site,
    SUM(CAST(shuffle_read_bytes AS DOUBLE)) AS shuffle_bytes, SUM(CAST(records AS DOUBLE)) AS records, SUM(CAST(output_bytes AS DOUBLE)) AS output_bytes,
    SUM(output_records) AS output_records, SUM(CAST(spilled_bytes AS DOUBLE)) AS spilled_bytes, SUM(CAST(gc_ms AS DOUBLE)) AS gc_ms, SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms,
    SUM(saved_ms) AS lost_ms, SUM(saved_ms * wall_ratio) AS won_ms
  FROM saved
  GROUP BY platform, cluster_id, application_id, attempt_id
),
costs AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.subject_id, r.call_site, r.num_stages, r.num_sites, r.shuffle_bytes, r.records, r.output_bytes,
    r.output_records, r.lost_ms, r.won_ms, r.run_ms + COALESCE(w.run_ms, 0e0) AS run_ms, r.gc_ms + COALESCE(w.gc_ms, 0e0) AS gc_ms,
    r.spilled_bytes + COALESCE(w.spilled_bytes, 0e0) AS spilled_bytes, CAST(t.executor_run_time AS DOUBLE) AS app_ms,
    (r.run_ms + COALESCE(w.run_ms, 0e0)) * f.wall_ratio AS wall_ms, f.app_duration_ms
  FROM readers AS r
  INNER JOIN application_run_times AS t
    ON t.platform = r.platform AND t.cluster_id = r.cluster_id
    AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id
  LEFT JOIN application_facts AS f
    ON f.platform = r.platform AND f.cluster_id = r.cluster_id
    AND f.application_id = r.application_id AND f.attempt_id = r.attempt_id
  LEFT JOIN writers AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  CASE WHEN lost_ms IS NULL THEN CASE WHEN run_ms >= $medium_ms AND run_ms >= $medium_share * app_ms OR (wall_ms >= $medium_wall_ms AND wall_ms >= $medium_wall_share * app_duration_ms) THEN 'medium' ELSE 'low' END END AS severity,
  'medium' AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(won_ms AS BIGINT) AS recoverable_ms,
  call_site, NULLIF(num_sites - 1, 0) AS more_sites, num_stages, TRY_CAST(shuffle_bytes AS BIGINT) AS shuffle_bytes, TRY_CAST(records AS BIGINT) AS records,
  NULLIF(TRY_CAST(output_bytes AS BIGINT), 0) AS output_bytes, CASE WHEN output_bytes = 0e0 THEN 'wrote no data' END AS no_output, NULLIF(TRY_CAST(output_records AS BIGINT), 0) AS output_records, TRY_CAST(run_ms AS BIGINT) AS run_ms,
  run_ms / NULLIF(app_ms, 0e0) AS share, CASE WHEN gc_ms >= 0.1e0 * run_ms THEN TRY_CAST(gc_ms AS BIGINT) END AS gc_ms,
  NULLIF(TRY_CAST(spilled_bytes AS BIGINT), 0) AS spilled_bytes
FROM costs
WHERE shuffle_bytes >= $min_bytes AND run_ms >= $min_share * app_ms
