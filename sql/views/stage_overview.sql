-- id: stage_overview
-- title: Stage attempts with their application and flags, for people and language models
-- description: One row per stage attempt that ran, with the name of its application, its tasks' durations
--   and the flags of ineffjobraw. No join is needed. Flags are NULL for a stage that was not judged
--   because it did not end.
-- grain: one row per stage attempt that ran
-- keys: platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
-- reads: applications, ineffjobraw, stages
SELECT
  s.platform, s.cluster_id, s.cluster_name, s.application_id, s.attempt_id, s.app_date,
  a.application_name, a.job_key, a.spark_user, a.team,
  s.stage_id, s.stage_attempt_id, s.stage_name, s.status, s.failure_reason, s.sql_id,
  s.submission_time, s.completion_time, s.duration_ms,
  s.num_tasks, s.num_failed_tasks, s.num_killed_tasks,
  r.min_task_duration, r.median_task_duration, r.max_task_duration, r.skew_ratio,
  s.executor_run_time, s.executor_cpu_time, s.jvm_gc_time,
  s.input_bytes, s.output_bytes, s.shuffle_read_bytes, s.shuffle_write_bytes,
  s.memory_bytes_spilled, s.disk_bytes_spilled,
  r.skewbinary, r.spillbinary, r.diskspillbinary, r.chunkbinary, r.prbinary, r.goldcheckfilter
FROM stages AS s
LEFT JOIN applications AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
LEFT JOIN ineffjobraw AS r
  ON r.platform = s.platform AND r.cluster_id = s.cluster_id
  AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  AND r.stage_id = s.stage_id AND r.stage_attempt_id = s.stage_attempt_id
WHERE s.status NOT IN ('SKIPPED', 'PENDING')
