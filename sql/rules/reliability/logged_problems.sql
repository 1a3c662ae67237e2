-- id: logged_problems
-- title: Driver and executor logs name a known problem
-- category: reliability
-- severity: medium
-- version: 3
-- description: Fires for what the logs of driver and executors say that is known to be a problem (reference/log_signatures.toml), where
--   process logs were read. An application that ended well has survived it: then it is of medium severity at
--   most. What else it cost is in the findings about failed jobs, failed tasks and lost executors.
-- group_by: signature
-- evidence: {count:line|lines} in the logs of {whose}, for example: {excerpt}{more}.
-- recommendation: Look at the log.
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id,
  CONCAT(f.signature, ' ', f.process) AS subject_id,
  CASE
    WHEN a.failure_reason IS NOT NULL OR NOT a.completed THEN f.severity
    WHEN f.severity IN ('critical', 'high') THEN 'medium'
    ELSE 'low'
  END AS severity,
  CASE WHEN a.failure_reason IS NOT NULL THEN 'high' ELSE 'medium' END AS confidence,
  f.title, f.signature, f.process,
  CASE f.process WHEN 'driver' THEN 'the driver' WHEN 'step' THEN 'the step' WHEN 'executor' THEN 'executors' ELSE 'containers' END AS whose, f.count, f.category AS about,
  -- A long line ends with its last whole word.
  CASE WHEN LENGTH(f.excerpt) > 250 THEN CONCAT(REGEXP_REPLACE(SUBSTR(REPLACE(f.excerpt, CHR(10), ' '), 1, 250), '[^ ]*$', ''), '…')
    ELSE REGEXP_REPLACE(REPLACE(f.excerpt, CHR(10), ' '), '[. ]+$', '') END AS excerpt,
  CASE WHEN f.is_truncated THEN ' (not all of the logs were read)' ELSE '' END AS more,
  f.recommendation, f.config_key
FROM log_findings AS f
INNER JOIN application_facts AS a
  ON a.platform = f.platform AND a.cluster_id = f.cluster_id
  AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
WHERE f.severity <> 'info'
