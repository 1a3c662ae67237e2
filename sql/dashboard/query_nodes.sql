-- id: query_nodes
-- title: The plan of a SQL execution
-- description: The nodes of the last plan of one SQL execution with their time, rows and memory.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: sql_id bigint = 0 [id] the SQL execution
-- parameter: limit bigint = 2000 [count] most nodes
WITH memory AS (
  SELECT
    m.node_id,
    MAX(CASE WHEN m.metric_name = 'peak memory' OR m.metric_name LIKE '%peak memory%' THEN m.total END) AS peak_memory_bytes,
    MAX(CASE WHEN m.metric_name = 'spill size' THEN m.total END) AS spill_bytes
  FROM sql_node_metrics AS m
  WHERE m.sql_id = $sql_id AND m.unit = 'bytes'
    AND m.platform = $platform AND m.cluster_id = $cluster_id
    AND m.application_id = $application_id AND m.attempt_id = $attempt_id
    AND m.app_date = CAST($app_date AS DATE)
  GROUP BY m.node_id
)
SELECT
  n.node_id, n.node_name, LEFT(n.description, 1000) AS description, n.operator_kind, n.engine, n.whole_stage_codegen_id,
  n.child_node_ids, n.stage_ids, n.time_ms, n.inclusive_time_ms, n.driver_time_ms, n.rows_output, n.bytes_output,
  CAST(y.peak_memory_bytes AS DOUBLE) AS peak_memory_bytes, CAST(y.spill_bytes AS DOUBLE) AS spill_bytes,
  COUNT(*) OVER () AS num_nodes
FROM sql_nodes AS n
LEFT JOIN memory AS y ON y.node_id = n.node_id
WHERE n.sql_id = $sql_id
  AND n.platform = $platform AND n.cluster_id = $cluster_id
    AND n.application_id = $application_id AND n.attempt_id = $attempt_id
    AND n.app_date = CAST($app_date AS DATE)
ORDER BY n.node_id
LIMIT $limit
