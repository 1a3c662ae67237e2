-- id: slow_phases
-- title: Parts of streaming triggers that take long beside the work on rows
-- description: One row per run of a streaming query and part of its triggers that took a large part of them, for trigger_overhead and for small_batches, which must not tell
--   this time again: source (latestOffset and getBatch: what is new), log (walCommit, commitOffsets and commitBatch: the checkpoint's logs), planning, and state (committing
--   the state stores, which tasks do side by side: the sum of them over the most tasks that ran at once). Medians of batches with rows; the first one of a run, which
--   starts everything, and those that compact a log of files are left out. trigger_ms is the median trigger, mean_ms the mean time of the part. pause_share is the time between
--   batches over that of the batches. Where state partitions are many for the tasks at once, state_partitions tells the time of their commits.
-- parameter: min_batches bigint = 20 [count] batches that count, at least
-- parameter: min_share double = 0.3 [ratio] median part of the trigger, at least
-- parameter: min_ms double = 1000 [ms] median time, at least
-- parameter: compact_batches bigint = 10 [count] every so many batches the log of a file source or sink is compacted
-- parameter: max_state_partitions double = 8.0 [ratio] state partitions for each task at once from which state_partitions tells
-- reads: application_facts, streaming_progress
WITH numbered AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id, COALESCE(query_name, query_id) AS query, streaming_batch_id,
    CAST(COALESCE(trigger_execution_ms, batch_duration) AS DOUBLE) AS trigger_ms,
    COALESCE(CAST(latest_offset_ms AS DOUBLE), TRY_CAST(REGEXP_REPLACE(duration_ms_json, '^.*"getOffset":([0-9]+).*$', '$1') AS DOUBLE), 0e0)
      + COALESCE(TRY_CAST(REGEXP_REPLACE(duration_ms_json, '^.*"getBatch":([0-9]+).*$', '$1') AS DOUBLE), 0e0) AS source_ms,
    COALESCE(CAST(wal_commit_ms AS DOUBLE), 0e0)
      + COALESCE(TRY_CAST(REGEXP_REPLACE(duration_ms_json, '^.*"commitOffsets":([0-9]+).*$', '$1') AS DOUBLE), 0e0)
      + COALESCE(TRY_CAST(REGEXP_REPLACE(duration_ms_json, '^.*"commitBatch":([0-9]+).*$', '$1') AS DOUBLE), 0e0) AS log_ms,
    CAST(query_planning_ms AS DOUBLE) AS planning_ms,
    -- Of up to four operators.
    COALESCE(TRY_CAST(REGEXP_REPLACE(SPLIT_PART(state_operators_json, '"commitTimeMs":', 2), '[^0-9].*$', '') AS DOUBLE), 0e0)
      + COALESCE(TRY_CAST(REGEXP_REPLACE(SPLIT_PART(state_operators_json, '"commitTimeMs":', 3), '[^0-9].*$', '') AS DOUBLE), 0e0)
      + COALESCE(TRY_CAST(REGEXP_REPLACE(SPLIT_PART(state_operators_json, '"commitTimeMs":', 4), '[^0-9].*$', '') AS DOUBLE), 0e0)
      + COALESCE(TRY_CAST(REGEXP_REPLACE(SPLIT_PART(state_operators_json, '"commitTimeMs":', 5), '[^0-9].*$', '') AS DOUBLE), 0e0) AS commits_ms,
    TRY_CAST(REGEXP_REPLACE(SPLIT_PART(state_operators_json, '"numShufflePartitions":', 2), '[^0-9].*$', '') AS DOUBLE) AS state_partitions,
    sources_json, sink_json, state_rows_total,
    UNIX_MILLIS(progress_time) - LAG(UNIX_MILLIS(progress_time) + batch_duration) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS pause_ms,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query_run_id ORDER BY streaming_batch_id
    ) AS place
  FROM streaming_progress
  WHERE num_input_rows > 0 AND batch_duration > 0
),
counted AS (
  SELECT n.*
  FROM numbered AS n
  WHERE place > 1 AND trigger_ms > 0 AND (streaming_batch_id + 1) % $compact_batches <> 0
),
state_times AS (
  SELECT c.*, CASE WHEN c.state_partitions <= $max_state_partitions * a.tasks_running_max THEN c.commits_ms / NULLIF(a.tasks_running_max, 0) END AS state_ms
  FROM counted AS c
  INNER JOIN application_facts AS a
    ON a.platform = c.platform AND a.cluster_id = c.cluster_id
    AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
),
parts AS (
  SELECT t.*, 'source' AS phase, source_ms AS phase_ms FROM state_times AS t
  UNION ALL
  SELECT t.*, 'log' AS phase, log_ms AS phase_ms FROM state_times AS t
  UNION ALL
  SELECT t.*, 'planning' AS phase, planning_ms AS phase_ms FROM state_times AS t
  UNION ALL
  SELECT t.*, 'state' AS phase, state_ms AS phase_ms FROM state_times AS t
),
medians AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query, phase,
    COUNT(*) AS num_batches, MEDIAN(phase_ms) AS phase_ms, MEDIAN(phase_ms / NULLIF(trigger_ms, 0)) AS phase_share, MEDIAN(trigger_ms) AS trigger_ms, AVG(phase_ms) AS mean_ms,
    SUM(GREATEST(COALESCE(pause_ms, 0), 0)) / NULLIF(SUM(trigger_ms), 0e0) AS pause_share,
    MAX(CASE WHEN sources_json LIKE '%FileStreamSource%' THEN 1 ELSE 0 END) = 1 AS has_files,
    MAX(CASE WHEN sources_json LIKE '%CloudFiles%' THEN 1 ELSE 0 END) = 1 AS has_auto_loader,
    MAX(CASE WHEN sources_json LIKE '%Kafka%' THEN 1 ELSE 0 END) = 1 AS has_kafka,
    MAX(CASE WHEN sink_json LIKE '%Kafka%' THEN 1 ELSE 0 END) = 1 AS writes_kafka,
    MAX(CASE WHEN state_rows_total > 0 THEN 1 ELSE 0 END) = 1 AS has_state
  FROM parts
  WHERE phase_ms IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, query_run_id, query_id, query, phase
)
SELECT *
FROM medians
WHERE num_batches >= $min_batches AND phase_ms >= $min_ms AND phase_share >= $min_share
