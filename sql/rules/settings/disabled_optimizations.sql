-- id: disabled_optimizations
-- title: A Spark optimization is turned off
-- category: settings
-- severity: low
-- version: 6
-- description: Fires for switches that are on unless somebody turns them off, as for a fault of an old release or a benchmark, where much task time goes into what they would speed up: whole-stage code generation,
--   the readers of Parquet, ORC and cached tables that take batches of columns, filters that reach the files of Parquet and ORC, the reading of single fields of a struct, and the use of a Python process for more than one task. Settings of
--   sessions count for their queries. What whole-stage code generation would save is an assumption, saved_share of the processor time: of five queries with Spark 4.3 it took 56 % (a broadcast join), 55 % (an aggregate),
--   26 % (filters and projections), 19 % (a sort merge join) and nothing (a window); what the readers below would save of it is not counted again. What the readers of Parquet and ORC would save is an assumption too, for each value that their scans
--   read (view row_read_costs), without scans of nested columns before Spark 3.4, which these readers leave alone by default. Of the time that reading a struct whole takes (view whole_structs), a part for each field that is read is counted, of which
--   unused_share is taken to be saved for those that no operator takes: with Spark 4.3 all of it and more was, where these were long texts. What starting Python took is counted where Spark measured it. That is of high confidence. The others have no counted loss. Adaptive execution is told by adaptive_off.
-- parameter: min_rows bigint = 1000000 [rows] rows of a scan from which its reader matters, at least
-- parameter: min_run_ms double = 10000 [ms] task time of the stages that it concerns, at least
-- parameter: min_share double = 0.05 [ratio] the same over the task time of the application, at least
-- parameter: min_sql_share double = 0.2 [ratio] the same for whole-stage code generation
-- parameter: min_python_tasks bigint = 100 [count] tasks with Python, at least
-- parameter: min_start_ms double = 5000 [ms] or what starting their processes and the imports took, at least, where Spark measured it (4.3)
-- parameter: min_struct_ms double = 1000 [ms] reading of a scan with a struct from which it matters, however few its rows are
-- parameter: unused_share double = 0.7 [ratio] part of the reading of fields that are not used that is taken to be saved
-- parameter: saved_share double = 0.2 [ratio] processor time that whole-stage code generation is taken to save
-- evidence: {key} is false: {problem}. That concerns {num_stages:stage|stages} with {run_ms:s} of task time, {share:pct} of that of the application[, and {cpu_ms:s} of processor time][; {num_scans:scan|scans} of
--   {rows:row|rows} in all][; {num_tasks:task|tasks}][, whose processes took {start_ms:s} to start and to import].[ At an assumed {value_ns:int} ns for each of {values_read:int} values the reader of batches would save {reader_ms:s} of it.][ All fields of {struct_name} ({num_fields:int} of them) are read, of which the queries use {used_fields}; the reading took {struct_ms:s}.][ Also turned off, in stages with less task time: {other_keys}.]
-- advice: key = 'spark.sql.codegen.wholeStage' | spark.sql.codegen.wholeStage | 'true' | Set it back to true, the default. If a query fails because its generated code is too large, turn it off for that query only.[ Set {other_keys} back to true, too.]
-- advice: key = 'spark.sql.parquet.enableVectorizedReader' | spark.sql.parquet.enableVectorizedReader | 'true' | Set it back to true, the default, unless the reader is known to fail on these files.[ Set {other_keys} back to true, too.]
-- advice: key = 'spark.sql.orc.enableVectorizedReader' | spark.sql.orc.enableVectorizedReader | 'true' | Set it back to true, the default, unless the reader is known to fail on these files.[ Set {other_keys} back to true, too.]
-- advice: key = 'spark.sql.inMemoryColumnarStorage.enableVectorizedReader' | spark.sql.inMemoryColumnarStorage.enableVectorizedReader | 'true' | Set it back to true, the default.[ Set {other_keys} back to true, too.]
-- advice: key = 'spark.sql.parquet.filterPushdown' | spark.sql.parquet.filterPushdown | 'true' | Set it back to true, the default: row groups whose statistics exclude a filter are then not read at all.[ Set {other_keys} back to true, too.]
-- advice: key = 'spark.sql.orc.filterPushdown' | spark.sql.orc.filterPushdown | 'true' | Set it back to true, the default: stripes whose statistics exclude a filter are then not read at all.[ Set {other_keys} back to true, too.]
-- advice: key = 'spark.sql.optimizer.nestedSchemaPruning.enabled' | spark.sql.optimizer.nestedSchemaPruning.enabled | 'true' | Set it back to true, the default: only the fields that a query uses are then read.[ Set {other_keys} back to true, too.]
-- advice: key = 'spark.python.worker.reuse' | spark.python.worker.reuse | 'true' | Set it back to true, the default, unless the functions leave state behind that the next task must not see.[ Set {other_keys} back to true, too.]
-- recommendation: Set it back to its default.
WITH switches AS (
  SELECT key, kind, problem
  FROM (VALUES
    ('spark.sql.codegen.wholeStage', 'codegen', 'operators hand each other one row at a time instead of running as one compiled loop'),
    ('spark.sql.parquet.enableVectorizedReader', 'parquet', 'Parquet is read row by row instead of in batches of columns'),
    ('spark.sql.orc.enableVectorizedReader', 'orc', 'ORC is read row by row instead of in batches of columns'),
    ('spark.sql.inMemoryColumnarStorage.enableVectorizedReader', 'cache', 'cached tables are read row by row instead of in batches of columns'),
    ('spark.sql.parquet.filterPushdown', 'parquet filter', 'filters do not reach the files, which are read and decoded whole'),
    ('spark.sql.orc.filterPushdown', 'orc filter', 'filters do not reach the files, which are read and decoded whole'),
    ('spark.sql.optimizer.nestedSchemaPruning.enabled', 'nested', 'columnar files are read with all fields of a struct, however few a query uses'),
    ('spark.python.worker.reuse', 'python', 'each task starts a Python process of its own')
  ) AS s (key, kind, problem)
),
application_values AS (
  SELECT v.platform, v.cluster_id, v.application_id, v.attempt_id, v.key, MAX(LOWER(TRIM(v.value))) AS value
  FROM spark_settings AS v
  INNER JOIN switches AS s ON s.key = v.key
  GROUP BY v.platform, v.cluster_id, v.application_id, v.attempt_id, v.key
),
session_values AS (
  SELECT v.platform, v.cluster_id, v.application_id, v.attempt_id, v.sql_id, v.key, MAX(LOWER(TRIM(v.value))) AS value
  FROM session_settings AS v
  INNER JOIN switches AS s ON s.key = v.key
  WHERE v.sql_id IS NOT NULL
  GROUP BY v.platform, v.cluster_id, v.application_id, v.attempt_id, v.sql_id, v.key
),
-- Where it is off for anything.
candidates AS (
  SELECT platform, cluster_id, application_id, attempt_id, key
  FROM application_values
  WHERE value = 'false'
  UNION
  SELECT platform, cluster_id, application_id, attempt_id, key
  FROM session_values
  WHERE value = 'false'
),
-- What Photon, Gluten, Comet or RAPIDS runs is compiled in any case.
other_engines AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id
  FROM sql_nodes
  WHERE engine IN ('photon', 'gluten', 'comet', 'rapids')
),
queries AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, q.sql_id, c.key
  FROM candidates AS c
  INNER JOIN sql AS q
    ON q.platform = c.platform AND q.cluster_id = c.cluster_id
    AND q.application_id = c.application_id AND q.attempt_id = c.attempt_id
  LEFT JOIN application_values AS a
    ON a.platform = c.platform AND a.cluster_id = c.cluster_id
    AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id AND a.key = c.key
  LEFT JOIN session_values AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id AND s.sql_id = q.sql_id AND s.key = c.key
  LEFT JOIN other_engines AS e
    ON e.platform = c.platform AND e.cluster_id = c.cluster_id
    AND e.application_id = c.application_id AND e.attempt_id = c.attempt_id AND e.sql_id = q.sql_id
  WHERE COALESCE(s.value, a.value) = 'false' AND (e.platform IS NULL OR c.key = 'spark.python.worker.reuse')
),
-- The operators that each switch is about, but for code generation, which is about all.
nodes AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, format AS kind, CAST(rows_read AS DOUBLE) AS rows
  FROM sql_scans
  WHERE operation = 'read' AND format IN ('parquet', 'orc') AND rows_read >= $min_rows
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, CONCAT(format, ' filter') AS kind, CAST(rows_read AS DOUBLE) AS rows
  FROM sql_scans
  WHERE operation = 'read' AND format IN ('parquet', 'orc') AND rows_read >= $min_rows AND COALESCE(data_filters, '') <> ''
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'cache' AS kind, CAST(rows_output AS DOUBLE) AS rows
  FROM sql_nodes
  WHERE node_name LIKE 'InMemoryTableScan%' AND rows_output >= $min_rows
  UNION ALL
  SELECT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, 'nested' AS kind, CAST(w.rows_read AS DOUBLE) AS rows
  FROM whole_structs AS w
  INNER JOIN application_facts AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  -- Before Spark 3 it was off by default.
  WHERE (w.rows_read >= $min_rows OR w.own_ms >= $min_struct_ms) AND COALESCE(a.spark_minor >= 300, TRUE)
),
concerned AS (
  SELECT q.platform, q.cluster_id, q.application_id, q.attempt_id, q.key, q.sql_id, n.node_id, n.rows, o.stage_id
  FROM queries AS q
  INNER JOIN switches AS s ON s.key = q.key
  INNER JOIN nodes AS n
    ON n.platform = q.platform AND n.cluster_id = q.cluster_id
    AND n.application_id = q.application_id AND n.attempt_id = q.attempt_id AND n.sql_id = q.sql_id AND n.kind = s.kind
  LEFT JOIN operator_stages AS o
    ON o.platform = n.platform AND o.cluster_id = n.cluster_id
    AND o.application_id = n.application_id AND o.attempt_id = n.attempt_id AND o.sql_id = n.sql_id AND o.node_id = n.node_id
),
scans AS (
  SELECT platform, cluster_id, application_id, attempt_id, key, COUNT(*) AS num_scans, SUM(rows) AS rows
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, key, sql_id, node_id, rows FROM concerned) AS c
  GROUP BY platform, cluster_id, application_id, attempt_id, key
),
-- Outside of queries Python runs in RDDs.
python_stages AS (
  SELECT DISTINCT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.key, r.first_stage_id AS stage_id
  FROM candidates AS c
  INNER JOIN rdds AS r
    ON r.platform = c.platform AND r.cluster_id = c.cluster_id
    AND r.application_id = c.application_id AND r.attempt_id = c.attempt_id
  WHERE c.key = 'spark.python.worker.reuse' AND r.rdd_name LIKE 'Python%' AND r.first_stage_id IS NOT NULL
),
concerned_stages AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, key, stage_id
  FROM concerned
  WHERE stage_id IS NOT NULL
  UNION
  SELECT q.platform, q.cluster_id, q.application_id, q.attempt_id, q.key, f.stage_id
  FROM queries AS q
  INNER JOIN stage_facts AS f
    ON f.platform = q.platform AND f.cluster_id = q.cluster_id
    AND f.application_id = q.application_id AND f.attempt_id = q.attempt_id AND f.sql_id = q.sql_id
  WHERE (q.key = 'spark.sql.codegen.wholeStage' AND NOT COALESCE(f.has_python, FALSE) AND NOT COALESCE(f.has_gpu, FALSE)) OR (q.key = 'spark.python.worker.reuse' AND f.has_python)
  UNION
  SELECT platform, cluster_id, application_id, attempt_id, key, stage_id
  FROM python_stages
),
-- What the readers of batches would save.
readers AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.key, MAX(v.value_ns) AS value_ns, SUM(v.rows * GREATEST(v.num_columns, 1)) AS values_read, SUM(v.saved_ms) AS reader_ms
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, key, sql_id, node_id FROM concerned) AS c
  INNER JOIN row_read_costs AS v
    ON v.platform = c.platform AND v.cluster_id = c.cluster_id
    AND v.application_id = c.application_id AND v.attempt_id = c.attempt_id AND v.sql_id = c.sql_id AND v.node_id = c.node_id
  INNER JOIN application_facts AS a
    ON a.platform = c.platform AND a.cluster_id = c.cluster_id
    AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
  WHERE c.key IN ('spark.sql.parquet.enableVectorizedReader', 'spark.sql.orc.enableVectorizedReader') AND (NOT v.is_nested OR a.spark_minor >= 304)
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.key
),
-- What structs cost that are read whole.
struct_reads AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.key, MIN(w.struct_name) AS struct_name, COUNT(DISTINCT w.struct_name) AS num_structs, MAX(w.num_fields) AS num_fields,
    MIN(w.num_used) AS least_used, MAX(w.num_used) AS most_used, SUM(w.own_ms) AS struct_ms,
    SUM($unused_share * w.own_ms * (w.num_fields - w.num_used) / NULLIF(w.num_leaves, 0e0)) AS unused_ms
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, key, sql_id, node_id FROM concerned) AS c
  INNER JOIN whole_structs AS w
    ON w.platform = c.platform AND w.cluster_id = c.cluster_id
    AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id AND w.sql_id = c.sql_id AND w.node_id = c.node_id
  WHERE c.key = 'spark.sql.optimizer.nestedSchemaPruning.enabled'
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.key
),
summed AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.key, COUNT(DISTINCT f.stage_id) AS num_stages, SUM(f.num_tasks) AS num_tasks,
    SUM(CAST(f.executor_run_time AS DOUBLE)) AS run_ms, SUM(f.cpu_ms) AS cpu_ms,
    CAST(MAX(f.task_slots) AS DOUBLE) AS task_slots
  FROM concerned_stages AS c
  INNER JOIN stage_facts AS f
    ON f.platform = c.platform AND f.cluster_id = c.cluster_id
    AND f.application_id = c.application_id AND f.attempt_id = c.attempt_id AND f.stage_id = c.stage_id
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.key
),
-- What is told of them.
all_readers AS (
  SELECT v.platform, v.cluster_id, v.application_id, v.attempt_id, SUM(v.reader_ms) AS reader_ms
  FROM readers AS v
  INNER JOIN summed AS t
    ON t.platform = v.platform AND t.cluster_id = v.cluster_id
    AND t.application_id = v.application_id AND t.attempt_id = v.attempt_id AND t.key = v.key
  WHERE t.run_ms >= $min_run_ms
  GROUP BY v.platform, v.cluster_id, v.application_id, v.attempt_id
),
-- Since Spark 4.3.
starts AS (
  SELECT q.platform, q.cluster_id, q.application_id, q.attempt_id, SUM(m.total) AS start_ms
  FROM queries AS q
  INNER JOIN sql_node_metrics AS m
    ON m.platform = q.platform AND m.cluster_id = q.cluster_id
    AND m.application_id = q.application_id AND m.attempt_id = q.attempt_id AND m.sql_id = q.sql_id
  WHERE q.key = 'spark.python.worker.reuse' AND m.metric_name IN ('time to start Python workers', 'time to initialize Python workers')
  GROUP BY q.platform, q.cluster_id, q.application_id, q.attempt_id
),
unknown AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, key
  FROM setting_problems
  WHERE problem IN ('too_new', 'removed', 'no_effect')
),
weighed AS (
  SELECT
    t.*, s.kind, s.problem, CASE WHEN s.kind = 'python' THEN p.start_ms END AS start_ms, v.value_ns, v.values_read, v.reader_ms, w.struct_name, w.num_structs, w.num_fields, w.least_used, w.most_used, w.struct_ms,
    CASE
      WHEN s.kind = 'codegen' THEN $saved_share * GREATEST(t.cpu_ms - COALESCE(b.reader_ms, 0e0), 0e0)
      WHEN s.kind IN ('parquet', 'orc') THEN v.reader_ms
      WHEN s.kind = 'nested' THEN w.unused_ms
      -- The first task of each slot starts one in any case.
      WHEN s.kind = 'python' THEN LEAST(p.start_ms, t.run_ms) * GREATEST(1e0 - COALESCE(t.task_slots, 1e0) / NULLIF(CAST(t.num_tasks AS DOUBLE), 0e0), 0e0)
    END AS lost_ms
  FROM summed AS t
  INNER JOIN switches AS s ON s.key = t.key
  LEFT JOIN starts AS p
    ON p.platform = t.platform AND p.cluster_id = t.cluster_id
    AND p.application_id = t.application_id AND p.attempt_id = t.attempt_id
  LEFT JOIN readers AS v
    ON v.platform = t.platform AND v.cluster_id = t.cluster_id
    AND v.application_id = t.application_id AND v.attempt_id = t.attempt_id AND v.key = t.key
  LEFT JOIN struct_reads AS w
    ON w.platform = t.platform AND w.cluster_id = t.cluster_id
    AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id AND w.key = t.key
  LEFT JOIN all_readers AS b
    ON b.platform = t.platform AND b.cluster_id = t.cluster_id
    AND b.application_id = t.application_id AND b.attempt_id = t.attempt_id
),
judged AS (
  SELECT
    t.*, CAST(r.executor_run_time AS DOUBLE) AS all_run_ms,
    t.run_ms >= $min_run_ms AND t.run_ms >= CASE WHEN t.kind = 'codegen' THEN $min_sql_share ELSE $min_share END * r.executor_run_time
      AND (t.kind <> 'python' OR t.num_tasks >= $min_python_tasks OR t.start_ms >= $min_start_ms) AS is_told
  FROM weighed AS t
  INNER JOIN application_run_times AS r
    ON r.platform = t.platform AND r.cluster_id = t.cluster_id
    AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id
  LEFT JOIN unknown AS u
    ON u.platform = t.platform AND u.cluster_id = t.cluster_id
    AND u.application_id = t.application_id AND u.attempt_id = t.attempt_id AND u.key = t.key
  WHERE u.platform IS NULL
),
-- Switches that concern stages, but too little to be told by themselves, with the one that concerns most.
others AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, MAX(CASE WHEN is_told THEN run_ms END) AS most_ms,
    MIN(CASE WHEN NOT is_told THEN key END) AS first_key, MAX(CASE WHEN NOT is_told THEN key END) AS last_key, SUM(CASE WHEN is_told THEN 0 ELSE 1 END) AS num_others
  FROM judged
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, t.key AS subject_id,
  CASE WHEN t.kind = 'python' AND t.start_ms > 0e0 THEN 'high' WHEN t.kind = 'nested' THEN 'medium' ELSE 'low' END AS confidence,
  TRY_CAST(t.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(t.lost_ms * a.wall_ratio AS BIGINT) AS recoverable_ms,
  t.key, t.problem, t.num_stages, t.run_ms, t.run_ms / NULLIF(t.all_run_ms, 0e0) AS share,
  CASE WHEN t.kind = 'codegen' THEN t.cpu_ms END AS cpu_ms, n.num_scans, TRY_CAST(n.rows AS BIGINT) AS rows,
  CASE WHEN t.kind = 'python' THEN t.num_tasks END AS num_tasks, t.start_ms, t.value_ns, t.values_read, t.reader_ms,
  SUBSTR(CASE WHEN t.num_structs > 1 THEN CONCAT(t.struct_name, ' and other columns') ELSE t.struct_name END, 1, 100) AS struct_name, TRY_CAST(t.num_fields AS BIGINT) AS num_fields,
  CASE WHEN t.least_used < t.most_used THEN CONCAT(CAST(TRY_CAST(t.least_used AS BIGINT) AS STRING), ' to ', CAST(TRY_CAST(t.most_used AS BIGINT) AS STRING)) ELSE CAST(TRY_CAST(t.most_used AS BIGINT) AS STRING) END AS used_fields,
  t.struct_ms,
  CASE WHEN t.run_ms = o.most_ms THEN CASE
    WHEN o.num_others = 1 THEN o.first_key WHEN o.num_others = 2 THEN CONCAT(o.first_key, ' and ', o.last_key) WHEN o.num_others > 2 THEN CONCAT(o.first_key, ' and others')
  END END AS other_keys
FROM judged AS t
INNER JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
LEFT JOIN scans AS n
  ON n.platform = t.platform AND n.cluster_id = t.cluster_id
  AND n.application_id = t.application_id AND n.attempt_id = t.attempt_id AND n.key = t.key
LEFT JOIN others AS o
  ON o.platform = t.platform AND o.cluster_id = t.cluster_id
  AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id
WHERE t.is_told
