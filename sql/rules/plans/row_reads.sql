-- id: row_reads
-- title: Columnar files are read row by row
-- category: plans
-- severity: low
-- version: 3
-- description: Fires where queries read very many rows of Parquet or ORC without the vectorized reader, which decodes a column for thousands of rows at once: a scan that says Batched: false, or one of a Hive table
--   through its SerDe (Scan hive). Not told: Parquet of more fields than spark.sql.codegen.maxFields, which is decoded in batches all the same; columns that only such a limit or an unusual type can explain; a reader that a setting
--   switched off (disabled_optimizations tells it), or whole-stage code generation; tables of Delta Lake, Hudi and other engines. What the vectorized reader would save is an assumption
--   (view row_read_costs), which is low for nested columns. Never above medium.
-- subject: node
-- group_by: source
-- parameter: min_rows double = 1e7 [rows] rows that a scan puts out, at least
-- parameter: min_share double = 0.2 [ratio] task time of the stages of such scans of a table over that of the application, at least
-- parameter: large_run_ms double = 3600000 [ms] the same task time from which its share does not count
-- parameter: min_lost_ms double = 5000 [ms] what the vectorized reader is taken to save, at least
-- parameter: min_lost_share double = 0.01 [ratio] the same over the task time of the application, at least
-- parameter: medium_ms double = 600000 [ms] the same from which it is of medium severity
-- evidence: Query {sql_id:int} ({query_description:query}) reads {rows:row|rows} of {num_columns:column|columns} from {source} row by row ({how}), not in batches of columns; its stages took {run_ms:s} of {app_ms:s} of task
--   time. At an assumed {value_ns:int} ns for each value the vectorized reader would save {lost_ms:s} of it.
-- advice: kind = 'hive parquet' AND NOT convert_parquet | spark.sql.hive.convertMetastoreParquet | 'true' | Let Spark read the files of the Hive table itself. Compare results first where files and table differ in their columns.
-- advice: kind = 'hive orc' AND NOT convert_orc | spark.sql.hive.convertMetastoreOrc | 'true' | Let Spark read the files of the Hive table itself. Compare results first where files and table differ in their columns.
-- advice: kind IN ('hive parquet', 'hive orc') | - | - | Spark reads the files of a Hive table itself (convertMetastoreParquet, convertMetastoreOrc), but not of this one: look for partitions of another format or SerDe, or a
--   transactional table, and write it anew as a table of Spark (USING PARQUET or ORC).
-- advice: kind = 'orc' AND is_hive_orc | spark.sql.orc.impl | 'native' | Use Spark's own reader of ORC files.
-- advice: kind = 'orc' AND is_wide | - | - | ORC files of more than {max_fields:int} fields (spark.sql.codegen.maxFields) are read row by row: select fewer columns, before any other step, or raise that limit.
-- advice: kind = 'parquet' AND spark_minor >= 303 AND NOT nested_parquet | spark.sql.parquet.enableNestedColumnVectorizedReader | 'true' | Let the vectorized reader read arrays, maps and structs too, and select only
--   the fields of them that are needed.
-- advice: kind = 'orc' AND spark_minor >= 302 AND NOT nested_orc | spark.sql.orc.enableNestedColumnVectorizedReader | 'true' | Let the vectorized reader read arrays, maps and structs too, and select only the fields of
--   them that are needed.
-- recommendation: The vectorized reader of this Spark reads no arrays, maps and structs: select them only where they are needed, keep fields that are read often as columns of their own, or upgrade (Spark 3.3 and later for Parquet,
--   3.2 and later for ORC read them in batches).
WITH values_set AS (
  SELECT platform, cluster_id, application_id, attempt_id, CAST(NULL AS BIGINT) AS sql_id, key, LOWER(value) AS value
  FROM spark_settings
  WHERE key IN (
    'spark.sql.parquet.enableVectorizedReader', 'spark.sql.orc.enableVectorizedReader', 'spark.sql.codegen.wholeStage', 'spark.sql.codegen.maxFields', 'spark.sql.orc.impl',
    'spark.sql.hive.convertMetastoreParquet', 'spark.sql.hive.convertMetastoreOrc',
    'spark.sql.parquet.enableNestedColumnVectorizedReader', 'spark.sql.orc.enableNestedColumnVectorizedReader'
  )
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, key, LOWER(BTRIM(value, CONCAT(' ', CHR(9), CHR(10), CHR(13)))) AS value
  FROM session_settings
  WHERE sql_id IS NOT NULL AND key IN (
    'spark.sql.parquet.enableVectorizedReader', 'spark.sql.orc.enableVectorizedReader', 'spark.sql.codegen.wholeStage', 'spark.sql.codegen.maxFields', 'spark.sql.orc.impl',
    'spark.sql.hive.convertMetastoreParquet', 'spark.sql.hive.convertMetastoreOrc',
    'spark.sql.parquet.enableNestedColumnVectorizedReader', 'spark.sql.orc.enableNestedColumnVectorizedReader'
  )
),
switches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    MAX(CASE WHEN key = 'spark.sql.parquet.enableVectorizedReader' THEN value END) AS parquet_reader,
    MAX(CASE WHEN key = 'spark.sql.orc.enableVectorizedReader' THEN value END) AS orc_reader,
    MAX(CASE WHEN key = 'spark.sql.codegen.wholeStage' THEN value END) AS whole_stage,
    TRY_CAST(MAX(CASE WHEN key = 'spark.sql.codegen.maxFields' THEN value END) AS BIGINT) AS max_fields,
    MAX(CASE WHEN key = 'spark.sql.orc.impl' THEN value END) AS orc_impl,
    MAX(CASE WHEN key = 'spark.sql.hive.convertMetastoreParquet' THEN value END) AS convert_parquet,
    MAX(CASE WHEN key = 'spark.sql.hive.convertMetastoreOrc' THEN value END) AS convert_orc,
    MAX(CASE WHEN key = 'spark.sql.parquet.enableNestedColumnVectorizedReader' THEN value END) AS nested_parquet,
    MAX(CASE WHEN key = 'spark.sql.orc.enableNestedColumnVectorizedReader' THEN value END) AS nested_orc
  FROM values_set
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
judged AS (
  SELECT
    s.*, f.spark_minor, COALESCE(q.max_fields, a.max_fields, 100) AS max_fields,
    COALESCE(q.orc_impl, a.orc_impl, CASE WHEN f.spark_minor >= 204 THEN 'native' ELSE 'hive' END) = 'hive' AS is_hive_orc,
    COALESCE(q.convert_parquet, a.convert_parquet, 'true') = 'true' AS convert_parquet,
    COALESCE(q.convert_orc, a.convert_orc, CASE WHEN f.spark_minor >= 204 THEN 'true' ELSE 'false' END) = 'true' AS convert_orc,
    COALESCE(q.nested_parquet, a.nested_parquet, CASE WHEN f.spark_minor >= 304 THEN 'true' ELSE 'false' END) = 'true' AS nested_parquet,
    COALESCE(q.nested_orc, a.nested_orc, CASE WHEN f.spark_minor >= 304 THEN 'true' ELSE 'false' END) = 'true' AS nested_orc,
    COALESCE(q.parquet_reader, a.parquet_reader, 'true') = 'true' AS parquet_reader, COALESCE(q.orc_reader, a.orc_reader, 'true') = 'true' AS orc_reader,
    COALESCE(q.whole_stage, a.whole_stage, 'true') = 'true' AS whole_stage
  FROM row_read_costs AS s
  INNER JOIN application_settings AS f
    ON f.platform = s.platform AND f.cluster_id = s.cluster_id
    AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id
  LEFT JOIN switches AS a
    ON a.platform = s.platform AND a.cluster_id = s.cluster_id
    AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id AND a.sql_id IS NULL
  LEFT JOIN switches AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  WHERE s.rows >= $min_rows AND f.has_settings
),
-- What is read row by row though its reader is on.
slow AS (
  SELECT
    j.*, num_columns > max_fields OR (nested_orc AND kind = 'orc') AS is_wide
  FROM judged AS j
  WHERE (kind = 'parquet' AND parquet_reader AND whole_stage AND num_columns <= max_fields AND NOT nested_parquet)
    OR (kind = 'orc' AND (is_hive_orc OR (orc_reader AND whole_stage)))
    OR (kind = 'hive parquet' AND parquet_reader) OR (kind = 'hive orc' AND orc_reader)
),
summed AS (
  SELECT s.*, SUM(run_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, source) AS table_ms
  FROM slow AS s
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(t.sql_id AS STRING), '.', CAST(t.node_id AS STRING)) AS subject_id,
  CASE WHEN t.saved_ms >= $medium_ms THEN 'medium' ELSE 'low' END AS severity, 'low' AS confidence,
  TRY_CAST(t.saved_ms AS BIGINT) AS lost_core_ms, TRY_CAST(t.saved_ms * c.wall_ratio AS BIGINT) AS recoverable_ms,
  t.sql_id, SUBSTR(q.description, 1, 200) AS query_description, t.source, TRY_CAST(t.rows AS BIGINT) AS rows, t.num_columns, CASE WHEN t.kind LIKE 'hive%' THEN 'through the SerDe of Hive' ELSE 'Batched: false' END AS how, t.run_ms, CAST(r.executor_run_time AS DOUBLE) AS app_ms,
  t.value_ns, t.saved_ms AS lost_ms, t.kind, t.convert_parquet, t.convert_orc, t.is_hive_orc, t.is_wide, t.max_fields, t.nested_parquet, t.nested_orc, t.spark_minor
FROM summed AS t
INNER JOIN sql AS q
  ON q.platform = t.platform AND q.cluster_id = t.cluster_id
  AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
INNER JOIN application_facts AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
INNER JOIN application_run_times AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id
WHERE (t.table_ms >= $min_share * r.executor_run_time OR t.table_ms >= $large_run_ms)
  AND t.saved_ms >= $min_lost_ms AND t.saved_ms >= $min_lost_share * r.executor_run_time
