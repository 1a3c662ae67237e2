-- id: job_run_overview
-- title: Runs of recurring jobs with cost, waste and change, for people and language models
-- description: One row per run (application attempt) of a recurring job: how long it took, what it cost and wasted,
--   how it compares with the runs before it, and how many findings it has. No join is needed. Group by job_key
--   and order by start_time for a trend.
-- grain: one row per run of a recurring job
-- keys: platform, cluster_id, application_id, attempt_id
-- column: num_findings [count] Findings about the run and its parts.
-- column: num_serious_findings [count] Findings of severity critical or high.
-- reads: application_waste, applications, findings, job_trends
WITH found AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    COUNT(*) AS num_findings,
    SUM(CASE WHEN severity IN ('critical', 'high') THEN 1 ELSE 0 END) AS num_serious_findings
  FROM findings
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  t.platform, t.cluster_id, t.cluster_name, t.application_id, t.attempt_id, t.app_date,
  t.job_key, t.application_name, a.spark_user, a.team, t.run_number, t.start_time, a.completed, a.failure_reason,
  t.duration_ms, t.core_time_ms, t.input_bytes, t.num_executors_max, t.spark_version,
  w.cost_basis, w.cost_usd, w.wasted_usd, w.wasted_core_ms, w.wasted_ratio, w.largest_waste,
  t.baseline_runs, t.baseline_duration_ms, t.baseline_cost_usd,
  t.duration_change_ratio, t.core_time_change_ratio, t.input_change_ratio,
  t.is_regression, t.regression_cause, t.changed_settings, t.changed_operators,
  COALESCE(f.num_findings, 0) AS num_findings,
  COALESCE(f.num_serious_findings, 0) AS num_serious_findings
FROM job_trends AS t
LEFT JOIN applications AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
LEFT JOIN application_waste AS w
  ON w.platform = t.platform AND w.cluster_id = t.cluster_id
  AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id
LEFT JOIN found AS f
  ON f.platform = t.platform AND f.cluster_id = t.cluster_id
  AND f.application_id = t.application_id AND f.attempt_id = t.attempt_id
