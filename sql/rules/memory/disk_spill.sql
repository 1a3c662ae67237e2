-- id: disk_spill
-- title: Spilled data is written to and read back from disk
-- category: memory
-- severity: medium
-- version: 1
-- description: Fires where the spill of a stage put much data on the executors' disks. Counts the
--   disk part only (written once, read once); the computing part of the same spill is counted by the
--   memory_spill rule, and each is at most half of the stage's task time. The rate of a core's share
--   of the disk is an assumption, hence medium confidence at best. The memory recommended is what
--   the worst task needed at once over what it got.
-- parameter: min_spilled_bytes bigint = 268435456 [bytes] on-disk size of the spilled data of the stage, at least
-- parameter: min_spill_ratio double = 0.05 [ratio] the same over the largest of input, output, shuffle read and shuffle write, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] task time of the stage, at least
-- parameter: disk_bytes_per_ms double = 100000.0 [bytes_per_ms] bytes that one core writes to or reads from its share of the disk in a millisecond
-- parameter: max_memory_factor double = 4.0 [ratio] most by which to raise the memory of executors
-- reads: applications, stage_facts
-- recommendation: Give the tasks more memory (more memory an executor, or fewer cores on the same
--   memory), or make their partitions smaller as the memory_spill finding of this stage says.
-- config_key: spark.executor.memory
WITH measured AS (
  SELECT
    f.*,
    GREATEST(f.input_bytes, f.output_bytes, f.shuffle_read_bytes, f.shuffle_write_bytes, 1)
      AS data_bytes,
    CAST(LEAST(
      2 * f.disk_bytes_spilled / CAST($disk_bytes_per_ms AS DOUBLE),
      f.executor_run_time * 0.5e0
    ) AS BIGINT) AS lost_core_ms,
    LEAST(
      CASE
        WHEN f.peak_memory_max > 0
          THEN 1e0 + CAST(f.memory_spilled_max AS DOUBLE) / f.peak_memory_max
        ELSE 2e0
      END,
      $max_memory_factor
    ) AS memory_factor
  FROM stage_facts AS f
  WHERE f.disk_bytes_spilled >= $min_spilled_bytes AND f.executor_run_time >= $min_run_time_ms
),
judged AS (
  SELECT m.*, CAST(m.disk_bytes_spilled AS DOUBLE) / m.data_bytes AS spill_ratio
  FROM measured AS m
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  'stage' AS subject_type,
  j.subject_id,
  CASE WHEN j.succeeded_tasks > 0 THEN 'medium' ELSE 'low' END AS confidence,
  CONCAT(
    'Spilled ', CAST(CAST(j.disk_bytes_spilled / 1073741824e0 AS DECIMAL(18, 1)) AS STRING),
    ' GiB to disk, ', CAST(CAST(j.spill_ratio AS DECIMAL(18, 2)) AS STRING),
    ' times the ', CAST(CAST(j.data_bytes / 1073741824e0 AS DECIMAL(18, 1)) AS STRING),
    ' GiB that the stage moved; the worst task wrote ',
    CAST(CAST(COALESCE(j.disk_spilled_max, 0) / 1048576e0 AS DECIMAL(18, 1)) AS STRING), ' MiB.'
  ) AS evidence,
  CONCAT(
    '{"disk_bytes_spilled":', CAST(j.disk_bytes_spilled AS STRING),
    ',"data_bytes":', CAST(j.data_bytes AS STRING),
    ',"task_max_bytes":', COALESCE(CAST(j.disk_spilled_max AS STRING), 'null'),
    ',"task_median_bytes":', COALESCE(CAST(j.disk_spilled_median AS STRING), 'null'),
    ',"peak_execution_memory_max_bytes":', COALESCE(CAST(j.peak_memory_max AS STRING), 'null'),
    ',"tasks":', CAST(j.num_tasks AS STRING), '}'
  ) AS evidence_json,
  j.lost_core_ms,
  LEAST(CAST(j.lost_core_ms / CAST(j.task_slots AS DOUBLE) AS BIGINT), j.duration_ms)
    AS recoverable_ms,
  CASE WHEN a.executor_memory_bytes IS NOT NULL
    THEN CONCAT(CAST(CAST(a.executor_memory_bytes / 1048576e0 AS BIGINT) AS STRING), 'm')
  END AS config_current,
  CASE WHEN a.executor_memory_bytes IS NOT NULL
    THEN CONCAT(
      CAST(CAST(CEIL(a.executor_memory_bytes / 1073741824e0 * j.memory_factor) AS BIGINT) AS STRING),
      'g')
  END AS config_recommended
FROM judged AS j
LEFT JOIN applications AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
WHERE j.spill_ratio >= $min_spill_ratio
