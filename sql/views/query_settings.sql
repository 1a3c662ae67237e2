-- id: query_settings
-- title: The settings that rules reason about, where a query had its own
-- description: One row per SQL execution that ran with other settings than its application: what a
--   session, a notebook or a SET changed, sizes in bytes and switches as booleans as in
--   application_settings. NULL where the query had the application's value.
-- reads: session_settings
WITH texts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, key, value, REGEXP_REPLACE(value, '[a-z]+$', '') AS digits
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id, sql_id, key,
      -- As in spark_settings.
      LOWER(BTRIM(value, CONCAT(' ', CHR(9), CHR(10), CHR(13)))) AS value
    FROM session_settings
    WHERE sql_id IS NOT NULL AND key LIKE 'spark.sql.%'
  ) AS s
),
parsed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, key, value,
    TRY_CAST(digits AS DOUBLE) * CASE SUBSTR(value, LENGTH(digits) + 1)
      WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0
      WHEN 'm' THEN 1048576e0 WHEN 'mb' THEN 1048576e0
      WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
      WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0
      WHEN 'b' THEN 1e0 WHEN '' THEN 1e0
    END AS bytes
  FROM texts
)
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id,
  TRY_CAST(MAX(CASE WHEN key = 'spark.sql.shuffle.partitions' THEN value END) AS BIGINT) AS shuffle_partitions,
  MAX(CASE WHEN key = 'spark.sql.adaptive.enabled' THEN value END) = 'true' AS adaptive,
  MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.enabled' THEN value END) = 'true' AS coalesce_partitions,
  MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.parallelismFirst' THEN value END) = 'true' AS parallelism_first,
  MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.minPartitionSize' THEN bytes END) AS merge_min_bytes,
  TRY_CAST(MAX(CASE WHEN key = 'spark.sql.adaptive.coalescePartitions.minPartitionNum' THEN value END) AS DOUBLE) AS merge_min_count,
  MAX(CASE WHEN key = 'spark.sql.adaptive.skewJoin.enabled' THEN value END) = 'true' AS skew_join,
  MAX(CASE WHEN key = 'spark.sql.adaptive.advisoryPartitionSizeInBytes' THEN bytes END) AS advisory_bytes,
  MAX(CASE WHEN key = 'spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes' THEN bytes END) AS skew_threshold_bytes,
  MAX(CASE WHEN key = 'spark.sql.files.maxPartitionBytes' THEN bytes END) AS max_partition_bytes,
  MAX(CASE WHEN key = 'spark.sql.autoBroadcastJoinThreshold' THEN bytes END) AS broadcast_threshold_bytes,
  TRY_CAST(MAX(CASE WHEN key = 'spark.sql.execution.arrow.maxRecordsPerBatch' THEN value END) AS BIGINT) AS arrow_batch_rows,
  COALESCE(
    MAX(CASE WHEN key = 'spark.sql.execution.arrow.pyspark.enabled' THEN value END), MAX(CASE WHEN key = 'spark.sql.execution.arrow.enabled' THEN value END)
  ) = 'true' AS arrow_collect
FROM parsed
GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
