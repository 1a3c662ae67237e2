-- id: saving
-- title: What fixing the findings would save
-- description: A lower bound: of the findings of one subject only the largest counts, subjects of one kind
--   add up (those that ran side by side save the run time once), and of the kinds (stages, queries, the application) only the largest counts, because they
--   overlap. Never more than the core time that was of no use, nor than the run.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
WITH subjects AS (
  SELECT
    CASE WHEN f.subject_type = 'node' THEN 'sql' ELSE f.subject_type END AS kind,
    CASE WHEN f.subject_type = 'node' THEN SPLIT_PART(f.subject_id, '.', 1) ELSE f.subject_id END AS subject,
    MAX(f.lost_core_ms) AS core_ms, MAX(f.recoverable_ms) AS ms, MAX(f.est_savings_usd) AS usd
  FROM findings AS f
  WHERE f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
  GROUP BY
    CASE WHEN f.subject_type = 'node' THEN 'sql' ELSE f.subject_type END,
    CASE WHEN f.subject_type = 'node' THEN SPLIT_PART(f.subject_id, '.', 1) ELSE f.subject_id END
),
times AS (
  SELECT t.subject_type, t.subject_id, t.begin_ms, t.end_ms
  FROM subject_times AS t
  WHERE t.platform = $platform AND t.cluster_id = $cluster_id
    AND t.application_id = $application_id AND t.attempt_id = $attempt_id
    AND t.app_date = CAST($app_date AS DATE)
),
-- Of each subject the time that no earlier one of its kind covers: it cannot save more of the run.
placed AS (
  SELECT
    s.*, t.begin_ms, t.end_ms,
    MAX(t.end_ms) OVER (
      PARTITION BY s.kind ORDER BY t.begin_ms, s.ms DESC NULLS LAST, s.subject
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS covered_until_ms
  FROM subjects AS s
  LEFT JOIN times AS t ON t.subject_type = s.kind AND t.subject_id = s.subject
),
apart AS (
  SELECT
    kind, core_ms, usd,
    CASE WHEN ms IS NULL OR covered_until_ms IS NULL OR end_ms IS NULL OR begin_ms >= covered_until_ms THEN ms
      ELSE LEAST(ms, GREATEST(end_ms - covered_until_ms, 0)) END AS ms
  FROM placed
),
-- Findings about the whole application overlap too: the largest is taken.
kinds AS (
  SELECT
    kind,
    CASE WHEN kind = 'application' THEN MAX(core_ms) ELSE SUM(core_ms) END AS core_ms,
    CASE WHEN kind = 'application' THEN MAX(ms) ELSE SUM(ms) END AS ms,
    CASE WHEN kind = 'application' THEN MAX(usd) ELSE SUM(usd) END AS usd
  FROM apart
  GROUP BY kind
),
largest AS (
  SELECT MAX(core_ms) AS core_ms, MAX(ms) AS ms, MAX(usd) AS usd
  FROM kinds
)
SELECT
  CASE WHEN l.core_ms > COALESCE(w.core_time_ms, l.core_ms) THEN w.core_time_ms ELSE l.core_ms END AS saving_core_ms,
  CASE
    WHEN a.observed_duration_ms > 0 AND l.ms > a.observed_duration_ms THEN a.observed_duration_ms
    ELSE l.ms
  END AS saving_ms,
  CASE WHEN l.usd > COALESCE(w.cost_usd, l.usd) THEN w.cost_usd ELSE l.usd END AS saving_usd
FROM largest AS l
CROSS JOIN applications AS a
LEFT JOIN application_waste AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id AND w.app_date = a.app_date
WHERE a.platform = $platform AND a.cluster_id = $cluster_id
  AND a.application_id = $application_id AND a.attempt_id = $attempt_id
  AND a.app_date = CAST($app_date AS DATE)
