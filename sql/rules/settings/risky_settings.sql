-- id: risky_settings
-- title: Settings that cost more than they win
-- category: settings
-- severity: low
-- version: 7
-- description: Fires for values that make failures long, silent or expensive: results to the driver without a limit, broadcasts of
--   gigabytes, files that are skipped when they cannot be read, tasks that fail very many times before the job
--   does, hour-long time-outs, waits for local data of many seconds, shuffle data that is not compressed, a
--   share of the heap for execution and storage that starves them or the program, and the committer that is not
--   safe beside speculation, heartbeats so frequent that executors end themselves, several cores for tasks that use one, and readers of Parquet or ORC that take one row at a time. No loss is counted: they cost when the case comes. What the application's Spark
--   does not know or ignores is left to ineffective_settings, and the committer that Databricks sets for all, where its own protocol commits, is no risk.
-- parameter: min_rows bigint = 1000000 [rows] rows of a scan from which a slower reader matters, at least
-- evidence: {key} is {value}: {problem}.
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
-- advice: key = 'spark.executor.heartbeatInterval' | spark.executor.heartbeatInterval | '10s' | Take it back to the default: heartbeats only tell that an executor lives and how far
--   its tasks are.
-- advice: key = 'spark.locality.wait' | spark.locality.wait | '3s' | Shorten it; on object stores there is no local data to wait for.
-- advice: key = 'spark.task.cpus' | spark.task.cpus | '1' | Give each task one core, so that the others work too; set more only for code that starts threads of its
--   own.
-- advice: key = 'spark.shuffle.compress' | spark.shuffle.compress | 'true' | Compress shuffle data.
-- advice: key = 'spark.memory.fraction' AND number > 0.6e0 | spark.memory.fraction | '0.6' | Leave room for the objects of the program.
-- advice: key = 'spark.memory.fraction' | spark.memory.fraction | '0.6' | Give sorts, joins, aggregates and caches the share that they have by
--   default.
-- advice: key = 'spark.sql.parquet.enableVectorizedReader' | spark.sql.parquet.enableVectorizedReader | 'true' | Take it back, unless the reader is known to fail on
--   these files.
-- advice: key = 'spark.sql.orc.enableVectorizedReader' | spark.sql.orc.enableVectorizedReader | 'true' | Take it back, unless the reader is known to fail on these
--   files.
-- advice: key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' |
--   spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version | '1' | Use a committer that is safe beside speculation.
-- recommendation: Take the value back.
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
    SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(executor_cpu_time AS DOUBLE)) / 1e6 AS cpu_ms
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Processes and threads beside the JVM's tasks do not count as their processor time.
pythons AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM sql_nodes WHERE node_name LIKE '%Python%' OR node_name LIKE '%Pandas%'
  UNION
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM rdds WHERE rdd_name LIKE 'Python%'
),
row_scans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN format = 'parquet' THEN 1 ELSE 0 END) AS parquet_scans, SUM(CASE WHEN format = 'orc' THEN 1 ELSE 0 END) AS orc_scans
  FROM sql_scans
  WHERE operation = 'read' AND rows_read >= $min_rows
  GROUP BY platform, cluster_id, application_id, attempt_id
),
judged AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.key, p.value, p.number,
    CASE
      WHEN p.key = 'spark.driver.maxResultSize' AND number = 0e0
        THEN 'one large collect fills the driver and ends the application'
      WHEN p.key = 'spark.sql.autoBroadcastJoinThreshold' AND number * CASE unit
          WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0 WHEN 'mb' THEN 1048576e0
          WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0 ELSE 1e0 END >= 1073741824e0
        THEN 'the driver and every executor hold such a table in memory, and its real size is a multiple of what Spark estimates'
      WHEN p.key = 'spark.sql.files.ignoreCorruptFiles' AND p.value = 'true'
        THEN 'rows of files that cannot be read are missing without a word'
      WHEN p.key = 'spark.sql.files.ignoreMissingFiles' AND p.value = 'true'
        THEN 'rows of files that went meanwhile are missing without a word'
      WHEN p.key = 'spark.task.maxFailures' AND number >= 20e0
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
          WHEN 'ms' THEN 1e-3 WHEN 'm' THEN 6e1 WHEN 'min' THEN 6e1 WHEN 'h' THEN 3.6e3 WHEN 's' THEN 1e0 WHEN '' THEN 1e-3 END >= 20e0
        THEN 'cores stand idle that long although there are tasks'
      WHEN p.key = 'spark.shuffle.compress' AND p.value = 'false'
        THEN 'a multiple of the bytes goes over disks and network'
      WHEN p.key = 'spark.memory.fraction' AND number > 0.85e0
        THEN 'hardly any heap is left for the objects of the program, which ends in garbage collection'
      WHEN p.key = 'spark.memory.fraction' AND number < 0.4e0 AND s.spilled_mib >= 64
        THEN CONCAT('sorts, joins and aggregates have so little memory that tasks spilled ', CAST(s.spilled_mib AS STRING), ' MiB')
      WHEN p.key = 'spark.task.cpus' AND number >= 2e0 AND s.run_ms >= 10000e0 AND s.cpu_ms > 0e0 AND s.cpu_ms <= 1.1e0 * s.run_ms
        AND y.platform IS NULL AND NOT COALESCE(a.has_gpu, FALSE)
        THEN CONCAT('each task holds that many cores, and used ', CAST(CAST(s.cpu_ms / NULLIF(s.run_ms, 0e0) AS DECIMAL(9, 1)) AS STRING), ' of one on average')
      WHEN p.key = 'spark.sql.parquet.enableVectorizedReader' AND p.value = 'false' AND r.parquet_scans > 0
        THEN CONCAT(CAST(r.parquet_scans AS STRING), CASE WHEN r.parquet_scans = 1 THEN ' scan' ELSE ' scans' END, ' of Parquet read row by row instead of in batches of columns')
      WHEN p.key = 'spark.sql.orc.enableVectorizedReader' AND p.value = 'false' AND r.orc_scans > 0
        THEN CONCAT(CAST(r.orc_scans AS STRING), CASE WHEN r.orc_scans = 1 THEN ' scan' ELSE ' scans' END, ' of ORC read row by row instead of in batches of columns')
      WHEN p.key = 'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version' AND p.value = '2' AND a.speculation
        AND NOT COALESCE(a.is_databricks, FALSE)
        THEN 'with speculation on, copies of a task can both leave files behind'
    END AS problem,
    CASE WHEN a.driver_memory_bytes >= 4294967296 THEN '2g' WHEN COALESCE(a.driver_memory_bytes, 2147483648) >= 2147483648 THEN '1g' ELSE '512m' END AS result_limit
  FROM parsed AS p
  INNER JOIN application_facts AS a
    ON a.platform = p.platform AND a.cluster_id = p.cluster_id
    AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
  LEFT JOIN spills AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id
  LEFT JOIN row_scans AS r
    ON r.platform = p.platform AND r.cluster_id = p.cluster_id
    AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id
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
  'low' AS severity, 'medium' AS confidence,
  key, value, number, problem, result_limit
FROM judged
WHERE problem IS NOT NULL
