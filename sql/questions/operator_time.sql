-- id: operator_time
-- title: Time by operator
-- question: Which operators of query plans take the most time?
SELECT
  node_name, COUNT(*) AS nodes, COUNT(DISTINCT application_id) AS applications,
  SUM(time_ms) / 6e4 AS minutes, SUM(rows_output) AS rows_output
FROM sql_nodes
WHERE time_ms > 0
GROUP BY node_name
ORDER BY minutes DESC, node_name
LIMIT 20
