-- id: scarce_memory
-- title: Settings that leave sorts, joins and aggregates little memory
-- description: One row per application whose own setting leaves execution less memory than the default would, for the rules about spill. scarce_key is the setting:
--   spark.memory.fraction (below max_fraction; 0.6 by default), spark.memory.offHeap.enabled (where it is on, execution takes all its memory off the heap, here less than
--   max_off_heap_share of what the heap has set aside for it) or spark.memory.storageFraction (above the default 0.5, where cached blocks filled more than half of the memory that both share).
--   scarce_value is its value, unified_bytes what execution and caches share on the heap of an executor, off_heap_bytes what it has off the heap, storage_bytes the most that cached blocks had.
--   Plugins that compute outside of the JVM take off-heap memory for themselves and are left out.
-- parameter: max_fraction double = 0.5 [ratio] spark.memory.fraction, below
-- parameter: max_off_heap_share double = 0.5 [ratio] off-heap memory over what the heap has for execution and caches, below
-- reads: application_facts, spark_settings
WITH settings AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.memory.fraction' THEN TRY_CAST(value AS DOUBLE) END) AS fraction,
    MAX(CASE WHEN key = 'spark.memory.storageFraction' THEN TRY_CAST(value AS DOUBLE) END) AS storage_fraction,
    MAX(CASE WHEN key = 'spark.memory.offHeap.enabled' AND LOWER(value) = 'true' THEN 1 ELSE 0 END) AS num_off_heap,
    MAX(CASE WHEN key = 'spark.plugins' AND value <> '' OR key = 'spark.memory.useLegacyMode' AND LOWER(value) = 'true' THEN 1 ELSE 0 END) AS num_others
  FROM spark_settings
  WHERE key IN ('spark.memory.fraction', 'spark.memory.storageFraction', 'spark.memory.offHeap.enabled', 'spark.plugins', 'spark.memory.useLegacyMode')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
judged AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id, s.fraction, s.storage_fraction,
    a.unified_memory_bytes AS unified_bytes, a.off_heap_memory_bytes AS off_heap_bytes, a.peak_storage_bytes AS storage_bytes,
    CASE
      WHEN s.num_off_heap = 1 AND a.off_heap_memory_bytes > 0 AND a.off_heap_memory_bytes < $max_off_heap_share * a.unified_memory_bytes THEN 'spark.memory.offHeap.enabled'
      WHEN s.num_off_heap = 0 AND s.fraction > 0e0 AND s.fraction < $max_fraction THEN 'spark.memory.fraction'
      WHEN s.num_off_heap = 0 AND s.storage_fraction > 0.5e0 AND a.peak_storage_bytes > 0.5e0 * a.unified_memory_bytes THEN 'spark.memory.storageFraction'
    END AS scarce_key
  FROM application_facts AS a
  INNER JOIN settings AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
  WHERE s.num_others = 0 AND NOT COALESCE(a.has_gpu, FALSE) AND NOT COALESCE(a.is_databricks, FALSE)
)
SELECT
  platform, cluster_id, application_id, attempt_id, scarce_key,
  CASE scarce_key WHEN 'spark.memory.fraction' THEN fraction WHEN 'spark.memory.storageFraction' THEN storage_fraction END AS scarce_value,
  unified_bytes, off_heap_bytes, storage_bytes
FROM judged
WHERE scarce_key IS NOT NULL
