-- id: subject_findings
-- title: Findings about it
-- description: What the rules found about one stage attempt, or about one SQL execution and its plan nodes.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
-- parameter: sql_id bigint = -1 [id] the SQL execution; -1 for the stage
SELECT
  finding_id, severity, rule_id, subject_type, subject_id, title, evidence, recommendation,
  config_key, config_current, config_recommended, recoverable_ms, lost_core_ms, confidence
FROM findings
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
  )
ORDER BY COALESCE(recoverable_ms, 0) DESC, COALESCE(lost_core_ms, 0) DESC, finding_id
