-- id: bottleneck_queries_by_cluster
-- title: Bottleneck queries of each cluster
-- question: Which SQL queries are the bottlenecks of each cluster?
SELECT cluster_name, application_name, application_id, sql_id, description, duration_ms / 1e3 AS seconds, worst_finding
FROM (
  SELECT
    cluster_name, application_name, application_id, sql_id, description, duration_ms, worst_finding,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id ORDER BY duration_ms DESC, application_id, attempt_id, sql_id
    ) AS place
  FROM query_overview
) AS ranked
WHERE place <= 3
ORDER BY cluster_name, place
LIMIT 60
