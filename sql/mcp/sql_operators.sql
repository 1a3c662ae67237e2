-- id: sql_operators
-- title: Operators of the plan
-- description: The nodes of the last plan of one SQL execution, those with most time of their own first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: sql_id bigint = 0 [id] the SQL execution
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
SELECT
  node_id, node_name, operator_kind, time_ms, inclusive_time_ms, rows_output, bytes_output, stage_ids, child_node_ids,
  engine, is_photon, driver_time_ms, description, COUNT(*) OVER () AS total_rows
FROM sql_nodes
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND sql_id = $sql_id AND (operator_kind <> 'other' OR time_ms > 0 OR rows_output > 0)
ORDER BY COALESCE(time_ms, 0) DESC, COALESCE(rows_output, 0) DESC, node_id
LIMIT $limit OFFSET $offset
