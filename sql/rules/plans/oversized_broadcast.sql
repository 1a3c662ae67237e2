-- id: oversized_broadcast
-- title: A very large table is broadcast
-- category: plans
-- severity: medium
-- version: 3
-- description: Fires for a broadcast whose table took very much memory, or much of it while the driver spent a large part of the run on it. The driver collects it, and the driver and
--   every executor hold it at once, so it is what fails first when data grow. The time that the driver spent
--   on building and sending it is named where it is measured; what its metrics call the time to collect is that of the job that computes its rows.
-- subject: node
-- group_by: query_description
-- parameter: min_bytes double = 536870912 [bytes] size of the table in memory, at least
-- parameter: min_slow_bytes double = 67108864 [bytes] or the same where it takes the driver long, at least
-- parameter: min_driver_ms double = 10000 [ms] time that the driver spent on it, at least, to be long
-- parameter: min_share double = 0.2 [ratio] and its share of the run time of the application
-- parameter: critical_bytes double = 2147483648 [bytes] the same, from which it is of medium severity
-- evidence: {node_name} of query {sql_id:int} ({query_description}) broadcasts {data_bytes:bytes}[ in {rows:row|rows}][; the driver
--   spent {driver_ms:s} on building and sending it].
-- recommendation: Take back the broadcast hint, or lower spark.sql.autoBroadcastJoinThreshold, and select only the columns
--   and rows of that table that the join needs.
WITH sizes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, MAX(CASE WHEN metric_name = 'data size' THEN total END) AS data_bytes,
    SUM(CASE WHEN metric_name IN ('time to build', 'time to broadcast') THEN total END) AS driver_ms
  FROM sql_node_metrics
  WHERE metric_name IN ('data size', 'time to build', 'time to broadcast')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
)
SELECT
  n.platform, n.cluster_id, n.application_id, n.attempt_id,
  CONCAT(CAST(n.sql_id AS STRING), '.', CAST(n.node_id AS STRING)) AS subject_id,
  CASE WHEN z.data_bytes >= $critical_bytes THEN 'medium' ELSE 'low' END AS severity,
  'high' AS confidence,
  n.node_name, n.sql_id, SUBSTR(q.description, 1, 100) AS query_description,
  z.data_bytes, n.rows_output AS rows, TRY_CAST(NULLIF(z.driver_ms, 0e0) AS BIGINT) AS driver_ms
FROM sql_nodes AS n
INNER JOIN sizes AS z
  ON z.platform = n.platform AND z.cluster_id = n.cluster_id
  AND z.application_id = n.application_id AND z.attempt_id = n.attempt_id
  AND z.sql_id = n.sql_id AND z.node_id = n.node_id
INNER JOIN sql AS q
  ON q.platform = n.platform AND q.cluster_id = n.cluster_id
  AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
INNER JOIN application_facts AS a
  ON a.platform = n.platform AND a.cluster_id = n.cluster_id
  AND a.application_id = n.application_id AND a.attempt_id = n.attempt_id
WHERE n.operator_kind = 'broadcast'
  AND (z.data_bytes >= $min_bytes
    OR (z.data_bytes >= $min_slow_bytes AND z.driver_ms >= $min_driver_ms AND z.driver_ms >= $min_share * a.app_duration_ms))
