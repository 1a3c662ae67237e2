-- id: fired_rules
-- title: Rules that found something, or whose subject is not clean
-- description: The rules with a finding on an application, and without one (num_findings 0) those about a part of the core time that is a large share of it: below their thresholds, as in a short run, they find nothing, yet what they
--   look for is not clean.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: large_share double = 0.4 [ratio] that share
SELECT u.rule_id, MAX(u.num_findings) AS num_findings
FROM (
  SELECT f.rule_id, COUNT(*) AS num_findings
  FROM findings AS f
  WHERE f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
  GROUP BY f.rule_id
  UNION ALL
  SELECT p.column2 AS rule_id, 0 AS num_findings
  FROM application_waste AS w
  CROSS JOIN (VALUES
    ('driver_only', 'driver_gaps'), ('start_up', 'slow_start'), ('idle', 'idle_executors'), ('idle', 'idle_local_cores')
  ) AS p
  WHERE CASE p.column1 WHEN 'driver_only' THEN w.driver_only_core_ms WHEN 'start_up' THEN w.start_up_core_ms ELSE w.idle_core_ms END >= $large_share * w.core_time_ms
    AND w.core_time_ms > 0
    AND w.platform = $platform AND w.cluster_id = $cluster_id
    AND w.application_id = $application_id AND w.attempt_id = $attempt_id
    AND w.app_date = CAST($app_date AS DATE)
) AS u
GROUP BY u.rule_id
ORDER BY u.rule_id
