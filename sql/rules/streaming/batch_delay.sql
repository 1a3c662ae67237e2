-- id: batch_delay
-- title: Streaming batches begin late
-- category: streaming
-- severity: low
-- version: 6
-- description: Fires for a program of DStreams (Spark Streaming) whose batches take longer than their interval, so that each begins later
--   after its time than the one before. Batches are known by the times in the descriptions of their jobs, the interval is the smallest step between
--   these. A batch takes from its first job to its last. What the second half of the batches adds to the delay counts: at first a program that
--   starts is late too, and makes up for it. So does what many batches in a row that took longer than the interval add after the second batch, though the program made up for it when less came, and
--   a delay of the first batches that no later one makes up for, since each takes most of its interval. No loss is counted.
--   Backpressure and rates are advised only where the RDDs come from receivers or a direct stream of Kafka: nothing else (queueStream, textFileStream) is held back by them.
-- parameter: min_batches bigint = 10 [count] batches with jobs, at least
-- parameter: min_delay_ratio double = 3.0 [ratio] delay of the last batch over the interval, at least
-- parameter: min_growth_ratio double = 0.1 [ratio] what the delay grows for each interval in the second half over the interval, at least
-- parameter: medium_delay_ms double = 10000 [ms] delay of the last batch from which it is of medium severity
-- parameter: min_peak_ratio double = 5.0 [ratio] what the delay grew after the second batch over the interval, at least, where the program made up for it
-- parameter: min_peak_ms double = 5000 [ms] the same growth, at least
-- parameter: min_over_batches bigint = 8 [count] batches before the largest delay that took longer than the interval, at least, and more than half of those after the first
-- parameter: medium_over_share double = 0.2 [ratio] and over all batches, from which such a delay is of medium severity
-- parameter: min_steady_batches bigint = 20 [count] batches of a program whose delay stays, at least
-- parameter: min_steady_part double = 0.7 [ratio] smallest delay after the first batch over the largest, at least, to stay
-- parameter: min_busy_part double = 0.8 [ratio] time of a batch in the second half over the interval, at least, to make up for nothing
-- parameter: max_task_ms double = 200 [ms] run time of a task on average, at most, for tasks to be too many
-- parameter: min_tasks_per_core double = 4.0 [ratio] tasks of a batch for each core, at least, for the same
-- evidence: [In the second half of {grown_batches:batch|batches} with an interval of {interval_ms:s} each took {batch_ms:s} on average. They began
--   {first_delay_ms:s} after their time at first, {middle_delay_ms:s} in the middle and {last_delay_ms:s} at the end][After the first of {peak_batches:batch|batches}, which took {first_batch_ms:s}, {over_batches:int} took longer than their interval of {interval_ms:s}, {over_ms:s} on
--   average: the second began {second_delay_ms:s} after its time, later ones up to {peak_delay_ms:s}][All but the first of {steady_batches:batch|batches} with an interval of {interval_ms:s} began {least_delay_ms:s} to {most_delay_ms:s} after their time: the first took {first_batch_ms:s}, and those of the second half
--   {batch_ms:s} on average, too long to make up for it][; a batch ran {batch_tasks:task|tasks} of {task_ms:int} ms
--   on {cores:core|cores}].
-- advice: is_few AND default_parallelism < cores | spark.default.parallelism | cores | A stage has {stage_tasks:task|tasks} on average for {cores:core|cores}: give the topic at least as many partitions as there are cores (a direct stream reads each in one task; with receivers
--   a shorter spark.streaming.blockInterval makes more of them), or repartition what is read; this setting does it for shuffles.{limit_text}
-- advice: is_few AND has_rates | spark.streaming.backpressure.enabled | 'true' | A stage has {stage_tasks:task|tasks} on average for {cores:core|cores}: give the topic at least as many partitions as there are cores (a direct stream reads each in one task; with receivers
--   a shorter spark.streaming.blockInterval makes more of them), or repartition what is read. Meanwhile backpressure keeps batches of Kafka and receivers within what the program can do.
-- advice: is_few | - | - | A stage has {stage_tasks:task|tasks} on average for {cores:core|cores}: give the topic at least as many partitions as there are cores (a direct stream reads each in one task; with receivers
--   a shorter spark.streaming.blockInterval makes more of them), or repartition what is read.{limit_text}
-- advice: steady_batches IS NOT NULL AND late_executors > 0 | spark.scheduler.minRegisteredResourcesRatio | '1.0' | {late_executors:executor|executors} came after the first batch had begun: wait for all of them, and load classes and open connections in a small job before the context is
--   started. More cores with as many partitions, cheaper work per row or an interval of {wanted_s:int} s or more would make up for it.{limit_text}
-- advice: steady_batches IS NOT NULL | - | - | Let a small job load classes and open connections on all executors before the context is started, and give batches room to make up for a delay: more cores with as many partitions, cheaper work per row, or an interval of {wanted_s:int} s or
--   more.{limit_text}
-- advice: is_cut_small AND has_rates | spark.streaming.backpressure.enabled | 'true' | Make fewer, larger tasks of a batch (fewer partitions of the source, coalesce) and give it more cores, or an interval of
--   {wanted_s:int} s or more. Backpressure (with spark.streaming.kafka.maxRatePerPartition or spark.streaming.receiver.maxRate as its limit) keeps batches within what the program can do.
-- advice: is_cut_small AND NOT has_rates | - | - | Make fewer, larger tasks of a batch (fewer partitions of the source, coalesce) and give it more cores, or an interval of {wanted_s:int} s or more.
-- advice: is_cut_small | - | - | Make fewer, larger tasks of a batch (fewer partitions of the source, coalesce) and give it more cores, or an interval of {wanted_s:int} s or more; until then
--   lower spark.streaming.kafka.maxRatePerPartition or spark.streaming.receiver.maxRate.
-- advice: NOT has_rates | - | - | Give it more cores, with as many partitions, cheaper work per row, an interval of {wanted_s:int} s or more, or less to do in a batch. Backpressure does not help: the batches come neither from receivers
--   nor from a direct stream of Kafka.
-- advice: TRUE | spark.streaming.backpressure.enabled | 'true' | Give it more cores, with as many partitions, cheaper work per row, or an interval of {wanted_s:int} s or more. Backpressure (with
--   spark.streaming.kafka.maxRatePerPartition or spark.streaming.receiver.maxRate as its limit) keeps batches within what the program can do.
-- advice: TRUE | - | - | Give it more cores, with as many partitions, cheaper work per row, or an interval of {wanted_s:int} s or more; until then lower
--   spark.streaming.kafka.maxRatePerPartition or spark.streaming.receiver.maxRate.
-- recommendation: Give it more cores, with as many partitions, cheaper work per row, or a longer interval.
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
    SUM(CAST(s.executor_run_time AS DOUBLE)) / NULLIF(SUM(CAST(s.num_complete_tasks AS DOUBLE)), 0e0) AS task_ms, SUM(CAST(s.num_complete_tasks AS DOUBLE)) AS num_tasks,
    AVG(CAST(s.num_complete_tasks AS DOUBLE)) AS stage_tasks, MAX(s.num_complete_tasks) AS most_tasks
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
intervals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, CAST(MIN(step_ms) AS DOUBLE) AS interval_ms, MAX(CASE WHEN place > 1 THEN delay_ms END) AS most_delay_ms
  FROM placed
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- The first batch with the largest delay.
peaks AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, i.interval_ms, i.most_delay_ms, MIN(p.place) AS peak_place
  FROM placed AS p
  INNER JOIN intervals AS i
    ON i.platform = p.platform AND i.cluster_id = p.cluster_id
    AND i.application_id = p.application_id AND i.attempt_id = p.attempt_id
  WHERE p.place > 1 AND p.delay_ms = i.most_delay_ms
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, i.interval_ms, i.most_delay_ms
),
courses AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, k.most_delay_ms, k.peak_place,
    MIN(CASE WHEN p.place > 1 THEN p.delay_ms END) AS least_delay_ms, MAX(CASE WHEN p.place = 2 THEN p.delay_ms END) AS second_delay_ms,
    MIN(CASE WHEN p.place = 1 THEN p.begin_ms END) AS first_begin_ms, MAX(CASE WHEN p.place = 1 THEN CAST(p.end_ms - p.begin_ms AS DOUBLE) END) AS first_batch_ms,
    SUM(CASE WHEN p.place > 1 AND p.end_ms - p.begin_ms > k.interval_ms THEN 1 ELSE 0 END) AS over_batches, AVG(CASE WHEN p.place > 1 AND p.end_ms - p.begin_ms > k.interval_ms THEN CAST(p.end_ms - p.begin_ms AS DOUBLE) END) AS over_ms,
    SUM(CASE WHEN p.place > 1 AND p.place < k.peak_place AND p.end_ms - p.begin_ms > k.interval_ms THEN 1 ELSE 0 END) AS rising_batches
  FROM placed AS p
  INNER JOIN peaks AS k
    ON k.platform = p.platform AND k.cluster_id = p.cluster_id
    AND k.application_id = p.application_id AND k.attempt_id = p.attempt_id
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, k.most_delay_ms, k.peak_place
),
late_workers AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, COUNT(*) AS late_executors
  FROM courses AS c
  INNER JOIN executors AS e
    ON e.platform = c.platform AND e.cluster_id = c.cluster_id
    AND e.application_id = c.application_id AND e.attempt_id = c.attempt_id
  WHERE e.executor_id NOT IN ('driver', '<driver>') AND UNIX_MILLIS(e.add_time) > c.first_begin_ms AND UNIX_MILLIS(e.add_time) <= c.first_begin_ms + c.first_batch_ms
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id
),
rates AS (
  SELECT platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.streaming.backpressure.enabled' AND LOWER(value) = 'true' THEN 1 ELSE 0 END) = 1 AS has_backpressure,
    MAX(CASE WHEN key = 'spark.streaming.kafka.maxRatePerPartition' THEN value END) AS kafka_rate
  FROM spark_settings
  WHERE key IN ('spark.streaming.backpressure.enabled', 'spark.streaming.kafka.maxRatePerPartition')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- What rates hold back; TRUE where the RDDs are not known.
sources AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN rdd_name LIKE '%Kafka%' OR rdd_name LIKE '%BlockRDD%' OR rdd_name LIKE '%Kinesis%' OR scope LIKE '%kafka%' THEN 1 ELSE 0 END) = 1 AS has_rates
  FROM rdds
  GROUP BY platform, cluster_id, application_id, attempt_id
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
    h.*, c.most_delay_ms, c.peak_place, c.least_delay_ms, c.second_delay_ms, c.first_batch_ms, c.over_batches, c.over_ms, c.rising_batches,
    COALESCE(l.late_executors, 0) AS late_executors, COALESCE(r.has_backpressure, FALSE) AS has_backpressure, COALESCE(u.has_rates, TRUE) AS has_rates, r.kafka_rate, a.default_parallelism, w.stage_tasks, w.most_tasks,
    w.task_ms, CAST(w.num_tasks AS DOUBLE) / NULLIF(h.num_batches, 0) AS batch_tasks,
    CASE WHEN a.cores_max > 0 THEN a.cores_max ELSE TRY_CAST(ROUND(a.average_cores) AS BIGINT) END AS cores
  FROM halves AS h
  INNER JOIN application_facts AS a
    ON a.platform = h.platform AND a.cluster_id = h.cluster_id
    AND a.application_id = h.application_id AND a.attempt_id = h.attempt_id
  INNER JOIN courses AS c
    ON c.platform = h.platform AND c.cluster_id = h.cluster_id
    AND c.application_id = h.application_id AND c.attempt_id = h.attempt_id
  LEFT JOIN late_workers AS l
    ON l.platform = h.platform AND l.cluster_id = h.cluster_id
    AND l.application_id = h.application_id AND l.attempt_id = h.attempt_id
  LEFT JOIN rates AS r
    ON r.platform = h.platform AND r.cluster_id = h.cluster_id
    AND r.application_id = h.application_id AND r.attempt_id = h.attempt_id
  LEFT JOIN sources AS u
    ON u.platform = h.platform AND u.cluster_id = h.cluster_id
    AND u.application_id = h.application_id AND u.attempt_id = h.attempt_id
  LEFT JOIN works AS w
    ON w.platform = h.platform AND w.cluster_id = h.cluster_id
    AND w.application_id = h.application_id AND w.attempt_id = h.attempt_id
  WHERE h.num_batches >= $min_batches AND h.interval_ms > 0e0
),
judged AS (
  SELECT
    t.*,
    COALESCE(batch_ms > interval_ms AND last_delay_ms >= $min_delay_ratio * interval_ms
      AND last_delay_ms - middle_delay_ms >= $min_growth_ratio * half_ms AND last_delay_ms - middle_delay_ms >= interval_ms, FALSE) AS is_growing,
    COALESCE(most_delay_ms - second_delay_ms >= $min_peak_ratio * interval_ms AND most_delay_ms - second_delay_ms >= $min_peak_ms
      AND rising_batches >= $min_over_batches AND rising_batches * 2 > peak_place - 2, FALSE) AS is_peak,
    COALESCE(num_batches >= $min_steady_batches AND most_delay_ms >= $min_peak_ratio * interval_ms AND most_delay_ms >= $min_peak_ms AND least_delay_ms >= $min_steady_part * most_delay_ms
      AND batch_ms >= $min_busy_part * interval_ms, FALSE) AS is_steady
  FROM told AS t
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CASE WHEN is_growing THEN CASE WHEN last_delay_ms >= $medium_delay_ms THEN 'medium' ELSE 'low' END
    WHEN most_delay_ms >= $medium_delay_ms AND (is_steady OR over_batches >= $medium_over_share * num_batches) THEN 'medium' ELSE 'low' END AS severity,
  'high' AS confidence,
  CASE WHEN is_growing THEN 'Streaming batches begin later and later' WHEN is_peak THEN 'Streaming batches fell behind' ELSE 'Streaming batches begin late all the time' END AS title,
  num_batches, interval_ms, batch_ms, first_delay_ms, middle_delay_ms, last_delay_ms,
  CASE WHEN is_growing THEN num_batches END AS grown_batches, CASE WHEN is_peak AND NOT is_growing THEN num_batches END AS peak_batches, over_batches, over_ms, second_delay_ms,
  most_delay_ms AS peak_delay_ms, CASE WHEN is_steady AND NOT is_peak AND NOT is_growing THEN num_batches END AS steady_batches, least_delay_ms, most_delay_ms, first_batch_ms, late_executors,
  CASE WHEN task_ms IS NOT NULL AND cores > 0 THEN TRY_CAST(ROUND(batch_tasks) AS BIGINT) END AS batch_tasks,
  TRY_CAST(ROUND(task_ms) AS BIGINT) AS task_ms, NULLIF(cores, 0) AS cores,
  COALESCE(task_ms <= $max_task_ms AND batch_tasks >= $min_tasks_per_core * cores, FALSE) AS is_cut_small,
  COALESCE(most_tasks < cores, FALSE) AS is_few, TRY_CAST(ROUND(stage_tasks) AS BIGINT) AS stage_tasks, default_parallelism, has_rates,
  CONCAT(
    CASE WHEN has_backpressure OR NOT has_rates THEN '' ELSE ' For Kafka and receivers spark.streaming.backpressure.enabled=true keeps batches within what the program can do.' END,
    CASE WHEN kafka_rate IS NOT NULL THEN CONCAT(' A lower spark.streaming.kafka.maxRatePerPartition than ', kafka_rate, ' bounds the delay too.') ELSE '' END
  ) AS limit_text,
  -- In whole seconds, and more than a batch takes.
  TRY_CAST(FLOOR(GREATEST(batch_ms, interval_ms, CASE WHEN is_peak AND NOT is_growing THEN over_ms ELSE 0e0 END) / 1e3) + 1e0 AS BIGINT) AS wanted_s
FROM judged
WHERE is_growing OR is_peak OR is_steady
