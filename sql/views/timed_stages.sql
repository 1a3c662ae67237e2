-- id: timed_stages
-- title: Stage attempts with the time that their tasks ran
-- description: One row per stage attempt with the columns of stages that rules compare with time. executor_run_time is the time that its tasks ran: where the log counts it once for each core that a task
--   reserves (view run_time_cores), the table stages keeps that, and here it is divided.
-- reads: run_time_cores, stages
SELECT
  s.platform, s.cluster_id, s.cluster_name, s.application_id, s.attempt_id, s.app_date, s.stage_id, s.stage_attempt_id, s.status, s.num_tasks,
  s.num_complete_tasks, s.num_failed_tasks, s.num_killed_tasks, s.submission_time, s.first_task_launched_time, s.completion_time, s.failure_reason,
  s.executor_cpu_time, s.jvm_gc_time, s.memory_bytes_spilled, s.disk_bytes_spilled, s.input_bytes, s.input_records, s.output_bytes, s.output_records,
  s.shuffle_remote_blocks_fetched, s.shuffle_fetch_wait_time, s.shuffle_remote_bytes_read, s.shuffle_read_bytes, s.shuffle_read_records,
  s.shuffle_write_bytes, s.shuffle_write_time, s.shuffle_write_records, s.stage_name, s.description, s.rdd_ids, s.job_ids, s.sql_id, s.parent_ids,
  s.duration_ms, s.task_completion_rate, s.tail_ms, s.scheduling_delay_ms,
  CASE WHEN r.run_cores > 1e0 THEN TRY_CAST(s.executor_run_time / NULLIF(r.run_cores, 0e0) AS BIGINT) ELSE s.executor_run_time END AS executor_run_time
FROM stages AS s
LEFT JOIN run_time_cores AS r
  ON r.platform = s.platform AND r.cluster_id = s.cluster_id
  AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  AND r.stage_id = s.stage_id AND r.stage_attempt_id = s.stage_attempt_id
