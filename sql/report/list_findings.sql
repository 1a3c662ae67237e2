-- id: list_findings
-- title: Findings of the lake, page by page
-- description: Findings of a rule, from a severity on, of applications whose id, name or job contains a text; the worst
--   first. Rank 4 is high, 5 critical.
-- parameter: text string = [text] in lower case; all where empty
-- parameter: rule_id string = [rule] all where empty
-- parameter: min_rank bigint = 0 [rank] severity at least
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
WITH chosen AS (
  SELECT
    application_id, attempt_id, application_name, job_key, app_date, rule_id, severity, title, evidence, recommendation,
    config_key, config_current, config_recommended, lost_core_ms, lost_percent, est_savings_usd, confidence,
    subject_type, subject_id,
    CASE severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS severity_rank
  FROM finding_details
  WHERE ($rule_id = '' OR rule_id = $rule_id)
    AND (
      $text = ''
      OR INSTR(LOWER(application_id), $text) > 0
      OR INSTR(LOWER(COALESCE(application_name, '')), $text) > 0
      OR INSTR(LOWER(COALESCE(job_key, '')), $text) > 0
      OR INSTR(LOWER(title), $text) > 0
    )
)
SELECT c.*, COUNT(*) OVER () AS num_rows
FROM chosen AS c
WHERE severity_rank >= $min_rank
ORDER BY severity_rank DESC, lost_core_ms DESC NULLS LAST, application_id, attempt_id, rule_id, subject_id
LIMIT $limit OFFSET $offset
