-- id: application_profiles
-- title: What runs of a job are compared by
-- description: Every application with the settings that decide how fast it runs and the operators of its
--   plans, each as a sorted list, so that two runs can be compared without reading their plans and
--   environments again. Names of queries, paths, times and JVM options are left out: they differ from run to run.
--   Of scans and writes only the format counts; joins lose their remarks (skew=true), which follow
--   from the data.
--   out_of_memory is true where an executor was lost for want of memory, or an error or a process log
--   says so.
-- reads: applications, executors, log_findings, spark_settings, sql_nodes
WITH tuning AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    ARRAY_SORT(ARRAY_AGG(CONCAT(key, '=', COALESCE(value, '')))) AS tuning_settings
  FROM spark_settings
  WHERE (
      key LIKE 'spark.sql.%' OR key LIKE 'spark.executor.%' OR key LIKE 'spark.dynamicAllocation.%'
      OR key LIKE 'spark.memory.%' OR key LIKE 'spark.shuffle.%' OR key LIKE 'spark.speculation%'
      OR key LIKE 'spark.task.%' OR key LIKE 'spark.io.%' OR key LIKE 'spark.reducer.%'
      OR key LIKE 'spark.cleaner.%' OR key LIKE 'spark.locality.%' OR key LIKE 'spark.databricks.%'
      OR key LIKE 'spark.scheduler.%' OR key LIKE 'spark.excludeOnFailure.%' OR key LIKE 'spark.blacklist.%'
      OR key LIKE 'spark.decommission.%' OR key LIKE 'spark.storage.decommission.%' OR key LIKE 'spark.python.worker.%'
      -- Every setting that a rule names has to be here, or nobody sees that its advice was taken.
      OR key IN (
        'spark.driver.memory', 'spark.driver.memoryOverhead', 'spark.driver.cores', 'spark.driver.maxResultSize',
        'spark.cores.max', 'spark.default.parallelism', 'spark.serializer', 'spark.kryoserializer.buffer.max',
        'spark.rdd.compress', 'spark.network.timeout', 'spark.plugins', 'spark.yarn.maxAppAttempts',
        'spark.yarn.executor.memoryOverhead', 'spark.yarn.driver.memoryOverhead',
        'spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version'
      )
      -- Addresses of masters differ from run to run.
      OR key = 'spark.master' AND value NOT LIKE '%://%'
    )
    AND key NOT LIKE 'spark.executor.id%' AND key NOT LIKE '%.dir' AND key NOT LIKE '%.path'
    -- Spark adds options of its own to those of the JVM, others in each version.
    AND key NOT LIKE '%JavaOptions'
    AND key NOT LIKE '%.url' AND key NOT LIKE '%.uri' AND key NOT LIKE 'spark.sql.catalog.%'
    AND key NOT LIKE 'spark.databricks.clusterUsageTags%' AND key NOT LIKE 'spark.databricks.%Id'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
operator_nodes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    TRIM(SPLIT_PART(node_name, '(', 1)) AS operator,
    COUNT(*) AS num_nodes
  FROM sql_nodes
  WHERE operator_kind IN ('scan', 'join', 'aggregate', 'sort', 'window', 'write', 'udf', 'broadcast', 'cache')
  GROUP BY platform, cluster_id, application_id, attempt_id, TRIM(SPLIT_PART(node_name, '(', 1))
),
plans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    ARRAY_SORT(ARRAY_AGG(operator)) AS operators,
    ARRAY_SORT(ARRAY_AGG(CONCAT(operator, '=', CAST(num_nodes AS STRING)))) AS operator_counts
  FROM operator_nodes
  GROUP BY platform, cluster_id, application_id, attempt_id
),
memory_losses AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_losses
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id FROM executors WHERE loss_kind = 'oom'
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id FROM log_findings WHERE category = 'memory'
  ) AS l
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id,
  t.tuning_settings,
  p.operators,
  p.operator_counts,
  COALESCE(m.num_losses, 0) > 0
    OR COALESCE(a.failure_reason LIKE '%OutOfMemoryError%' OR a.failure_reason LIKE '%memory limits%', FALSE)
    AS out_of_memory,
  a.app_date
FROM applications AS a
LEFT JOIN tuning AS t
  ON t.platform = a.platform AND t.cluster_id = a.cluster_id
  AND t.application_id = a.application_id AND t.attempt_id = a.attempt_id
LEFT JOIN plans AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
LEFT JOIN memory_losses AS m
  ON m.platform = a.platform AND m.cluster_id = a.cluster_id
  AND m.application_id = a.application_id AND m.attempt_id = a.attempt_id
