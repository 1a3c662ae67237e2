-- id: ingests
-- title: Histories by what became of them
-- description: Histories that the lake met, by source and status, as they were met last.
SELECT
  platform, cluster_name, status, COUNT(*) AS num_histories, SUM(size_bytes) AS size_bytes,
  MAX(ingested_at) AS last_at
FROM newest_sources
GROUP BY platform, cluster_name, status
ORDER BY num_histories DESC, platform, cluster_name, status
LIMIT 100
