-- id: recurring_job_overview
-- title: Recurring jobs with cost and waste a year and the next change, for people and language models
-- description: One row per recurring job: how often it runs, what a run and a year cost and waste, how many of its
--   runs regressed or failed, and the next setting to change. No join is needed. A job whose runs are not priced
--   has NULL costs, never 0.
-- grain: one row per recurring job
-- keys: job_key
-- column: num_regressions [count] Runs that were slower or took more core time than the runs before them explain.
-- column: num_failed_runs [count] Runs whose history says that they failed.
-- column: mean_duration_ms [ms] Mean run time of its completed runs.
-- column: last_duration_ms [ms] Run time of its last run, 0 where that has no end event.
-- column: next_config_key The setting to change next; NULL where none is recommended.
-- column: next_recommended_value The value that is recommended for it.
-- column: next_expected_saving_core_ms [core_ms] Core time that the change is expected to save per run.
-- reads: applications, job_costs, job_trends, recommendations
WITH runs_of AS (
  SELECT
    t.job_key,
    SUM(CASE WHEN t.is_regression THEN 1 ELSE 0 END) AS num_regressions,
    SUM(CASE WHEN a.failure_reason IS NOT NULL THEN 1 ELSE 0 END) AS num_failed_runs,
    AVG(CASE WHEN a.completed THEN CAST(t.duration_ms AS DOUBLE) END) AS mean_duration_ms
  FROM job_trends AS t
  LEFT JOIN applications AS a
    ON a.platform = t.platform AND a.cluster_id = t.cluster_id
    AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
  GROUP BY t.job_key
),
last_of AS (
  SELECT job_key, duration_ms
  FROM (
    SELECT
      job_key, duration_ms,
      ROW_NUMBER() OVER (
        PARTITION BY job_key ORDER BY start_time DESC, platform, cluster_id, application_id, attempt_id
      ) AS place
    FROM job_trends
  ) AS ranked
  WHERE place = 1
),
next_of AS (
  SELECT job_key, config_key, recommended_value, expected_saving_core_ms
  FROM (
    SELECT
      job_key, config_key, recommended_value, expected_saving_core_ms,
      ROW_NUMBER() OVER (
        PARTITION BY job_key
        ORDER BY COALESCE(expected_saving_core_ms, 0) DESC, config_key, recommended_value
      ) AS place
    FROM recommendations
    WHERE is_next
  ) AS ranked
  WHERE place = 1
)
SELECT
  c.job_key, c.team, c.num_runs, c.first_run_at, c.last_run_at, c.runs_per_year,
  r.num_regressions, r.num_failed_runs, r.mean_duration_ms, l.duration_ms AS last_duration_ms,
  c.core_time_ms, c.wasted_ratio, c.largest_waste,
  c.cost_basis, c.cost_usd_per_run, c.wasted_usd_per_run, c.cost_usd_per_year, c.wasted_usd_per_year,
  c.wasted_core_hours_per_year, c.wasted_gb_hours_per_year, c.num_unpriced,
  n.config_key AS next_config_key,
  n.recommended_value AS next_recommended_value,
  n.expected_saving_core_ms AS next_expected_saving_core_ms
FROM job_costs AS c
LEFT JOIN runs_of AS r ON r.job_key = c.job_key
LEFT JOIN last_of AS l ON l.job_key = c.job_key
LEFT JOIN next_of AS n ON n.job_key = c.job_key
