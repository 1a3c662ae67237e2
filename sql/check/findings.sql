-- id: findings
-- title: Findings at or above a severity
-- description: Findings of one application attempt that are at least that severe, worst first.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
-- parameter: severity string = high [severity] least severity
WITH ranks AS (
  SELECT *
  FROM (VALUES ('critical', 1), ('high', 2), ('medium', 3), ('low', 4), ('info', 5)) AS r (severity, place)
)
SELECT f.rule_id, f.severity, f.subject_type, f.subject_id, f.title, f.evidence, f.recommendation
FROM findings AS f
INNER JOIN ranks AS r ON r.severity = f.severity
CROSS JOIN (SELECT MAX(place) AS place FROM ranks WHERE severity = $severity) AS l
WHERE f.platform = $platform AND f.cluster_id = $cluster
  AND f.application_id = $application AND f.attempt_id = $attempt
  AND r.place <= l.place
ORDER BY r.place, f.lost_core_ms DESC, f.rule_id, f.subject_id
