-- id: findings
-- title: Findings of two runs
-- description: One row per rule that found something in either run, with the number of its findings and the
--   worst of each. change is new, gone, more, fewer or same.
-- parameter: platform_a string = - [platform] platform of run A
-- parameter: cluster_a string = - [cluster id] cluster of run A
-- parameter: application_a string = - [application id] application of run A
-- parameter: attempt_a string = - [attempt id] attempt of run A
-- parameter: platform_b string = - [platform] platform of run B
-- parameter: cluster_b string = - [cluster id] cluster of run B
-- parameter: application_b string = - [application id] application of run B
-- parameter: attempt_b string = - [attempt id] attempt of run B
WITH compared AS (
  SELECT
    'a' AS run, CAST($platform_a AS STRING) AS platform, CAST($cluster_a AS STRING) AS cluster_id,
    CAST($application_a AS STRING) AS application_id, CAST($attempt_a AS STRING) AS attempt_id
  UNION ALL
  SELECT
    'b' AS run, CAST($platform_b AS STRING) AS platform, CAST($cluster_b AS STRING) AS cluster_id,
    CAST($application_b AS STRING) AS application_id, CAST($attempt_b AS STRING) AS attempt_id
),
found AS (
  SELECT
    r.run, f.rule_id, f.title, f.severity, f.evidence, f.lost_core_ms,
    CASE f.severity WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4 ELSE 5 END
      AS severity_rank,
    ROW_NUMBER() OVER (
      PARTITION BY r.run, f.rule_id
      ORDER BY
        CASE f.severity WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4 ELSE 5 END,
        f.lost_core_ms DESC, f.finding_id
    ) AS place
  FROM findings AS f
  INNER JOIN compared AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id
  WHERE f.application_id IN ($application_a, $application_b)
),
counted AS (
  SELECT
    rule_id,
    MIN(severity_rank) AS severity_rank,
    COALESCE(MAX(CASE WHEN run = 'b' AND place = 1 THEN title END), MAX(CASE WHEN place = 1 THEN title END)) AS title,
    SUM(CASE WHEN run = 'a' THEN 1 ELSE 0 END) AS num_a, SUM(CASE WHEN run = 'b' THEN 1 ELSE 0 END) AS num_b,
    MAX(CASE WHEN run = 'a' AND place = 1 THEN severity END) AS severity_a,
    MAX(CASE WHEN run = 'b' AND place = 1 THEN severity END) AS severity_b,
    MAX(CASE WHEN run = 'a' AND place = 1 THEN evidence END) AS evidence_a,
    MAX(CASE WHEN run = 'b' AND place = 1 THEN evidence END) AS evidence_b,
    SUM(CASE WHEN run = 'a' THEN lost_core_ms END) AS lost_core_ms_a,
    SUM(CASE WHEN run = 'b' THEN lost_core_ms END) AS lost_core_ms_b
  FROM found
  GROUP BY rule_id
)
SELECT
  CASE
    WHEN num_a = 0 THEN 'new' WHEN num_b = 0 THEN 'gone'
    WHEN num_b > num_a THEN 'more' WHEN num_b < num_a THEN 'fewer' ELSE 'same'
  END AS change,
  rule_id, title, num_a, num_b, severity_a, severity_b, lost_core_ms_a, lost_core_ms_b, evidence_a, evidence_b
FROM counted
ORDER BY
  CASE WHEN num_a = 0 THEN 1 WHEN num_b = 0 THEN 2 WHEN num_b <> num_a THEN 3 ELSE 4 END, severity_rank, rule_id
