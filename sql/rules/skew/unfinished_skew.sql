-- id: unfinished_skew
-- title: A stage waited for a few long tasks until it failed or was canceled
-- category: skew
-- severity: medium
-- version: 4
-- description: Fires where a stage that failed or was canceled had waited for a few tasks after all others had succeeded, one of which ran far longer than those, in an
--   attempt that failed, was stopped, or did not end (view unfinished_tails). task_skew compares tasks that succeeded and does not see these. Where such an attempt had read far more than the median
--   task, or where what the stages before wrote less what the tasks that ended read leaves that much for the others, it is data skew; where the history has no numbers of it, as of a task that was still running, that is likely, and told with low severity. Lost are the
--   cores that had no task meanwhile; what the tasks themselves took for nothing is told with the job that failed or was canceled.
-- subject: stage
-- group_by: stage_name
-- parameter: split_bytes bigint = 134217728 [bytes] partition that adaptive execution can split into at least two
-- evidence: {open_tasks:int} of {num_tasks:task|tasks} did not end: an attempt of partition {longest_index:int} ran {longest_ms:s}, {time_ratio:1} times the median of
--   {median_ms:s}[, and {reader} {shuffle_read:bytes} of shuffle data, {shuffle_ratio:1} times the median][, and {reader} {input_read:bytes} of input, {input_ratio:1} times the
--   median][; of the {written_bytes:bytes} of shuffle data that the stages before it wrote, the tasks that succeeded read {ended_bytes:bytes}, which leaves {left_bytes:bytes} for what did not end][; {failed_attempts:attempt|attempts} of it failed]; after the others had succeeded, the stage of {duration_ms:s} ran {open_ms:s} more with {busy_slots:1} of
--   {task_slots:task slot|task slots} at work.
-- advice: cause = 'shuffle' AND has_join AND spark_minor >= 300 AND NOT adaptive AND can_split | spark.sql.adaptive.enabled | 'true' |
--   Turn adaptive execution on: it splits skewed partitions of joins by itself, of a left join those of its left side. Else spread the hot key: filter it out first if it is NULL or a
--   default, or salt it. More partitions do not split a key.
-- advice: cause = 'shuffle' AND has_join AND spark_minor >= 300 AND adaptive AND NOT skew_join AND can_split | spark.sql.adaptive.skewJoin.enabled | 'true' | Let adaptive execution split
--   skewed join partitions, or spread the hot key.
-- advice: cause = 'shuffle' AND has_join | - | - | Spread the hot key: filter it out first if it is NULL or a default, broadcast the smaller side, or salt the key. More partitions do not
--   split a key, and adaptive execution splits large partitions only, and not in every join.
-- advice: cause = 'shuffle' AND has_window | - | - | A window computes each value of its PARTITION BY in one task, and nothing splits it: add a column
--   to PARTITION BY, or drop the rows of the hot value that later steps do not need before the window.
-- advice: cause = 'shuffle' AND sql_id IS NULL | - | - | Spread the hot key: filter it out first if it is NULL or a default, aggregate before the shuffle (reduceByKey or aggregateByKey in place of groupByKey), or salt it. More
--   partitions do not split a key.
-- advice: cause = 'shuffle' | - | - | Spread the hot key: filter it out first if it is NULL or a default, aggregate before the shuffle, or salt it. More partitions do not split a key.
-- advice: cause = 'input' | - | - | Make the input files even and splittable (no single large gzip file), or repartition right after reading.
-- recommendation: What the task had to do is not known, as it did not end: look at what its partition holds (rows for each key, sizes of files), and while it runs, at its thread dump
--   and executor.
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id,
  CASE WHEN u.cause = 'unknown' THEN 'low' END AS severity, CASE WHEN u.cause = 'unknown' THEN 'low' WHEN u.left_bytes IS NOT NULL THEN 'medium' ELSE 'high' END AS confidence,
  TRY_CAST(u.lost_core_ms AS BIGINT) AS lost_core_ms,
  u.won_ms AS recoverable_ms,
  f.stage_name, f.sql_id, u.cause, u.open_tasks, f.num_tasks, u.longest_index, u.longest_ms, u.median_ms,
  CAST(u.longest_ms AS DOUBLE) / NULLIF(u.median_ms, 0) AS time_ratio,
  CASE WHEN u.is_longest THEN 'read' ELSE 'another one read' END AS reader,
  CASE WHEN u.cause = 'shuffle' THEN u.shuffle_read END AS shuffle_read,
  CASE WHEN u.cause = 'shuffle' THEN CAST(u.shuffle_read AS DOUBLE) / NULLIF(f.shuffle_read_median, 0) END AS shuffle_ratio,
  TRY_CAST(u.written_bytes AS BIGINT) AS written_bytes, TRY_CAST(u.written_bytes - u.left_bytes AS BIGINT) AS ended_bytes, TRY_CAST(u.left_bytes AS BIGINT) AS left_bytes,
  CASE WHEN u.cause = 'input' THEN u.input_read END AS input_read,
  CASE WHEN u.cause = 'input' THEN CAST(u.input_read AS DOUBLE) / NULLIF(f.input_median, 0) END AS input_ratio,
  NULLIF(u.failed_attempts, 0) AS failed_attempts, f.duration_ms, u.open_ms, u.busy_slots, f.task_slots,
  COALESCE(f.has_join, FALSE) AS has_join, COALESCE(f.has_window, FALSE) AS has_window, f.spark_minor, f.adaptive, f.skew_join,
  -- What it splits is five times the median and above a size.
  COALESCE(u.shuffle_max > f.skew_threshold_bytes AND u.shuffle_max > $split_bytes AND u.shuffle_max > 5e0 * f.shuffle_read_median, FALSE) AS can_split
FROM unfinished_tails AS u
INNER JOIN stage_facts AS f
  ON f.platform = u.platform AND f.cluster_id = u.cluster_id
  AND f.application_id = u.application_id AND f.attempt_id = u.attempt_id
  AND f.stage_id = u.stage_id AND f.stage_attempt_id = u.stage_attempt_id
