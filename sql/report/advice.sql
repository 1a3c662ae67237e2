-- id: advice
-- title: What to change, in order of doing
-- description: The advice of an application's findings: what failed or ran out of memory first, then what is
--   serious, then by core time saved. Findings that ask for the same setting, or for the same change, are one step. A step saves
--   for each subject what its largest finding would: findings of one subject overlap. Stages, queries or jobs that ran side by
--   side save the run time once.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: limit bigint = 20 [count] most steps
WITH asked AS (
  SELECT
    f.*, CASE f.severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS weight,
    CASE WHEN f.config_key IS NOT NULL AND f.config_recommended IS NOT NULL THEN f.config_key
      ELSE f.recommendation END AS change,
    CASE WHEN f.category = 'reliability' AND f.severity IN ('critical', 'high', 'medium') THEN 0 ELSE 1 END AS is_later
  FROM findings AS f
  WHERE f.recommendation IS NOT NULL AND f.recommendation <> ''
    AND f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
),
subjects AS (
  SELECT
    change, subject_type, subject_id,
    CASE WHEN subject_type = 'node' THEN 'sql' ELSE subject_type END AS kind,
    CASE WHEN subject_type = 'node' THEN SPLIT_PART(subject_id, '.', 1) ELSE subject_id END AS subject,
    COUNT(*) AS num_findings,
    MAX(lost_core_ms) AS lost_core_ms, MAX(recoverable_ms) AS recoverable_ms, MAX(est_savings_usd) AS est_savings_usd
  FROM asked
  GROUP BY change, subject_type, subject_id
),
times AS (
  SELECT t.subject_type, t.subject_id, t.begin_ms, t.end_ms
  FROM subject_times AS t
  WHERE t.platform = $platform AND t.cluster_id = $cluster_id
    AND t.application_id = $application_id AND t.attempt_id = $attempt_id
    AND t.app_date = CAST($app_date AS DATE)
),
-- Of each subject the time that no earlier one of its step and kind covers: it cannot save more of the run.
placed AS (
  SELECT
    s.*, t.begin_ms, t.end_ms,
    MAX(t.end_ms) OVER (
      PARTITION BY s.change, s.kind ORDER BY t.begin_ms, s.recoverable_ms DESC NULLS LAST, s.subject_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS covered_until_ms
  FROM subjects AS s
  LEFT JOIN times AS t ON t.subject_type = s.kind AND t.subject_id = s.subject
),
saved AS (
  SELECT
    change, SUM(num_findings) AS num_findings, SUM(lost_core_ms) AS saving_core_ms,
    SUM(CASE
      WHEN recoverable_ms IS NULL OR covered_until_ms IS NULL OR end_ms IS NULL OR begin_ms >= covered_until_ms THEN recoverable_ms
      ELSE LEAST(recoverable_ms, GREATEST(end_ms - covered_until_ms, 0))
    END) AS saving_ms,
    SUM(est_savings_usd) AS saving_usd
  FROM placed
  GROUP BY change
),
ranked AS (
  SELECT
    a.*,
    ROW_NUMBER() OVER (
      PARTITION BY a.change ORDER BY a.weight DESC, a.lost_core_ms DESC NULLS LAST, a.finding_id
    ) AS place,
    MIN(a.is_later) OVER (PARTITION BY a.change) AS step_is_later,
    MAX(a.weight) OVER (PARTITION BY a.change) AS step_weight
  FROM asked AS a
)
SELECT
  ROW_NUMBER() OVER (
    ORDER BY
      -- What is serious comes before what is small, though its saving be unknown.
      r.step_is_later, CASE WHEN r.step_weight >= 3 THEN 0 WHEN r.step_weight = 2 THEN 1 ELSE 2 END,
      s.saving_core_ms DESC NULLS LAST, r.step_weight DESC, r.change
  ) AS rank,
  r.rule_id, r.title, r.evidence, r.recommendation, r.severity, r.confidence,
  CASE WHEN r.config_recommended IS NOT NULL THEN r.config_key END AS config_key,
  CASE WHEN r.config_recommended IS NOT NULL THEN r.config_current END AS config_current, r.config_recommended,
  s.num_findings, s.saving_core_ms, s.saving_ms, s.saving_usd
FROM ranked AS r
INNER JOIN saved AS s ON s.change = r.change
WHERE r.place = 1
ORDER BY rank
LIMIT $limit
