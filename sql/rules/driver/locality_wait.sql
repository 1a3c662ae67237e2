-- id: locality_wait
-- title: Free slots wait because tasks want to run near their data
-- category: driver
-- severity: low
-- version: 2
-- description: Fires where executors had free slots while tasks of the only running stage were still to be launched, and others were full: Spark holds a task back for
--   spark.locality.wait (3 s) in the hope of a slot on the executor or host that has its data (view locality_waits, with the thresholds). Lost is the free slot time of the
--   executors that waited, from the first launch of the stage to the last. A task elsewhere reads its data over the network, which takes longer: that is not taken off.
-- subject: stage
-- group_by: stage_name
-- evidence: {num_waiting:int} of {num_executors:executor|executors} had free slots while tasks were still to be launched, for {idle_ms:s} of slot time[ and up to {late_ms:s} before their first
--   task][; {num_unused:int} of them ran none]. {full_tasks:int} of {num_launched:task|tasks} ran on the others; {local_share:pct} of all tasks were PROCESS_LOCAL or NODE_LOCAL.
-- advice: kind = 'shuffle' | spark.shuffle.reduceLocality.enabled | 'false' | Reduce tasks prefer the executors that hold much of their input, and queue up there: let them run anywhere.
-- advice: kind = 'cache' AND wait_ms > 500e0 | spark.locality.wait | '500ms' | The cached partitions are on few executors: repartition before persist when all executors are there, so that the cache is
--   spread, and let tasks read it from another executor sooner.
-- advice: kind = 'cache' | - | - | The cached partitions are on few executors: repartition before persist when all executors are there, so that the cache is spread.
-- advice: wait_ms > wanted_ms | spark.locality.wait | wanted | Start tasks sooner in any free slot: their data comes over the network quickly, and in object stores and message queues it is never local.
-- recommendation: Spread the data over all executors (repartition before persist, more replicas of hot files).
WITH waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(TRY_CAST(REGEXP_REPLACE(LOWER(value), '[a-z]+$', '') AS DOUBLE) * CASE REGEXP_REPLACE(LOWER(value), '^[0-9.]+', '')
      WHEN 'ms' THEN 1e0 WHEN '' THEN 1e0 WHEN 's' THEN 1e3 WHEN 'm' THEN 6e4 WHEN 'min' THEN 6e4 WHEN 'h' THEN 36e5 END) AS wait_ms
  FROM spark_settings
  WHERE key = 'spark.locality.wait'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
kinds AS (
  SELECT
    w.*,
    CASE
      WHEN w.shuffle_read_bytes > 0 AND w.shuffle_read_bytes >= w.input_bytes THEN 'shuffle'
      WHEN 2 * w.num_process >= w.num_launched AND w.input_bytes > 0 THEN 'cache'
      WHEN w.file_source LIKE 'hdfs%' OR w.file_source LIKE '/%' THEN 'hdfs'
      ELSE 'other'
    END AS kind
  FROM locality_waits AS w
),
wanted AS (
  -- One value for all stages of an application.
  SELECT
    k.*,
    CASE WHEN MAX(CASE WHEN kind IN ('cache', 'hdfs') THEN 1 ELSE 0 END) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id) = 1 THEN 500e0 ELSE 0e0 END AS wanted_ms
  FROM kinds AS k
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id,
  'medium' AS confidence,
  TRY_CAST(w.idle_ms AS BIGINT) AS lost_core_ms, TRY_CAST(w.gain_ms AS BIGINT) AS recoverable_ms,
  w.stage_name, w.num_tasks, w.num_launched, w.num_executors, w.num_waiting, NULLIF(w.num_unused, 0) AS num_unused, w.full_tasks, w.local_share, CASE WHEN w.late_ms >= 1000 THEN w.late_ms END AS late_ms,
  TRY_CAST(w.idle_ms AS BIGINT) AS idle_ms, w.window_ms, w.slots, w.kind, COALESCE(s.wait_ms, 3000e0) AS wait_ms, w.wanted_ms,
  CASE WHEN w.wanted_ms > 0e0 THEN '500ms' ELSE '0s' END AS wanted
FROM wanted AS w
LEFT JOIN waits AS s
  ON s.platform = w.platform AND s.cluster_id = w.cluster_id
  AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id
