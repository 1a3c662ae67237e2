-- id: cached_data
-- title: Cached data
-- question: What data do applications keep cached, and how much of it is on disk?
SELECT
  application_id, rdd_name, storage_level, num_cached_partitions, num_partitions,
  memory_used / 1048576e0 AS memory_mib, disk_used / 1048576e0 AS disk_mib
FROM rdd_storage
ORDER BY memory_mib DESC, disk_mib DESC, application_id, rdd_id
LIMIT 20
