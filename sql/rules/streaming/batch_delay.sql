-- id: batch_delay
-- title: Streaming batches begin later and later
-- category: streaming
-- severity: low
-- version: 3
-- description: Fires for a program of DStreams (Spark Streaming) whose batches take longer than their interval, so that each begins later
--   after its time than the one before. Batches are known by the times in the descriptions of their jobs, the interval is the smallest step between
--   these. A batch takes from its first job to its last. Only what the second half of the batches adds to the delay counts: at first a program that
--   starts is late too, and makes up for it. No loss is counted.
-- parameter: min_batches bigint = 10 [count] batches with jobs, at least
-- parameter: min_delay_ratio double = 3.0 [ratio] delay of the last batch over the interval, at least
-- parameter: min_growth_ratio double = 0.1 [ratio] what the delay grows for each interval in the second half over the interval, at least
-- parameter: medium_delay_ms double = 10000 [ms] delay of the last batch from which it is of medium severity
-- parameter: max_task_ms double = 200 [ms] run time of a task on average, at most, for tasks to be too many
-- parameter: min_tasks_per_core double = 4.0 [ratio] tasks of a batch for each core, at least, for the same
-- evidence: In the second half of {num_batches:batch|batches} with an interval of {interval_ms:s} each took {batch_ms:s} on average. They began
--   {first_delay_ms:s} after their time at first, {middle_delay_ms:s} in the middle and {last_delay_ms:s} at the end[; a batch ran {batch_tasks:task|tasks} of {task_ms:int} ms
--   on {cores:core|cores}].
-- advice: is_cut_small | spark.streaming.backpressure.enabled | 'true' | Make fewer, larger tasks of a batch (fewer partitions of the source, coalesce) and give it more cores, or an interval of
--   {wanted_s:int} s or more. Backpressure (with spark.streaming.kafka.maxRatePerPartition or spark.streaming.receiver.maxRate as its limit) keeps batches within what the program can do.
-- advice: is_cut_small | - | - | Make fewer, larger tasks of a batch (fewer partitions of the source, coalesce) and give it more cores, or an interval of {wanted_s:int} s or more; until then
--   lower spark.streaming.kafka.maxRatePerPartition or spark.streaming.receiver.maxRate.
-- advice: TRUE | spark.streaming.backpressure.enabled | 'true' | Give it more cores, with as many partitions, cheaper work a row, or an interval of {wanted_s:int} s or more. Backpressure (with
--   spark.streaming.kafka.maxRatePerPartition or spark.streaming.receiver.maxRate as its limit) keeps batches within what the program can do.
-- advice: TRUE | - | - | Give it more cores, with as many partitions, cheaper work a row, or an interval of {wanted_s:int} s or more; until then lower
--   spark.streaming.kafka.maxRatePerPartition or spark.streaming.receiver.maxRate.
-- recommendation: Give it more cores, with as many partitions, cheaper work a row, or a longer interval.
WITH batch_jobs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, job_id, num_completed_tasks,
    TRY_CAST(REGEXP_REPLACE(description, '^(?s:.*)[?]id=([0-9]+)(?s:.*)$', '$1') AS BIGINT) AS time_ms,
    UNIX_MILLIS(submission_time) AS begin_ms, UNIX_MILLIS(completion_time) AS end_ms
  FROM jobs
  WHERE description LIKE 'Streaming job from %id=%' AND submission_time IS NOT NULL
),
works AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id,
    SUM(CAST(s.executor_run_time AS DOUBLE)) / NULLIF(SUM(CAST(s.num_complete_tasks AS DOUBLE)), 0e0) AS task_ms, SUM(CAST(s.num_complete_tasks AS DOUBLE)) AS num_tasks
  FROM batch_jobs AS j
  INNER JOIN timed_stages AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id AND ARRAY_MIN(s.job_ids) = j.job_id
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id
),
batches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, time_ms, MIN(begin_ms) AS begin_ms,
    -- Not known of one that still ran at the end.
    CASE WHEN COUNT(*) = COUNT(end_ms) THEN MAX(end_ms) END AS end_ms
  FROM batch_jobs
  WHERE time_ms > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, time_ms
),
placed AS (
  SELECT
    b.*,
    CAST(begin_ms - time_ms AS DOUBLE) AS delay_ms,
    time_ms - LAG(time_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY time_ms) AS step_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY time_ms) AS place,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id) AS num_batches
  FROM batches AS b
),
halves AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, num_batches,
    CAST(MIN(step_ms) AS DOUBLE) AS interval_ms,
    AVG(CASE WHEN place * 2 > num_batches THEN CAST(end_ms - begin_ms AS DOUBLE) END) AS batch_ms,
    MAX(CASE WHEN place = 1 THEN delay_ms END) AS first_delay_ms,
    MAX(CASE WHEN place * 2 >= num_batches AND place * 2 < num_batches + 2 THEN delay_ms END) AS middle_delay_ms,
    MAX(CASE WHEN place = num_batches THEN delay_ms END) AS last_delay_ms,
    MAX(CASE WHEN place = num_batches THEN time_ms END) - MAX(CASE WHEN place * 2 >= num_batches AND place * 2 < num_batches + 2 THEN time_ms END) AS half_ms
  FROM placed
  GROUP BY platform, cluster_id, application_id, attempt_id, num_batches
),
told AS (
  SELECT
    h.*, w.task_ms, CAST(w.num_tasks AS DOUBLE) / NULLIF(h.num_batches, 0) AS batch_tasks,
    CASE WHEN a.cores_max > 0 THEN a.cores_max ELSE TRY_CAST(ROUND(a.average_cores) AS BIGINT) END AS cores
  FROM halves AS h
  INNER JOIN application_facts AS a
    ON a.platform = h.platform AND a.cluster_id = h.cluster_id
    AND a.application_id = h.application_id AND a.attempt_id = h.attempt_id
  LEFT JOIN works AS w
    ON w.platform = h.platform AND w.cluster_id = h.cluster_id
    AND w.application_id = h.application_id AND w.attempt_id = h.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CASE WHEN last_delay_ms >= $medium_delay_ms THEN 'medium' ELSE 'low' END AS severity,
  'high' AS confidence,
  num_batches, interval_ms, batch_ms, first_delay_ms, middle_delay_ms, last_delay_ms,
  CASE WHEN task_ms IS NOT NULL AND cores > 0 THEN TRY_CAST(ROUND(batch_tasks) AS BIGINT) END AS batch_tasks,
  TRY_CAST(ROUND(task_ms) AS BIGINT) AS task_ms, NULLIF(cores, 0) AS cores,
  COALESCE(task_ms <= $max_task_ms AND batch_tasks >= $min_tasks_per_core * cores, FALSE) AS is_cut_small,
  -- In whole seconds, and more than a batch takes.
  TRY_CAST(FLOOR(GREATEST(batch_ms, interval_ms) / 1e3) + 1e0 AS BIGINT) AS wanted_s
FROM told
WHERE num_batches >= $min_batches AND interval_ms > 0e0 AND batch_ms > interval_ms AND last_delay_ms >= $min_delay_ratio * interval_ms
  AND last_delay_ms - middle_delay_ms >= $min_growth_ratio * half_ms AND last_delay_ms - middle_delay_ms >= interval_ms
