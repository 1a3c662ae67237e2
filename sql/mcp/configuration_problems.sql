-- id: configuration_problems
-- title: Settings that findings would change
-- description: Settings of one application that findings would change, and those that do nothing or not what was meant.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
SELECT config_key AS key, config_current AS current_value, config_recommended AS recommended_value, title AS reason, rule_id, finding_id
FROM findings
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND config_key IS NOT NULL
ORDER BY COALESCE(recoverable_ms, 0) DESC, COALESCE(lost_core_ms, 0) DESC, finding_id
LIMIT 20
