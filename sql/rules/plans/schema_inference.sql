-- id: schema_inference
-- title: Text files are read once more to guess their schema
-- category: plans
-- severity: low
-- version: 11
-- description: Fires where the call that opens CSV, JSON or XML files (csv, json, xml) ran a job of its own outside of any
--   query over much data, or over less where it took a good part of the task time or of the wall time, or where many such calls, one after the other, took
--   a good part of the wall time, as inferring a schema does. A query that reads these data parses all of them again; the history may not hold that query. Lost is the
--   task time of these stages. Where it is half of the task time and a good part of the wall time, it is medium.
--   View inferred_schemas finds the stages and says from where on they are told.
--   Told too are stages of the call that opens Parquet or ORC files which read the schemas of many files to merge them (mergeSchema): without merging one file in one task is enough. Where many such calls only open tables, table_opening tells them, and folder_reads those of files or folders that are opened one by one.
-- subject: stage
-- group_by: kind
-- parameter: min_query_share double = 0.1 [ratio] input of other stages over that of the stage from which they read these data
-- parameter: min_merge_ms bigint = 5000 [ms] task time to merge schemas, of all such stages of a query or program, at least
-- parameter: min_merge_won_ms bigint = 2000 [ms] wall time of the stage, at least
-- parameter: min_merge_share double = 0.1 [ratio] that task time over that of the application, at least
-- evidence: {stage_name} read [{input_bytes:bytes}][{schemas}][ of {source}] in {num_tasks:task|tasks} and took {run_ms:s} of task time {told}[, and the program waited {wait_ms:s} of {app_ms:s} for it].
-- advice: schemas IS NOT NULL AND is_setting | spark.sql.parquet.mergeSchema | 'false' | Every opening reads the footer of each file. Leave merging off, give the reader the schema (schema(...)) or open a table of a catalog, which knows its columns; files that lack a column give NULL for it.
-- advice: schemas IS NOT NULL | - | - | Every opening reads the footer of each file. Leave mergeSchema out and give the reader the schema (schema(...)), or open a table of a catalog, which knows its columns; files that lack a column give NULL for it. Merge only when
--   columns are added, and keep the result.
-- recommendation: Give the reader a schema (schema(...)), or let it look at a sample (samplingRatio); better, keep the data as Parquet or a
--   table, which know theirs.
WITH merges AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.stage_name, f.num_tasks, f.executor_run_time, f.duration_ms, f.total_task_time_ms,
    LEAST(CAST(f.executor_run_time AS DOUBLE) / NULLIF(f.task_slots, 0), f.duration_ms) AS won_ms
  FROM stage_facts AS f
  LEFT JOIN table_openings AS o
    ON o.platform = f.platform AND o.cluster_id = f.cluster_id AND o.application_id = f.application_id AND o.attempt_id = f.attempt_id
  WHERE f.sql_id IS NULL AND f.status = 'COMPLETE' AND f.num_tasks >= 2 AND NOT f.is_listing AND o.platform IS NULL
    AND (f.stage_name LIKE 'parquet at %' OR f.stage_name LIKE 'orc at %' OR f.stage_name LIKE 'load at %')
    AND COALESCE(f.output_bytes, 0) = 0 AND COALESCE(f.shuffle_read_bytes, 0) = 0 AND COALESCE(f.shuffle_write_bytes, 0) = 0 AND COALESCE(f.input_bytes, 0) = 0
    AND f.executor_run_time >= $min_merge_ms AND f.executor_run_time >= $min_merge_share * f.total_task_time_ms
),
merge_settings AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM spark_settings
  WHERE key = 'spark.sql.parquet.mergeSchema' AND LOWER(TRIM(value)) = 'true'
),
-- Stages of files or folders that are opened one by one: folder_reads tells them.
one_by_one AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, CONCAT(CAST(s.stage_id AS STRING), '.', CAST(s.stage_attempt_id AS STRING)) AS subject_id
  FROM stages AS s
  INNER JOIN opening_jobs AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.job_id = ARRAY_MIN(s.job_ids)
),
queries AS (
  SELECT platform, cluster_id, application_id, attempt_id,
    -- The reader itself runs a query over the first rows.
    SUM(CASE WHEN sql_id IS NOT NULL THEN CAST(input_bytes AS DOUBLE) END) AS query_bytes,
    -- Python and typed code can read the rows of a query as an RDD.
    SUM(CASE WHEN sql_id IS NULL AND stage_name NOT LIKE 'csv at %' AND stage_name NOT LIKE 'json at %' AND stage_name NOT LIKE 'xml at %'
      THEN CAST(input_bytes AS DOUBLE) END) AS other_bytes
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Files of text formats that queries read, by their size: the same files where no others are as large.
sources AS (
  SELECT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id, MAX(s.location) AS source
  FROM inferred_schemas AS j
  INNER JOIN sql_scans AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id AND s.bytes_read = j.input_bytes
  WHERE j.is_told AND s.operation = 'read' AND s.format IN ('csv', 'json', 'xml') AND s.location IS NOT NULL
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id
  HAVING MIN(s.location) = MAX(s.location)
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id,
  'medium' AS confidence, CAST(NULL AS STRING) AS title,
  executor_run_time AS lost_core_ms,
  -- Calls in a loop wait for each other.
  TRY_CAST(CASE WHEN is_loop THEN duration_ms ELSE won_ms END AS BIGINT) AS recoverable_ms,
  -- A good part of the wall time.
  CASE WHEN NOT is_loop AND won_ms >= 0.05e0 * app_duration_ms THEN duration_ms END AS wait_ms, CASE WHEN NOT is_loop AND won_ms >= 0.05e0 * app_duration_ms THEN app_duration_ms END AS app_ms,
  SUBSTR(s.source, 1, 160) AS source, stage_name, num_tasks, input_bytes, executor_run_time AS run_ms, 'schema' AS kind, CAST(NULL AS STRING) AS schemas, FALSE AS is_setting,
  CASE WHEN q.query_bytes >= $min_query_share * j.input_bytes THEN 'before the query that reads these data'
    WHEN q.other_bytes >= $min_query_share * j.input_bytes THEN 'before the stages that read these data' ELSE 'for the schema alone' END AS told
FROM inferred_schemas AS j
LEFT JOIN queries AS q
  ON q.platform = j.platform AND q.cluster_id = j.cluster_id
  AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id
LEFT JOIN sources AS s
  ON s.platform = j.platform AND s.cluster_id = j.cluster_id
  AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id AND s.subject_id = j.subject_id
LEFT JOIN one_by_one AS b
  ON b.platform = j.platform AND b.cluster_id = j.cluster_id
  AND b.application_id = j.application_id AND b.attempt_id = j.attempt_id AND b.subject_id = j.subject_id
WHERE j.is_told AND b.platform IS NULL
UNION ALL
SELECT
  m.platform, m.cluster_id, m.application_id, m.attempt_id, m.subject_id,
  'medium' AS confidence, 'The schemas of many files are merged' AS title,
  m.executor_run_time AS lost_core_ms, TRY_CAST(m.won_ms AS BIGINT) AS recoverable_ms,
  CAST(NULL AS BIGINT) AS wait_ms, CAST(NULL AS BIGINT) AS app_ms, CAST(NULL AS STRING) AS source, m.stage_name, m.num_tasks, CAST(NULL AS BIGINT) AS input_bytes, m.executor_run_time AS run_ms, 'merge' AS kind, 'the schemas of its files' AS schemas, s.platform IS NOT NULL AND m.stage_name NOT LIKE 'orc at %' AS is_setting,
  'to merge them' AS told
FROM merges AS m
LEFT JOIN merge_settings AS s
  ON s.platform = m.platform AND s.cluster_id = m.cluster_id AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id
LEFT JOIN one_by_one AS b
  ON b.platform = m.platform AND b.cluster_id = m.cluster_id
  AND b.application_id = m.application_id AND b.attempt_id = m.attempt_id AND b.subject_id = m.subject_id
WHERE m.won_ms >= $min_merge_won_ms AND b.platform IS NULL
