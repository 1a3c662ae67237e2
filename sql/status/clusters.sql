-- id: clusters
-- title: Clusters
-- description: What became of the clusters of platforms, by the newest run that asked each.
SELECT
  platform, analysis_status, COUNT(*) AS clusters, SUM(total_applications) AS applications,
  MIN(cluster_id) AS example
FROM (
  SELECT s.*, ROW_NUMBER() OVER (PARTITION BY platform, cluster_id ORDER BY run_id DESC) AS age
  FROM cluster_summaries AS s
) AS s
WHERE age = 1
GROUP BY platform, analysis_status
ORDER BY clusters DESC, analysis_status
