-- id: stage_row
-- title: The stage
-- description: One stage attempt.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: stage_id bigint = 0 [id] the stage
-- parameter: stage_attempt_id bigint = -1 [id] its attempt; -1 for the newest
-- verdict: Stage {stage_id}[ ({stage_name})], attempt {stage_attempt_id}, {status}[ after {duration_ms:s}]: {num_tasks:task|tasks}[; the median task took {median_task_ms:s}, the longest {max_task_ms:s}, {max_over_median_ratio:1} times as long][; it failed: {failure_reason}].[ The worst finding ({worst_severity}): {worst_finding}.]
WITH worst AS (
  SELECT title, severity, ROW_NUMBER() OVER (ORDER BY severity_rank DESC, lost_core_ms DESC, finding_id) AS place
  FROM stage_findings
  WHERE platform = $platform AND cluster_id = $cluster_id
    AND application_id = $application_id AND attempt_id = $attempt_id
    AND app_date = CAST($app_date AS DATE)
    AND stage_id = $stage_id AND stage_attempt_id = $stage_attempt_id
)
SELECT
  s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id, n.stage_name, s.status, s.duration_ms,
  s.submission_time, s.num_tasks, s.num_failed_tasks, s.num_killed_tasks, s.sql_id, s.job_ids, s.parent_ids,
  s.executor_run_time AS executor_run_time_ms, s.executor_cpu_time AS executor_cpu_time_ns,
  s.jvm_gc_time AS jvm_gc_time_ms, s.input_bytes, s.input_records, s.output_bytes, s.shuffle_read_bytes,
  s.shuffle_write_bytes, s.shuffle_fetch_wait_time AS shuffle_fetch_wait_time_ms, s.memory_bytes_spilled,
  s.disk_bytes_spilled, s.tail_ms, s.scheduling_delay_ms,
  s.peak_jvm_heap_memory AS peak_jvm_heap_memory_bytes, s.failure_reason, s.details,
  q.median AS median_task_ms, q.max AS max_task_ms,
  q.max / CAST(NULLIF(q.median, 0) AS DOUBLE) AS max_over_median_ratio, w.title AS worst_finding, w.severity AS worst_severity
FROM stages AS s
LEFT JOIN task_quantiles AS q
  ON q.platform = s.platform AND q.cluster_id = s.cluster_id
  AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.app_date = s.app_date
  AND q.stage_id = s.stage_id AND q.stage_attempt_id = s.stage_attempt_id AND q.metric = 'duration'
LEFT JOIN stage_names AS n
  ON n.platform = s.platform AND n.cluster_id = s.cluster_id AND n.application_id = s.application_id
  AND n.attempt_id = s.attempt_id AND n.app_date = s.app_date
  AND n.stage_id = s.stage_id AND n.stage_attempt_id = s.stage_attempt_id
LEFT JOIN worst AS w
  ON w.place = 1
WHERE s.platform = $platform AND s.cluster_id = $cluster_id
  AND s.application_id = $application_id AND s.attempt_id = $attempt_id
  AND s.app_date = CAST($app_date AS DATE)
  AND s.stage_id = $stage_id AND s.stage_attempt_id = $stage_attempt_id
