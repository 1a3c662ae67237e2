-- id: sources
-- title: Histories
-- description: What became of the histories when they were last met.
SELECT status, COUNT(*) AS histories, SUM(rows) AS rows, SUM(size_bytes) AS bytes
FROM newest_sources
WHERE status <> 'unreachable'
GROUP BY status
ORDER BY histories DESC, status
