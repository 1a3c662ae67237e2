-- id: slow_local_disks
-- title: Tasks wait for local disks while they write shuffle data
-- category: resources
-- severity: medium
-- version: 3
-- description: Fires where tasks spent a large part of their run time in writing shuffle data to local disks, and wrote little in that time. Judged are stages with tasks of a second or
--   more, without much garbage collection and without slow executors (slow_executor tells those), and not those that write small records with a busy processor. Lost is the write
--   time beyond what a disk takes that writes at a good rate; cpu_contention takes all of it off.
-- subject: application
-- parameter: min_write_share double = 0.25 [ratio] write time over run time of a stage, at least
-- parameter: max_bytes_per_ms double = 20000.0 [bytes_per_ms] bytes written in a millisecond of write time, less than
-- parameter: good_bytes_per_ms double = 100000.0 [bytes_per_ms] rate of a good disk for a core, of which the time is not lost
-- parameter: min_task_ms double = 1000.0 [ms] run time of a task on average, at least
-- parameter: max_gc_share double = 0.1 [ratio] garbage collection over run time, less than
-- parameter: small_record_bytes double = 100.0 [bytes] size of a record below which the processor must not be busy
-- parameter: busy_share double = 0.7 [ratio] processor time over run time from which it is busy
-- parameter: min_write_ms double = 600000 [ms] write time of these stages, at least
-- parameter: min_small_write_ms double = 30000 [ms] the same where it is a large share of all task time, at least
-- parameter: min_small_share double = 0.25 [ratio] that share, at least
-- evidence: Writing {bytes:bytes} of shuffle data took {write_ms:s} of {run_ms:s} of task time in {num_stages:stage|stages}, {write_share:pct}: {rate:bytes} a second for each core that writes. {app_share:pct} of all task time
--   of the application is such writing.
-- advice: is_synced AND bypass_threshold > 200 | spark.shuffle.sync | 'false' | Let the operating system write the files in its own time: shuffle data that a crash of the machine loses is computed again anyway. Set spark.shuffle.sort.bypassMergeThreshold ({bypass_threshold:int}) back to 200 too: a shuffle of up to so many partitions, if it combines nothing, opens and syncs a file for each partition in each task.
-- advice: is_synced | spark.shuffle.sync | 'false' | Let the operating system write the files in its own time: shuffle data that a crash of the machine loses is computed again anyway.
-- advice: master LIKE 'k8s%' | - | - | Give executors fast local volumes for spark.local.dir (spark.kubernetes.executor.volumes with names that begin with spark-local-dir-, on NVMe) instead of a folder on the node's
--   root disk, and several of them on several disks.
-- advice: is_emr | - | - | Take instances with local NVMe disks, or give the EBS volumes more throughput (gp3 with more MB/s and IOPS, several volumes), and write fewer and larger shuffle blocks.
-- advice: is_databricks | - | - | Take instances with local SSDs, or attach more and faster disks, and write fewer and larger shuffle blocks.
-- advice: master LIKE 'yarn%' | - | - | Spread yarn.nodemanager.local-dirs over several disks, best local NVMe, and write fewer and larger shuffle blocks.
-- recommendation: Put spark.local.dir on fast local disks, best several (a list of folders, one a disk), and write fewer and larger shuffle blocks.
WITH synced AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, MAX(CASE WHEN key = 'spark.shuffle.sync' AND LOWER(value) = 'true' THEN 1 ELSE 0 END) = 1 AS is_synced,
    MAX(CASE WHEN key = 'spark.shuffle.sort.bypassMergeThreshold' THEN TRY_CAST(value AS BIGINT) END) AS bypass_threshold
  FROM spark_settings
  WHERE key IN ('spark.shuffle.sync', 'spark.shuffle.sort.bypassMergeThreshold')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
slow AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
  FROM slow_executors
),
writes AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, COUNT(*) AS num_stages,
    SUM(CAST(s.executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(s.shuffle_write_time AS DOUBLE)) / 1e6 AS write_ms, SUM(CAST(s.shuffle_write_bytes AS DOUBLE)) AS bytes
  FROM timed_stages AS s
  LEFT JOIN slow AS x
    ON x.platform = s.platform AND x.cluster_id = s.cluster_id
    AND x.application_id = s.application_id AND x.attempt_id = s.attempt_id
    AND x.stage_id = s.stage_id AND x.stage_attempt_id = s.stage_attempt_id
  WHERE x.platform IS NULL AND s.status = 'COMPLETE' AND s.shuffle_write_bytes > 0
    AND s.shuffle_write_time / 1e6 >= $min_write_share * s.executor_run_time
    AND s.shuffle_write_bytes < $max_bytes_per_ms * (s.shuffle_write_time / 1e6)
    AND s.executor_run_time >= $min_task_ms * s.num_complete_tasks
    AND COALESCE(s.jvm_gc_time, 0) < $max_gc_share * s.executor_run_time
    AND NOT COALESCE(s.shuffle_write_bytes < $small_record_bytes * s.shuffle_write_records AND s.executor_cpu_time / 1e6 >= $busy_share * s.executor_run_time, FALSE)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.application_id AS subject_id,
  'medium' AS confidence,
  TRY_CAST(w.write_ms - w.bytes / NULLIF($good_bytes_per_ms, 0e0) AS BIGINT) AS lost_core_ms,
  TRY_CAST((w.write_ms - w.bytes / NULLIF($good_bytes_per_ms, 0e0)) * a.wall_ratio AS BIGINT) AS recoverable_ms,
  w.num_stages, TRY_CAST(w.run_ms AS BIGINT) AS run_ms, TRY_CAST(w.write_ms AS BIGINT) AS write_ms, TRY_CAST(w.bytes AS BIGINT) AS bytes,
  w.write_ms / NULLIF(w.run_ms, 0e0) AS write_share, TRY_CAST(1e3 * w.bytes / NULLIF(w.write_ms, 0e0) AS BIGINT) AS rate,
  w.write_ms / NULLIF(CAST(t.executor_run_time AS DOUBLE), 0e0) AS app_share,
  COALESCE(y.is_synced, FALSE) AS is_synced, y.bypass_threshold, a.master, COALESCE(a.is_emr, FALSE) AS is_emr, COALESCE(a.is_databricks, FALSE) AS is_databricks
FROM writes AS w
INNER JOIN application_facts AS a
  ON a.platform = w.platform AND a.cluster_id = w.cluster_id
  AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
INNER JOIN application_run_times AS t
  ON t.platform = w.platform AND t.cluster_id = w.cluster_id
  AND t.application_id = w.application_id AND t.attempt_id = w.attempt_id
LEFT JOIN synced AS y
  ON y.platform = w.platform AND y.cluster_id = w.cluster_id
  AND y.application_id = w.application_id AND y.attempt_id = w.attempt_id
WHERE w.write_ms >= $min_write_ms OR (w.write_ms >= $min_small_write_ms AND w.write_ms >= $min_small_share * t.executor_run_time)
