-- id: operator_overview
-- title: Operators of query plans with their time, query and application, for people and language models
-- description: One row per plan node (scan, join, aggregate, shuffle …) with its own time and rows, the query and the
--   application. No join is needed. time_ms is exclusive and summed over tasks: add it up over nodes, and compare
--   shares rather than with run times.
-- grain: one row per plan node of a SQL execution
-- keys: platform, cluster_id, application_id, attempt_id, sql_id, node_id
-- column: query_description Description of the query.
-- column: query_duration_ms [ms] Run time of the query.
-- column: query_time_percent [percent] Time of the node as share of the time of all nodes of its query.
-- reads: applications, sql, sql_nodes
SELECT
  n.platform, n.cluster_id, n.cluster_name, n.application_id, n.attempt_id, n.app_date,
  a.application_name, a.job_key, a.spark_user, a.team,
  n.sql_id, q.description AS query_description, q.status, q.duration_ms AS query_duration_ms,
  n.node_id, n.node_name, n.description, n.operator_kind, n.engine, n.is_photon,
  n.time_ms, n.inclusive_time_ms, n.driver_time_ms,
  100e0 * n.time_ms / NULLIF(SUM(CAST(n.time_ms AS DOUBLE)) OVER (
    PARTITION BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id
  ), 0e0) AS query_time_percent,
  n.rows_output, n.bytes_output
FROM sql_nodes AS n
LEFT JOIN sql AS q
  ON q.platform = n.platform AND q.cluster_id = n.cluster_id
  AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
LEFT JOIN applications AS a
  ON a.platform = n.platform AND a.cluster_id = n.cluster_id
  AND a.application_id = n.application_id AND a.attempt_id = n.attempt_id
