-- id: pending
-- title: Pending: every run tries again
-- description: What the next run tries again: histories and places that could not be read, clusters that
--   are not done, applications that a rule or table could not judge.
WITH histories AS (
  SELECT *, CASE WHEN status = 'unreachable' THEN 'place' ELSE 'history' END AS what,
    COALESCE(error_kind, status) AS reason,
    ROW_NUMBER() OVER (PARTITION BY source_uri ORDER BY seq DESC NULLS LAST, ingested_at DESC) AS age
  FROM ingest_sources
  WHERE layout IS NULL OR layout <> 'cluster'
),
clusters AS (
  SELECT *,
    CASE WHEN status = 'open' THEN 'alive' ELSE ARRAY_TO_STRING(failures, ', ') END AS reason,
    ROW_NUMBER() OVER (PARTITION BY cluster_uri ORDER BY seq DESC NULLS LAST, ingested_at DESC) AS age
  FROM ingest_clusters
)
SELECT what, reason, COUNT(*) AS number, MIN(source_uri) AS example, MAX(ingested_at) AS last_tried
FROM histories
WHERE age = 1 AND retryable AND status <> 'loaded'
  -- Other places may be no source any more.
  AND (
    status <> 'unreachable'
    OR run_id = (
      SELECT run_id
      FROM runs
      WHERE status IS NULL OR status NOT IN ('held', 'misconfigured', 'interrupted', 'killed')
      ORDER BY started_at DESC
      LIMIT 1
    )
  )
GROUP BY what, reason
UNION ALL
SELECT 'cluster' AS what, reason, COUNT(*) AS number, MIN(cluster_uri) AS example,
  MAX(ingested_at) AS last_tried
FROM clusters
WHERE age = 1 AND status <> 'done'
GROUP BY reason
UNION ALL
SELECT 'analysis' AS what, step AS reason, COUNT(*) AS number, MIN(application_id) AS example,
  MAX(ingested_at) AS last_tried
FROM analysis_failures
GROUP BY step
ORDER BY what, number DESC, reason
