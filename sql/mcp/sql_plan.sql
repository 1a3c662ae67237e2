-- id: sql_plan
-- title: The physical plan
-- description: The physical plan of one SQL execution as text.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: sql_id bigint = 0 [id] the SQL execution
SELECT plan_description AS plan
FROM sql
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND sql_id = $sql_id AND plan_description IS NOT NULL
