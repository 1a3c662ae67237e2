-- id: failed_ingests
-- title: Histories that are not in the lake, or only in part
-- description: Histories that could not be loaded, or only in part, the newest first.
-- parameter: offset bigint = 0 [count] rows before the first
-- parameter: limit bigint = 50 [count] most rows
SELECT
  source_uri, status, error_kind, LEFT(error, 400) AS error, retryable, size_bytes, application_id, ingested_at,
  COUNT(*) OVER () AS num_rows
FROM newest_sources
WHERE status IN ('quarantined', 'failed', 'unreachable', 'partial')
ORDER BY CASE status WHEN 'unreachable' THEN 0 WHEN 'failed' THEN 1 WHEN 'quarantined' THEN 2 ELSE 3 END, ingested_at DESC, source_uri
LIMIT $limit OFFSET $offset
