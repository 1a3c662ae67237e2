-- id: fired_rules
-- title: Rules that found something
-- description: The rules with a finding on an application.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
SELECT f.rule_id, COUNT(*) AS num_findings
FROM findings AS f
WHERE f.platform = $platform AND f.cluster_id = $cluster_id
  AND f.application_id = $application_id AND f.attempt_id = $attempt_id
  AND f.app_date = CAST($app_date AS DATE)
GROUP BY f.rule_id
ORDER BY f.rule_id
