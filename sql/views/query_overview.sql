-- id: query_overview
-- title: SQL queries with their application, work, tables and findings, for people and language models
-- description: One row per SQL execution with the name and job of its application, the work of its stages, the tables
--   it read and wrote, its operators and the worst finding about it. No join is needed. A query that
--   another one started counts its own stages only.
-- grain: one row per SQL execution
-- keys: platform, cluster_id, application_id, attempt_id, sql_id
-- column: num_jobs [count] Spark jobs of the query.
-- column: num_stages [count] Stage attempts of the query that ran.
-- column: num_tasks [count] Tasks of these stages.
-- column: num_failed_tasks [count] Failed task attempts of these stages.
-- column: task_time_ms [ms] Time that the tasks of these stages ran, together.
-- column: input_bytes [bytes] Bytes that these stages read from storage.
-- column: output_bytes [bytes] Bytes that these stages wrote to storage.
-- column: shuffle_read_bytes [bytes] Shuffle bytes that these stages read.
-- column: shuffle_write_bytes [bytes] Shuffle bytes that these stages wrote.
-- column: memory_bytes_spilled [bytes] Size in memory of what these stages spilled; the same data as
--   disk_bytes_spilled, never add the two.
-- column: disk_bytes_spilled [bytes] Size on disk of what these stages spilled.
-- column: num_joins [count] Join operators of the last plan.
-- column: num_exchanges [count] Shuffles of the last plan.
-- column: num_broadcasts [count] Broadcasts of the last plan.
-- column: num_udf_operators [count] Operators that run user code in Python, pandas, R or Scala.
-- column: udf_time_ms [ms] Time of these operators.
-- column: native_engine Engine other than Spark's own that ran operators, such as photon; NULL without one.
-- column: num_scans [count] Tables and files that were read, one for each scan of the plan.
-- column: files_read [count] Files that the scans read. NULL where no scan counted them.
-- column: bytes_read [bytes] Size of these files.
-- column: files_written [count] Files that the query wrote. NULL where nothing counted them.
-- column: bytes_written [bytes] Size of these files.
-- column: rows_written [records] Rows that the query wrote.
-- column: tables_read Tables that the query read, or locations where there is no name, in alphabetical order.
-- column: tables_written Tables that the query wrote, or locations where there is no name.
-- column: num_plan_changes [count] Changes that adaptive execution made to the first plan.
-- column: num_findings [count] Findings about the query itself.
-- column: worst_finding Title of the finding about the query that lost the most core time.
-- reads: applications, findings, query_facts
WITH ranked AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, subject_id, title,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, subject_id) AS num_findings,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, subject_id
      ORDER BY COALESCE(lost_core_ms, 0) DESC, finding_id
    ) AS place
  FROM findings
  WHERE subject_type = 'sql'
)
SELECT
  q.platform, q.cluster_id, q.cluster_name, q.application_id, q.attempt_id, q.app_date,
  a.application_name, a.job_key, a.spark_user, a.team,
  q.sql_id, q.root_execution_id, q.status, q.description, q.statement, q.error_message,
  q.submission_time, q.duration_ms, q.user_name, q.notebook_path,
  q.num_jobs, q.num_stages, q.num_tasks, q.num_failed_tasks, q.task_time_ms,
  q.input_bytes, q.output_bytes, q.shuffle_read_bytes, q.shuffle_write_bytes,
  q.memory_bytes_spilled, q.disk_bytes_spilled,
  q.num_joins, q.num_exchanges, q.num_broadcasts, q.num_udf_operators, q.udf_time_ms, q.native_engine,
  q.num_scans, q.files_read, q.bytes_read, q.files_written, q.bytes_written, q.rows_written,
  q.tables_read, q.tables_written, q.is_adaptive, q.num_plan_changes,
  COALESCE(f.num_findings, 0) AS num_findings,
  f.title AS worst_finding
FROM query_facts AS q
LEFT JOIN applications AS a
  ON a.platform = q.platform AND a.cluster_id = q.cluster_id
  AND a.application_id = q.application_id AND a.attempt_id = q.attempt_id
LEFT JOIN ranked AS f
  ON f.platform = q.platform AND f.cluster_id = q.cluster_id
  AND f.application_id = q.application_id AND f.attempt_id = q.attempt_id
  AND f.subject_id = CAST(q.sql_id AS STRING) AND f.place = 1
