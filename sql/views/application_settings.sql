-- id: application_settings
-- title: The settings that rules reason about, one row an application
-- description: Values as the application had them; where it set none, Spark's own default. NULL
--   where the history holds no environment at all, because then nothing is known. Sizes stay the
--   text that was set.
-- reads: applications, environment
WITH settings AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.sql.shuffle.partitions' THEN value END) AS shuffle_partitions,
    MAX(CASE WHEN key = 'spark.default.parallelism' THEN value END) AS default_parallelism,
    MAX(CASE WHEN key = 'spark.sql.adaptive.enabled' THEN value END) AS adaptive,
    MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.enabled' THEN value END)
      AS coalesce_partitions,
    MAX(CASE WHEN key = 'spark.sql.adaptive.advisoryPartitionSizeInBytes' THEN value END)
      AS advisory_partition_size,
    MAX(CASE WHEN key = 'spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes' THEN value END)
      AS skew_threshold,
    MAX(CASE WHEN key = 'spark.sql.files.maxPartitionBytes' THEN value END) AS max_partition_bytes,
    MAX(CASE WHEN key = 'spark.executor.memory' THEN value END) AS executor_memory,
    MAX(CASE WHEN key = 'spark.executor.memoryOverhead' THEN value END) AS memory_overhead,
    MAX(CASE WHEN key = 'spark.task.cpus' THEN value END) AS task_cpus,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.enabled' THEN value END) AS dynamic_allocation,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.maxExecutors' THEN value END) AS max_executors,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.executorIdleTimeout' THEN value END)
      AS idle_timeout,
    MAX(CASE WHEN key = 'spark.speculation' THEN value END) AS speculation
  FROM environment
  WHERE section = 'spark'
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id,
  -- Without a setting it is the number of cores, which is no constant.
  s.default_parallelism,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.shuffle_partitions, '200') END
    AS shuffle_partitions,
  -- On by default since Spark 3.2; a missing version is Databricks, where it is on too.
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(
    s.adaptive,
    CASE
      WHEN a.spark_version LIKE '1.%' OR a.spark_version LIKE '2.%' THEN 'false'
      WHEN a.spark_version LIKE '3.0%' OR a.spark_version LIKE '3.1%' THEN 'false'
      ELSE 'true'
    END
  ) END AS adaptive,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.coalesce_partitions, 'true') END
    AS coalesce_partitions,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.advisory_partition_size, '64MB') END
    AS advisory_partition_size,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.skew_threshold, '256MB') END AS skew_threshold,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.max_partition_bytes, '128MB') END
    AS max_partition_bytes,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.executor_memory, '1g') END AS executor_memory,
  s.memory_overhead,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.task_cpus, '1') END AS task_cpus,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.dynamic_allocation, 'false') END
    AS dynamic_allocation,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.max_executors, 'infinity') END AS max_executors,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.idle_timeout, '60s') END AS idle_timeout,
  CASE WHEN s.platform IS NOT NULL THEN COALESCE(s.speculation, 'false') END AS speculation
FROM applications AS a
LEFT JOIN settings AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
