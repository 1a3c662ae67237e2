-- id: operators_of_slow_queries
-- title: Operators of the slowest queries
-- question: Which operators take the time of the slowest queries?
SELECT
  o.application_id, o.sql_id, o.query_duration_ms / 1e3 AS query_seconds, o.node_id, o.node_name,
  o.time_ms / 1e3 AS task_seconds, o.query_time_percent, o.rows_output
FROM operator_overview AS o
INNER JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id
  FROM sql
  ORDER BY duration_ms DESC, application_id, attempt_id, sql_id
  LIMIT 10
) AS slow
  ON slow.platform = o.platform AND slow.cluster_id = o.cluster_id
  AND slow.application_id = o.application_id AND slow.attempt_id = o.attempt_id AND slow.sql_id = o.sql_id
WHERE o.query_time_percent >= 5
ORDER BY o.query_duration_ms DESC, o.application_id, o.sql_id, o.time_ms DESC, o.node_id
LIMIT 60
