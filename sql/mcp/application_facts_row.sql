-- id: application_facts_row
-- title: The application
-- description: One application attempt with what it had, did and cost, and its worst finding.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- verdict: {application_name} ({application_id}) ran {duration_ms:s}[ on up to {cores_max:core|cores}][ and failed: {failure_reason}][; {wasted_ratio:pct} of its core time was wasted, most of it {largest_waste:part}][; {num_findings:finding|findings}, the worst ({worst_severity}): {worst_finding}][; {clean}].[ Change first: {first_change}][ {caveat}]
WITH ranked AS (
  SELECT
    severity, title, config_key, config_current, config_recommended, recommendation, COUNT(*) OVER () AS num_findings,
    ROW_NUMBER() OVER (
      ORDER BY
        CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END,
        COALESCE(recoverable_ms, 0) DESC, COALESCE(lost_core_ms, 0) DESC, finding_id
    ) AS place
  FROM findings
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
)
SELECT
  a.application_id, a.attempt_id, a.application_name, a.job_key, a.platform, a.cluster_id, a.spark_user, a.team,
  a.start_time, COALESCE(NULLIF(a.duration_ms, 0), a.observed_duration_ms) AS duration_ms,
  a.spark_version, NULLIF(a.num_executors_max, 0) AS num_executors_max, NULLIF(a.cores_max, 0) AS cores_max,
  a.executor_cores, a.executor_memory_bytes,
  a.dynamic_allocation, a.num_jobs, a.num_stages, a.num_tasks, a.num_failed_tasks, a.num_sql,
  a.input_bytes, a.output_bytes, a.shuffle_read_bytes, a.shuffle_write_bytes, a.disk_bytes_spilled,
  a.core_time_ms, a.driver_only_time_ms, a.longest_gap_ms, a.first_task_delay_ms,
  w.wasted_ratio, w.largest_waste, w.cost_usd, w.cost_basis, w.wasted_usd,
  a.failure_reason, a.complete, a.source_uri,
  r.num_findings, r.severity AS worst_severity, r.title AS worst_finding,
  CASE
    WHEN r.config_recommended IS NOT NULL THEN CONCAT('set ', r.config_key, ' to ', r.config_recommended, COALESCE(CONCAT(' (now ', r.config_current, ')'), ''), '.')
    ELSE r.recommendation
  END AS first_change,
  CASE WHEN r.num_findings IS NULL THEN 'no rule found anything to fix' END AS clean,
  CASE WHEN NOT a.complete THEN 'The history is not whole, so totals are lower bounds.' END AS caveat
FROM applications AS a
LEFT JOIN application_waste AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN ranked AS r
  ON r.place = 1
WHERE a.platform = $platform AND a.cluster_id = $cluster_id
  AND a.application_id = $application_id AND a.attempt_id = $attempt_id
  AND a.app_date = CAST($app_date AS DATE)
