-- id: application_settings
-- title: The settings that rules reason about, one row an application
-- description: Values as the application had them; where it set none, Spark's own default for its
--   version. Sizes are bytes, durations (…_ms) milliseconds, switches booleans. NULL where the history holds no environment at all,
--   because then nothing is known, and where a value is no number, such as Databricks' auto.
-- reads: applications, spark_settings
WITH texts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, key, LOWER(TRIM(value)) AS value,
    REGEXP_REPLACE(LOWER(TRIM(value)), '[a-z]+$', '') AS digits
  FROM spark_settings
),
parsed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, key, value,
    value = 'true' AS is_true,
    TRY_CAST(value AS DOUBLE) AS number,
    TRY_CAST(digits AS DOUBLE) * CASE SUBSTR(value, LENGTH(digits) + 1)
      WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0
      WHEN 'm' THEN 1048576e0 WHEN 'mb' THEN 1048576e0
      WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
      WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0
      WHEN 'b' THEN 1e0
      -- Memory without a unit is in MiB, every other size in bytes.
      WHEN '' THEN CASE WHEN key LIKE 'spark.executor.%' THEN 1048576e0 ELSE 1e0 END
    END AS bytes,
    TRY_CAST(digits AS DOUBLE) * CASE SUBSTR(value, LENGTH(digits) + 1)
      WHEN 'ms' THEN 1e0 WHEN 's' THEN 1e3 WHEN '' THEN 1e3 WHEN 'm' THEN 6e4 WHEN 'min' THEN 6e4 WHEN 'h' THEN 36e5 WHEN 'd' THEN 864e5
    END AS time_ms
  FROM texts
),
settings AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.master' THEN value END) AS master,
    -- Delta Lake has settings of that name outside of Databricks too.
    MAX(CASE WHEN key LIKE 'spark.databricks.%' AND key NOT LIKE 'spark.databricks.delta.%' THEN 1 ELSE 0 END) AS num_databricks,
    MAX(CASE WHEN key LIKE 'spark.emr-serverless.%' THEN 1 ELSE 0 END) AS num_serverless,
    MAX(CASE WHEN key = 'spark.sql.shuffle.partitions' THEN value END) AS shuffle_partitions,
    MAX(CASE WHEN key = 'spark.default.parallelism' THEN number END) AS default_parallelism,
    MAX(CASE WHEN key = 'spark.sql.adaptive.enabled' THEN value END) AS adaptive,
    MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.enabled' THEN value END) AS coalesce_partitions,
    MAX(CASE WHEN key = 'spark.sql.adaptive.advisoryPartitionSizeInBytes' THEN bytes END) AS advisory_bytes,
    MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.parallelismFirst' THEN value END) AS parallelism_first,
    MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.minPartitionSize' THEN bytes END) AS merge_min_bytes,
    MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.minPartitionNum' THEN number END) AS merge_min_count,
    MAX(CASE WHEN key = 'spark.sql.adaptive.skewJoin.enabled' THEN value END) AS skew_join,
    MAX(CASE WHEN key = 'spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes' THEN bytes END) AS skew_threshold_bytes,
    MAX(CASE WHEN key = 'spark.sql.files.maxPartitionBytes' THEN bytes END) AS max_partition_bytes,
    MAX(CASE WHEN key = 'spark.sql.autoBroadcastJoinThreshold' THEN bytes END) AS broadcast_threshold_bytes,
    MAX(CASE WHEN key = 'spark.sql.execution.arrow.maxRecordsPerBatch' THEN number END) AS arrow_batch_rows,
    MAX(CASE WHEN key = 'spark.sql.execution.arrow.pyspark.enabled' THEN value END) AS arrow_collect,
    -- Its name before Spark 3.0, which still holds where the new one is not set.
    MAX(CASE WHEN key = 'spark.sql.execution.arrow.enabled' THEN value END) AS old_arrow_collect,
    MAX(CASE WHEN key = 'spark.executor.memory' THEN bytes END) AS executor_memory_bytes,
    MAX(CASE WHEN key = 'spark.executor.memoryOverhead' OR key = 'spark.yarn.executor.memoryOverhead' THEN bytes END) AS overhead_bytes,
    MAX(CASE WHEN key = 'spark.task.cpus' THEN number END) AS task_cpus,
    MAX(CASE WHEN key = 'spark.executor.instances' THEN number END) AS executor_instances,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.enabled' THEN value END) AS dynamic_allocation,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.minExecutors' THEN number END) AS min_executors,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.maxExecutors' THEN number END) AS max_executors,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.shuffleTracking.enabled' THEN value END) AS shuffle_tracking,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.executorIdleTimeout' THEN time_ms END) AS idle_timeout_ms,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.cachedExecutorIdleTimeout' THEN time_ms END) AS cached_timeout_ms,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.shuffleTracking.timeout' THEN time_ms END) AS shuffle_timeout_ms,
    MAX(CASE WHEN key = 'spark.dynamicAllocation.schedulerBacklogTimeout' THEN time_ms END) AS backlog_timeout_ms,
    MAX(CASE WHEN key = 'spark.shuffle.service.enabled' THEN value END) AS shuffle_service,
    MAX(CASE WHEN key = 'spark.decommission.enabled' THEN value END) AS decommission,
    MAX(CASE WHEN key = 'spark.storage.decommission.enabled' THEN value END) AS storage_decommission,
    MAX(CASE WHEN key = 'spark.storage.decommission.shuffleBlocks.enabled' THEN value END) AS shuffle_decommission,
    MAX(CASE WHEN key = 'spark.plugins' AND value LIKE '%com.nvidia.spark.sqlplugin%' THEN 1 ELSE 0 END) AS num_rapids,
    MAX(CASE WHEN key = 'spark.rapids.sql.enabled' THEN value END) AS rapids,
    MAX(CASE WHEN key = 'spark.rapids.sql.mode' THEN value END) AS rapids_mode,
    MAX(CASE WHEN key = 'spark.speculation' THEN value END) AS speculation
  FROM parsed
  GROUP BY platform, cluster_id, application_id, attempt_id
),
versions AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_memory_bytes, spark_version,
    -- 305 for Spark 3.5; a missing version is Databricks, which is recent.
    COALESCE(
      100 * TRY_CAST(SPLIT_PART(spark_version, '.', 1) AS BIGINT)
        + TRY_CAST(REGEXP_REPLACE(SPLIT_PART(spark_version, '.', 2), '[^0-9].*$', '') AS BIGINT),
      305
    ) AS spark_minor
  FROM applications
),
known AS (
  SELECT
    v.platform, v.cluster_id, v.application_id, v.attempt_id,
    v.spark_minor,
    s.platform IS NOT NULL AS has_settings,
    -- A local cluster has executors.
    COALESCE(s.master LIKE 'local%' AND s.master NOT LIKE 'local-cluster%', FALSE) AS is_local,
    -- Databricks sets executors by the instance type. Its logs can come from anywhere.
    v.platform = 'databricks' OR COALESCE(s.num_databricks, 0) = 1 AS is_databricks,
    v.platform LIKE 'emr%' OR COALESCE(v.spark_version LIKE '%amzn%', FALSE) AS is_emr,
    v.platform = 'emr_serverless' OR COALESCE(s.num_serverless, 0) = 1 AS is_serverless,
    CASE
      WHEN s.shuffle_partitions IS NOT NULL THEN TRY_CAST(s.shuffle_partitions AS BIGINT)
      WHEN s.platform IS NOT NULL THEN 200
    END AS shuffle_partitions,
    TRY_CAST(s.default_parallelism AS BIGINT) AS default_parallelism,
    COALESCE(s.adaptive, CASE WHEN v.spark_minor >= 302 THEN 'true' ELSE 'false' END) = 'true'
      AND s.platform IS NOT NULL AS adaptive,
    COALESCE(s.coalesce_partitions, 'true') = 'true' AS coalesce_partitions,
    COALESCE(s.parallelism_first, 'true') = 'true' AS parallelism_first,
    -- The minimum size came with Spark 3.2, as did parallelismFirst.
    COALESCE(s.merge_min_bytes, CASE WHEN v.spark_minor >= 302 THEN 1048576e0 ELSE 16e0 END) AS merge_min_bytes,
    s.merge_min_count,
    COALESCE(s.skew_join, 'true') = 'true' AS skew_join,
    COALESCE(s.advisory_bytes, 67108864e0) AS advisory_bytes,
    COALESCE(s.skew_threshold_bytes, 268435456e0) AS skew_threshold_bytes,
    COALESCE(s.max_partition_bytes, 134217728e0) AS max_partition_bytes,
    COALESCE(s.broadcast_threshold_bytes, 10485760e0) AS broadcast_threshold_bytes,
    COALESCE(TRY_CAST(s.arrow_batch_rows AS BIGINT), 10000) AS arrow_batch_rows,
    -- How toPandas gets its rows. Databricks has it on.
    COALESCE(
      s.arrow_collect, s.old_arrow_collect,
      CASE WHEN v.spark_minor >= 402 OR v.platform = 'databricks' OR s.num_databricks = 1 THEN 'true' WHEN s.platform IS NOT NULL THEN 'false' END
    ) = 'true' AS arrow_collect,
    COALESCE(v.executor_memory_bytes, TRY_CAST(s.executor_memory_bytes AS BIGINT)) AS executor_memory_bytes,
    s.overhead_bytes,
    GREATEST(COALESCE(TRY_CAST(s.task_cpus AS BIGINT), 1), 1) AS task_cpus,
    TRY_CAST(s.executor_instances AS BIGINT) AS executor_instances,
    COALESCE(s.dynamic_allocation, 'false') = 'true' AS dynamic_allocation,
    TRY_CAST(s.min_executors AS BIGINT) AS min_executors,
    TRY_CAST(s.max_executors AS BIGINT) AS max_executors,
    -- Dynamic allocation starts only where shuffle data outlives its executor or is tracked.
    s.platform IS NOT NULL
      AND v.platform <> 'databricks' AND COALESCE(s.num_databricks, 0) = 0
      AND COALESCE(s.master LIKE 'yarn%' OR s.master LIKE 'k8s%' OR s.master LIKE 'spark:%', FALSE)
      AND (
        v.spark_minor >= 304 OR COALESCE(s.shuffle_service, 'false') = 'true'
        OR COALESCE(s.shuffle_tracking, 'false') = 'true'
      ) AS could_allocate,
    COALESCE(s.shuffle_service, 'false') = 'true' AS has_shuffle_service,
    -- Executors that wrote shuffle data stay until it is cleaned up, or for shuffle_timeout_ms.
    COALESCE(s.dynamic_allocation, 'false') = 'true' AND COALESCE(s.shuffle_service, 'false') <> 'true' AND v.spark_minor >= 300
      AND COALESCE(s.shuffle_tracking, CASE WHEN v.spark_minor >= 304 THEN 'true' ELSE 'false' END) = 'true' AS tracks_shuffle,
    COALESCE(s.decommission, 'false') = 'true' AS decommission,
    COALESCE(s.storage_decommission, 'false') = 'true' AS storage_decommission,
    COALESCE(s.shuffle_decommission, CASE WHEN v.spark_minor >= 304 THEN 'true' ELSE 'false' END) = 'true' AS shuffle_decommission,
    -- NULL where nobody set them: 60 s, and forever for executors with cached or shuffle data; 1 s for a backlog.
    s.idle_timeout_ms, s.cached_timeout_ms, s.shuffle_timeout_ms, s.backlog_timeout_ms,
    COALESCE(s.speculation, 'false') = 'true' AS speculation,
    -- RAPIDS computes on GPUs, unless it only explains what it would do.
    COALESCE(s.num_rapids, 0) = 1 AND COALESCE(s.rapids, 'true') = 'true' AND COALESCE(s.rapids_mode, 'executeongpu') = 'executeongpu' AS has_gpu
  FROM versions AS v
  LEFT JOIN settings AS s
    ON s.platform = v.platform AND s.cluster_id = v.cluster_id
    AND s.application_id = v.application_id AND s.attempt_id = v.attempt_id
)
-- A fixed number of executors is what dynamic allocation would begin with.
SELECT k.*, could_allocate AND executor_instances IS NULL AS can_allocate
FROM known AS k
