-- id: risky_settings
-- title: Settings that cost more than they win
-- category: settings
-- severity: low
-- version: 17
-- description: Fires for values that make failures long, silent or expensive: results to the driver without a limit, broadcasts of
--   gigabytes, files that are skipped when they cannot be read, tasks that fail very many times before the job
--   does (unless tasks needed more attempts than the default in a stage that ended well), hour-long time-outs, waits for local data of many seconds, shuffle data that is not compressed or compressed at a level that costs more processor time than it saves, a
--   share of the heap for execution and storage that starves them or the program, the committer that is not
--   safe where attempts of tasks fail or run twice (told where the application wrote files by it, with speculation on or after such failures), heartbeats so frequent that executors end themselves, and several cores for tasks that use one. A loss is counted for the last alone, where the processor time shows
--   it (view reserved_cores): what tasks reserved and did not use in stages with at least as many tasks as cores. Half of that is told as gain of wall time, for tasks side by side share memory and disks, and none under
--   dynamic allocation, which asks for more executors instead. The others cost when the case comes. A large share of the heap for execution and storage is told where the garbage collection is measured, and nothing spilled, which needs that share. What the application's Spark
--   does not know or ignores is left to ineffective_settings, and the committer that Databricks sets for all, where its own protocol commits, is no risk.
-- parameter: min_broadcast_bytes double = 536870912 [bytes] size in memory of a broadcast from which oversized_broadcast tells it
-- parameter: won_part double = 0.5 [ratio] wall time that is won where as many more tasks as there are cores run side by side, over what would be if none disturbed another
-- parameter: min_task_ms double = 10000 [ms] task time of the application from which several cores for a task are told, at least
-- parameter: min_unused_ms double = 2000 [ms] or the core time that tasks reserved and, as measured, did not use
-- parameter: min_spilled_mib bigint = 64 [MiB] what tasks spilled with a small share of memory, at least; where memory_spill tells a stage (view spill_costs), it tells this with what it costs
-- parameter: min_gc_ratio double = 0.1 [ratio] garbage collection over task time from which a large share of the heap for execution and storage is told, at least
-- parameter: min_compressed_mib bigint = 64 [MiB] shuffle data of the application from which the level of its compression matters, at least
-- evidence: {key} is {value}: {problem}[; stages with enough tasks for all cores had {unused_core_ms:s} of core time reserved and not used].
-- advice: key = 'spark.driver.maxResultSize' | spark.driver.maxResultSize | result_limit | Set a limit well below the driver's memory, and write
--   large results from the executors.
-- advice: key = 'spark.sql.autoBroadcastJoinThreshold' | spark.sql.autoBroadcastJoinThreshold | '100MB' | Lower it, and hint the few larger
--   tables that are worth it.
-- advice: key = 'spark.sql.files.ignoreCorruptFiles' | spark.sql.files.ignoreCorruptFiles | 'false' | Let the job fail, and move the broken
--   file away.
-- advice: key = 'spark.sql.files.ignoreMissingFiles' | spark.sql.files.ignoreMissingFiles | 'false' | Let the job fail, or read a table
--   format, which shows one version to each reader.
-- advice: key = 'spark.task.maxFailures' | spark.task.maxFailures | '4' | Let the job fail after a few attempts: an error of the code or its
--   data comes back in each.
-- advice: key = 'spark.network.timeout' | spark.network.timeout | '600s' | Shorten it, and find out why executors do not answer.
-- advice: key = 'spark.executor.heartbeatInterval' | spark.executor.heartbeatInterval | '10s' | Set it back to the default: heartbeats only tell that an executor lives and how far
--   its tasks are.
-- advice: key = 'spark.locality.wait' | spark.locality.wait | '3s' | Shorten it; on object stores there is no local data to wait for.
-- advice: key = 'spark.task.cpus' | spark.task.cpus | '1' | Give each task one core, so that the others work too; set more only for code that starts threads of its
--   own. If it is meant to give a task more memory, give the executors more memory instead.
-- advice: key = 'spark.shuffle.compress' | spark.shuffle.compress | 'true' | Compress shuffle data.
-- advice: key = 'spark.io.compression.zstd.level' | spark.io.compression.zstd.level | '1' | Set it back to 1, Spark's default: shuffle data, spills and broadcasts live for minutes, and time counts more than
--   their size.
-- advice: key = 'spark.memory.fraction' AND number > 0.6e0 | spark.memory.fraction | '0.6' | Leave room for the objects of the program.
-- advice: key = 'spark.memory.fraction' | spark.memory.fraction | '0.6' | Give sorts, joins, aggregates and caches the share that they have by
--   default.
-- advice: key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' AND writes_s3 AND is_emr | spark.sql.parquet.fs.optimized.committer.optimization-enabled | 'true' |
--   Write to S3 with the EMRFS S3-optimized committer, which needs no renames and is safe beside failed attempts. Version 1 renames all files one after the other there.
-- advice: key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' AND writes_s3 | spark.hadoop.fs.s3a.committer.name | 'magic' |
--   Write to S3 with a committer that needs no renames (with spark.sql.sources.commitProtocolClass=org.apache.spark.internal.io.cloud.PathOutputCommitProtocol and
--   spark.sql.parquet.output.committer.class=org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter of spark-hadoop-cloud), or write a table format (Delta, Iceberg, Hudi).
--   Version 1 is no way out there: the driver copies all files one after the other.
-- advice: key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' AND writes_gs | - | - | Write with the manifest committer of Hadoop 3.3.5 and newer
--   (spark.hadoop.mapreduce.outputcommitter.factory.scheme.gs), or write a table format (Delta, Iceberg, Hudi): renames of folders are not atomic there, so version 1 is not safe either.
-- advice: key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' AND writes_abfs |
--   spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version | '1' | Use a committer that is safe beside failed attempts: version 1, or the manifest committer of Hadoop 3.3.5 and newer, which is faster.
-- advice: key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' |
--   spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version | '1' | Use a committer that is safe beside failed attempts and copies of tasks.
-- recommendation: Set it back to the default.
WITH set_values AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, key, MAX(LOWER(TRIM(value))) AS value,
    MAX(REGEXP_REPLACE(LOWER(TRIM(value)), '[a-z]+$', '')) AS digits
  FROM spark_settings
  GROUP BY platform, cluster_id, application_id, attempt_id, key
),
parsed AS (
  SELECT
    s.*,
    TRY_CAST(digits AS DOUBLE) AS number,
    SUBSTR(value, LENGTH(digits) + 1) AS unit
  FROM set_values AS s
),
spills AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    TRY_CAST(ROUND(SUM(CAST(memory_bytes_spilled AS DOUBLE)) / 1048576e0) AS BIGINT) AS spilled_mib,
    TRY_CAST(ROUND(SUM(CAST(shuffle_write_bytes AS DOUBLE)) / 1048576e0) AS BIGINT) AS shuffled_mib,
    SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(executor_cpu_time AS DOUBLE)) / 1e6 AS cpu_ms, SUM(CAST(jvm_gc_time AS DOUBLE)) AS gc_ms
  FROM timed_stages
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Processes and threads beside the JVM's tasks do not count as their processor time.
pythons AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM sql_nodes WHERE node_name LIKE '%Python%' OR node_name LIKE '%Pandas%'
  UNION
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM rdds WHERE rdd_name LIKE 'Python%'
),
-- Libraries that start threads of their own in a task.
natives AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM timed_stages
  WHERE LOWER(stage_name) LIKE '%xgboost%' OR LOWER(stage_name) LIKE '%lightgbm%' OR LOWER(stage_name) LIKE '%horovod%' OR LOWER(stage_name) LIKE '%torch%' OR LOWER(stage_name) LIKE '%tensorflow%'
),
-- What the committer of Hadoop's file output put in place: table formats and committers for S3 have their own way.
committers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.sql.parquet.fs.optimized.committer.optimization-enabled' AND value = 'false' THEN 1 ELSE 0 END) = 1 AS lacks_emrfs,
    MAX(CASE WHEN key = 'spark.hadoop.fs.s3a.committer.name' AND value IN ('magic', 'directory', 'partitioned') THEN 1 ELSE 0 END)
      * MAX(CASE WHEN key = 'spark.sql.sources.commitProtocolClass' AND value LIKE '%pathoutputcommitprotocol%' THEN 1 ELSE 0 END) = 1 AS has_s3a
  FROM set_values
  GROUP BY platform, cluster_id, application_id, attempt_id
),
writes AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, COUNT(*) AS num_writes,
    MAX(CASE WHEN w.location LIKE 's3%' THEN 1 ELSE 0 END) = 1 AS writes_s3,
    MAX(CASE WHEN w.location LIKE 'gs:%' THEN 1 ELSE 0 END) = 1 AS writes_gs,
    MAX(CASE WHEN w.location LIKE 'abfs%' THEN 1 ELSE 0 END) = 1 AS writes_abfs
  FROM sql_scans AS w
  INNER JOIN application_settings AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  LEFT JOIN committers AS c
    ON c.platform = w.platform AND c.cluster_id = w.cluster_id
    AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id
  WHERE w.operation = 'write' AND w.format IN ('parquet', 'orc', 'csv', 'json', 'text', 'avro', 'hive')
    AND NOT (COALESCE(w.location LIKE 's3%', FALSE) AND (COALESCE(a.is_emr AND NOT c.lacks_emrfs, FALSE) OR COALESCE(c.has_s3a, FALSE)))
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id
),
failed_writes AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(num_failed_tasks) AS num_failed
  FROM timed_stages
  WHERE output_bytes > 0
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Broadcasts of that size are told by oversized_broadcast, with this setting.
broadcasts AS (
  SELECT DISTINCT n.platform, n.cluster_id, n.application_id, n.attempt_id
  FROM sql_nodes AS n
  INNER JOIN sql_node_metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
  WHERE n.operator_kind = 'broadcast' AND m.metric_name = 'data size' AND m.total >= $min_broadcast_bytes
),
-- Stages that ended well only because tasks may fail more often than four times, as on one bad machine: failed_tasks tells it.
persistent AS (
  SELECT DISTINCT t.platform, t.cluster_id, t.application_id, t.attempt_id
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
    FROM tasks
    WHERE status = 'FAILED'
    GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, index
    HAVING COUNT(*) >= 4
  ) AS t
  INNER JOIN timed_stages AS s
    ON s.platform = t.platform AND s.cluster_id = t.cluster_id
    AND s.application_id = t.application_id AND s.attempt_id = t.attempt_id AND s.stage_id = t.stage_id AND s.stage_attempt_id = t.stage_attempt_id
  WHERE s.status = 'COMPLETE'
),
-- Where all cores would have had a task.
reserved AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, SUM(unused_ms) AS unused_ms,
    SUM($won_part * (1e0 - 1e0 / NULLIF(CAST(task_cpus AS DOUBLE), 0e0)) * LEAST(CAST(duration_ms AS DOUBLE), task_ms / NULLIF(stage_slots, 0))) AS won_ms
  FROM reserved_cores
  WHERE num_tasks >= core_slots
  GROUP BY platform, cluster_id, application_id, attempt_id
),
timed AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    -- Spark 4 counts the run time of a task once for each of its cores.
    COALESCE(CAST(NULLIF(a.total_task_time_ms, 0) AS DOUBLE), s.run_ms) AS task_ms
  FROM application_facts AS a
  LEFT JOIN spills AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
),
judged AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.key, p.value, p.number,
    CASE
      WHEN p.key = 'spark.driver.maxResultSize' AND number = 0e0
        THEN 'one large collect fills the driver and ends the application'
      WHEN p.key = 'spark.sql.autoBroadcastJoinThreshold' AND b.platform IS NULL AND number * CASE unit
          WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0 WHEN 'mb' THEN 1048576e0
          WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0 ELSE 1e0 END >= 1073741824e0
        THEN 'the driver and every executor hold such a table in memory, and its real size is a multiple of what Spark estimates'
      WHEN p.key = 'spark.sql.files.ignoreCorruptFiles' AND p.value = 'true'
        THEN 'rows of files that cannot be read are left out silently'
      WHEN p.key = 'spark.sql.files.ignoreMissingFiles' AND p.value = 'true'
        THEN 'rows of files that were deleted meanwhile are left out silently'
      WHEN p.key = 'spark.task.maxFailures' AND number >= 20e0 AND k.platform IS NULL
        THEN 'a task that cannot succeed runs that often before the job fails'
      WHEN p.key = 'spark.network.timeout' AND number * CASE unit
          WHEN 'ms' THEN 1e-3 WHEN 'm' THEN 6e1 WHEN 'min' THEN 6e1 WHEN 'h' THEN 3.6e3 WHEN 's' THEN 1e0 WHEN '' THEN 1e0 END >= 3600e0
        THEN 'a dead executor holds up its stage that long'
      -- What has no unit is milliseconds.
      WHEN p.key = 'spark.executor.heartbeatInterval' AND NOT a.is_local AND number > 0e0 AND number * CASE unit
          WHEN 'ms' THEN 1e0 WHEN '' THEN 1e0 WHEN 's' THEN 1e3 END < 1e3
        THEN CONCAT('an executor ends itself after 60 heartbeats in a row that the driver did not answer, here ',
          CAST(CAST(number * 6e-2 AS DECIMAL(9, 1)) AS STRING), ' s: a long garbage collection or a busy driver is enough')
      WHEN p.key = 'spark.locality.wait' AND number * CASE unit
          WHEN 'ms' THEN 1e-3 WHEN 'm' THEN 6e1 WHEN 'min' THEN 6e1 WHEN 'h' THEN 3.6e3 WHEN 's' THEN 1e0 WHEN '' THEN 1e-3 END >= 20e0 AND l.platform IS NULL
        THEN 'cores stand idle that long although there are tasks'
      WHEN p.key = 'spark.shuffle.compress' AND p.value = 'false'
        THEN 'a multiple of the bytes goes over disks and network'
      WHEN p.key = 'spark.io.compression.zstd.level' AND number >= 4e0 AND q.platform IS NOT NULL AND s.shuffled_mib >= $min_compressed_mib
        THEN CONCAT('a task that writes shuffle data (', CAST(s.shuffled_mib AS STRING), ' MiB in all) compresses it with several times the processor time of level 1')
      WHEN p.key = 'spark.memory.fraction' AND number > 0.85e0 AND s.gc_ms >= 1000e0 AND s.gc_ms >= $min_gc_ratio * s.run_ms AND COALESCE(s.spilled_mib < $min_spilled_mib, TRUE)
        THEN CONCAT('little heap is left for the objects of the program, and garbage collection took ', CAST(TRY_CAST(ROUND(100e0 * s.gc_ms / NULLIF(s.run_ms, 0e0)) AS BIGINT) AS STRING), ' % of the task time')
      WHEN p.key = 'spark.memory.fraction' AND number < 0.5e0 AND s.spilled_mib >= $min_spilled_mib AND d.platform IS NULL
        THEN CONCAT('sorts, joins and aggregates have so little memory that tasks spilled ', CAST(s.spilled_mib AS STRING), ' MiB')
      WHEN p.key = 'spark.task.cpus' AND number >= 2e0 AND (t.task_ms >= $min_task_ms OR v.unused_ms >= $min_unused_ms) AND s.cpu_ms > 0e0 AND s.cpu_ms <= 1.1e0 * t.task_ms
        AND y.platform IS NULL AND o.platform IS NULL AND u.platform IS NULL AND NOT COALESCE(a.has_gpu, FALSE)
        THEN CONCAT('each task reserves ', p.value, ' cores and used ', CAST(CAST(s.cpu_ms / NULLIF(t.task_ms, 0e0) AS DECIMAL(9, 1)) AS STRING), ' of one on average')
      WHEN p.key = 'spark.task.cpus' AND number >= 2e0 AND t.task_ms >= $min_task_ms AND y.platform IS NOT NULL AND o.platform IS NULL AND u.platform IS NULL AND NOT COALESCE(a.has_gpu, FALSE)
        THEN 'each task reserves that many cores, and Python uses one, unless a library that it calls starts threads'
      WHEN p.key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' AND p.value = '2' AND NOT COALESCE(a.is_databricks, FALSE)
        AND w.num_writes > 0 AND a.speculation
        THEN 'with speculation on, copies of a task can both leave files behind'
      WHEN p.key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' AND p.value = '2' AND NOT COALESCE(a.is_databricks, FALSE)
        AND w.num_writes > 0 AND f.num_failed > 0
        THEN CONCAT('an attempt that fails while it puts its files in place leaves some behind, and ', CAST(f.num_failed AS STRING), CASE WHEN f.num_failed = 1 THEN ' attempt' ELSE ' attempts' END,
          ' of tasks that write failed')
    END AS problem,
    CASE WHEN p.key = 'spark.task.cpus' AND y.platform IS NULL AND o.platform IS NULL AND NOT COALESCE(a.has_gpu, FALSE) THEN v.unused_ms END AS unused_ms,
    CASE WHEN NOT COALESCE(a.dynamic_allocation, FALSE) THEN v.won_ms END AS won_ms,
    CASE WHEN a.driver_memory_bytes >= 4294967296 THEN '2g' WHEN COALESCE(a.driver_memory_bytes, 2147483648) >= 2147483648 THEN '1g' ELSE '512m' END AS result_limit,
    COALESCE(w.writes_s3, FALSE) AS writes_s3, COALESCE(w.writes_gs, FALSE) AS writes_gs, COALESCE(w.writes_abfs, FALSE) AS writes_abfs, COALESCE(a.is_emr, FALSE) AS is_emr
  FROM parsed AS p
  INNER JOIN application_facts AS a
    ON a.platform = p.platform AND a.cluster_id = p.cluster_id
    AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
  LEFT JOIN spills AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM spill_costs WHERE is_told) AS d
    ON d.platform = p.platform AND d.cluster_id = p.cluster_id
    AND d.application_id = p.application_id AND d.attempt_id = p.attempt_id
  LEFT JOIN timed AS t
    ON t.platform = p.platform AND t.cluster_id = p.cluster_id
    AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id
  LEFT JOIN reserved AS v
    ON v.platform = p.platform AND v.cluster_id = p.cluster_id
    AND v.application_id = p.application_id AND v.attempt_id = p.attempt_id
  LEFT JOIN writes AS w
    ON w.platform = p.platform AND w.cluster_id = p.cluster_id
    AND w.application_id = p.application_id AND w.attempt_id = p.attempt_id
  LEFT JOIN failed_writes AS f
    ON f.platform = p.platform AND f.cluster_id = p.cluster_id
    AND f.application_id = p.application_id AND f.attempt_id = p.attempt_id
  LEFT JOIN persistent AS k
    ON k.platform = p.platform AND k.cluster_id = p.cluster_id
    AND k.application_id = p.application_id AND k.attempt_id = p.attempt_id
  -- Its level holds for this codec only.
  LEFT JOIN (SELECT platform, cluster_id, application_id, attempt_id FROM set_values WHERE key = 'spark.io.compression.codec' AND value LIKE '%zstd%') AS q
    ON q.platform = p.platform AND q.cluster_id = p.cluster_id
    AND q.application_id = p.application_id AND q.attempt_id = p.attempt_id
  -- Those are told with what they cost.
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM locality_waits) AS l
    ON l.platform = p.platform AND l.cluster_id = p.cluster_id
    AND l.application_id = p.application_id AND l.attempt_id = p.attempt_id
  -- Fewer tasks at once are what helps there.
  LEFT JOIN (
    SELECT DISTINCT platform, cluster_id, application_id, attempt_id
    FROM failure_causes
    WHERE cause IN ('heap', 'direct_memory', 'threads', 'container', 'python_memory', 'python_crash', 'rate_limit', 'throttled', 'service')
  ) AS u
    ON u.platform = p.platform AND u.cluster_id = p.cluster_id
    AND u.application_id = p.application_id AND u.attempt_id = p.attempt_id
  LEFT JOIN natives AS o
    ON o.platform = p.platform AND o.cluster_id = p.cluster_id
    AND o.application_id = p.application_id AND o.attempt_id = p.attempt_id
  LEFT JOIN broadcasts AS b
    ON b.platform = p.platform AND b.cluster_id = p.cluster_id
    AND b.application_id = p.application_id AND b.attempt_id = p.attempt_id
  LEFT JOIN pythons AS y
    ON y.platform = p.platform AND y.cluster_id = p.cluster_id
    AND y.application_id = p.application_id AND y.attempt_id = p.attempt_id
  LEFT JOIN (
    SELECT DISTINCT platform, cluster_id, application_id, attempt_id, key
    FROM setting_problems
    WHERE problem IN ('too_new', 'removed', 'no_effect')
  ) AS z
    ON z.platform = p.platform AND z.cluster_id = p.cluster_id
    AND z.application_id = p.application_id AND z.attempt_id = p.attempt_id AND z.key = p.key
  WHERE z.platform IS NULL
)
SELECT
  platform, cluster_id, application_id, attempt_id,
  key AS subject_id,
  CASE WHEN unused_ms > 0e0 THEN NULL ELSE 'low' END AS severity, 'medium' AS confidence,
  CONCAT(key, ' is ', value) AS title,
  TRY_CAST(ROUND(unused_ms) AS BIGINT) AS lost_core_ms, CASE WHEN unused_ms > 0e0 THEN TRY_CAST(ROUND(won_ms) AS BIGINT) END AS recoverable_ms,
  key, value, number, problem, TRY_CAST(ROUND(unused_ms) AS BIGINT) AS unused_core_ms, result_limit, writes_s3, writes_gs, writes_abfs, is_emr
FROM judged
WHERE problem IS NOT NULL
