-- id: unfinished_tails
-- title: How long stages that did not end had waited for single long tasks
-- description: One row per stage attempt that failed or was canceled while a few of its tasks had not succeeded, after all others had, and one of those had run far
--   longer than the others, in an attempt that failed, was stopped, or had not ended. Attempts that were lost with their executor or with the shuffle data of
--   another do not count: their time is not their work. open_ms is the wall time from the end of the last task that succeeded to the end of the stage, lost_core_ms
--   that of the cores which had no task then, of this stage or of another, won_ms the wall time that a median task in place of the longest would have saved. shuffle_read and
--   input_read are the bytes of the longest attempt where they show the skew by themselves (is_longest), else of the one of its task that read most: it can have been stopped
--   before it read, or run longer on less. cause is shuffle or input where the attempt had read far more than the
--   median task, or where that is left for the tasks that did not end (left_bytes: what the stages before wrote, written_bytes, less what the tasks that ended read), unknown where the history has no numbers of it; an attempt that is known to have read no more is none of skew and is left out,
--   as are stages that hung (view stuck_stages).
-- parameter: min_tasks bigint = 6 [count] successful tasks that the stage needs for a median to mean something
-- parameter: min_done_share double = 0.5 [ratio] those over all tasks of the stage, at least
-- parameter: max_open_share double = 0.1 [ratio] tasks that did not succeed over the task slots, at most, or a single one
-- parameter: min_ratio double = 3.0 [ratio] longest such attempt over the median task, at least
-- parameter: min_longest_ms bigint = 10000 [ms] its duration, at least
-- parameter: min_open_ms bigint = 5000 [ms] wall time that the stage waited, at least
-- parameter: min_unknown_ms bigint = 60000 [ms] the same where it is not known what the attempt had read
-- parameter: min_data_ratio double = 2.0 [ratio] its bytes over those of the median task, at least
-- parameter: min_data_bytes bigint = 16777216 [bytes] and its bytes, at least
-- reads: executors, stage_facts, stages, stuck_stages, tasks
WITH candidates AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, f.num_tasks, f.succeeded_tasks, f.task_slots, f.task_cpus,
    f.duration_median AS median_ms, f.shuffle_read_median, f.input_median, f.has_limit, UNIX_MILLIS(f.completion_time) + 0 AS stage_end_ms
  FROM stage_facts AS f
  LEFT JOIN stuck_stages AS k
    ON k.platform = f.platform AND k.cluster_id = f.cluster_id
    AND k.application_id = f.application_id AND k.attempt_id = f.attempt_id
    AND k.stage_id = f.stage_id AND k.stage_attempt_id = f.stage_attempt_id
  WHERE f.status = 'FAILED' AND f.completion_time IS NOT NULL AND NOT f.is_listing AND k.platform IS NULL
    AND f.succeeded_tasks >= $min_tasks AND f.succeeded_tasks >= $min_done_share * f.num_tasks AND f.succeeded_tasks < f.num_tasks
    AND f.duration_median > 0
),
-- Only tasks with such attempts are looked at, since a stage has many thousands of others.
attempts AS (
  SELECT
    c.*, t.index, t.status, UNIX_MILLIS(t.launch_time) + 0 AS launch_ms,
    CASE WHEN t.duration IS NULL OR UNIX_MILLIS(t.launch_time) + t.duration > c.stage_end_ms THEN c.stage_end_ms ELSE UNIX_MILLIS(t.launch_time) + t.duration END AS until_ms,
    COALESCE(t.end_reason, '') NOT IN ('ExecutorLostFailure', 'FetchFailed') AS is_own,
    COALESCE(t.shuffle_read_local_bytes_read, 0) + COALESCE(t.shuffle_read_remote_bytes_read, 0) AS shuffle_bytes,
    COALESCE(t.input_bytes_read, 0) AS input_bytes
  FROM candidates AS c
  INNER JOIN tasks AS t
    ON t.platform = c.platform AND t.cluster_id = c.cluster_id
    AND t.application_id = c.application_id AND t.attempt_id = c.attempt_id
    AND t.stage_id = c.stage_id AND t.stage_attempt_id = c.stage_attempt_id
  WHERE COALESCE(t.status, '') <> 'SUCCESS' AND t.launch_time IS NOT NULL AND UNIX_MILLIS(t.launch_time) < c.stage_end_ms
),
last_ends AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.stage_id, c.stage_attempt_id, MAX(UNIX_MILLIS(t.launch_time) + t.duration) AS last_end_ms,
    SUM(CAST(COALESCE(t.shuffle_read_local_bytes_read, 0) + COALESCE(t.shuffle_read_remote_bytes_read, 0) AS DOUBLE)) AS ended_bytes
  FROM candidates AS c
  INNER JOIN tasks AS t
    ON t.platform = c.platform AND t.cluster_id = c.cluster_id
    AND t.application_id = c.application_id AND t.attempt_id = c.attempt_id
    AND t.stage_id = c.stage_id AND t.stage_attempt_id = c.stage_attempt_id
  WHERE t.status = 'SUCCESS' AND UNIX_MILLIS(t.launch_time) < c.stage_end_ms
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.stage_id, c.stage_attempt_id
),
done AS (
  SELECT DISTINCT a.platform, a.cluster_id, a.application_id, a.attempt_id, a.stage_id, a.stage_attempt_id, a.index
  FROM attempts AS a
  INNER JOIN tasks AS t
    ON t.platform = a.platform AND t.cluster_id = a.cluster_id
    AND t.application_id = a.application_id AND t.attempt_id = a.attempt_id
    AND t.stage_id = a.stage_id AND t.stage_attempt_id = a.stage_attempt_id AND t.index = a.index
  WHERE t.status = 'SUCCESS' AND UNIX_MILLIS(t.launch_time) < a.stage_end_ms
),
-- What the stages before it wrote for it, where each of them ran once and all of its partitions were asked for.
parents AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.stage_id, c.stage_attempt_id,
    CASE WHEN COUNT(DISTINCT p.stage_id) = MAX(CARDINALITY(s.parent_ids)) AND COUNT(*) = MAX(CARDINALITY(s.parent_ids)) AND MIN(CASE WHEN p.status = 'COMPLETE' THEN 1 ELSE 0 END) = 1
      THEN SUM(CAST(p.shuffle_write_bytes AS DOUBLE)) END AS written_bytes
  FROM candidates AS c
  INNER JOIN stages AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id
    AND s.stage_id = c.stage_id AND s.stage_attempt_id = c.stage_attempt_id
  INNER JOIN stages AS p
    ON p.platform = c.platform AND p.cluster_id = c.cluster_id
    AND p.application_id = c.application_id AND p.attempt_id = c.attempt_id
  WHERE ARRAY_CONTAINS(s.parent_ids, p.stage_id) AND NOT COALESCE(c.has_limit, FALSE)
    AND s.stage_name NOT LIKE 'take%' AND s.stage_name NOT LIKE 'first%' AND s.stage_name NOT LIKE 'head%' AND s.stage_name NOT LIKE 'show%' AND s.stage_name NOT LIKE 'runJob%'
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.stage_id, c.stage_attempt_id
),
-- What the partition of the longest attempt read in the attempt that got furthest.
open_attempts AS (
  SELECT
    a.*, l.last_end_ms, l.ended_bytes,
    MAX(CASE WHEN a.is_own THEN a.shuffle_bytes ELSE 0 END) OVER task AS shuffle_max, MAX(CASE WHEN a.is_own THEN a.input_bytes ELSE 0 END) OVER task AS input_max,
    SUM(CASE WHEN a.status = 'FAILED' THEN 1 ELSE 0 END) OVER task AS failed_attempts,
    ROW_NUMBER() OVER (
      PARTITION BY a.platform, a.cluster_id, a.application_id, a.attempt_id, a.stage_id, a.stage_attempt_id
      ORDER BY CASE WHEN a.is_own THEN 0 ELSE 1 END, a.until_ms - a.launch_ms DESC, a.launch_ms
    ) AS place
  FROM attempts AS a
  INNER JOIN last_ends AS l
    ON l.platform = a.platform AND l.cluster_id = a.cluster_id
    AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
    AND l.stage_id = a.stage_id AND l.stage_attempt_id = a.stage_attempt_id
  LEFT JOIN done AS d
    ON d.platform = a.platform AND d.cluster_id = a.cluster_id
    AND d.application_id = a.application_id AND d.attempt_id = a.attempt_id
    AND d.stage_id = a.stage_id AND d.stage_attempt_id = a.stage_attempt_id AND d.index = a.index
  WHERE d.platform IS NULL
  WINDOW task AS (PARTITION BY a.platform, a.cluster_id, a.application_id, a.attempt_id, a.stage_id, a.stage_attempt_id, a.index)
),
waits AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, num_tasks, succeeded_tasks, task_slots, task_cpus, median_ms,
    shuffle_read_median, input_median, stage_end_ms, last_end_ms, ended_bytes, stage_end_ms - last_end_ms AS open_ms,
    COUNT(DISTINCT index) AS open_tasks,
    MAX(CASE WHEN place = 1 AND is_own THEN until_ms - launch_ms END) AS longest_ms,
    MAX(CASE WHEN place = 1 THEN index END) AS longest_index,
    MAX(CASE WHEN place = 1 THEN shuffle_bytes END) AS longest_shuffle, MAX(CASE WHEN place = 1 THEN input_bytes END) AS longest_input,
    MAX(CASE WHEN place = 1 THEN shuffle_max END) AS shuffle_max, MAX(CASE WHEN place = 1 THEN input_max END) AS input_max,
    MAX(CASE WHEN place = 1 THEN failed_attempts END) AS failed_attempts,
    SUM(CASE WHEN until_ms > last_end_ms AND launch_ms >= last_end_ms THEN CAST(until_ms - launch_ms AS DOUBLE)
      WHEN until_ms > last_end_ms THEN CAST(until_ms - last_end_ms AS DOUBLE) ELSE 0e0 END) AS own_ms
  FROM open_attempts
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id, num_tasks, succeeded_tasks, task_slots, task_cpus, median_ms,
    shuffle_read_median, input_median, stage_end_ms, last_end_ms, ended_bytes
),
told AS (
  SELECT
    w.*,
    CASE
      WHEN shuffle_max >= $min_data_bytes AND shuffle_max >= $min_data_ratio * COALESCE(shuffle_read_median, 0) THEN 'shuffle'
      WHEN input_max >= $min_data_bytes AND input_max >= $min_data_ratio * COALESCE(input_median, 0) THEN 'input'
      WHEN is_left THEN 'shuffle'
      WHEN shuffle_max = 0 AND input_max = 0 THEN 'unknown'
    END AS cause,
    COALESCE(longest_shuffle >= $min_data_bytes AND longest_shuffle >= $min_data_ratio * COALESCE(shuffle_read_median, 0), FALSE) AS is_longest_shuffle,
    COALESCE(longest_input >= $min_data_bytes AND longest_input >= $min_data_ratio * COALESCE(input_median, 0), FALSE) AS is_longest_input
  FROM (
    SELECT
      v.*, p.written_bytes, p.written_bytes - v.ended_bytes AS left_bytes,
      COALESCE(v.shuffle_max = 0 AND v.input_max = 0 AND p.written_bytes - v.ended_bytes >= $min_data_bytes * v.open_tasks
        AND p.written_bytes - v.ended_bytes >= $min_data_ratio * COALESCE(v.shuffle_read_median, 0) * v.open_tasks
        AND v.ended_bytes > 0e0 AND v.succeeded_tasks + v.open_tasks = v.num_tasks, FALSE) AS is_left
    FROM waits AS v
    LEFT JOIN parents AS p
      ON p.platform = v.platform AND p.cluster_id = v.cluster_id
      AND p.application_id = v.application_id AND p.attempt_id = v.attempt_id
      AND p.stage_id = v.stage_id AND p.stage_attempt_id = v.stage_attempt_id
  ) AS w
  WHERE open_ms >= $min_open_ms AND longest_ms >= $min_longest_ms AND longest_ms >= $min_ratio * median_ms
    AND (open_tasks = 1 OR open_tasks <= $max_open_share * task_slots)
),
-- The slots that were there meanwhile, and what tasks of other stages took of them.
slots AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(GREATEST(COALESCE(e.max_tasks, 1), 1) * CAST(
      LEAST(w.stage_end_ms, COALESCE(UNIX_MILLIS(e.remove_time), w.stage_end_ms)) - GREATEST(w.last_end_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE
    )) AS slot_ms
  FROM told AS w
  INNER JOIN executors AS e
    ON e.platform = w.platform AND e.cluster_id = w.cluster_id
    AND e.application_id = w.application_id AND e.attempt_id = w.attempt_id
  WHERE e.total_cores > 0 AND UNIX_MILLIS(e.add_time) < w.stage_end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > w.last_end_ms, TRUE)
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
others AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(CAST(LEAST(w.stage_end_ms, UNIX_MILLIS(t.launch_time) + t.duration) - GREATEST(w.last_end_ms, UNIX_MILLIS(t.launch_time)) AS DOUBLE)) AS other_ms
  FROM told AS w
  INNER JOIN tasks AS t
    ON t.platform = w.platform AND t.cluster_id = w.cluster_id
    AND t.application_id = w.application_id AND t.attempt_id = w.attempt_id
  WHERE (t.stage_id <> w.stage_id OR t.stage_attempt_id <> w.stage_attempt_id)
    AND UNIX_MILLIS(t.launch_time) < w.stage_end_ms AND UNIX_MILLIS(t.launch_time) + t.duration > w.last_end_ms
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id, w.cause, w.open_tasks, w.longest_index, w.longest_ms, w.median_ms,
  w.open_ms, w.failed_attempts, w.input_max,
  CASE WHEN w.is_left THEN w.left_bytes / NULLIF(w.open_tasks, 0) ELSE w.shuffle_max END AS shuffle_max,
  CASE WHEN w.is_left THEN w.left_bytes END AS left_bytes, CASE WHEN w.is_left THEN w.written_bytes END AS written_bytes,
  CASE WHEN w.is_left THEN CAST(NULL AS BIGINT) WHEN w.is_longest_shuffle THEN w.longest_shuffle ELSE w.shuffle_max END AS shuffle_read,
  CASE WHEN w.is_longest_input THEN w.longest_input ELSE w.input_max END AS input_read,
  CASE WHEN w.cause = 'shuffle' THEN w.is_longest_shuffle WHEN w.cause = 'input' THEN w.is_longest_input ELSE FALSE END AS is_longest,
  GREATEST(LEAST(w.open_ms, w.longest_ms - w.median_ms), 0) AS won_ms,
  w.own_ms / NULLIF(w.open_ms, 0) AS busy_slots,
  w.task_cpus * GREATEST(LEAST(
    CAST(w.task_slots AS DOUBLE) * w.open_ms, COALESCE(s.slot_ms, CAST(w.task_slots AS DOUBLE) * w.open_ms) - COALESCE(o.other_ms, 0e0)
  ) - w.own_ms, 0e0) AS lost_core_ms
FROM told AS w
LEFT JOIN slots AS s
  ON s.platform = w.platform AND s.cluster_id = w.cluster_id
  AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id
  AND s.stage_id = w.stage_id AND s.stage_attempt_id = w.stage_attempt_id
LEFT JOIN others AS o
  ON o.platform = w.platform AND o.cluster_id = w.cluster_id
  AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id
  AND o.stage_id = w.stage_id AND o.stage_attempt_id = w.stage_attempt_id
WHERE w.cause IS NOT NULL AND (w.cause <> 'unknown' OR w.open_ms >= $min_unknown_ms)
