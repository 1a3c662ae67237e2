-- id: newest_sources
-- title: Histories as they were met last
-- description: The newest row of ingest_sources of each history and place: what became of it when a run
--   last looked at it. Rows of clusters, which early versions kept there, are left out.
-- reads: ingest_sources
SELECT
  run_id, ingested_at, source_uri, platform, cluster_id, cluster_name, application_id, attempt_id,
  status, error_kind, error, retryable, size_bytes, rows
FROM (
  SELECT
    s.*,
    ROW_NUMBER() OVER (PARTITION BY source_uri ORDER BY seq DESC NULLS LAST, ingested_at DESC) AS age
  FROM ingest_sources AS s
  WHERE layout IS NULL OR layout <> 'cluster'
) AS s
WHERE age = 1
