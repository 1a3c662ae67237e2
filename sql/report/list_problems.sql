-- id: list_problems
-- title: Problems of the lake, page by page
-- description: The findings of a rule in all runs of a recurring job as one row, which is that of the newest run that has it;
--   applications without a job stand for themselves. Of a rule, from a severity on, of applications whose id, name or
--   job contains a text; the worst first. Rank 4 is high, 5 critical.
-- parameter: text string = [text] in lower case; all where empty
-- parameter: rule_id string = [rule] all where empty
-- parameter: min_rank bigint = 0 [rank] severity at least
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
WITH runs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, application_name,
    COALESCE(NULLIF(job_key, ''), application_id) AS job
  FROM applications
),
chosen AS (
  SELECT
    f.finding_id, f.rule_id, r.job, f.application_id, f.attempt_id, f.app_date, COALESCE(f.lost_core_ms, 0) AS lost_core_ms, f.est_savings_usd,
    CASE f.severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS severity_rank
  FROM findings AS f
  INNER JOIN runs AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id
  WHERE ($rule_id = '' OR f.rule_id = $rule_id)
    AND (
      $text = ''
      OR INSTR(LOWER(f.application_id), $text) > 0
      OR INSTR(LOWER(COALESCE(r.application_name, '')), $text) > 0
      OR INSTR(LOWER(r.job), $text) > 0
      OR INSTR(LOWER(f.title), $text) > 0
    )
),
grouped AS (
  SELECT
    rule_id, job, MAX(severity_rank) AS severity_rank, COUNT(*) AS num_findings,
    COUNT(DISTINCT CONCAT_WS('/', application_id, attempt_id)) AS num_runs,
    SUM(lost_core_ms) AS total_lost_core_ms, SUM(est_savings_usd) AS total_savings_usd, MAX(app_date) AS last_date,
    -- Of the newest day, the one that costs most.
    MAX(CONCAT(CAST(app_date AS STRING), LPAD(CAST(lost_core_ms AS STRING), 20, '0'), finding_id)) AS newest
  FROM chosen
  WHERE severity_rank >= $min_rank
  GROUP BY rule_id, job
),
page AS (
  SELECT g.*, COUNT(*) OVER () AS num_rows, SUM(num_findings) OVER () AS num_all_findings
  FROM grouped AS g
  ORDER BY severity_rank DESC, total_lost_core_ms DESC, rule_id, job
  LIMIT $limit OFFSET $offset
),
all_runs AS (
  SELECT job, COUNT(*) AS num_job_runs
  FROM runs
  GROUP BY job
)
SELECT
  d.application_id, d.attempt_id, d.application_name, d.job_key, d.rule_id, d.severity, d.title, d.evidence, d.recommendation,
  d.config_key, d.config_current, d.config_recommended, d.lost_core_ms, d.lost_percent, d.est_savings_usd, d.confidence,
  d.subject_type, d.subject_id,
  p.num_findings, p.num_runs, a.num_job_runs, p.total_lost_core_ms, p.total_savings_usd, CAST(p.last_date AS STRING) AS last_date,
  p.num_rows, p.num_all_findings
FROM page AS p
INNER JOIN finding_details AS d
  ON d.finding_id = SUBSTR(p.newest, 31)
INNER JOIN all_runs AS a
  ON a.job = p.job
ORDER BY p.severity_rank DESC, p.total_lost_core_ms DESC, p.rule_id, p.job
