-- id: sql_changes
-- title: What adaptive execution changed
-- description: Changes between the first and the last plan of one SQL execution.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: sql_id bigint = 0 [id] the SQL execution
SELECT change, node_id, description, operator_before, operator_after, partitions_before, partitions_after, skewed_partitions, skewed_splits
FROM sql_plan_changes
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND sql_id = $sql_id
ORDER BY change_id
LIMIT 20
