-- id: not_loaded
-- title: Logs that could not be loaded
-- question: Which logs could not be read whole, and why?
SELECT
  source_uri, status, error_kind, error, bad_lines, ingested_at
FROM ingest_sources
WHERE status IN ('partial', 'quarantined', 'failed')
ORDER BY ingested_at DESC, source_uri
LIMIT 50
