-- id: compare_findings
-- title: Findings that only one run has
-- description: Findings about one of two application attempts whose rule found nothing in the other.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: other_platform string = - [text] platform of the other application
-- parameter: other_cluster_id string = - [text] its cluster
-- parameter: other_application_id string = - [text] its id
-- parameter: other_attempt_id string = - [text] its attempt
-- parameter: other_app_date string = 1970-01-01 [date] UTC date of its start
WITH a AS (
  SELECT *
  FROM findings
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
),
b AS (
  SELECT *
  FROM findings
  WHERE platform = $other_platform AND cluster_id = $other_cluster_id
    AND application_id = $other_application_id AND attempt_id = $other_attempt_id
    AND app_date = CAST($other_app_date AS DATE)
)
SELECT 'a' AS only_in, severity, rule_id, title, evidence, subject_type, subject_id, finding_id
FROM a
WHERE rule_id NOT IN (SELECT rule_id FROM b)
UNION ALL
SELECT 'b' AS only_in, severity, rule_id, title, evidence, subject_type, subject_id, finding_id
FROM b
WHERE rule_id NOT IN (SELECT rule_id FROM a)
ORDER BY only_in, finding_id
LIMIT 20
