-- id: ineffjobagg
-- title: Application efficiency
-- description: Every application with the share of its stage time that lies in flagged stages.
--   lost_core_ms counts each stage once, by its worst finding, and is at least the worst finding
--   about the application as a whole: findings overlap, so they are not added up. It never exceeds
--   the core time that was paid for. An application is inefficient where a finding is high or
--   critical, or where it lost a large share of its core time; the share of flagged stages is the
--   original's number and decides nothing.
-- parameter: max_lost_percent double = 25.0 [percent] lost core time over the core time that was paid for, above which an application is inefficient
-- reads: application_costs, applications, findings, ineffjobraw
WITH stage_time AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_stages,
    SUM(CASE WHEN goldcheckfilter > 0 THEN 1 ELSE 0 END) AS num_flagged_stages,
    SUM(CAST(CASE WHEN goldcheckfilter > 0 THEN duration ELSE 0 END AS DOUBLE)) AS flagged_ms,
    SUM(CAST(duration AS DOUBLE)) AS all_ms
  FROM ineffjobraw
  GROUP BY platform, cluster_id, application_id, attempt_id
),
subject_loss AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, subject_type,
    MAX(lost_core_ms) AS worst_core_ms
  FROM findings
  WHERE lost_core_ms IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, subject_type, subject_id
),
-- Subjects of one type do not overlap, those of different types do.
type_loss AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    TRY_CAST(SUM(CAST(worst_core_ms AS DECIMAL(38, 0))) AS BIGINT) AS lost_core_ms
  FROM subject_loss
  GROUP BY platform, cluster_id, application_id, attempt_id, subject_type
),
application_loss AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(lost_core_ms) AS lost_core_ms
  FROM type_loss
  GROUP BY platform, cluster_id, application_id, attempt_id
),
serious AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_serious
  FROM findings
  WHERE severity IN ('critical', 'high')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
rule_loss AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rule_id,
    -- Of rules that know no loss the most serious; a note is no reason to look at an application.
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id
      ORDER BY SUM(CAST(COALESCE(lost_core_ms, 0) AS DECIMAL(38, 0))) DESC,
        MIN(CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END), rule_id
    ) AS place
  FROM findings
  WHERE severity <> 'info' OR lost_core_ms > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, rule_id
)
SELECT
  a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id,
  100e0 * t.flagged_ms / NULLIF(t.all_ms, 0) AS ineffstageagg,
  a.start_time,
  a.application_name,
  a.job_key,
  COALESCE(s.num_serious, 0) > 0
    OR COALESCE(100e0 * l.lost_core_ms / NULLIF(GREATEST(a.core_time_ms, a.total_task_time_ms), 0) > $max_lost_percent, FALSE)
    AS is_inefficient,
  COALESCE(t.num_stages, 0) AS num_stages,
  COALESCE(t.num_flagged_stages, 0) AS num_flagged_stages,
  -- No finding means nothing lost that is known, where the core time is.
  CASE
    WHEN l.lost_core_ms IS NULL AND (a.core_time_ms IS NULL OR (a.core_time_ms <= 0 AND a.total_task_time_ms > 0))
      THEN CAST(NULL AS BIGINT)
    WHEN l.lost_core_ms IS NULL THEN 0
    ELSE LEAST(l.lost_core_ms, NULLIF(a.core_time_ms, 0))
  END AS lost_core_ms,
  -- No finding costs nothing where a price is known.
  CASE WHEN r.rule_id IS NULL THEN 0 ELSE LEAST(l.lost_core_ms, NULLIF(a.core_time_ms, 0)) END
    * c.cost_usd / NULLIF(CAST(a.core_time_ms AS DOUBLE), 0e0) AS est_waste_usd,
  r.rule_id AS top_rule,
  a.app_date
FROM applications AS a
LEFT JOIN application_costs AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id AND c.is_preferred
LEFT JOIN serious AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
LEFT JOIN stage_time AS t
  ON t.platform = a.platform AND t.cluster_id = a.cluster_id
  AND t.application_id = a.application_id AND t.attempt_id = a.attempt_id
LEFT JOIN application_loss AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
LEFT JOIN rule_loss AS r
  ON r.platform = a.platform AND r.cluster_id = a.cluster_id
  AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
  AND r.place = 1
