-- id: group_by_key
-- title: All values travel to their group before they are reduced
-- category: plans
-- severity: low
-- version: 5
-- description: Fires for groupByKey on RDDs (of the JVM; of Python python_udf tells it) where the stage that reads the groups puts out little of what it read: the values were
--   reduced (summed, counted, the largest taken) after all of them had been shuffled. reduceByKey and aggregateByKey reduce on
--   the map side first, so that at most one record for each key and map task travels. What that saves depends on how often a key comes back,
--   which the history does not tell, so no loss is counted. It is medium where both sides took an hour of task time or more, and a quarter of all.
-- subject: stage
-- group_by: call_site
-- parameter: min_bytes bigint = 134217728 [bytes] shuffle data of the groups, at least
-- parameter: min_task_records double = 1e3 [count] records that a task reads, at least: with fewer there is little to combine
-- parameter: max_record_bytes double = 65536.0 [bytes] shuffle data of a record, at most: larger records are unlikely to be values that reduce to one
-- parameter: min_share double = 0.1 [ratio] task time of the stages that write and read them over that of the application, at least
-- parameter: medium_ms double = 3.6e6 [ms] task time of both sides from which it is medium, where its share is large
-- parameter: medium_share double = 0.25 [ratio] that share
-- parameter: max_output_ratio double = 0.1 [ratio] output and shuffle data written by the stage that reads the groups, over what it read, at most
-- evidence: {call_site} shuffled {shuffle_bytes:bytes} in {records:record|records}, and the stage that read the groups put out {output_bytes:bytes}; both sides took {run_ms:s} of
--   task time[, {share:pct} of all].
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
    s.executor_run_time, s.parent_ids, s.num_tasks,
    ROW_NUMBER() OVER (
      PARTITION BY g.platform, g.cluster_id, g.application_id, g.attempt_id, s.stage_id, s.stage_attempt_id ORDER BY g.rdd_id
    ) AS place
  FROM grouped AS g
  INNER JOIN timed_stages AS s
    ON s.platform = g.platform AND s.cluster_id = g.cluster_id
    AND s.application_id = g.application_id AND s.attempt_id = g.attempt_id AND s.stage_id = g.first_stage_id
  WHERE s.status = 'COMPLETE' AND s.shuffle_read_bytes >= $min_bytes
),
writing AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.subject_id,
    SUM(CAST(w.executor_run_time AS DOUBLE)) AS run_ms, SUM(w.shuffle_write_records) AS records
  FROM reading AS r
  INNER JOIN timed_stages AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id
  WHERE r.place = 1 AND w.status = 'COMPLETE' AND ARRAY_CONTAINS(r.parent_ids, w.stage_id)
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.subject_id
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, r.subject_id,
  CASE WHEN COALESCE(w.run_ms, 0e0) + r.executor_run_time >= $medium_ms AND COALESCE(w.run_ms, 0e0) + r.executor_run_time >= $medium_share * t.executor_run_time
    THEN 'medium' ELSE 'low' END AS severity, 'medium' AS confidence,
  r.call_site, r.shuffle_read_bytes AS shuffle_bytes, COALESCE(w.records, r.shuffle_read_records) AS records, r.output_bytes,
  TRY_CAST(COALESCE(w.run_ms, 0e0) + r.executor_run_time AS BIGINT) AS run_ms,
  (COALESCE(w.run_ms, 0e0) + r.executor_run_time) / NULLIF(t.executor_run_time, 0) AS share
FROM reading AS r
INNER JOIN application_run_times AS t
  ON t.platform = r.platform AND t.cluster_id = r.cluster_id
  AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id
LEFT JOIN writing AS w
  ON w.platform = r.platform AND w.cluster_id = r.cluster_id
  AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id AND w.subject_id = r.subject_id
WHERE r.place = 1 AND COALESCE(r.shuffle_read_records >= $min_task_records * r.num_tasks AND r.shuffle_read_bytes <= $max_record_bytes * r.shuffle_read_records, TRUE)
  AND r.output_bytes <= $max_output_ratio * r.shuffle_read_bytes
  AND COALESCE(w.run_ms, 0e0) + r.executor_run_time >= $min_share * t.executor_run_time
