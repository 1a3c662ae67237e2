-- id: slowest_stages
-- title: Slowest stages
-- description: Stage attempts that ran, by duration, of one application or of all, with the spread of their tasks.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = * [text] its id; * for all applications
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: Of {total_rows:stage attempt|stage attempts} the slowest is stage {stage_id} of {application_id}[ ({stage_name})]: {duration_ms:s}[, {num_tasks:task|tasks}][, median {median_task_ms:s}][, longest {max_task_ms:s}][, {spilled_bytes:bytes} spilled to disk].
-- empty: No stage is known that ran.
WITH longest AS (
  SELECT *, COUNT(*) OVER () AS total_rows
  FROM stages
  WHERE status NOT IN ('SKIPPED', 'PENDING')
    AND ($application_id = '*' OR (platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)))
  ORDER BY duration_ms DESC, application_id, attempt_id, stage_id, stage_attempt_id
  LIMIT $limit OFFSET $offset
)
SELECT
  s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id, s.status, s.duration_ms, n.stage_name,
  s.num_tasks, s.num_failed_tasks, q.median AS median_task_ms, q.max AS max_task_ms,
  s.executor_run_time AS executor_run_time_ms, s.jvm_gc_time AS jvm_gc_time_ms, s.input_bytes, s.output_bytes,
  s.shuffle_read_bytes, s.shuffle_write_bytes, s.disk_bytes_spilled, NULLIF(s.disk_bytes_spilled, 0) AS spilled_bytes, s.sql_id, s.job_ids, s.submission_time,
  s.shuffle_fetch_wait_time AS shuffle_fetch_wait_time_ms, s.tail_ms, s.peak_execution_memory AS peak_execution_memory_bytes,
  s.failure_reason, s.description, s.total_rows
FROM longest AS s
LEFT JOIN task_quantiles AS q
  ON q.platform = s.platform AND q.cluster_id = s.cluster_id
  AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.app_date = s.app_date
  AND q.stage_id = s.stage_id AND q.stage_attempt_id = s.stage_attempt_id AND q.metric = 'duration'
LEFT JOIN stage_names AS n
  ON n.platform = s.platform AND n.cluster_id = s.cluster_id AND n.application_id = s.application_id
  AND n.attempt_id = s.attempt_id AND n.app_date = s.app_date
  AND n.stage_id = s.stage_id AND n.stage_attempt_id = s.stage_attempt_id
ORDER BY s.duration_ms DESC, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id
