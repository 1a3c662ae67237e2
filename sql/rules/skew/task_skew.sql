-- id: task_skew
-- title: A few tasks run much longer than the rest of their stage
-- category: skew
-- severity: medium
-- version: 29
-- description: Fires where the longest successful task ran many times as long as the median one and
--   the stage waited for it after all ordinary tasks had ended. What could be won is the smallest of
--   that wait, longest less median task, and the stage's wall time less the same work spread evenly over the slots in use, with what tasks take beside their run time.
--   The lost core time is that gain times the cores that worked on the stage. Where the longest task itself
--   had much more data or rows it is data skew, of few bytes too where it had ten times the rows of the others. Data of another task that was not the longest made nobody wait. Else garbage
--   collection, waiting for shuffle data or a single executor can be the cause, as the long tasks themselves measured, or rows that cost more to compute, where the longest task took most of its
--   time and many times the median on the processor; what is left is a straggler: where another attempt at a long task was as slow on another executor, the task itself waits. First tasks of executors are none, where those of another executor took as long: that is the start of executors. Where it waited while other stages
--   kept the cores busy, nothing was lost; where another stage began before its end, ended later, and nothing that began in between outlasted that, the
--   application did not wait for this stage: it is told as a note, without a gain, as the other has the idle cores, and only where it is a large part of the application. Where tasks waited for shuffle
--   data as fetch_wait tells, it is that. Where the stage waited for slow
--   executors (view slow_waits), without more data, slow_executor tells it.
--   Of up to five tasks there is no good median: the longest is held against the mean of the others, and only data skew that
--   takes a large part of the application is told: that could be won, or of which a task with many times the rows of the others takes most.
--   Stages that read skewed data from the same place are told together, where their waits add up, or where a hot partition is most of each of them
--   and they are a good part of the application: then more cores would not make them shorter, though on the cores there were little waited.
-- subject: stage
-- group_by: place
-- parameter: min_ratio double = 3.0 [ratio] longest over median run time of a task, at least
-- parameter: many_rows bigint = 50000000 [count] rows that a stage reads from which a smaller ratio is data skew
-- parameter: many_rows_ratio double = 2.0 [ratio] the same ratio for such a stage
-- parameter: min_tasks bigint = 6 [count] successful tasks that the stage needs for a median to mean something
-- parameter: min_few_ratio double = 2.0 [ratio] longest run time over the mean of the others in a stage of fewer tasks, at least
-- parameter: min_hot_share double = 0.3 [ratio] run time of the longest task of such a stage over the wall time of the application, at least
-- parameter: min_hot_ratio double = 5.0 [ratio] with its shuffle data or rows over the mean of the others, at least
-- parameter: min_longest_ms bigint = 10000 [ms] run time of the longest task, at least
-- parameter: min_short_longest_ms bigint = 4000 [ms] the same where the wait is a large part of the application, at least
-- parameter: min_short_share double = 0.1 [ratio] that part of the wall time
-- parameter: min_recoverable_ms bigint = 5000 [ms] wall time to win, at least
-- parameter: min_small_ms bigint = 2000 [ms] the same where it is a large share of the application, at least
-- parameter: min_share double = 0.03 [ratio] that share of the wall time, at least
-- parameter: min_data_ratio double = 2.0 [ratio] bytes or rows of the longest task over the median from which it is data skew
-- parameter: min_data_bytes bigint = 16777216 [bytes] bytes of the longest task from which it is data skew
-- parameter: min_data_rows bigint = 1000000 [count] or its rows
-- parameter: hot_ratio double = 10.0 [ratio] rows of the longest task over the median and over the mean of the others from which it is data skew whatever the bytes
-- parameter: min_hot_rows bigint = 100 [count] which are, at least
-- parameter: min_split_rows bigint = 10000 [count] rows of the longest task from which the work is in its split, where most splits are empty
-- parameter: min_bound_share double = 0.6 [ratio] run time of such a task over the duration of the stage from which it decides that
-- parameter: min_bound_app_share double = 0.15 [ratio] run time of such tasks of stages of the same place over that of the application, at least
-- parameter: min_idle_share double = 0.1 [ratio] cores without a task over those that were held while the stage waited for its long tasks, at least
-- parameter: min_later_ms bigint = 1000 [ms] time by which another stage ends later, at least, for the application to wait for that one
-- parameter: min_note_share double = 0.2 [ratio] what such a stage alone would win over the wall time of the application for the note, at least
-- parameter: cause_share double = 0.5 [ratio] share of the long tasks' time from which garbage collection, fetch wait or the processor is the cause
-- parameter: min_cpu_ratio double = 3.0 [ratio] processor time of the longest task over the median from which its rows cost more to compute
-- parameter: small_side_bytes double = 104857600 [bytes] side of a join as its shuffle measured it, at most, for the advice to broadcast it
-- parameter: min_side_ratio double = 4.0 [ratio] with the other side over it, at least
-- parameter: min_read_bytes bigint = 16777216 [bytes] input of the median task from which the source can be what long tasks wait for
-- parameter: small_file_bytes double = 4194304.0 [bytes] files of a stage on average, at most, which tasks wait for rather than for large ones
-- parameter: max_wait_cpu_share double = 0.25 [ratio] processor time over run time, of the longest task and of the stage, at most, to have waited
-- parameter: min_split_files double = 8.0 [count] files over tasks, at least, then
-- parameter: split_bytes bigint = 134217728 [bytes] partition that adaptive execution can split into at least two
-- evidence: The longest of {succeeded_tasks:task|tasks} ran {run_time_max:s}, {time_ratio:1} times {typical} of
--   {run_time_typical:s}[, and read {longest_shuffle_bytes:bytes} of shuffle data, {shuffle_ratio:1} times {typical}][, and read
--   {shuffle_alone:bytes} of shuffle data where {typical_task} read next to nothing][, and read {longest_input_bytes:bytes} of
--   input, {input_ratio:1} times {typical}][, and read {input_alone:bytes} of input where {typical_task} read next to
--   nothing][; one task had {hot_rows:int} of {all_rows:row|rows}][; it took {cpu_long:s} on the processor, {cpu_ratio:1} times the median][; the task that read the most
--   ({other_bytes:bytes}) was another one][; garbage collection took {gc_share:pct} of the long tasks][; waiting for shuffle data took
--   {fetch_share:pct} of the long tasks][; all {slow_tasks:int} long tasks ran on executor {slow_executor}][; it ran on executor {longest_executor}][, and another attempt at a long task was killed on executor
--   {copy_executor} after {copy_ms:s}]; the stage of
--   {duration_ms:s} waited {tail_ms:s} for its long tasks alone[; spread evenly over the {task_slots:task slot|task slots} in use, such stages would take {won_ms:s} less; more slots would not
--   help, as such tasks take {bound_ms:s} of the {app_duration_ms:s} of the application][; stage {later_stage:int} ran beside it until
--   {later_ms:s} after its end, so that alone nothing would be won].
-- advice: cause = 'shuffle' AND has_join AND small_bytes > measured_threshold AND is_measured | spark.sql.adaptive.autoBroadcastJoinThreshold | threshold_needed | The small side of the join was {small_bytes:bytes} when
--   it ran: broadcast it (a hint, or this setting, which adaptive execution holds against measured sizes), and no task of the join reads all of a hot key of the large side of {large_bytes:bytes}.[ Adaptive execution did not
--   split the partition: it splits those above {unsplit_bytes:bytes} only (spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes).]
-- advice: cause = 'shuffle' AND has_join AND small_bytes > threshold_bytes AND threshold_bytes > 0 AND NOT is_measured | spark.sql.autoBroadcastJoinThreshold | threshold_needed | The small side of the join was {small_bytes:bytes} when it
--   ran: broadcast it (a hint, or this setting), and the large side of {large_bytes:bytes} needs no shuffle, so that its hot key makes no task long.[ Adaptive execution did not split the partition: it splits
--   those above {unsplit_bytes:bytes} only (spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes).]
-- advice: cause = 'shuffle' AND has_join AND small_bytes > 0 | - | - | The small side of the join was {small_bytes:bytes} when it ran: give it a broadcast hint, and the large side of {large_bytes:bytes} needs no
--   shuffle, so that its hot key makes no task long.[ Adaptive execution did not split the partition: it splits those above {unsplit_bytes:bytes} only
--   (spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes).]
-- advice: cause = 'shuffle' AND has_join AND fixed_side = 'full' | - | - | Adaptive execution splits no side of a full outer join, and none can be broadcast: filter the hot key out first if it is NULL or a default and add its rows with UNION ALL, aggregate by the key before the join
--   where only sums are needed, or salt the key.
-- advice: cause = 'shuffle' AND has_join AND fixed_side IS NOT NULL | - | - | Most data are on the {fixed_side} side of this outer, semi or anti join, which adaptive execution cannot split, and the other side cannot be broadcast: filter the hot key out first if it is NULL or a default,
--   aggregate that side by the key before the join (distinct for semi and anti joins), join the rows of the hot key in a query of their own and add them with UNION ALL, or salt the key.
-- advice: cause = 'shuffle' AND has_join AND spark_minor >= 300 AND NOT adaptive AND can_split AND
--   longest_shuffle_bytes > skew_threshold_bytes | spark.sql.adaptive.enabled | 'true' |
--   Turn adaptive execution on: it splits skewed join partitions by itself.
-- advice: cause = 'shuffle' AND has_join AND adaptive AND can_split AND NOT skew_join | spark.sql.adaptive.skewJoin.enabled |
--   'true' | Let adaptive execution split skewed join partitions.
-- advice: cause = 'shuffle' AND has_join AND adaptive AND can_split AND longest_shuffle_bytes <= skew_threshold_bytes AND skew_threshold_bytes > 67108864 |
--   spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes | '64MB' | The skewed partition of
--   {longest_shuffle_bytes:bytes} is below the size from which adaptive execution splits it: lower that size.
-- advice: cause = 'shuffle' AND has_join AND spark_minor >= 300 AND adaptive AND skew_join AND is_below_factor |
--   spark.sql.adaptive.skewJoin.skewedPartitionFactor | '2' | The skewed partition has {shuffle_ratio:1} times the median, and adaptive execution
--   splits from 5 times: lower that factor, with spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes below the size of the
--   partition, or spread the hot key.
-- advice: cause = 'shuffle' AND has_join | - | - | Spread the hot key: filter it out first if it is NULL or a default,
--   broadcast the smaller side, or salt the key. Adaptive execution splits large partitions only[, here those above {unsplit_bytes:bytes}
--   (spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes)], and not in every join.
-- advice: cause = 'shuffle' AND is_range | - | - | A sort by key cuts ranges by key, and a key with most of the rows stays in one of them: combine its values before the sort (reduceByKey,
--   aggregateByKey), or salt the key and sort by both. Where many keys share the large range, more and finer ranges help (numPartitions).
-- advice: cause = 'shuffle' AND has_partitioner | - | - | The partitioner that the code gives (partitionBy, repartitionAndSortWithinPartitions) fills one partition far more than the
--   others: let it cut that range of keys finer (smaller ranges, or bounds from a sample of the keys). No partitioner splits a single hot key: give it a second part.[ The stage zips
--   {zipped:int} RDDs by partition: all of them need the same new partitioner.]
-- advice: cause = 'shuffle' AND has_window | - | - | A window computes each value of its PARTITION BY in one task, and nothing splits it: add a column
--   to PARTITION BY, drop the rows of the hot value that later steps do not need before the window (a limit for each key, a
--   filter on NULL or a default), or replace it by an aggregate and a join.
-- advice: cause = 'shuffle' AND has_python | - | - | A group goes to one Python call in one task, and nothing splits it: group by one more column
--   and merge the parts, or compute with built-in functions, which aggregate before the shuffle.
-- advice: cause = 'shuffle' AND gathers | - | - | The values of one key are most of the data, and collect_list puts them into one row of one task, which nothing splits: aggregate
--   what is needed of them instead (count, sum, max_by, a limit for each key), collect by one more column, or take the hot key (NULL, a default) out.
-- advice: cause = 'shuffle' AND output_bytes > 0 AND NOT has_aggregate | - | - | Most rows go to one task before the write: repartition by more
--   columns than the hot key, or by a random number beside it, or write without that shuffle.
-- advice: cause = 'shuffle' AND is_rdd | - | - | Spread the hot key: combine its values before the shuffle (reduceByKey or aggregateByKey instead of groupByKey),
--   filter it out first if it is a default, or salt it.
-- advice: cause = 'shuffle' | - | - | Spread the hot key: filter it out first if it is NULL or a default, aggregate before
--   the shuffle, or salt it. Adaptive execution splits skewed partitions of joins only.
-- advice: cause = 'row_groups' | - | - | {files_read:file|files} were cut into {num_tasks:split|splits}, but a row group is read
--   by one task, so most splits were empty: write the files with smaller row groups (parquet.block.size), or repartition
--   right after reading.
-- advice: cause = 'input' AND is_filtered | - | - | Most tasks read no rows: the filter skips the row groups of their files, and a few files hold all matching rows. Repartition right
--   after the filter, before the expensive steps.
-- advice: cause = 'input' AND file_mean IS NOT NULL | - | - | The {files_read:file|files} of the stage hold {file_mean:bytes} on average, and the longest task worked on the processor for {longest_cpu:s} only: the rest it waited for the store, which opens file after file. Compact the files; until then a
--   larger spark.sql.files.openCostInBytes puts fewer of them into a task.
-- advice: cause = 'input' | - | - | Make the input files even and splittable (no single large gzip file), or repartition
--   right after reading.
-- advice: cause = 'gc' | - | - | The long tasks collected garbage while the others did not: look for rows that grow (collect_list,
--   large maps) or a cache that fills one executor, and give tasks more memory.
-- advice: cause = 'fetch' | - | - | The long tasks waited for shuffle data: look at the executor or shuffle service that serves
--   it (disk, network, garbage collection), and at how many blocks a task fetches.
-- advice: cause = 'computation' AND has_join | - | - | The longest task read no more than the others, but its rows cost more to compute: look for keys of the join with several rows on both sides, which
--   multiply (compare the rows that the join puts out with those that go in), and for long texts or arrays. Make the key unique on one side, or spread such keys (salt them). A second
--   copy of the task (speculation) would take as long.
-- advice: cause = 'computation' | - | - | The longest task read no more than the others, but its rows cost more to compute: look for what is large in few of them (long texts or
--   arrays, explode, a loop or a regular expression over them), make that cheaper, or repartition by a random number before that step. A second copy of the task (speculation) would
--   take as long.
-- advice: copy_ms IS NOT NULL | - | - | The long task had no more data than the others, and another attempt at such a task was as slow on another executor, so that its executor is not to blame: look at what
--   these tasks wait for (a service, a database, a lock) and at what their rows cost to compute. More copies would take as long.
-- advice: is_spread | - | - | The long tasks had no more data than the others and ran on {long_executors:executor|executors}, so that no single node is to blame: look at what they
--   call or write to (a database, a service, a slow data node) and at its timeouts and retries.
-- advice: is_read_everywhere | - | - | The long tasks had no more data than the others and ran on all {executors:int} executors of the stage, so that none of these is to blame: look at what they read (a slow DataNode, a disk
--   of the storage that fails) and at its timeouts and retries[; {timeout_text}]. Speculation hides it only.
-- advice: NOT is_local AND NOT speculation AND has_effects | - | - | The long task had no more data than the others: look at its executor{executor_text} (slow disk or node) and at what it writes to.
--   Speculation would do its writes twice.
-- advice: cause = 'straggler' AND has_python | - | - | The long task had no more data than the others. Its rows went through Python, whose time on the processor Spark does not
--   measure: look at what they cost there (long texts, a slow branch, a call to a service), then at its executor{executor_text} (slow disk or node). A second copy of the task
--   (speculation) would help with a slow executor only.
-- advice: NOT is_local AND NOT speculation | spark.speculation | 'true' | The long task had no more data than the others:
--   look at its executor{executor_text} (slow disk or node), and let Spark run a second copy of stragglers.
-- advice: NOT is_local | - | - | The long task had no more data than the others. Look at its executor{executor_text} (slow disk or node) and at what its rows cost to compute.
-- recommendation: The long task had no more data than the others. Look at what its rows cost to compute and at what it
--   waits for.
WITH aggregates AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id,
    MAX(CASE WHEN n.description LIKE '%collect_list(%' OR n.description LIKE '%collect_set(%' THEN 1 ELSE 0 END) = 1 AS gathers
  FROM operator_stages AS o
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  WHERE n.operator_kind = 'aggregate'
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id
),
-- Stages that waited for long tasks, and when.
tails AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_attempt_id, CAST(f.stage_slots AS DOUBLE) * f.tail_ms AS usual_ms,
    UNIX_MILLIS(f.completion_time) AS end_ms, UNIX_MILLIS(f.completion_time) - f.tail_ms AS tail_begin_ms
  FROM stage_facts AS f
  WHERE f.tail_ms >= $min_small_ms AND f.run_time_max >= $min_short_longest_ms AND f.completion_time IS NOT NULL
),
-- The slots that were there then.
tail_slots AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(GREATEST(COALESCE(e.max_tasks, 1), 1) * CAST(
      LEAST(w.end_ms, COALESCE(UNIX_MILLIS(e.remove_time), w.end_ms)) - GREATEST(w.tail_begin_ms, UNIX_MILLIS(e.add_time)) AS DOUBLE
    )) AS slot_ms
  FROM tails AS w
  INNER JOIN executors AS e
    ON e.platform = w.platform AND e.cluster_id = w.cluster_id
    AND e.application_id = w.application_id AND e.attempt_id = w.attempt_id
  WHERE e.total_cores > 0 AND UNIX_MILLIS(e.add_time) < w.end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > w.tail_begin_ms, TRUE)
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    UNIX_MILLIS(submission_time) AS begin_ms, UNIX_MILLIS(completion_time) AS end_ms
  FROM stages
  WHERE submission_time IS NOT NULL AND completion_time IS NOT NULL AND status <> 'SKIPPED'
),
-- Stages that ran then, the one that waited among them.
together AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id, w.tail_begin_ms, w.end_ms,
    o.stage_id AS other_id, o.stage_attempt_id AS other_attempt_id, o.begin_ms AS other_begin_ms, o.end_ms AS other_end_ms
  FROM tails AS w
  INNER JOIN times AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id
  WHERE o.begin_ms < w.end_ms AND o.end_ms > w.tail_begin_ms
),
busy AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    SUM(CAST(LEAST(w.end_ms, UNIX_MILLIS(t.launch_time) + t.duration) - GREATEST(w.tail_begin_ms, UNIX_MILLIS(t.launch_time)) AS DOUBLE)) AS busy_ms
  FROM together AS w
  INNER JOIN tasks AS t
    ON t.platform = w.platform AND t.cluster_id = w.cluster_id
    AND t.application_id = w.application_id AND t.attempt_id = w.attempt_id
    AND t.stage_id = w.other_id AND t.stage_attempt_id = w.other_attempt_id
  WHERE UNIX_MILLIS(t.launch_time) < w.end_ms AND UNIX_MILLIS(t.launch_time) + t.duration > w.tail_begin_ms
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
idle AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    GREATEST(GREATEST(COALESCE(s.slot_ms, w.usual_ms), b.busy_ms) - b.busy_ms, 0e0) AS idle_ms,
    GREATEST(COALESCE(s.slot_ms, w.usual_ms), b.busy_ms) AS held_ms
  FROM tails AS w
  INNER JOIN busy AS b
    ON b.platform = w.platform AND b.cluster_id = w.cluster_id
    AND b.application_id = w.application_id AND b.attempt_id = w.attempt_id
    AND b.stage_id = w.stage_id AND b.stage_attempt_id = w.stage_attempt_id
  LEFT JOIN tail_slots AS s
    ON s.platform = w.platform AND s.cluster_id = w.cluster_id
    AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id
    AND s.stage_id = w.stage_id AND s.stage_attempt_id = w.stage_attempt_id
),
-- Stages that ended later, and those that began between the two ends and outlasted both: then the application may have waited for the first.
outlasted AS (
  SELECT DISTINCT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id, w.other_id, w.other_attempt_id
  FROM together AS w
  INNER JOIN times AS v
    ON v.platform = w.platform AND v.cluster_id = w.cluster_id
    AND v.application_id = w.application_id AND v.attempt_id = w.attempt_id
  WHERE w.other_end_ms >= w.end_ms + $min_later_ms AND v.begin_ms >= w.end_ms AND v.begin_ms < w.other_end_ms AND v.end_ms > w.other_end_ms
),
later AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id,
    MAX(w.other_id) AS later_stage, MAX(w.other_end_ms - w.end_ms) AS later_ms
  FROM (
    SELECT
      w.*,
      ROW_NUMBER() OVER (
        PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
        ORDER BY w.other_end_ms DESC, w.other_id DESC
      ) AS place
    FROM together AS w
    LEFT JOIN outlasted AS x
      ON x.platform = w.platform AND x.cluster_id = w.cluster_id
      AND x.application_id = w.application_id AND x.attempt_id = w.attempt_id
      AND x.stage_id = w.stage_id AND x.stage_attempt_id = w.stage_attempt_id
      AND x.other_id = w.other_id AND x.other_attempt_id = w.other_attempt_id
    WHERE w.other_end_ms >= w.end_ms + $min_later_ms AND x.platform IS NULL
  ) AS w
  WHERE w.place = 1
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.stage_id, w.stage_attempt_id
),
-- The only join of a stage, where one of its sides can be broadcast and is small.
small_sides AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id,
    MAX(f.small_bytes) AS small_bytes, MAX(f.large_bytes) AS large_bytes, MAX(f.threshold_bytes) AS threshold_bytes,
    MAX(f.adaptive_threshold_bytes) AS adaptive_threshold_bytes
  FROM operator_stages AS o
  INNER JOIN join_facts AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.sql_id = o.sql_id AND f.node_id = o.node_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id
  HAVING COUNT(*) = 1 AND MAX(f.small_bytes) <= $small_side_bytes AND MAX(f.large_bytes) >= $min_side_ratio * MAX(f.small_bytes)
),
-- The only join of a stage, where its type lets adaptive execution split the smaller side alone, and lets nobody broadcast it.
fixed_sides AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id,
    MAX(CASE
      WHEN f.is_full THEN 'full'
      WHEN f.can_broadcast_right AND NOT f.can_broadcast_left AND f.right_bytes >= $min_side_ratio * f.left_bytes THEN 'right'
      WHEN f.can_broadcast_left AND NOT f.can_broadcast_right AND f.left_bytes >= $min_side_ratio * f.right_bytes THEN 'left'
    END) AS fixed_side
  FROM operator_stages AS o
  INNER JOIN join_facts AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.sql_id = o.sql_id AND f.node_id = o.node_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id
  HAVING COUNT(*) = 1
),
-- Stages that worked on slow executors, and how long they waited for them alone.
slowed AS (
  SELECT
    x.platform, x.cluster_id, x.application_id, x.attempt_id, x.stage_id, x.stage_attempt_id, MAX(w.wait_ms) AS slow_wait_ms
  FROM slow_executors AS x
  LEFT JOIN slow_waits AS w
    ON w.platform = x.platform AND w.cluster_id = x.cluster_id
    AND w.application_id = x.application_id AND w.attempt_id = x.attempt_id
    AND w.stage_id = x.stage_id AND w.stage_attempt_id = x.stage_attempt_id
  GROUP BY x.platform, x.cluster_id, x.application_id, x.attempt_id, x.stage_id, x.stage_attempt_id
),
compared AS (
  SELECT
    f.*, x.platform IS NOT NULL AND COALESCE(x.slow_wait_ms >= 0.5e0 * f.tail_ms, TRUE) AS is_slowed,
    succeeded_tasks < $min_tasks AS is_few,
    i.idle_ms, COALESCE(i.idle_ms < $min_idle_share * i.held_ms, FALSE) AS is_busy, l.later_stage, l.later_ms,
    CASE WHEN succeeded_tasks >= $min_tasks THEN CAST(run_time_median AS DOUBLE)
      ELSE CAST(run_time_total - run_time_max AS DOUBLE) / NULLIF(succeeded_tasks - 1, 0) END AS run_time_typical,
    CASE WHEN succeeded_tasks >= $min_tasks THEN CAST(shuffle_read_median AS DOUBLE)
      ELSE GREATEST(CAST(shuffle_read_bytes - shuffle_long AS DOUBLE), 0e0) / NULLIF(succeeded_tasks - 1, 0) END AS shuffle_typical,
    CASE WHEN succeeded_tasks >= $min_tasks THEN CAST(shuffle_rows_median AS DOUBLE)
      ELSE GREATEST(CAST(shuffle_read_records - shuffle_rows_long AS DOUBLE), 0e0) / NULLIF(succeeded_tasks - 1, 0) END AS shuffle_rows_typical,
    CASE WHEN succeeded_tasks >= $min_tasks THEN CAST(input_median AS DOUBLE)
      ELSE GREATEST(CAST(input_bytes - input_long AS DOUBLE), 0e0) / NULLIF(succeeded_tasks - 1, 0) END AS input_typical,
    CASE WHEN succeeded_tasks >= $min_tasks THEN CAST(input_rows_median AS DOUBLE)
      ELSE GREATEST(CAST(input_records - input_rows_long AS DOUBLE), 0e0) / NULLIF(succeeded_tasks - 1, 0) END AS input_rows_typical
  FROM (
    SELECT
      s.*,
      -- What the longest task itself read; a lake without tasks tells the most of any.
      COALESCE(s.longest_shuffle_bytes, s.shuffle_read_max) AS shuffle_long, COALESCE(s.longest_shuffle_rows, s.shuffle_rows_max) AS shuffle_rows_long,
      COALESCE(s.longest_input_bytes, s.input_max) AS input_long, COALESCE(s.longest_input_rows, s.input_rows_max) AS input_rows_long
    FROM stage_facts AS s
  ) AS f
  LEFT JOIN slowed AS x
    ON x.platform = f.platform AND x.cluster_id = f.cluster_id
    AND x.application_id = f.application_id AND x.attempt_id = f.attempt_id
    AND x.stage_id = f.stage_id AND x.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN idle AS i
    ON i.platform = f.platform AND i.cluster_id = f.cluster_id
    AND i.application_id = f.application_id AND i.attempt_id = f.attempt_id
    AND i.stage_id = f.stage_id AND i.stage_attempt_id = f.stage_attempt_id
  LEFT JOIN later AS l
    ON l.platform = f.platform AND l.cluster_id = f.cluster_id
    AND l.application_id = f.application_id AND l.attempt_id = f.attempt_id
    AND l.stage_id = f.stage_id AND l.stage_attempt_id = f.stage_attempt_id
  -- Of a stage that was canceled the longest tasks have not ended.
  WHERE succeeded_tasks >= 2 AND COALESCE(failure_reason, '') NOT LIKE 'Stage cancelled%' AND run_time_max >= $min_short_longest_ms AND duration_ms IS NOT NULL AND NOT is_listing
    -- What uncut_files tells.
    AND NOT (COALESCE(is_one_row_group, FALSE) AND duration_ms >= 10000)
),
measured AS (
  SELECT
    c.*,
    CAST(run_time_max AS DOUBLE) / GREATEST(run_time_typical, 1e0) AS time_ratio,
    CAST(shuffle_long AS DOUBLE) / GREATEST(shuffle_typical, 1e0) AS shuffle_factor,
    CAST(input_long AS DOUBLE) / GREATEST(input_typical, 1e0) AS input_factor,
    COALESCE(NOT is_few AND shuffle_rows_long >= $min_hot_rows AND shuffle_rows_long >= $hot_ratio * GREATEST(
      shuffle_rows_typical, CAST(shuffle_read_records - shuffle_rows_long AS DOUBLE) / NULLIF(succeeded_tasks - 1, 0), 1e0), FALSE) AS is_hot_shuffle,
    COALESCE(NOT is_few AND input_rows_long >= $min_hot_rows AND input_rows_long >= $hot_ratio * GREATEST(
      input_rows_typical, CAST(input_records - input_rows_long AS DOUBLE) / NULLIF(succeeded_tasks - 1, 0), 1e0), FALSE) AS is_hot_input,
    CASE WHEN is_busy THEN 0 ELSE TRY_CAST(LEAST(
      run_time_max - run_time_typical,
      -- A lake without tasks does not tell how long the stage waited.
      COALESCE(tail_ms, duration_ms),
      -- Wall time with the same work spread evenly: full waves of average tasks. A few tasks could also be more.
      duration_ms - GREATEST(
        CASE WHEN is_few THEN CAST(succeeded_tasks AS DOUBLE) / NULLIF(task_slots, 0)
          ELSE CEIL(CAST(succeeded_tasks AS DOUBLE) / NULLIF(task_slots, 0)) END * run_time_mean,
        -- To get a task and start it takes its slot too.
        COALESCE(CAST(duration_total AS DOUBLE) / NULLIF(task_slots, 0), 0e0)
      )
    ) AS BIGINT) END AS recoverable_ms
  FROM compared AS c
),
judged AS (
  SELECT
    m.*,
    CASE
      WHEN (shuffle_factor >= $min_data_ratio AND shuffle_long >= $min_data_bytes)
        OR (shuffle_rows_long >= $min_data_ratio * GREATEST(shuffle_rows_typical, 1e0)
          AND shuffle_rows_long >= $min_data_rows) OR is_hot_shuffle THEN 'shuffle'
      WHEN input_factor >= $min_data_ratio AND input_long >= $min_data_bytes
        AND input_factor >= 100 AND files_read * 2 <= num_tasks
        AND file_format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi') THEN 'row_groups'
      -- More than half of the splits had no row, however small the files are.
      WHEN NOT is_few AND input_rows_typical = 0e0 AND input_rows_long >= $min_split_rows AND files_read * 2 <= num_tasks
        AND file_format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi') THEN 'row_groups'
      WHEN (input_factor >= $min_data_ratio AND input_long >= $min_data_bytes)
        OR (input_rows_long >= $min_data_ratio * GREATEST(input_rows_typical, 1e0)
          AND input_rows_long >= $min_data_rows) OR is_hot_input THEN 'input'
      WHEN long_gc_ms >= $cause_share * long_run_time_ms THEN 'gc'
      WHEN long_fetch_wait_ms >= $cause_share * long_run_time_ms THEN 'fetch'
      WHEN long_executors = 1 AND executors >= 3 AND long_tasks >= 2
        AND long_tasks >= 0.8e0 * long_executor_tasks THEN 'executor'
      WHEN longest_cpu_ms >= $cause_share * run_time_max AND longest_cpu_ms >= $min_cpu_ratio * cpu_median_ms THEN 'computation'
      ELSE 'straggler'
    END AS cause,
    -- Footers alone tell these formats that a filter wants none of the rows.
    COALESCE(NOT is_few AND input_rows_typical = 0e0 AND file_format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi'), FALSE) AS is_filtered
  FROM measured AS m
  WHERE time_ratio >= LEAST($min_ratio, $many_rows_ratio)
),
-- What the shuffles that a stage of RDDs reads are for. In Python all of them are partitionBy to the JVM, and a scope is not known before Spark 1.4.
shuffles AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id,
    SUM(CASE WHEN r.rdd_name LIKE 'Python%' THEN 1 ELSE 0 END) AS num_python,
    SUM(CASE WHEN r.rdd_name = 'ShuffledRDD' THEN 1 ELSE 0 END) AS num_shuffled,
    SUM(CASE WHEN r.rdd_name = 'ShuffledRDD' AND r.scope LIKE 'sortBy%' THEN 1 ELSE 0 END) AS num_sorted,
    SUM(CASE WHEN r.rdd_name = 'ShuffledRDD' AND (r.scope LIKE 'repartitionAndSort%' OR r.scope LIKE 'partitionBy%') THEN 1 ELSE 0 END) AS num_partitioned,
    SUM(CASE WHEN r.rdd_name = 'ShuffledRDD' AND r.scope IS NULL THEN 1 ELSE 0 END) AS num_unknown,
    MAX(CASE WHEN r.scope LIKE 'zipPartitions%' THEN CARDINALITY(r.parent_ids) END) AS zipped
  FROM judged AS d
  INNER JOIN stages AS s
    ON s.platform = d.platform AND s.cluster_id = d.cluster_id
    AND s.application_id = d.application_id AND s.attempt_id = d.attempt_id
    AND s.stage_id = d.stage_id AND s.stage_attempt_id = d.stage_attempt_id
  INNER JOIN rdds AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE d.cause = 'shuffle' AND s.sql_id IS NULL AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id
),
-- Which stages wrote the shuffle that a stage of RDDs reads. In Python they are named after what shuffled, in the JVM after the step before it.
sources AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id,
    MIN(w.stage_name) AS source_name, MAX(w.stage_name) AS last_source_name,
    MAX(CASE WHEN w.stage_name LIKE 'sortBy%' THEN 1 ELSE 0 END) = 1 AS is_range,
    MIN(CASE WHEN w.stage_name LIKE 'repartitionAndSort%' OR w.stage_name LIKE 'partitionBy%' THEN 1 ELSE 0 END) = 1 AS is_partitioned
  FROM judged AS d
  INNER JOIN stages AS s
    ON s.platform = d.platform AND s.cluster_id = d.cluster_id
    AND s.application_id = d.application_id AND s.attempt_id = d.attempt_id
    AND s.stage_id = d.stage_id AND s.stage_attempt_id = d.stage_attempt_id
  INNER JOIN stages AS w
    ON w.platform = s.platform AND w.cluster_id = s.cluster_id
    AND w.application_id = s.application_id AND w.attempt_id = s.attempt_id
  WHERE d.cause = 'shuffle' AND s.sql_id IS NULL AND s.shuffle_read_records > 0 AND ARRAY_CONTAINS(s.parent_ids, w.stage_id)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_attempt_id
),
placed AS (
  SELECT
    j.*,
    cause IN ('shuffle', 'input') AND NOT is_few AND time_ratio >= $min_ratio AS is_data,
    r.platform IS NOT NULL AS is_rdd,
    COALESCE(CASE WHEN u.num_python = 0 AND u.num_shuffled > 0 AND u.num_unknown = 0 THEN r.platform IS NOT NULL AND u.num_sorted = u.num_shuffled
      ELSE r.is_range END, FALSE) AS is_range,
    COALESCE(CASE WHEN u.num_python = 0 AND u.num_shuffled > 0 AND u.num_unknown = 0 THEN r.platform IS NOT NULL AND u.num_partitioned = u.num_shuffled
      ELSE r.is_partitioned END, FALSE) AS has_partitioner,
    u.zipped,
    -- Stages that read one shuffle, whatever they are for.
    CASE WHEN cause = 'shuffle' AND r.source_name = r.last_source_name THEN CONCAT('shuffle of ', r.source_name) ELSE stage_name END AS place
  FROM judged AS j
  LEFT JOIN sources AS r
    ON r.platform = j.platform AND r.cluster_id = j.cluster_id
    AND r.application_id = j.application_id AND r.attempt_id = j.attempt_id
    AND r.stage_id = j.stage_id AND r.stage_attempt_id = j.stage_attempt_id
  LEFT JOIN shuffles AS u
    ON u.platform = j.platform AND u.cluster_id = j.cluster_id
    AND u.application_id = j.application_id AND u.attempt_id = j.attempt_id
    AND u.stage_id = j.stage_id AND u.stage_attempt_id = j.stage_attempt_id
),
summed AS (
  SELECT
    p.*,
    (run_time_max >= $min_longest_ms OR recoverable_ms >= $min_short_share * app_duration_ms)
      AND (recoverable_ms >= $min_recoverable_ms
        OR (recoverable_ms >= $min_small_ms AND recoverable_ms >= $min_share * app_duration_ms)) AS is_alone,
    SUM(CASE WHEN is_data AND later_stage IS NULL THEN GREATEST(recoverable_ms, 0) ELSE 0 END) OVER place AS place_ms,
    SUM(CASE WHEN is_data AND (is_hot_shuffle OR is_hot_input) AND run_time_max >= $min_bound_share * duration_ms THEN GREATEST(recoverable_ms, 0) ELSE 0 END) OVER place
      AS won_ms,
    is_data AND (is_hot_shuffle OR is_hot_input) AND run_time_max >= $min_bound_share * duration_ms AS is_bound,
    SUM(CASE WHEN is_data AND (is_hot_shuffle OR is_hot_input) AND run_time_max >= $min_bound_share * duration_ms THEN run_time_max ELSE 0 END) OVER place
      AS bound_ms
  FROM placed AS p
  WINDOW place AS (PARTITION BY platform, cluster_id, application_id, attempt_id, place)
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id, j.subject_id,
  CASE CASE WHEN is_few THEN CONCAT('few ', cause) ELSE cause END
    WHEN 'few shuffle' THEN 'Skewed shuffle data: one task runs much longer than the others'
    WHEN 'few input' THEN 'Skewed input: one task runs much longer than the others'
    WHEN 'shuffle' THEN 'Skewed shuffle data: a few tasks run much longer than the rest'
    WHEN 'input' THEN 'Skewed input: a few tasks run much longer than the rest'
    WHEN 'row_groups' THEN 'Skewed input: most splits of the files are empty'
    WHEN 'gc' THEN 'Stragglers: a few tasks spend their time collecting garbage'
    WHEN 'fetch' THEN 'Stragglers: a few tasks wait for shuffle data'
    WHEN 'executor' THEN 'Stragglers: the tasks of one executor run much longer than the rest'
    WHEN 'computation' THEN 'Uneven computation: a few tasks compute much longer than the rest on as much data'
    ELSE 'Stragglers: a few tasks run much longer than the rest on as much data'
  END AS title,
  CASE WHEN tail_ms IS NULL THEN 'low' WHEN cause IN ('straggler', 'computation') THEN 'medium' ELSE 'high' END AS confidence,
  CASE WHEN later_stage IS NOT NULL THEN 0 ELSE GREATEST(recoverable_ms, 0) END AS recoverable_ms,
  CASE WHEN later_stage IS NOT NULL THEN 0
    ELSE TRY_CAST(LEAST(GREATEST(recoverable_ms, 0) * CAST(task_slots AS DOUBLE), COALESCE(idle_ms, GREATEST(recoverable_ms, 0) * CAST(task_slots AS DOUBLE)))
      AS BIGINT) END AS lost_core_ms,
  -- What hardly waited on these cores is not dropped for that.
  CASE WHEN later_stage IS NOT NULL OR (is_bound AND bound_ms >= $min_bound_app_share * app_duration_ms AND NOT is_alone AND NOT is_summed)
    THEN 'low' END AS severity, later_stage, later_ms, place, is_range, is_rdd, has_partitioner, zipped,
  CASE WHEN is_bound AND bound_ms >= $min_bound_app_share * app_duration_ms THEN bound_ms END AS bound_ms, won_ms, app_duration_ms,
  CASE WHEN cause = 'shuffle' AND is_hot_shuffle THEN shuffle_rows_long WHEN cause = 'input' AND is_hot_input THEN input_rows_long END AS hot_rows,
  CASE WHEN cause = 'shuffle' AND is_hot_shuffle THEN shuffle_read_records WHEN cause = 'input' AND is_hot_input THEN input_records END AS all_rows,
  stage_name, sql_id, cause, succeeded_tasks, num_tasks, run_time_max, run_time_median, time_ratio, duration_ms, tail_ms,
  is_filtered, long_tasks, task_slots, shuffle_long AS longest_shuffle_bytes, shuffle_read_median, input_long AS longest_input_bytes, input_median,
  TRY_CAST(ROUND(run_time_typical) AS BIGINT) AS run_time_typical,
  CASE WHEN is_few THEN 'the mean of the others' ELSE 'the median' END AS typical,
  CASE WHEN is_few THEN 'the others' ELSE 'the median task' END AS typical_task,
  -- A ratio to next to nothing says nothing.
  CASE WHEN cause = 'shuffle' AND shuffle_typical >= 65536e0 THEN shuffle_factor END AS shuffle_ratio,
  CASE WHEN cause = 'shuffle' AND shuffle_typical < 65536e0 THEN shuffle_long END AS shuffle_alone,
  CASE WHEN cause IN ('input', 'row_groups') AND input_typical >= 65536e0 THEN input_factor END AS input_ratio,
  CASE WHEN cause IN ('input', 'row_groups') AND input_typical < 65536e0 THEN input_long END AS input_alone,
  CASE WHEN cause = 'gc' THEN CAST(long_gc_ms AS DOUBLE) / NULLIF(long_run_time_ms, 0) END AS gc_share,
  CASE WHEN cause = 'fetch' THEN CAST(long_fetch_wait_ms AS DOUBLE) / NULLIF(long_run_time_ms, 0) END AS fetch_share,
  CASE WHEN cause = 'executor' THEN long_tasks END AS slow_tasks,
  CASE WHEN cause = 'computation' THEN longest_cpu_ms END AS cpu_long, CASE WHEN cause = 'computation' THEN longest_cpu_ms / NULLIF(cpu_median_ms, 0e0) END AS cpu_ratio,
  -- What looks like skew of data, but made nobody wait.
  CASE WHEN cause NOT IN ('shuffle', 'input', 'row_groups') AND NOT is_few THEN CASE
    WHEN shuffle_read_max >= $min_data_bytes AND shuffle_read_max >= $min_data_ratio * GREATEST(shuffle_typical, CAST(shuffle_long AS DOUBLE)) THEN shuffle_read_max
    WHEN input_max >= $min_data_bytes AND input_max >= $min_data_ratio * GREATEST(input_typical, CAST(input_long AS DOUBLE)) THEN input_max
  END END AS other_bytes,
  CASE WHEN cause = 'executor' THEN long_executor_id END AS slow_executor,
  CASE WHEN cause = 'straggler' AND NOT (COALESCE(long_tasks >= 3 AND long_executors >= 3 AND long_executors >= 0.4e0 * long_tasks, FALSE)) THEN w.executor_id END AS longest_executor,
  CASE WHEN cause = 'straggler' AND w.executor_id IS NOT NULL THEN CONCAT(' ', w.executor_id) ELSE '' END AS executor_text,
  CASE WHEN cause = 'straggler' THEN w.copy_executor END AS copy_executor, CASE WHEN cause = 'straggler' THEN w.copy_ms END AS copy_ms,
  -- Adaptive execution takes a partition for skewed from five times the median size, and splits
  -- it into parts of the advisory size. It looks before it merges the small ones.
  GREATEST(shuffle_factor, CASE
    WHEN adaptive AND num_tasks < shuffle_partitions THEN shuffle_long * (shuffle_partitions - 1e0)
      / GREATEST(CAST(shuffle_read_bytes - shuffle_long AS DOUBLE), 1e0)
    ELSE 0e0
  END) > 5 AND shuffle_long > $split_bytes AND shuffle_long > 2 * advisory_bytes - 1 AS can_split,
  -- Merged partitions hide the ratio that it saw, so only where none were merged.
  shuffle_factor > 2.5e0 AND shuffle_factor <= 5e0 AND num_tasks >= shuffle_partitions
    AND shuffle_long > $split_bytes AND shuffle_long > 2 * advisory_bytes - 1 AS is_below_factor,
  output_bytes, files_read, spark_minor, has_join,
  CASE WHEN cause = 'input' AND file_bytes <= $small_file_bytes * files_read AND files_read >= $min_split_files * num_tasks AND longest_cpu_ms <= $max_wait_cpu_share * run_time_max
    AND cpu_ms <= $max_wait_cpu_share * executor_run_time THEN file_bytes / NULLIF(CAST(files_read AS DOUBLE), 0e0) END AS file_mean,
  CASE WHEN cause = 'input' THEN longest_cpu_ms END AS longest_cpu,
  COALESCE(has_window, FALSE) AS has_window, COALESCE(has_python, FALSE) AS has_python,
  g.platform IS NOT NULL AS has_aggregate, COALESCE(g.gathers, FALSE) AS gathers,
  COALESCE(long_tasks >= 3 AND long_executors >= 3 AND long_executors >= 0.4e0 * long_tasks, FALSE) AS is_spread, long_executors, executors,
  COALESCE(cause = 'straggler' AND long_tasks >= 2 AND executors >= 2 AND long_executors = executors AND input_median >= $min_read_bytes, FALSE) AS is_read_everywhere,
  -- Within two seconds of the default after which a client of HDFS gives up a DataNode.
  CASE WHEN ABS(run_time_max - run_time_typical - 60000e0) <= 2000e0 THEN 'a read of HDFS that times out after 60 s (dfs.client.socket-timeout) and goes on at another DataNode takes that long' END AS timeout_text, stage_name LIKE 'foreach%' AS has_effects,
  adaptive, skew_join, skew_threshold_bytes, speculation, is_local,
  b.small_bytes, b.large_bytes, b.threshold_bytes, x.fixed_side,
  COALESCE(adaptive AND spark_minor >= 302 AND NOT COALESCE(is_databricks, FALSE), FALSE) AS is_measured,
  COALESCE(b.adaptive_threshold_bytes, b.threshold_bytes) AS measured_threshold,
  -- Twice the size that was measured, as missed_broadcast says.
  CONCAT(CAST(TRY_CAST(GREATEST(CEIL(2 * b.small_bytes / 1048576e0), 10e0) AS BIGINT) AS STRING), 'MB') AS threshold_needed,
  CASE WHEN adaptive AND skew_join AND shuffle_long <= skew_threshold_bytes THEN skew_threshold_bytes END AS unsplit_bytes
FROM (
  SELECT
    s.*,
    is_data AND (place_ms >= $min_recoverable_ms OR (place_ms >= $min_small_ms AND place_ms >= $min_share * app_duration_ms)) AS is_summed
  FROM summed AS s
) AS j
LEFT JOIN aggregates AS g
  ON g.platform = j.platform AND g.cluster_id = j.cluster_id
  AND g.application_id = j.application_id AND g.attempt_id = j.attempt_id AND g.stage_id = j.stage_id
LEFT JOIN small_sides AS b
  ON b.platform = j.platform AND b.cluster_id = j.cluster_id
  AND b.application_id = j.application_id AND b.attempt_id = j.attempt_id AND b.stage_id = j.stage_id
LEFT JOIN stragglers AS w
  ON w.platform = j.platform AND w.cluster_id = j.cluster_id
  AND w.application_id = j.application_id AND w.attempt_id = j.attempt_id
  AND w.stage_id = j.stage_id AND w.stage_attempt_id = j.stage_attempt_id AND j.cause IN ('straggler', 'executor', 'computation')
LEFT JOIN fixed_sides AS x
  ON x.platform = j.platform AND x.cluster_id = j.cluster_id
  AND x.application_id = j.application_id AND x.attempt_id = j.attempt_id AND x.stage_id = j.stage_id
-- Tasks that did not find their partition in a cache run longer than those that did: cache_misses tells them.
LEFT JOIN (
  SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.stage_id
  FROM cache_passes AS p
  INNER JOIN cache_reads AS r
    ON r.platform = p.platform AND r.cluster_id = p.cluster_id
    AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id AND r.rdd_id = p.rdd_id
  WHERE p.missed > 0 AND r.is_missed
) AS k
  ON k.platform = j.platform AND k.cluster_id = j.cluster_id
  AND k.application_id = j.application_id AND k.attempt_id = j.attempt_id AND k.stage_id = j.stage_id
WHERE NOT (is_slowed AND cause NOT IN ('shuffle', 'input', 'row_groups')) AND NOT COALESCE(w.is_start_up, FALSE)
  AND NOT (k.platform IS NOT NULL AND cause NOT IN ('shuffle', 'gc', 'fetch'))
  -- What fetch_wait tells.
  AND NOT (cause = 'fetch' AND COALESCE(fetch_wait_ms >= 60000e0 AND fetch_wait_ms >= 0.15e0 * executor_run_time, FALSE))
  -- A note has to be worth it.
  AND (later_stage IS NULL OR recoverable_ms >= $min_note_share * app_duration_ms) AND CASE
  WHEN is_few THEN is_alone AND cause IN ('shuffle', 'input') AND time_ratio >= $min_few_ratio AND (
    recoverable_ms >= $min_short_share * app_duration_ms
    OR (cause = 'shuffle' AND run_time_max >= $min_hot_share * app_duration_ms
      AND GREATEST(shuffle_factor, shuffle_rows_long / GREATEST(shuffle_rows_typical, 1e0)) >= $min_hot_ratio))
  ELSE (is_alone AND time_ratio >= $min_ratio)
    OR (is_alone AND cause IN ('shuffle', 'input') AND time_ratio >= $many_rows_ratio
      AND GREATEST(COALESCE(shuffle_read_records, 0), COALESCE(input_records, 0)) >= $many_rows)
    OR (is_summed AND recoverable_ms > 0)
    OR (is_bound AND bound_ms >= $min_bound_app_share * app_duration_ms)
END
