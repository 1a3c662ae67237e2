-- id: query_facts
-- title: SQL executions with their key numbers
-- description: One row per SQL execution: who ran it, how long it took, the work of its stages, the
--   tables it read and wrote, its operators, and what adaptive execution changed. Stage numbers are
--   sums over all attempts that ran; task_time_ms is executor run time. tables_read and tables_written
--   name tables, or locations where there is no name, in alphabetical order.
-- reads: sql, sql_nodes, sql_plan_changes, sql_scans, timed_stages
WITH stage_work AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    COUNT(*) AS num_stages,
    SUM(num_tasks) AS num_tasks,
    SUM(num_failed_tasks) AS num_failed_tasks,
    SUM(executor_run_time) AS task_time_ms,
    SUM(input_bytes) AS input_bytes,
    SUM(output_bytes) AS output_bytes,
    SUM(shuffle_read_bytes) AS shuffle_read_bytes,
    SUM(shuffle_write_bytes) AS shuffle_write_bytes,
    SUM(memory_bytes_spilled) AS memory_bytes_spilled,
    SUM(disk_bytes_spilled) AS disk_bytes_spilled
  FROM timed_stages
  WHERE sql_id IS NOT NULL AND status NOT IN ('SKIPPED', 'PENDING')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
operators AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(CASE WHEN operator_kind = 'join' THEN 1 ELSE 0 END) AS num_joins,
    -- Photon shows a shuffle as two nodes.
    SUM(CASE WHEN operator_kind = 'exchange' AND node_name NOT LIKE '%ExchangeSource%'
      THEN 1 ELSE 0 END) AS num_exchanges,
    SUM(CASE WHEN operator_kind = 'broadcast' THEN 1 ELSE 0 END) AS num_broadcasts,
    SUM(CASE WHEN operator_kind = 'udf' THEN 1 ELSE 0 END) AS num_udf_operators,
    SUM(CASE WHEN operator_kind = 'udf' THEN time_ms ELSE 0 END) AS udf_time_ms,
    MAX(CASE WHEN engine <> 'spark' THEN engine END) AS native_engine
  FROM sql_nodes
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
scans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(CASE WHEN operation = 'read' THEN 1 ELSE 0 END) AS num_scans,
    SUM(files_read) AS files_read,
    SUM(bytes_read) AS bytes_read,
    SUM(files_written) AS files_written,
    SUM(bytes_written) AS bytes_written,
    SUM(rows_written) AS rows_written
  FROM sql_scans
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
named AS (
  SELECT DISTINCT
    platform, cluster_id, application_id, attempt_id, sql_id, operation,
    COALESCE(table_name, location) AS source
  FROM sql_scans
  WHERE COALESCE(table_name, location) IS NOT NULL
),
tables_touched AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, operation,
    ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(source)), ', ') AS sources
  FROM named
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, operation
),
tables_by_operation AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    MAX(CASE WHEN operation = 'read' THEN sources END) AS tables_read,
    MAX(CASE WHEN operation = 'write' THEN sources END) AS tables_written
  FROM tables_touched
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
changes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    COUNT(*) AS num_plan_changes,
    SUM(CASE WHEN change = 'join_strategy' THEN 1 ELSE 0 END) AS num_joins_changed,
    SUM(CASE WHEN change = 'partitions_coalesced' THEN 1 ELSE 0 END) AS num_shuffles_coalesced,
    SUM(CASE WHEN change = 'skewed_partitions_split' THEN 1 ELSE 0 END) AS num_skews_split
  FROM sql_plan_changes
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
)
SELECT
  q.platform, q.cluster_id, q.cluster_name, q.application_id, q.attempt_id, q.app_date,
  q.sql_id, q.root_execution_id, q.status, q.description, q.statement, q.error_message,
  q.submission_time, q.duration_ms,
  q.user_name, q.notebook_path, q.platform_job_id, q.platform_run_id, q.job_group,
  CARDINALITY(q.job_ids) AS num_jobs,
  COALESCE(w.num_stages, 0) AS num_stages,
  COALESCE(w.num_tasks, 0) AS num_tasks,
  COALESCE(w.num_failed_tasks, 0) AS num_failed_tasks,
  COALESCE(w.task_time_ms, 0) AS task_time_ms,
  COALESCE(w.input_bytes, 0) AS input_bytes,
  COALESCE(w.output_bytes, 0) AS output_bytes,
  COALESCE(w.shuffle_read_bytes, 0) AS shuffle_read_bytes,
  COALESCE(w.shuffle_write_bytes, 0) AS shuffle_write_bytes,
  COALESCE(w.memory_bytes_spilled, 0) AS memory_bytes_spilled,
  COALESCE(w.disk_bytes_spilled, 0) AS disk_bytes_spilled,
  q.num_nodes,
  COALESCE(o.num_joins, 0) AS num_joins,
  COALESCE(o.num_exchanges, 0) AS num_exchanges,
  COALESCE(o.num_broadcasts, 0) AS num_broadcasts,
  COALESCE(o.num_udf_operators, 0) AS num_udf_operators,
  COALESCE(o.udf_time_ms, 0) AS udf_time_ms,
  o.native_engine,
  COALESCE(s.num_scans, 0) AS num_scans,
  s.files_read, s.bytes_read, s.files_written, s.bytes_written, s.rows_written,
  t.tables_read, t.tables_written,
  q.is_adaptive, q.num_plan_updates,
  COALESCE(c.num_plan_changes, 0) AS num_plan_changes,
  COALESCE(c.num_joins_changed, 0) AS num_joins_changed,
  COALESCE(c.num_shuffles_coalesced, 0) AS num_shuffles_coalesced,
  COALESCE(c.num_skews_split, 0) AS num_skews_split
FROM sql AS q
LEFT JOIN stage_work AS w
  ON w.platform = q.platform AND w.cluster_id = q.cluster_id
  AND w.application_id = q.application_id AND w.attempt_id = q.attempt_id AND w.sql_id = q.sql_id
LEFT JOIN operators AS o
  ON o.platform = q.platform AND o.cluster_id = q.cluster_id
  AND o.application_id = q.application_id AND o.attempt_id = q.attempt_id AND o.sql_id = q.sql_id
LEFT JOIN scans AS s
  ON s.platform = q.platform AND s.cluster_id = q.cluster_id
  AND s.application_id = q.application_id AND s.attempt_id = q.attempt_id AND s.sql_id = q.sql_id
LEFT JOIN tables_by_operation AS t
  ON t.platform = q.platform AND t.cluster_id = q.cluster_id
  AND t.application_id = q.application_id AND t.attempt_id = q.attempt_id AND t.sql_id = q.sql_id
LEFT JOIN changes AS c
  ON c.platform = q.platform AND c.cluster_id = q.cluster_id
  AND c.application_id = q.application_id AND c.attempt_id = q.attempt_id AND c.sql_id = q.sql_id
