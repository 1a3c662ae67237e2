-- id: small_batches
-- title: A streaming query runs many small batches
-- category: streaming
-- severity: low
-- version: 10
-- description: Fires for a streaming query whose batches begin one right after the other and of which at least half is what every batch costs (offsets, planning, listing, starting jobs,
--   state, commits), whatever rows it holds. Where the number of rows varies, that is the mean batch less its rows times the slope of a line through the batches, however long tasks take. Where it
--   does not and batches have few rows, it is the mean batch less the time that its tasks need on their cores (of each stage the longest task, or all of them side by side, whichever is more).
--   The first batch, which starts everything, is left out. Where batches that begin one right after the other all have as many rows, a limit cuts them while more rows wait (maxFilesPerTrigger,
--   maxOffsetsPerTrigger, availableNow or not): there a smaller part is enough, shorter batches count too, and nine tenths of it is the wall time to win with ten times as many rows in a batch. Where it is the number of state partitions that makes them slow, state_partitions tells; of batches that read
--   a table anew, which static_side tells, or write one anew, which table_rewrites tells, or whose triggers take long beside the rows, which trigger_overhead tells, the time besides that is judged.
--   Fewer state partitions are advised only as far as each then holds no more state than it should.
-- subject: application
-- parameter: min_batches bigint = 4 [count] batches with rows, at least
-- parameter: max_rows double = 50000 [rows] rows of a batch on average, at most, where their number hardly varies
-- parameter: min_fixed_share double = 0.5 [ratio] part of the batch time that the rows do not change, without what other rules tell, at least
-- parameter: min_capped_batches bigint = 10 [count] batches of as many rows that a limit cuts, at least
-- parameter: capped_ratio double = 0.95 [ratio] mean rows of a batch over the most of one, from which a limit cuts them
-- parameter: min_capped_share double = 0.1 [ratio] part of the batch time that the rows do not change, of such batches, at least, and over the wall time of the application
-- parameter: min_capped_ms double = 5000 [ms] the same time, at least
-- parameter: capped_won double = 0.9 [ratio] part of that time that batches of ten times as many rows save
-- parameter: min_spread double = 0.3 [ratio] standard deviation of the rows over their mean, from which the line through the batches tells that part
-- parameter: max_state_rows double = 1000 [rows] rows of a task behind a shuffle on average, up to which fewer partitions are advised
-- parameter: max_store_rows double = 1000000 [rows] rows of state that a partition may hold for fewer of them to be advised
-- parameter: max_store_bytes double = 536870912 [bytes] the same in memory of the state
-- parameter: max_pause double = 0.1 [ratio] pauses between batches over their duration, at most
-- parameter: min_batch_ms double = 500 [ms] duration of a batch on average, at least
-- parameter: min_capped_batch_ms double = 200 [ms] the same where a limit cuts them
-- parameter: min_all_ms double = 20000 [ms] duration of these batches together, at least
-- parameter: min_share double = 0.3 [ratio] the same over the wall time of the application
-- parameter: max_read_share double = 0.3 [ratio] task time of stages that read another table anew over that of all batches, from which they are not counted
-- parameter: max_tasks_per_slot double = 8.0 [ratio] tasks of a stage for each core, at most
-- evidence: The query {query} ran {num_batches:batch|batches} of {mean_rows:row|rows} on average, one right after the other; each took
--   {mean_ms:s}, {all_ms:s} in all[, {rest_ms:s} of it besides {told_elsewhere}], with {other}tasks of {task_ms:int} ms on average[; about {fixed_share:pct} of the time does not depend on the rows][; its tasks
--   need {work_ms:int} ms of each on their cores][; what batches cost beside that, such as {phase_ms:s} for offsets, planning and logs, took {fixed_ms:s}].
-- advice: has_state AND state_tasks > 2 * slots AND state_tasks >= 1.5e0 * partitions_needed AND state_rows <= $max_state_rows | - | - | Most of a batch is its fixed cost: wait longer between batches (processingTime) as far as the delay may grow, so that each takes
--   more rows, and use about {partitions_needed:shuffle partition|shuffle partitions} instead of {state_tasks:int}: each has a state store that every batch opens and commits. The checkpoint keeps the number that it
--   began with, so fewer hold from a new checkpoint on.
-- advice: is_capped AND has_files | - | - | All batches have the same number of rows and follow each other without a pause, as under a limit: raise maxFilesPerTrigger (or use maxBytesPerTrigger), as far as memory allows. With ten times as many files in a batch its fixed cost is paid a tenth as often.
-- advice: is_capped | - | - | All batches have the same number of rows and follow each other without a pause, as under a limit: raise it (maxOffsetsPerTrigger of Kafka), as far as memory allows. With ten times as many rows in a batch its fixed cost is paid a tenth as often.
-- advice: has_files | - | - | Most of a batch is its fixed cost: let it take more files (raise maxFilesPerTrigger or drop it), or wait longer
--   between batches (processingTime), as far as the delay may grow.
-- recommendation: Most of a batch is its fixed cost: let it take more rows (raise maxOffsetsPerTrigger, or a longer processingTime), as far as
--   the delay may grow.
WITH numbered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id,
    COALESCE(query_name, query_id) AS query,
    CAST(batch_duration AS DOUBLE) AS batch_ms, CAST(num_input_rows AS DOUBLE) AS rows,
    COALESCE(state_rows_total, 0) > 0 AS has_state, CAST(state_rows_total AS DOUBLE) AS state_rows, CAST(state_memory_bytes AS DOUBLE) AS state_bytes,
    COALESCE(sources_json LIKE '%FileStreamSource%', FALSE) AS has_files,
    COALESCE(CAST(query_planning_ms AS DOUBLE), 0e0) + COALESCE(CAST(latest_offset_ms AS DOUBLE), 0e0) + COALESCE(CAST(wal_commit_ms AS DOUBLE), 0e0)
      + COALESCE(TRY_CAST(REGEXP_REPLACE(duration_ms_json, '^.*"getBatch":([0-9]+).*$', '$1') AS DOUBLE), 0e0)
      + COALESCE(TRY_CAST(REGEXP_REPLACE(duration_ms_json, '^.*"commitOffsets":([0-9]+).*$', '$1') AS DOUBLE), 0e0) AS phases_ms,
    UNIX_MILLIS(progress_time) - LAG(UNIX_MILLIS(progress_time) + batch_duration) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS pause_ms,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS place
  FROM streaming_progress
  WHERE num_input_rows > 0 AND batch_duration > 0
),
batches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query,
    COUNT(*) AS num_batches, SUM(batch_ms) AS all_ms, AVG(batch_ms) AS mean_ms, AVG(rows) AS mean_rows, SUM(phases_ms) AS phases_ms,
    COUNT(*) >= $min_capped_batches AND AVG(rows) >= $capped_ratio * MAX(rows) AS is_capped,
    CASE WHEN STDDEV_POP(rows) >= $min_spread * AVG(rows)
      THEN GREATEST(1e0 - GREATEST(COVAR_POP(batch_ms, rows), 0e0) / NULLIF(VAR_POP(rows), 0e0) * AVG(rows) / NULLIF(AVG(batch_ms), 0e0), 0e0)
    END AS fixed_share,
    MAX(CASE WHEN has_state THEN 1 ELSE 0 END) = 1 AS has_state, MAX(state_rows) AS store_rows, MAX(state_bytes) AS store_bytes,
    SUM(GREATEST(COALESCE(pause_ms, 0), 0)) AS pause_ms, SUM(CASE WHEN has_files THEN 1 ELSE 0 END) AS num_files
  FROM numbered
  WHERE place > 1
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query
),
-- Runs of one query share its id.
query_batches AS (
  SELECT platform, cluster_id, application_id, attempt_id, query_id, COUNT(*) AS num_batches
  FROM numbered
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id
),
work AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, q.streaming_query_id,
    SUM(CAST(f.executor_run_time AS DOUBLE)) AS run_ms, SUM(f.num_complete_tasks) AS num_tasks,
    AVG(CAST(f.num_tasks AS DOUBLE) / NULLIF(f.stage_slots, 0)) AS tasks_per_slot,
    -- What its tasks need at least, however they are spread.
    SUM(LEAST(CAST(f.duration_ms AS DOUBLE), GREATEST(CAST(f.duration_max AS DOUBLE), CAST(f.executor_run_time AS DOUBLE) / NULLIF(LEAST(f.num_tasks, f.stage_slots), 0)))) AS work_ms,
    -- What comes out of a shuffle.
    MAX(CASE WHEN f.shuffle_read_records > 0 THEN f.num_tasks END) AS state_tasks, MAX(f.stage_slots) AS slots,
    SUM(CASE WHEN f.shuffle_read_records > 0 THEN CAST(f.shuffle_read_records AS DOUBLE) END)
      / NULLIF(SUM(CASE WHEN f.shuffle_read_records > 0 THEN f.num_tasks END), 0) AS state_rows
  FROM stage_facts AS f
  INNER JOIN sql AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  -- A batch of many files has them looked up by a job with a task for each.
  WHERE q.streaming_query_id IS NOT NULL AND f.status = 'COMPLETE' AND NOT COALESCE(f.is_listing, FALSE)
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, q.streaming_query_id
),
-- The one table that takes most of it.
ranked AS (
  SELECT
    s.*,
    ROW_NUMBER() OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.streaming_query_id ORDER BY s.run_ms DESC, s.source
    ) AS place
  FROM static_reads AS s
  WHERE s.run_ms >= $max_read_share * s.all_ms
),
told AS (
  SELECT platform, cluster_id, application_id, attempt_id, query_run_id, SUM(mean_ms) AS part_ms
  FROM slow_phases
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id
),
-- What it costs besides: of reads whose time is not known, nothing.
judged AS (
  SELECT
    b.*, w.tasks_per_slot, w.state_tasks, w.slots, w.state_rows, r.source AS read_source, v.platform IS NOT NULL AS is_rewriting,
    w.work_ms / NULLIF(n.num_batches, 0) AS work_ms, COALESCE(t.part_ms, 0e0) AS phase_ms,
    b.all_ms - CASE WHEN r.platform IS NULL THEN 0e0 ELSE COALESCE(r.duration_ms / NULLIF(r.num_batches, 0) * b.num_batches, b.all_ms) END
      - CASE WHEN v.platform IS NULL THEN 0e0 ELSE COALESCE(v.duration_ms / NULLIF(n.num_batches, 0) * b.num_batches, b.all_ms) END
      - COALESCE(t.part_ms, 0e0) * b.num_batches AS rest_ms,
    NULLIF(CONCAT_WS(', and ',
      CASE WHEN r.platform IS NOT NULL THEN CONCAT('the stages that read ', r.source, ' anew, which static_side tells') END,
      CASE WHEN v.platform IS NOT NULL THEN CONCAT('the stages that write ', v.source, ' anew, which table_rewrites tells') END,
      CASE WHEN t.platform IS NOT NULL THEN 'what trigger_overhead tells' END
    ), '') AS told_elsewhere,
    -- Two for each core, and more where their stores would be large.
    GREATEST(2 * w.slots, TRY_CAST(CEIL(GREATEST(
      COALESCE(b.store_rows, 0e0) / $max_store_rows, COALESCE(b.store_bytes, 0e0) / $max_store_bytes)) AS BIGINT)) AS partitions_needed,
    (w.run_ms - COALESCE(r.run_ms, 0e0) - COALESCE(v.run_ms, 0e0)) / NULLIF(w.num_tasks - COALESCE(r.num_tasks, 0) - COALESCE(v.num_tasks, 0), 0) AS task_ms
  FROM batches AS b
  INNER JOIN work AS w
    ON w.platform = b.platform AND w.cluster_id = b.cluster_id
    AND w.application_id = b.application_id AND w.attempt_id = b.attempt_id AND w.streaming_query_id = b.query_id
  INNER JOIN query_batches AS n
    ON n.platform = b.platform AND n.cluster_id = b.cluster_id
    AND n.application_id = b.application_id AND n.attempt_id = b.attempt_id AND n.query_id = b.query_id
  LEFT JOIN rewritten_batches AS v
    ON v.platform = b.platform AND v.cluster_id = b.cluster_id
    AND v.application_id = b.application_id AND v.attempt_id = b.attempt_id AND v.query_id = b.query_id
  LEFT JOIN ranked AS r
    ON r.platform = b.platform AND r.cluster_id = b.cluster_id
    AND r.application_id = b.application_id AND r.attempt_id = b.attempt_id AND r.streaming_query_id = b.query_id AND r.place = 1
  LEFT JOIN told AS t
    ON t.platform = b.platform AND t.cluster_id = b.cluster_id
    AND t.application_id = b.application_id AND t.attempt_id = b.attempt_id AND t.query_run_id = b.query_run_id
),
measured AS (
  SELECT
    j.*,
    -- What the line tells holds what other rules tell too; tasks that read or write a table anew are in the others' time.
    CASE WHEN j.fixed_share IS NOT NULL THEN j.fixed_share * j.all_ms - (j.all_ms - j.rest_ms)
      WHEN j.mean_rows <= $max_rows THEN j.all_ms - (j.work_ms + j.phase_ms) * j.num_batches END AS fixed_ms
  FROM judged AS j
)
SELECT
  b.platform, b.cluster_id, b.application_id, b.attempt_id, CONCAT(b.application_id, ' ', b.query_run_id) AS subject_id,
  'medium' AS confidence,
  CASE WHEN b.is_capped THEN TRY_CAST($capped_won * b.fixed_ms AS BIGINT) END AS recoverable_ms,
  b.query, b.num_batches, TRY_CAST(ROUND(b.mean_rows) AS BIGINT) AS mean_rows, b.mean_ms, b.all_ms, TRY_CAST(ROUND(b.task_ms) AS BIGINT) AS task_ms,
  b.num_files > 0 AS has_files, b.has_state, b.state_tasks, b.slots, b.state_rows, CAST(b.partitions_needed AS BIGINT) AS partitions_needed, b.fixed_share,
  b.read_source, b.told_elsewhere, CASE WHEN b.told_elsewhere IS NOT NULL THEN TRY_CAST(b.rest_ms AS BIGINT) END AS rest_ms,
  CASE WHEN b.read_source IS NOT NULL OR b.is_rewriting THEN 'other ' ELSE '' END AS other,
  CASE WHEN b.fixed_share IS NULL THEN TRY_CAST(ROUND(b.work_ms) AS BIGINT) END AS work_ms,
  b.is_capped, CASE WHEN b.is_capped AND b.phases_ms > 0e0 THEN TRY_CAST(b.fixed_ms AS BIGINT) END AS fixed_ms, CASE WHEN b.is_capped THEN NULLIF(TRY_CAST(b.phases_ms AS BIGINT), 0) END AS phase_ms
FROM measured AS b
INNER JOIN application_facts AS a
  ON a.platform = b.platform AND a.cluster_id = b.cluster_id
  AND a.application_id = b.application_id AND a.attempt_id = b.attempt_id
WHERE b.num_batches >= $min_batches AND (b.fixed_ms >= $min_fixed_share * (b.all_ms - b.phase_ms * b.num_batches)
    OR (b.is_capped AND b.fixed_ms >= $min_capped_ms AND b.fixed_ms >= $min_capped_share * b.all_ms AND b.fixed_ms >= $min_capped_share * a.app_duration_ms))
  AND b.pause_ms <= $max_pause * b.all_ms
  AND b.rest_ms >= CASE WHEN b.is_capped THEN $min_capped_batch_ms ELSE $min_batch_ms END * b.num_batches AND b.rest_ms >= $min_all_ms AND b.rest_ms >= $min_share * a.app_duration_ms
  AND b.tasks_per_slot <= $max_tasks_per_slot
