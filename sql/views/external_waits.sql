-- id: external_waits
-- title: Stages whose tasks wait for something outside of Spark
-- description: One row per stage attempt whose tasks were hardly on the processor, though neither scans, files, shuffles, garbage collection nor spill explain it, and which ran code that can call something
--   outside of Spark: RDD operations in Scala or Java, functions of the user, functions over objects, a data source without files. wait_ms is the run time that nothing explains, num_rows the rows that came in, kind
--   what ran: jdbc write (in batches of batch_rows), jdbc read, rdd or function, functions their names. Bytes of files count as read and written slowly. Python and other processes work outside of the JVM, where no processor time is counted:
--   their stages are left out, and so are libraries with threads of their own. Where the other stages of the application got little of the processor too, the machine was busy with something else (cpu_contention).
-- parameter: max_cpu_ratio double = 0.15 [ratio] processor time over run time of the tasks, at most
-- parameter: max_alone_cpu_ratio double = 0.05 [ratio] the same where no other stage tells that the processors were free
-- parameter: min_other_times double = 3 [ratio] processor time over the time that nothing else explains in other stages, over that of this one, at least
-- parameter: min_other_ms double = 5000 [ms] that time of the other stages, at least, to tell anything
-- parameter: min_wait_ratio double = 0.6 [ratio] wait over run time, at least
-- parameter: min_wait_ms double = 10000 [ms] wait, at least
-- parameter: bytes_per_ms double = 5000 [bytes/ms] bytes of files that a task reads or writes in a millisecond, at least
-- reads: operator_stages, rdds, sql, sql_nodes, stage_facts, stages, user_functions
WITH measured AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.stage_id, f.sql_id, f.stage_name, f.num_tasks, f.task_slots, f.duration_ms, f.total_task_time_ms,
    CAST(f.executor_run_time AS DOUBLE) AS run_ms, f.cpu_ms,
    COALESCE(f.gc_time, 0) + COALESCE(f.fetch_wait_ms, 0e0) + COALESCE(f.scan_ms, 0e0) + COALESCE(CAST(s.shuffle_write_time AS DOUBLE) / 1e6, 0e0)
      + (COALESCE(f.input_bytes, 0) + COALESCE(f.output_bytes, 0) + COALESCE(s.shuffle_local_bytes_read, 0)) / NULLIF($bytes_per_ms, 0e0) AS explained_ms,
    GREATEST(COALESCE(s.input_records, 0), COALESCE(s.shuffle_read_records, 0)) AS num_rows, COALESCE(s.shuffle_write_bytes, 0) AS shuffle_write_bytes
  FROM stage_facts AS f
  INNER JOIN stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
  WHERE f.executor_run_time > 0 AND f.cpu_ms > 0e0 AND NOT f.has_python AND NOT COALESCE(f.has_gpu, FALSE) AND NOT f.is_listing AND NOT COALESCE(f.is_input_hidden, FALSE)
),
-- How much of the processor tasks got that had nothing to wait for.
free AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, SUM(cpu_ms) / NULLIF(SUM(run_ms - explained_ms), 0e0) AS cpu_ratio
  FROM measured
  WHERE cpu_ms > $max_cpu_ratio * run_ms AND run_ms > explained_ms
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING SUM(run_ms - explained_ms) >= $min_other_ms
),
waiting AS (
  SELECT m.*, m.run_ms - m.cpu_ms - m.explained_ms AS wait_ms
  FROM measured AS m
  LEFT JOIN free AS o
    ON o.platform = m.platform AND o.cluster_id = m.cluster_id AND o.application_id = m.application_id AND o.attempt_id = m.attempt_id
  -- Times that do not fit into the stage are none.
  WHERE COALESCE(m.run_ms <= 2e0 * m.duration_ms * m.task_slots, TRUE) AND m.cpu_ms <= $max_cpu_ratio * m.run_ms AND m.run_ms - m.cpu_ms - m.explained_ms >= GREATEST($min_wait_ms, $min_wait_ratio * m.run_ms)
    AND (m.cpu_ms <= $max_alone_cpu_ratio * m.run_ms OR COALESCE(o.cpu_ratio >= $min_other_times * m.cpu_ms / NULLIF(m.run_ms, 0e0), FALSE))
),
-- Processes beside the JVM, which do the work of these stages.
processes AS (
  SELECT platform, cluster_id, application_id, attempt_id, first_stage_id AS stage_id FROM rdds WHERE rdd_name IN ('PythonRDD', 'PipedRDD')
  UNION
  SELECT platform, cluster_id, application_id, attempt_id, last_stage_id AS stage_id FROM rdds WHERE rdd_name IN ('PythonRDD', 'PipedRDD')
),
calls AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'function' AS kind, function
  FROM user_functions
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, CASE WHEN node_name LIKE '%JDBC%' THEN 'jdbc read' ELSE 'function' END AS kind,
    CASE
      WHEN description LIKE '%java_method(%' THEN 'java_method' WHEN description LIKE '%reflect(%' THEN 'reflect'
      WHEN node_name <> 'DeserializeToObject' AND node_name NOT LIKE '%JDBC%' THEN node_name
    END AS function
  FROM sql_nodes
  WHERE node_name IN ('MapElements', 'MapPartitions', 'MapGroups', 'CoGroup', 'AppendColumns', 'AppendColumnsWithObject', 'DeserializeToObject') OR node_name LIKE '%JDBC%'
    OR description LIKE '%java_method(%' OR description LIKE '%reflect(%'
),
called AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id, MAX(c.kind) AS kind,
    SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT c.function)), ', '), 1, 120) AS functions
  FROM waiting AS w
  INNER JOIN calls AS c
    ON c.platform = w.platform AND c.cluster_id = w.cluster_id AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id AND c.sql_id = w.sql_id
  INNER JOIN operator_stages AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id AND o.sql_id = c.sql_id AND o.node_id = c.node_id AND o.stage_id = w.stage_id
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id
),
-- A write through JDBC is a command; its stage belongs to the command or to a query within it.
written AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id,
    COALESCE(TRY_CAST(NULLIF(REGEXP_REPLACE(LOWER(r.plan_description), '^(?s:.*?)batchsize(=| -> )([0-9]+)(?s:.*)$', '$2'), LOWER(r.plan_description)) AS BIGINT), 1000) AS batch_rows
  FROM waiting AS w
  INNER JOIN sql AS q
    ON q.platform = w.platform AND q.cluster_id = w.cluster_id AND q.application_id = w.application_id AND q.attempt_id = w.attempt_id AND q.sql_id = w.sql_id
  INNER JOIN sql AS r
    ON r.platform = q.platform AND r.cluster_id = q.cluster_id AND r.application_id = q.application_id AND r.attempt_id = q.attempt_id
    AND r.sql_id = COALESCE(q.root_execution_id, q.sql_id)
  WHERE r.plan_description LIKE '%SaveIntoDataSourceCommand%JdbcRelationProvider%'
    -- The write is the last stage; those before it write shuffles.
    AND w.shuffle_write_bytes = 0
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.subject_id, w.stage_id, w.stage_name, w.num_tasks, w.task_slots, w.duration_ms, w.total_task_time_ms,
  w.run_ms, w.cpu_ms, w.wait_ms, NULLIF(w.num_rows, 0) AS num_rows, CASE WHEN d.platform IS NOT NULL THEN 'jdbc write' ELSE COALESCE(c.kind, 'rdd') END AS kind, CASE WHEN d.platform IS NULL THEN NULLIF(c.functions, '') END AS functions, d.batch_rows
FROM waiting AS w
LEFT JOIN called AS c
  ON c.platform = w.platform AND c.cluster_id = w.cluster_id AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id AND c.subject_id = w.subject_id
LEFT JOIN written AS d
  ON d.platform = w.platform AND d.cluster_id = w.cluster_id AND d.application_id = w.application_id AND d.attempt_id = w.attempt_id AND d.subject_id = w.subject_id
LEFT JOIN processes AS p
  ON p.platform = w.platform AND p.cluster_id = w.cluster_id AND p.application_id = w.application_id AND p.attempt_id = w.attempt_id AND p.stage_id = w.stage_id
WHERE (c.platform IS NOT NULL OR d.platform IS NOT NULL OR w.sql_id IS NULL) AND p.platform IS NULL
  -- Operations of PySpark where the RDDs are not known, and libraries that compute in threads of their own.
  AND (w.sql_id IS NOT NULL OR w.stage_name NOT LIKE '%.py:%') AND w.stage_name NOT LIKE '%Python%' AND w.stage_name NOT LIKE '%XGBoost%' AND w.stage_name NOT LIKE '%LightGBM%' AND w.stage_name NOT LIKE '%Horovod%'
