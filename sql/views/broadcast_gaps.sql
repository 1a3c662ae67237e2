-- id: broadcast_gaps
-- title: Times without a job in which the driver built a large broadcast
-- description: One row per time without a job (view job_gaps) between two jobs of a query whose large broadcasts took the driver most of such times: built and sent by one thread, while
--   no task ran. driver_ms is what building and sending all of them took, query_gap_ms all such times of the query. oversized_broadcast tells the loss, and driver_gaps leaves it out.
-- parameter: min_bytes double = 536870912 [bytes] size of a table in memory from which it is large
-- parameter: min_slow_bytes double = 67108864 [bytes] or the same where it takes the driver long, at least
-- parameter: min_driver_ms double = 10000 [ms] time that the driver spent on it, at least, to be long
-- parameter: min_share double = 0.2 [ratio] and its share of the run time of the application
-- parameter: min_part double = 0.5 [ratio] time that the driver spent on large broadcasts over the times without a job between two jobs of the query, at least
-- reads: application_facts, job_gaps, jobs, sql_node_metrics, sql_nodes
WITH sizes AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, MAX(CASE WHEN m.metric_name = 'data size' THEN m.total END) AS data_bytes,
    SUM(CASE WHEN m.metric_name IN ('time to build', 'time to broadcast') THEN m.total END) AS driver_ms
  FROM sql_node_metrics AS m
  INNER JOIN sql_nodes AS n
    ON n.platform = m.platform AND n.cluster_id = m.cluster_id
    AND n.application_id = m.application_id AND n.attempt_id = m.attempt_id AND n.sql_id = m.sql_id AND n.node_id = m.node_id
  WHERE n.operator_kind = 'broadcast' AND m.metric_name IN ('data size', 'time to build', 'time to broadcast')
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id
),
queries AS (
  SELECT z.platform, z.cluster_id, z.application_id, z.attempt_id, z.sql_id, SUM(z.driver_ms) AS driver_ms
  FROM sizes AS z
  INNER JOIN application_facts AS a
    ON a.platform = z.platform AND a.cluster_id = z.cluster_id
    AND a.application_id = z.application_id AND a.attempt_id = z.attempt_id
  WHERE z.driver_ms > 0e0 AND (z.data_bytes >= $min_bytes
    OR (z.data_bytes >= $min_slow_bytes AND z.driver_ms >= $min_driver_ms AND z.driver_ms >= $min_share * a.app_duration_ms))
  GROUP BY z.platform, z.cluster_id, z.application_id, z.attempt_id, z.sql_id
),
gaps AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, j.sql_id, g.job_id, CAST(g.gap_ms AS DOUBLE) AS gap_ms, g.held_core_ms - COALESCE(g.lost_host_core_ms, 0e0) AS held_core_ms, q.driver_ms,
    SUM(CAST(g.gap_ms AS DOUBLE)) OVER (PARTITION BY g.platform, g.cluster_id, g.application_id, g.attempt_id, j.sql_id) AS query_gap_ms
  FROM job_gaps AS g
  INNER JOIN jobs AS j
    ON j.platform = g.platform AND j.cluster_id = g.cluster_id
    AND j.application_id = g.application_id AND j.attempt_id = g.attempt_id AND j.job_id = g.job_id
  INNER JOIN queries AS q
    ON q.platform = j.platform AND q.cluster_id = j.cluster_id
    AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
  WHERE g.between_jobs_ms >= 0.5e0 * g.gap_ms
)
SELECT platform, cluster_id, application_id, attempt_id, sql_id, job_id, gap_ms, held_core_ms, driver_ms, query_gap_ms
FROM gaps
WHERE driver_ms >= $min_part * query_gap_ms
