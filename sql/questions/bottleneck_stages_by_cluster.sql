-- id: bottleneck_stages_by_cluster
-- title: Bottleneck stages of each cluster
-- question: Which stages are the bottlenecks of each cluster?
SELECT cluster_name, application_name, application_id, stage_id, stage_name, duration_ms / 1e3 AS seconds, cluster_percent
FROM (
  SELECT
    cluster_name, application_name, application_id, attempt_id, stage_id, stage_attempt_id, stage_name, duration_ms,
    100e0 * executor_run_time / NULLIF(SUM(CAST(executor_run_time AS DOUBLE))
      OVER (PARTITION BY platform, cluster_id), 0e0) AS cluster_percent,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id
      ORDER BY executor_run_time DESC, application_id, attempt_id, stage_id, stage_attempt_id
    ) AS place
  FROM stage_overview
) AS ranked
WHERE place <= 3
ORDER BY cluster_name, place
LIMIT 60
