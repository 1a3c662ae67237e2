-- id: state_partitions
-- title: Micro-batches spend their time on nearly empty partitions
-- category: streaming
-- severity: low
-- version: 8
-- description: Fires for a streaming query whose batches go through a shuffle of many more partitions than there are cores, with
--   hardly a row in each. A query with state (aggregates, joins, deduplication) keeps one store a partition, opens and commits
--   all of them in every batch, and adaptive execution does not merge them. Lost is the task time of these stages, without what their rows need (row_ms, an assumption; for functions of Python over groups with a state the time that executed Python code and a fifth more, as the query counts it since Spark 4.3, or python_row_ms a row), as far as
--   fewer partitions would not have needed it, which takes for granted that it grows with their number. It sets no severity above medium by itself; a large share of the wall time to win does. The state of a query is never
--   put into so few partitions that each would hold more of it than it should, and where that leaves most of them, nothing is told.
-- subject: application
-- parameter: min_partitions bigint = 24 [count] tasks of the stage, at least
-- parameter: min_tasks_per_slot double = 8.0 [ratio] tasks for each core that worked on the stage, at least
-- parameter: max_rows double = 1000 [rows] rows that a task read on average, at most
-- parameter: max_costly_rows double = 10000 [rows] or rows that a task of a query with state read on average, at most, where they cannot explain its time
-- parameter: min_task_ms double = 100 [ms] such a time of a task, on average, at least
-- parameter: min_row_ms double = 0.03 [ms] and such a time of a row, at least
-- parameter: row_ms double = 0.01 [ms] what a row of the state is taken to need, in however many partitions
-- parameter: python_row_ms double = 2 [ms] what a row is taken to need in a function of Python over groups with a state, where the time is not known (1.3 ms were measured for applyInPandasWithState with a group a row)
-- parameter: python_ratio double = 1.2 [ratio] time that rows need in all over that which executed Python code for them (measured for applyInPandasWithState)
-- parameter: min_batches bigint = 3 [count] such stages, at least
-- parameter: min_long_ms double = 10000 [ms] or fewer, which took this long each on average
-- parameter: min_run_ms double = 30000 [ms] task time of such stages, at least
-- parameter: min_share double = 0.3 [ratio] the same over the task time of all stages of the query, at least
-- parameter: max_store_rows double = 1000000 [rows] rows of state that one of the fewer partitions may hold
-- parameter: max_store_bytes double = 536870912 [bytes] the same in memory of the state
-- parameter: max_kept double = 0.5 [ratio] partitions that are needed over those there are, at most
-- parameter: medium_lost_ms bigint = 600000 [ms] lost task time from which it is of medium severity
-- evidence: The query {query} ran {num_stages:batch stage|batch stages} of {num_tasks:task|tasks} on {slots:core|cores}, each task for
--   {rows_each:row|rows} on average; that took {run_ms:s} of task time, {share:pct} of that of the query, and {stage_ms:s} a stage[; {code_ms:s} of it executed Python code][; {store_rows:row|rows} of state are in them].
-- advice: num_tasks = shuffle_partitions | spark.sql.shuffle.partitions | partitions_needed | Use {fewer}. The
--   checkpoint of a query with state keeps the number that it began with, so the new one holds from a new checkpoint on.
-- advice: TRUE | - | - | Use about {partitions_needed:int} partitions there. The checkpoint of a query with state keeps the number that it
--   began with, so a new one holds from a new checkpoint on.
-- recommendation: Use about two partitions for each core there.
WITH streams AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, streaming_query_id
  FROM sql
  WHERE streaming_query_id IS NOT NULL
),
names AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query_id, MAX(query_name) AS query_name,
    MAX(CAST(state_rows_total AS DOUBLE)) AS store_rows, MAX(CAST(state_memory_bytes AS DOUBLE)) AS store_bytes
  FROM streaming_progress
  GROUP BY platform, cluster_id, application_id, attempt_id, query_id
),
-- What functions of Python took.
python AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.streaming_query_id, SUM(CAST(m.total AS DOUBLE)) AS code_ms,
    MAX(CASE WHEN n.node_name LIKE '%State%' THEN 1 ELSE 0 END) AS has_state
  FROM streams AS q
  INNER JOIN sql_nodes AS n
    ON n.platform = q.platform AND n.cluster_id = q.cluster_id
    AND n.application_id = q.application_id AND n.attempt_id = q.attempt_id AND n.sql_id = q.sql_id
  LEFT JOIN sql_node_metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
    AND m.metric_name = 'time to execute Python code'
  WHERE n.node_name LIKE '%InPandas%' OR n.node_name LIKE '%InPySpark%' OR n.node_name LIKE '%Python%'
  GROUP BY q.platform, q.cluster_id, q.application_id, q.attempt_id, q.streaming_query_id
),
stages_of_streams AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, q.streaming_query_id, f.num_tasks, f.task_slots, f.duration_ms,
    f.shuffle_partitions, CAST(f.executor_run_time AS DOUBLE) AS run_ms, CAST(f.shuffle_read_records AS DOUBLE) AS rows,
    f.shuffle_read_bytes IS NOT NULL AND f.num_tasks >= $min_partitions AND f.num_tasks >= $min_tasks_per_slot * f.task_slots
      AND f.input_bytes = 0 AND (f.shuffle_read_records <= $max_rows * f.num_tasks
        OR (n.store_rows > 0e0 AND f.shuffle_read_records <= $max_costly_rows * f.num_tasks
          AND f.executor_run_time >= $min_task_ms * f.num_tasks AND f.executor_run_time >= $min_row_ms * f.shuffle_read_records)) AS is_cut
  FROM stage_facts AS f
  INNER JOIN streams AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  LEFT JOIN names AS n
    ON n.platform = q.platform AND n.cluster_id = q.cluster_id
    AND n.application_id = q.application_id AND n.attempt_id = q.attempt_id AND n.query_id = q.streaming_query_id
  WHERE f.status = 'COMPLETE'
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, streaming_query_id,
    SUM(CASE WHEN is_cut THEN 1 ELSE 0 END) AS num_stages,
    MAX(CASE WHEN is_cut THEN num_tasks END) AS num_tasks,
    MAX(CASE WHEN is_cut THEN task_slots END) AS slots,
    MAX(CASE WHEN is_cut THEN shuffle_partitions END) AS shuffle_partitions,
    SUM(CASE WHEN is_cut THEN rows ELSE 0e0 END) / NULLIF(SUM(CASE WHEN is_cut THEN num_tasks ELSE 0 END), 0) AS rows_each,
    SUM(CASE WHEN is_cut THEN run_ms ELSE 0e0 END) AS cut_ms,
    SUM(CASE WHEN is_cut THEN LEAST(rows * $row_ms, run_ms) ELSE 0e0 END) AS row_ms,
    SUM(CASE WHEN is_cut THEN LEAST(rows * $python_row_ms, run_ms) ELSE 0e0 END) AS python_row_ms,
    AVG(CASE WHEN is_cut THEN CAST(duration_ms AS DOUBLE) END) AS stage_ms,
    SUM(run_ms) AS run_ms
  FROM stages_of_streams
  GROUP BY platform, cluster_id, application_id, attempt_id, streaming_query_id
),
needed AS (
  SELECT
    s.*, CASE WHEN y.code_ms IS NOT NULL THEN LEAST(y.code_ms, s.cut_ms) END AS code_ms,
    CASE WHEN y.code_ms IS NOT NULL THEN GREATEST(s.row_ms, LEAST($python_ratio * y.code_ms, s.cut_ms)) WHEN y.has_state = 1 THEN s.python_row_ms ELSE s.row_ms END AS needed_ms,
    COALESCE(n.query_name, s.streaming_query_id) AS query, NULLIF(n.store_rows, 0e0) AS store_rows,
    GREATEST(2 * s.slots, TRY_CAST(CEIL(GREATEST(
      COALESCE(n.store_rows, 0e0) / $max_store_rows, COALESCE(n.store_bytes, 0e0) / $max_store_bytes)) AS BIGINT)) AS partitions_needed
  FROM summed AS s
  LEFT JOIN names AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.query_id = s.streaming_query_id
  LEFT JOIN python AS y
    ON y.platform = s.platform AND y.cluster_id = s.cluster_id
    AND y.application_id = s.application_id AND y.attempt_id = s.attempt_id AND y.streaming_query_id = s.streaming_query_id
),
told AS (
  SELECT n.*, (cut_ms - needed_ms) * (1e0 - CAST(partitions_needed AS DOUBLE) / NULLIF(num_tasks, 0)) AS lost_ms
  FROM needed AS n
)
SELECT
  platform, cluster_id, application_id, attempt_id, CONCAT(application_id, ' ', streaming_query_id) AS subject_id,
  CASE WHEN lost_ms >= $medium_lost_ms THEN 'medium' END AS severity,
  'medium' AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(lost_ms / NULLIF(slots, 0) AS BIGINT) AS recoverable_ms,
  query, num_stages, num_tasks, slots,
  TRY_CAST(ROUND(rows_each) AS BIGINT) AS rows_each, cut_ms AS run_ms, cut_ms / NULLIF(run_ms, 0) AS share, stage_ms, TRY_CAST(code_ms AS BIGINT) AS code_ms,
  shuffle_partitions, partitions_needed, CASE WHEN partitions_needed > 2 * slots THEN TRY_CAST(store_rows AS BIGINT) END AS store_rows,
  CASE WHEN partitions_needed = 2 * slots THEN 'two partitions for each core' ELSE 'fewer partitions, of as much state as one should hold' END AS fewer
FROM told
WHERE (num_stages >= $min_batches OR stage_ms >= $min_long_ms) AND cut_ms >= $min_run_ms AND cut_ms - needed_ms >= $min_share * cut_ms AND cut_ms >= $min_share * run_ms
  AND partitions_needed <= $max_kept * num_tasks
