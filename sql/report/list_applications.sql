-- id: list_applications
-- title: Applications of the lake, page by page
-- description: Application attempts whose id, name, job, user or team contains a text, with what they took, wasted and
--   cost, and their worst finding. Rank 4 is high, 5 critical. sorted_by is start, duration, core_time, waste or cost.
-- parameter: text string = [text] in lower case; all where empty
-- parameter: min_rank bigint = 0 [rank] worst finding at least
-- parameter: sorted_by string = start [column] the largest first
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
WITH ranked AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, title,
    CASE severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS severity_rank,
    COALESCE(lost_core_ms, 0) AS lost_core_ms, finding_id
  FROM findings
),
ordered AS (
  SELECT
    r.*,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id) AS num_findings,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id
      ORDER BY severity_rank DESC, lost_core_ms DESC, finding_id
    ) AS place
  FROM ranked AS r
),
chosen AS (
  SELECT
    a.application_id, a.attempt_id, a.application_name, a.job_key, a.start_time, a.complete,
    CASE WHEN a.observed_duration_ms > 0 THEN a.observed_duration_ms END AS duration_ms,
    w.core_time_ms, w.wasted_core_ms, w.wasted_ratio, w.cost_usd,
    COALESCE(f.num_findings, 0) AS num_findings, COALESCE(f.severity_rank, 0) AS severity_rank, f.title AS finding
  FROM applications AS a
  LEFT JOIN application_waste AS w
    ON w.platform = a.platform AND w.cluster_id = a.cluster_id
    AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
  LEFT JOIN ordered AS f
    ON f.platform = a.platform AND f.cluster_id = a.cluster_id
    AND f.application_id = a.application_id AND f.attempt_id = a.attempt_id AND f.place = 1
  WHERE COALESCE(f.severity_rank, 0) >= $min_rank
    AND (
      $text = ''
      OR INSTR(LOWER(a.application_id), $text) > 0
      OR INSTR(LOWER(COALESCE(a.application_name, '')), $text) > 0
      OR INSTR(LOWER(COALESCE(a.job_key, '')), $text) > 0
      OR INSTR(LOWER(COALESCE(a.spark_user, '')), $text) > 0
      OR INSTR(LOWER(COALESCE(a.team, '')), $text) > 0
    )
)
SELECT c.*, COUNT(*) OVER () AS num_rows
FROM chosen AS c
ORDER BY
  CASE $sorted_by
    WHEN 'duration' THEN CAST(duration_ms AS DOUBLE)
    WHEN 'core_time' THEN CAST(core_time_ms AS DOUBLE)
    WHEN 'waste' THEN CAST(wasted_core_ms AS DOUBLE)
    WHEN 'cost' THEN cost_usd
  END DESC NULLS LAST,
  start_time DESC NULLS LAST, application_id, attempt_id
LIMIT $limit OFFSET $offset
