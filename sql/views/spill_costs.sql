-- id: spill_costs
-- title: What the spill of a stage costs
-- description: One row per stage attempt that spilled: the task time that its spill took, for the rules about it and for core_time_parts, so that they tell the same.
--   compute_ms is the computing part (serializing, compressing, sorting and merging what was spilled), from its size in memory and, of sorts, its rows: an aggregate that spills goes on by sorting its rows instead of
--   hashing them and costs most, a sort, join or window less; rows that only the writer of a shuffle spilled (no operator counts them, and no more bytes were put on disk than the shuffle has) are serialized
--   already and cost little; where the operators of the stage are not known, all counts as an aggregate's. It is at most half of the task time, and half of the processor time where neither a GPU nor Python works outside of the JVM. With Spark 4.3 the same stages
--   with and without spill differed by 3.5 ms of processor time for each MB of memory that aggregates spilled (1.0 to 11), 2.1 ms for sorts, joins and windows (0.3 to 5.4: 0.3 microseconds for
--   each row and 0.5 ms for each MB, with rows of 16, 100 and 1,000 bytes), 0.5 ms for shuffle writers; 2.1 ms more
--   for each MB on disk were waited. disk_ms is that waiting, on a disk whose cache takes the data: at most half of the task time, and the time that was neither
--   on the processor nor garbage collection nor waiting for shuffle data. It is more where tasks were off the processor for longer than those of the application's
--   stages without spill, whose share off_ratio is (NULL where they took less than min_base_share of the time of this stage, or Python or a GPU works in it): then that excess, up to what the bytes take on a slow disk. Where Photon measured how long it merged the files that a shuffle spilled, it is that (merge_ms), and the bytes written once.
--   is_told: memory_spill looks at the stage; is_small: only as a note, since it is much of a small application.
-- parameter: min_spilled_bytes bigint = 1073741824 [bytes] in-memory size of the spilled data of the stage, at least, to be told
-- parameter: min_spill_ratio double = 0.1 [ratio] the same over the largest of input, output, shuffle read and shuffle write, at least
-- parameter: min_run_time_ms bigint = 60000 [ms] task time of the stage, at least
-- parameter: min_small_spilled_bytes bigint = 67108864 [bytes] what a stage that takes much of a small application spilled, at least
-- parameter: min_small_ratio double = 1.0 [ratio] the same over what it moved, at least
-- parameter: min_small_share double = 0.3 [ratio] its task time over that of the application, at least
-- parameter: min_small_run_time_ms bigint = 10000 [ms] its task time, at least
-- parameter: aggregate_bytes_per_ms double = 250000.0 [bytes_per_ms] in-memory bytes that aggregates spill, or tasks whose operators are not known, for a millisecond of computing
-- parameter: sort_bytes_per_ms double = 2000000.0 [bytes_per_ms] the same of sorts, joins, windows and what else spilled in a stage of known operators, beside what its rows take
-- parameter: sort_rows_per_ms double = 3333.0 [rows_per_ms] rows of these for a millisecond of computing: those that the stage read, all of which the sort is taken to have spilled
-- parameter: sort_row_bytes double = 80.0 [bytes] memory that sorting takes for a row beside what the stage read of it: no more rows count than were spilled
-- parameter: unknown_bytes_per_ms double = 500000.0 [bytes_per_ms] in-memory bytes of these for a millisecond where the rows are not known
-- parameter: write_bytes_per_ms double = 2000000.0 [bytes_per_ms] the same of writers of shuffles
-- parameter: cached_bytes_per_ms double = 1000000.0 [bytes_per_ms] bytes that one core writes to or reads from a disk in a millisecond where its cache takes them
-- parameter: disk_bytes_per_ms double = 100000.0 [bytes_per_ms] the same of its share of a slow disk
-- parameter: min_base_share double = 0.1 [ratio] task time of the stages without spill over that of the stage, from which they tell how long tasks are off the processor anyway
-- reads: sql_node_metrics, sql_nodes, stage_facts
WITH spilled AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, subject_id, stage_id, stage_attempt_id, sql_id,
    CAST(executor_run_time AS DOUBLE) AS run_ms, cpu_ms, COALESCE(has_gpu, FALSE) OR COALESCE(has_python, FALSE) AS is_outside,
    COALESCE(has_gpu, FALSE) OR COALESCE(is_databricks, FALSE) AS is_unmeasured,
    CASE WHEN cpu_ms > 0e0 THEN GREATEST(executor_run_time - cpu_ms - COALESCE(gc_time, 0) - COALESCE(fetch_wait_ms, 0e0), 0e0) END AS off_ms,
    CAST(COALESCE(memory_bytes_spilled, 0) AS DOUBLE) AS memory_bytes, CAST(COALESCE(disk_bytes_spilled, 0) AS DOUBLE) AS disk_bytes,
    CAST(shuffle_write_bytes AS DOUBLE) AS write_bytes, CAST(data_bytes AS DOUBLE) AS data_bytes, total_task_time_ms,
    CASE WHEN shuffle_read_records > 0 OR input_records > 0 THEN CAST(COALESCE(shuffle_read_records, 0) AS DOUBLE) + CAST(COALESCE(input_records, 0) AS DOUBLE) END AS rows_read,
    CAST(COALESCE(shuffle_read_bytes, 0) AS DOUBLE) + CAST(COALESCE(input_bytes, 0) AS DOUBLE) AS bytes_read
  FROM stage_facts
  WHERE memory_bytes_spilled > 0 OR disk_bytes_spilled > 0
),
bases AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms,
    SUM(GREATEST(executor_run_time - cpu_ms - COALESCE(gc_time, 0) - COALESCE(fetch_wait_ms, 0e0), 0e0)) AS off_ms
  FROM stage_facts
  WHERE COALESCE(memory_bytes_spilled, 0) = 0 AND COALESCE(disk_bytes_spilled, 0) = 0 AND cpu_ms > 0e0
    AND NOT COALESCE(has_gpu, FALSE) AND NOT COALESCE(has_python, FALSE)
  GROUP BY platform, cluster_id, application_id, attempt_id
),
metrics AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, total
  FROM sql_node_metrics
  WHERE metric_name = 'spill size' AND total > 0e0
),
-- Stages whose operators are known. An operator that calls another counts what that one spilled too: the parts matter, not the sum.
operators AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id,
    SUM(COALESCE(m.total, 0e0)) AS bytes, SUM(CASE WHEN n.node_name LIKE '%Aggregate%' THEN COALESCE(m.total, 0e0) ELSE 0e0 END) AS aggregate_bytes
  FROM sql_nodes AS n
  INNER JOIN spilled AS s
    ON s.platform = n.platform AND s.cluster_id = n.cluster_id
    AND s.application_id = n.application_id AND s.attempt_id = n.attempt_id AND s.sql_id = n.sql_id
  LEFT JOIN metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
  WHERE ARRAY_CONTAINS(n.stage_ids, s.stage_id)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id
),
-- What Photon measures in nanoseconds; a sink that is used twice stands in the plan twice.
merges AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id, MAX(m.total) / 1e6 AS merge_ms
  FROM sql_node_metrics AS m
  INNER JOIN sql_nodes AS n
    ON n.platform = m.platform AND n.cluster_id = m.cluster_id
    AND n.application_id = m.application_id AND n.attempt_id = m.attempt_id AND n.sql_id = m.sql_id AND n.node_id = m.node_id
  INNER JOIN spilled AS s
    ON s.platform = n.platform AND s.cluster_id = n.cluster_id
    AND s.application_id = n.application_id AND s.attempt_id = n.attempt_id AND s.sql_id = n.sql_id
  WHERE m.metric_name = 'time for merging spill files in shuffle' AND m.metric_type = 'nsTiming' AND m.total > 0e0 AND ARRAY_CONTAINS(n.stage_ids, s.stage_id)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id
),
divided AS (
  SELECT
    s.*, g.merge_ms,
    CASE WHEN NOT s.is_outside AND b.run_ms >= $min_base_share * s.run_ms THEN b.off_ms / NULLIF(b.run_ms, 0e0) END AS off_ratio,
    CASE WHEN o.platform IS NULL THEN s.memory_bytes
      WHEN o.bytes > 0e0 THEN LEAST(s.memory_bytes, o.bytes) * o.aggregate_bytes / NULLIF(o.bytes, 0e0) ELSE 0e0 END AS aggregate_bytes,
    CASE WHEN o.bytes = 0e0 AND s.disk_bytes > 0e0 AND s.write_bytes >= 0.9e0 * s.disk_bytes AND NOT s.is_unmeasured THEN s.memory_bytes ELSE 0e0 END AS writer_bytes
  FROM spilled AS s
  LEFT JOIN operators AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.subject_id = s.subject_id
  LEFT JOIN merges AS g
    ON g.platform = s.platform AND g.cluster_id = s.cluster_id
    AND g.application_id = s.application_id AND g.attempt_id = s.attempt_id AND g.subject_id = s.subject_id
  LEFT JOIN bases AS b
    ON b.platform = s.platform AND b.cluster_id = s.cluster_id
    AND b.application_id = s.application_id AND b.attempt_id = s.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, stage_id, stage_attempt_id, sql_id, run_ms,
  memory_bytes, disk_bytes, aggregate_bytes, writer_bytes, off_ms, off_ratio, merge_ms,
  LEAST(
    aggregate_bytes / NULLIF($aggregate_bytes_per_ms, 0e0) + writer_bytes / NULLIF($write_bytes_per_ms, 0e0) 
      + COALESCE(
        (memory_bytes - aggregate_bytes - writer_bytes) / NULLIF($sort_bytes_per_ms, 0e0)
        + LEAST(rows_read, (memory_bytes - aggregate_bytes - writer_bytes) / NULLIF($sort_row_bytes + bytes_read / NULLIF(rows_read, 0e0), 0e0)) / NULLIF($sort_rows_per_ms, 0e0),
        (memory_bytes - aggregate_bytes - writer_bytes) / NULLIF($unknown_bytes_per_ms, 0e0)
      ),
    run_ms * 0.5e0, CASE WHEN cpu_ms > 0e0 AND NOT is_outside THEN cpu_ms * 0.5e0 ELSE run_ms * 0.5e0 END
  ) AS compute_ms,
  CASE WHEN merge_ms > 0e0 THEN LEAST(merge_ms + disk_bytes / NULLIF($cached_bytes_per_ms, 0e0), run_ms * 0.5e0)
  ELSE LEAST(
    GREATEST(
      2e0 * disk_bytes / NULLIF($cached_bytes_per_ms, 0e0),
      CASE WHEN off_ms > off_ratio * run_ms THEN LEAST(2e0 * disk_bytes / NULLIF($disk_bytes_per_ms, 0e0), off_ms - off_ratio * run_ms) ELSE 0e0 END
    ),
    run_ms * 0.5e0, COALESCE(off_ms, run_ms * 0.5e0)
  ) END AS disk_ms,
  COALESCE(data_bytes > 0e0 AND memory_bytes >= $min_spill_ratio * data_bytes AND ((memory_bytes >= $min_spilled_bytes AND run_ms >= $min_run_time_ms)
    OR (memory_bytes >= $min_small_spilled_bytes AND memory_bytes >= $min_small_ratio * data_bytes
      AND run_ms >= $min_small_run_time_ms AND run_ms >= $min_small_share * total_task_time_ms)), FALSE) AS is_told,
  memory_bytes < $min_spilled_bytes OR run_ms < $min_run_time_ms AS is_small
FROM divided
