-- id: photon_operator_rows
-- title: Operators
-- description: The operators of one application with their share of task time and whether Photon can run them.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT operator, is_supported, is_photon, task_time_share, task_time_ms, num_nodes, reason
FROM photon_operators
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
ORDER BY task_time_ms DESC, operator
LIMIT 30
