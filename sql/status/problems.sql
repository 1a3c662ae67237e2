-- id: problems
-- title: Problems
-- description: Histories that could not be loaded completely. Places that could not be reached are only of
--   today where the newest run that looked at its sources met them.
-- parameter: limit bigint = 10 [count] most problems to show
SELECT ingested_at, status, error_kind, source_uri, error
FROM newest_sources
WHERE status IN ('partial', 'quarantined', 'failed')
  OR (
    status = 'unreachable'
    AND run_id = (
      SELECT run_id
      FROM runs
      WHERE status IS NULL OR status NOT IN ('held', 'misconfigured', 'interrupted', 'killed')
      ORDER BY started_at DESC
      LIMIT 1
    )
  )
ORDER BY ingested_at DESC, source_uri
LIMIT $limit
