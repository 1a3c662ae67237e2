-- id: not_judged
-- title: What could not be judged
-- description: Why the findings of one application attempt may not be complete: rules or tables that failed on
--   it, or no judgement at all so far. No row: they are complete.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
SELECT CONCAT(f.step, ' could not judge it: ', f.error) AS reason
FROM analysis_failures AS f
WHERE f.platform = $platform AND f.cluster_id = $cluster
  AND f.application_id = $application AND f.attempt_id = $attempt
UNION ALL
SELECT 'it has not been judged yet' AS reason
FROM (
  SELECT COUNT(*) AS num_judged
  FROM ineffjobagg AS j
  WHERE j.platform = $platform AND j.cluster_id = $cluster
    AND j.application_id = $application AND j.attempt_id = $attempt
) AS judged
WHERE num_judged = 0
ORDER BY reason
