-- id: uncut_files
-- title: One task reads all rows, the other splits are empty
-- category: partitioning
-- severity: low
-- version: 3
-- description: Fires where Spark cut columnar files into a few splits, but nearly all rows came to one of them (stage_facts: is_one_row_group): a
--   row group of Parquet, or stripe of ORC, is read by the task whose split holds its middle. The other cores stood idle meanwhile. What could be won is half of the wall time
--   that as many tasks as there are cores, or row groups of 32 MiB in the files, would take off the stage: tasks side by side share memory and disks, and each of them makes partial aggregates of its own. Lost are
--   the cores for that time. A repartition right after reading is advised only where a row takes so long that its cores save well more than what shuffling it costs, and named as worth a trial where the scan itself took little and a cheap shuffle would pay. A single task is what
--   single_task reports, many empty splits are what tiny_tasks does.
-- subject: stage
-- parameter: min_stage_ms bigint = 10000 [ms] wall time of the stage, at least
-- parameter: min_won_share double = 0.1 [ratio] wall time that could be won over that of the application, at least
-- parameter: min_won_ms double = 60000 [ms] or the same wall time
-- parameter: won_part double = 0.5 [ratio] wall time that is won over what would be if no task disturbed another
-- parameter: row_group_bytes double = 33554432 [bytes] size of a row group, or of a file of its own, at least
-- parameter: write_us double = 4.0 [us] task time in which a row is written to a shuffle
-- parameter: read_us double = 2.0 [us] task time in which it is read from there
-- parameter: least_us double = 1.0 [us] task time in which a narrow row is written to a shuffle and read from it at best
-- parameter: max_scan_share double = 0.3 [ratio] time of the scan over that of the task, at most, for the work to come after the reading
-- parameter: min_gain double = 0.3 [ratio] part of the time of a row that shuffling it first saves, at least, for that to be advised
-- evidence: One of {num_tasks:task|tasks} read {rows_max:int} of {rows:row|rows} and ran for {longest_ms:s} of the {duration_ms:s} of the stage, while
--   {stage_slots:core|cores} were there[; the rows came from {files_read:file|files}][ of {file_bytes:bytes}].
-- advice: is_costly | - | - | The rows lie in one row group[ ({why})], which one task reads: have the writer make {cure}. A row takes {row_us:1} µs here, many
--   times what shuffling it does: until then, repartition right after reading, before the costly step.
-- advice: is_open | - | - | The rows lie in one row group[ ({why})], which one task reads: have the writer make {cure}. The scan took {scan_ms:s} of {longest_ms:s}, so that the work comes after it: a repartition right
--   after reading would give it all cores, but shuffles {rows:row|rows} first. See which is faster.
-- advice: rows_out >= 1 | - | - | The rows lie in one row group[ ({why})], which one task reads: have the writer make {cure}. Repartitioning after reading is no cure here: it
--   would shuffle {rows:row|rows}, which the stage makes {rows_out:int} of before it shuffles or writes them.
-- recommendation: The rows lie in one row group, which one task reads: have the writer make more files or smaller row groups (parquet.block.size, 128 MB by default). Repartitioning after
--   reading is no cure here: shuffling a row costs much of what the stage does with it.
WITH scans AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id,
    MAX(CASE WHEN n.description LIKE '%PushedFilters: []%' THEN 0 WHEN n.description LIKE '%PushedFilters: [%' THEN 1 END) = 1 AS has_filters
  FROM stage_facts AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND ARRAY_CONTAINS(n.stage_ids, s.stage_id)
  WHERE s.is_one_row_group AND n.operator_kind = 'scan'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.subject_id
),
judged AS (
  SELECT
    f.*, s.has_filters, COALESCE(w.shuffle_write_records, 0) + COALESCE(f.output_records, 0) AS sent_rows,
    $won_part * CAST(f.duration_ms AS DOUBLE)
      * (1e0 - 1e0 / GREATEST(LEAST(CAST(f.stage_slots AS DOUBLE), COALESCE(CEIL(NULLIF(f.file_bytes, 0) / $row_group_bytes), CAST(f.stage_slots AS DOUBLE))), 2e0)) AS won_ms
  FROM stage_facts AS f
  LEFT JOIN timed_stages AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id
    AND CONCAT(CAST(w.stage_id AS STRING), '.', CAST(w.stage_attempt_id AS STRING)) = f.subject_id
  LEFT JOIN scans AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id AND s.subject_id = f.subject_id
  WHERE f.status = 'COMPLETE' AND f.is_one_row_group AND NOT f.is_listing AND f.stage_slots >= 2 AND f.duration_ms >= $min_stage_ms
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'medium' AS confidence,
  TRY_CAST(won_ms * stage_slots AS BIGINT) AS lost_core_ms,
  TRY_CAST(won_ms AS BIGINT) AS recoverable_ms,
  stage_name, sql_id, num_tasks, TRY_CAST(input_rows_max AS BIGINT) AS rows_max, input_records AS rows,
  TRY_CAST(run_time_max AS BIGINT) AS longest_ms, duration_ms, stage_slots, files_read, TRY_CAST(file_bytes AS BIGINT) AS file_bytes,
  1e3 * run_time_max / NULLIF(CAST(input_rows_max AS DOUBLE), 0e0) AS row_us,
  COALESCE(1e3 * run_time_max / NULLIF(CAST(input_rows_max AS DOUBLE), 0e0) * (1e0 - 1e0 / NULLIF(stage_slots, 0) - $min_gain) >= $write_us + $read_us / NULLIF(stage_slots, 0), FALSE) AS is_costly,
  COALESCE(scan_ms <= $max_scan_share * run_time_max
    AND 1e3 * run_time_max / NULLIF(CAST(input_rows_max AS DOUBLE), 0e0) * (1e0 - 1e0 / NULLIF(stage_slots, 0) - $min_gain) >= $least_us, FALSE) AS is_open,
  TRY_CAST(scan_ms AS BIGINT) AS scan_ms,
  CASE
    WHEN file_bytes < $row_group_bytes * stage_slots THEN 'more files'
    WHEN file_format = 'orc' THEN 'more files or smaller stripes (orc.stripe.size)'
    ELSE 'more files or smaller row groups (parquet.block.size, 128 MB by default)'
  END AS cure,
  -- What leaves the stage, where that is far less than comes in.
  CASE WHEN sent_rows > 0 AND sent_rows <= 0.2e0 * input_records THEN sent_rows END AS rows_out,
  CASE WHEN has_filters THEN 'the files have no other, or the pushed filters keep no other' WHEN NOT has_filters THEN 'the files have no other' END AS why
FROM judged
WHERE won_ms >= $min_won_ms OR won_ms >= $min_won_share * app_duration_ms
