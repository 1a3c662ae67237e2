-- id: large_collect
-- title: Many rows come to the driver
-- category: driver
-- severity: low
-- version: 6
-- description: Fires for a query that writes nothing and whose last stage sent its rows to the driver (collect, toPandas), many of them
--   and many bytes, and for a stage of RDDs that was run to collect (collect, collectAsMap) and sent many bytes. They have to fit into the driver's memory, one process works on them, and executors wait meanwhile.
--   toPandas without Arrow (Spark before 4.2, unless spark.sql.execution.arrow.pyspark.enabled is set) unpickles and converts row by row in the driver: there, as elsewhere, fewer rows and
--   bytes are enough where fetching them and the time of the driver alone after the query were long.
--   The rows are those of the uppermost operator that counts them. What the stage of RDDs computed before it sent them is not the cost of
--   the collect: below a gibibyte such a stage is told only where fetching its results and the time of the driver alone after it were long.
--   What the work would take in Spark is not known.
-- subject: sql
-- group_by: description
-- parameter: min_rows double = 5e5 [count] rows of the result, at least
-- parameter: min_bytes double = 33554432 [bytes] what its last stage sent to the driver, at least
-- parameter: min_rdd_bytes double = 16777216 [bytes] what a stage of RDDs, or of such a query, sent, pickled and compressed, at least
-- parameter: min_delivered_rows double = 1e5 [count] rows, at least, where fetching them and the driver's work on them took long
-- parameter: min_rdd_duration_ms double = 5000 [ms] duration of a stage of RDDs that sent medium_bytes, at least
-- parameter: min_delivery_ms double = 5000 [ms] longest fetch of a result and time of the driver alone after it, of a stage of RDDs that sent less, or of such a query, at least
-- parameter: min_delivery_share double = 0.1 [ratio] the same over the run time of the application
-- parameter: min_duration_ms double = 10000 [ms] duration of the query, at least
-- parameter: min_share double = 0.05 [ratio] the same over the run time of the application
-- parameter: min_short_ms double = 5000 [ms] duration of the query that is enough where it is a large part of the application
-- parameter: min_short_share double = 0.2 [ratio] that part, at least
-- parameter: medium_bytes double = 1073741824 [bytes] what was sent, from which it is of medium severity
-- evidence: {what} ({description:query}) brought [{rows:row|rows}, ]{bytes:bytes} to the driver[ and took {query_ms:s}][; fetching the results took {fetch_ms:s},
--   added up over the tasks][; the driver alone took {driver_ms:s} after it].
-- advice: is_rdd AND NOT has_queries | - | - | Do in Spark what the driver does with these rows (a filter, a reduce or an aggregate by key, a write by executors), and
--   bring only its result to the driver.
-- advice: is_rdd | - | - | Join and group in Spark, with DataFrames (a small side is broadcast), and bring only the result to the driver: a table that the
--   driver collects and sends out again passes through one process twice.
-- advice: by_rows AND spark_minor < 300 | spark.sql.execution.arrow.enabled | 'true' | Do the work on these rows in Spark (groupBy,
--   applyInPandas) and bring only its result to the driver, with the columns and rows that it needs. What has to come arrives many times faster with Arrow.
-- advice: by_rows | spark.sql.execution.arrow.pyspark.enabled | 'true' | Do the work on these rows in Spark (groupBy,
--   applyInPandas) and bring only its result to the driver, with the columns and rows that it needs. What has to come arrives many times faster with Arrow.
-- recommendation: Do the work on these rows in Spark (groupBy, applyInPandas, a write by executors) and bring only its result to the driver.
WITH commands AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id
  FROM sql_nodes
  WHERE operator_kind = 'write' OR node_name LIKE 'Execute %'
),
counted AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, rows_output,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id ORDER BY node_id) AS place
  FROM sql_nodes
  WHERE rows_output IS NOT NULL
),
last_stages AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_id, stage_attempt_id, result_size,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id ORDER BY stage_id DESC, stage_attempt_id DESC
    ) AS place
  FROM stages
  WHERE sql_id IS NOT NULL AND status = 'COMPLETE'
),
fetches AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, max AS longest_fetch_ms, NULLIF(total, 0) AS fetch_ms
  FROM task_quantiles
  WHERE metric = 'getting_result_time'
),
-- toPandas without Arrow.
by_row AS (
  SELECT q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, a.spark_minor
  FROM sql AS q
  INNER JOIN application_settings AS a
    ON a.platform = q.platform AND a.cluster_id = q.cluster_id
    AND a.application_id = q.application_id AND a.attempt_id = q.attempt_id
  LEFT JOIN query_settings AS s
    ON s.platform = q.platform AND s.cluster_id = q.cluster_id
    AND s.application_id = q.application_id AND s.attempt_id = q.attempt_id AND s.sql_id = q.sql_id
  WHERE q.description LIKE 'toPandas%' AND NOT COALESCE(s.arrow_collect, a.arrow_collect)
),
-- What follows the job of a stage, where nothing else ran meanwhile.
gaps AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, MAX(CAST(g.gap_ms AS BIGINT)) AS driver_ms
  FROM stages AS s
  INNER JOIN jobs AS j
    ON j.platform = s.platform AND j.cluster_id = s.cluster_id
    AND j.application_id = s.application_id AND j.attempt_id = s.attempt_id
  INNER JOIN job_gaps AS g
    ON g.platform = j.platform AND g.cluster_id = j.cluster_id
    AND g.application_id = j.application_id AND g.attempt_id = j.attempt_id AND g.begin_ms = UNIX_MILLIS(j.completion_time)
  WHERE s.result_size >= LEAST($min_bytes, $min_rdd_bytes) AND ARRAY_CONTAINS(s.job_ids, j.job_id)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
)
SELECT
  q.platform, q.cluster_id, q.application_id, q.attempt_id, CAST(q.sql_id AS STRING) AS subject_id,
  CASE WHEN s.result_size >= $medium_bytes THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  CONCAT('Query ', CAST(q.sql_id AS STRING)) AS what, SUBSTR(q.description, 1, 200) AS description, 'sql' AS subject_type, FALSE AS is_rdd, n.rows_output AS rows, s.result_size AS bytes, q.duration_ms AS query_ms, t.fetch_ms, g.driver_ms, TRUE AS has_queries,
  p.platform IS NOT NULL AS by_rows, p.spark_minor
FROM sql AS q
INNER JOIN counted AS n
  ON n.platform = q.platform AND n.cluster_id = q.cluster_id
  AND n.application_id = q.application_id AND n.attempt_id = q.attempt_id AND n.sql_id = q.sql_id
INNER JOIN last_stages AS s
  ON s.platform = q.platform AND s.cluster_id = q.cluster_id
  AND s.application_id = q.application_id AND s.attempt_id = q.attempt_id AND s.sql_id = q.sql_id
INNER JOIN application_facts AS a
  ON a.platform = q.platform AND a.cluster_id = q.cluster_id
  AND a.application_id = q.application_id AND a.attempt_id = q.attempt_id
LEFT JOIN fetches AS t
  ON t.platform = s.platform AND t.cluster_id = s.cluster_id
  AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
  AND t.stage_id = s.stage_id AND t.stage_attempt_id = s.stage_attempt_id
LEFT JOIN gaps AS g
  ON g.platform = s.platform AND g.cluster_id = s.cluster_id
  AND g.application_id = s.application_id AND g.attempt_id = s.attempt_id AND g.stage_id = s.stage_id
LEFT JOIN by_row AS p
  ON p.platform = q.platform AND p.cluster_id = q.cluster_id
  AND p.application_id = q.application_id AND p.attempt_id = q.attempt_id AND p.sql_id = q.sql_id
LEFT JOIN commands AS c
  ON c.platform = q.platform AND c.cluster_id = q.cluster_id
  AND c.application_id = q.application_id AND c.attempt_id = q.attempt_id AND c.sql_id = q.sql_id
WHERE n.place = 1 AND s.place = 1 AND c.sql_id IS NULL AND q.streaming_query_id IS NULL
  AND COALESCE(q.root_execution_id, q.sql_id) = q.sql_id
  AND ((n.rows_output >= $min_rows AND s.result_size >= $min_bytes
      AND ((q.duration_ms >= $min_duration_ms AND q.duration_ms >= $min_share * COALESCE(a.app_duration_ms, 0))
        OR (q.duration_ms >= $min_short_ms AND q.duration_ms >= $min_short_share * a.app_duration_ms)))
    -- With Arrow a pandas DataFrame is there at once, and what follows is the program's own work.
    OR ((p.platform IS NOT NULL OR q.description NOT LIKE 'toPandas%') AND n.rows_output >= $min_delivered_rows AND s.result_size >= $min_rdd_bytes
      AND COALESCE(t.longest_fetch_ms, 0) + COALESCE(g.driver_ms, 0)
        >= GREATEST($min_delivery_ms, $min_delivery_share * COALESCE(a.app_duration_ms, 0))))
UNION ALL
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id,
  CASE WHEN s.result_size >= $medium_bytes THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  CONCAT('Stage ', f.subject_id) AS what, SUBSTR(f.stage_name, 1, 100) AS description, 'stage' AS subject_type, TRUE AS is_rdd,
  TRY_CAST(NULL AS BIGINT) AS rows, s.result_size AS bytes, TRY_CAST(NULL AS BIGINT) AS query_ms, t.fetch_ms, g.driver_ms, COALESCE(a.num_sql > 0, FALSE) AS has_queries,
  FALSE AS by_rows, TRY_CAST(NULL AS BIGINT) AS spark_minor
FROM stage_facts AS f
INNER JOIN stages AS s
  ON s.platform = f.platform AND s.cluster_id = f.cluster_id
  AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id
  AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
LEFT JOIN application_facts AS a
  ON a.platform = f.platform AND a.cluster_id = f.cluster_id
  AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
LEFT JOIN fetches AS t
  ON t.platform = f.platform AND t.cluster_id = f.cluster_id
  AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id
  AND t.stage_id = f.stage_id AND t.stage_attempt_id = f.stage_attempt_id
LEFT JOIN gaps AS g
  ON g.platform = f.platform AND g.cluster_id = f.cluster_id
  AND g.application_id = f.application_id AND g.attempt_id = f.attempt_id AND g.stage_id = f.stage_id
WHERE f.sql_id IS NULL AND f.status = 'COMPLETE' AND f.stage_name LIKE 'collect%' AND f.output_bytes = 0 AND s.result_size >= $min_rdd_bytes
  AND ((s.result_size >= $medium_bytes AND f.duration_ms >= $min_rdd_duration_ms AND f.duration_ms >= $min_share * COALESCE(f.app_duration_ms, 0))
    OR COALESCE(t.longest_fetch_ms, 0) + COALESCE(g.driver_ms, 0)
      >= GREATEST($min_delivery_ms, $min_delivery_share * COALESCE(f.app_duration_ms, 0)))
