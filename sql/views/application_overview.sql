-- id: application_overview
-- title: Applications with their efficiency and Photon share, for people and language models
-- description: One row per application attempt with what is asked most often: who ran it, how long, how
--   much core time it held and used, what share of its stage time lies in flagged stages, its worst
--   rule, and whether Photon would help. No join is needed. idle_percent is the share of the core
--   time held in which no task ran.
-- grain: one row per Spark application attempt
-- keys: platform, cluster_id, application_id, attempt_id
-- column: idle_percent [percent] Share of the core time held in which no task ran. NULL where no core time is
--   known.
-- column: photon_candidate Whether the application would gain from Photon: strong, possible or no.
-- column: photon_blockers Operators that keep its task time out of Photon, the largest first.
-- reads: application_waste, applications, ineffjobagg, photonanalysis
SELECT
  a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date,
  a.application_name, a.job_key, a.spark_user, a.team, a.spark_version,
  a.start_time, a.end_time, a.duration_ms, a.completed, a.complete, a.failure_reason,
  a.num_executors_max, a.cores_max, a.executor_cores, a.executor_memory_bytes,
  a.core_time_ms, a.total_task_time_ms,
  100e0 * (1e0 - a.total_task_time_ms / CAST(NULLIF(a.core_time_ms, 0) AS DOUBLE)) AS idle_percent,
  a.input_bytes, a.output_bytes, a.shuffle_read_bytes, a.shuffle_write_bytes,
  a.memory_bytes_spilled, a.disk_bytes_spilled,
  a.num_jobs, a.num_stages, a.num_tasks, a.num_failed_tasks, a.num_sql,
  w.wasted_ratio, w.largest_waste, w.memory_gb_hours, w.memory_peak_ratio,
  w.cost_basis, w.cost_usd, w.wasted_usd,
  i.ineffstageagg, i.is_inefficient, i.num_flagged_stages, i.lost_core_ms, i.est_waste_usd, i.top_rule,
  p.jobphotonperc, p.already_photon_ratio, p.candidate AS photon_candidate,
  p.blockers AS photon_blockers
FROM applications AS a
LEFT JOIN application_waste AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN ineffjobagg AS i
  ON i.platform = a.platform AND i.cluster_id = a.cluster_id
  AND i.application_id = a.application_id AND i.attempt_id = a.attempt_id
LEFT JOIN photonanalysis AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
