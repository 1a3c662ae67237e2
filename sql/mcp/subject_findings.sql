-- id: subject_findings
-- title: Findings about it
-- description: What the rules found about one stage attempt, or about one SQL execution, its plan nodes and
--   its stages.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
-- parameter: sql_id bigint = -1 [id] the SQL execution; -1 for the stage
WITH -- Findings about stages of the query.
of_stages AS (
  SELECT DISTINCT f.finding_id AS about
  FROM stage_findings AS f
  INNER JOIN stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id AND s.application_id = f.application_id
    AND s.attempt_id = f.attempt_id AND s.app_date = f.app_date
    AND s.stage_id = f.stage_id AND s.stage_attempt_id = f.stage_attempt_id
  WHERE f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
    AND $sql_id >= 0 AND s.sql_id = $sql_id
)
SELECT
  finding_id, severity, rule_id, subject_type, subject_id, title, evidence, recommendation,
  config_key, config_current, config_recommended, recoverable_ms, lost_core_ms, confidence
FROM findings AS f
LEFT JOIN of_stages AS o
  ON o.about = f.finding_id
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND (
    ($sql_id < 0 AND subject_type = 'stage' AND (
      subject_id = CONCAT(CAST($stage_id AS STRING), '.', CAST($stage_attempt_id AS STRING))
      -- A finding stands for others of its kind, which its evidence lists.
      OR (evidence_json LIKE '%"others":[%' AND SPLIT_PART(evidence_json, '"others":[', 2)
        LIKE CONCAT('%"', CAST($stage_id AS STRING), '.', CAST($stage_attempt_id AS STRING), '"%'))
    ))
    OR ($sql_id >= 0 AND subject_type IN ('sql', 'node')
      AND SPLIT_PART(subject_id, '.', 1) = CAST($sql_id AS STRING))
    OR o.about IS NOT NULL
  )
ORDER BY COALESCE(recoverable_ms, 0) DESC, COALESCE(lost_core_ms, 0) DESC, finding_id
