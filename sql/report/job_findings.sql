-- id: job_findings
-- title: Bottlenecks of a job
-- description: What the rules found over all runs of a job, by rule and title, with the newest run that
--   shows it.
-- parameter: job_key string = - [job key] the recurring job
-- parameter: limit bigint = 30 [count] most findings
WITH found AS (
  SELECT
    f.*, CASE f.severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS weight,
    ROW_NUMBER() OVER (
      PARTITION BY f.rule_id, f.title ORDER BY f.app_date DESC, f.lost_core_ms DESC NULLS LAST, f.finding_id
    ) AS place
  FROM findings AS f
  WHERE f.job_key = $job_key
),
summed AS (
  SELECT
    rule_id, title, MAX(weight) AS weight, COUNT(DISTINCT CONCAT(platform, cluster_id, application_id, attempt_id)) AS num_runs,
    COUNT(*) AS num_findings, SUM(lost_core_ms) AS lost_core_ms, SUM(est_savings_usd) AS est_savings_usd
  FROM found
  GROUP BY rule_id, title
)
SELECT
  s.rule_id, s.title, s.weight AS severity_rank, s.num_runs, s.num_findings, s.lost_core_ms, s.est_savings_usd,
  f.application_id, f.evidence, f.confidence, f.recommendation
FROM summed AS s
INNER JOIN found AS f ON f.rule_id = s.rule_id AND f.title = s.title AND f.place = 1
ORDER BY s.weight DESC, s.lost_core_ms DESC NULLS LAST, s.rule_id, s.title
LIMIT $limit
