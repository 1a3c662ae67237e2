-- id: query_changes
-- title: What adaptive execution changed in a plan
-- description: Differences between the first and the last plan of one SQL execution.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: sql_id bigint = 0 [id] the SQL execution
SELECT
  c.change, c.node_id, LEFT(c.description, 300) AS description, c.operator_before, c.operator_after, c.partitions_before,
  c.partitions_after, c.skewed_partitions, c.skewed_splits
FROM sql_plan_changes AS c
WHERE c.sql_id = $sql_id
  AND c.platform = $platform AND c.cluster_id = $cluster_id
    AND c.application_id = $application_id AND c.attempt_id = $attempt_id
    AND c.app_date = CAST($app_date AS DATE)
ORDER BY c.change_id
LIMIT 100
