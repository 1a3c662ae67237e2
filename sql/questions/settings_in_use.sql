-- id: settings_in_use
-- title: Settings in use
-- question: Which values do my applications use for the settings that matter most?
SELECT
  key, value, COUNT(DISTINCT application_id) AS applications
FROM environment
WHERE section = 'spark' AND key IN (
  'spark.sql.shuffle.partitions', 'spark.sql.adaptive.enabled', 'spark.dynamicAllocation.enabled',
  'spark.executor.memory', 'spark.executor.cores', 'spark.executor.instances',
  'spark.sql.files.maxPartitionBytes', 'spark.sql.autoBroadcastJoinThreshold', 'spark.serializer'
)
GROUP BY key, value
ORDER BY key, applications DESC, value
