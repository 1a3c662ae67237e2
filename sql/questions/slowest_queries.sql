-- id: slowest_queries
-- title: Slowest queries
-- question: Which SQL queries run longest, and do they lie in inefficient stages?
WITH flagged AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(CASE WHEN goldcheckfilter > 0 THEN 1 ELSE 0 END) AS flagged_stages,
    COUNT(*) AS stages
  FROM ineffjobraw
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
)
SELECT
  q.application_id, q.sql_id, q.status, q.description, q.duration_ms / 1e3 AS seconds,
  f.stages, f.flagged_stages
FROM sql AS q
LEFT JOIN flagged AS f
  ON f.platform = q.platform AND f.cluster_id = q.cluster_id
  AND f.application_id = q.application_id AND f.attempt_id = q.attempt_id
  AND f.sql_id = q.sql_id
ORDER BY seconds DESC, q.application_id, q.sql_id
LIMIT 20
