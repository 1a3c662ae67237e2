-- id: single_task
-- title: A stage runs in a single task
-- category: partitioning
-- severity: medium
-- version: 23
-- description: Fires for a long stage of one task while the application held more cores, and says why it is
--   one: a window without PARTITION BY, a limit, a source with one partition, coalesce(1), a file that cannot be
--   split, a cached RDD with one partition, or the code; and for short ones from one place in the code, as in a loop, that are long together. Stages that read the same file or table in one task are one finding, as are those of one task for the same setting. The cores are those held
--   during the stage, for short ones those held on average. Lost are the other cores for its wall time, never more than what stood idle
--   in the whole application while its jobs ran, nor, of all stages with few tasks that ran side by side, than what did from the first to the last (view shared_idle). What could be won is
--   what even tasks on those cores would save. What fetching rows through JDBC took is known since Spark 4.0. Of the settings that keep adaptive execution from merging everything, that is advised which gives most tasks (view merged_shuffles).
--   Where no cores were logged (before Spark 1.3), an application most of whose time went by in stages of one task, while half of its executors or more never ran one, is one finding, with an executor as a slot. Where the first part of a log is missing, so that no executor is known, long stages of one task of one name are one finding if they are much of the time in which stages ran,
--   and more tasks ran at once at other times.
--   Where one task after coalesce(1) writes much more than it reads, the write is what it costs, which a shuffle before it leaves in one task: only several files are advised. A stage whose place in the code
--   says nothing (spark-sql, Python) is named by its query: the statement, or where it writes to.
--   Stages of a loop, twenty or more of one name, are one finding. Of an interactive application the time without a job, when it waited for people, is no wall time here.
-- subject: stage
-- group_by: place
-- parameter: min_stage_ms bigint = 10000 [ms] wall time of the stage, at least
-- parameter: min_jdbc_stage_ms bigint = 5000 [ms] wall time of a stage that reads through JDBC, at least
-- parameter: min_same_jdbc_ms bigint = 10000 [ms] or wall time of all stages that read the same table through JDBC, at least
-- parameter: min_other_jdbc_stage_ms bigint = 1000 [ms] wall time of other stages that read the same table through JDBC, at least
-- parameter: min_loop_stage_ms bigint = 200 [ms] wall time of a stage of a loop, at least
-- parameter: min_loop_stages bigint = 20 [count] stages of a loop, at least
-- parameter: min_loop_won_ms bigint = 30000 [ms] wall time to win in all stages of a loop, at least
-- parameter: min_small_loop_won_ms bigint = 10000 [ms] or this much where it is a large share of the application's
-- parameter: min_loop_share double = 0.2 [ratio] that share, at least
-- parameter: one_of_loop_share double = 0.2 [ratio] part of what is to win in a loop up to which a long stage of it is no case of its own
-- parameter: min_iterator_won_ms bigint = 5000 [ms] wall time to win in all stages of one toLocalIterator, at least
-- parameter: min_alike_stage_ms bigint = 2000 [ms] wall time of a stage that ran at least three times, at least
-- parameter: min_alike_share double = 0.1 [ratio] share of the application's wall time to win in all of these, at least
-- parameter: min_file_share double = 0.2 [ratio] share of the application's wall time to win in all stages that read a file in one task, at least
-- parameter: min_same_file_share double = 0.1 [ratio] or in those of them that read the same file
-- parameter: min_same_file_ms bigint = 10000 [ms] and time of these, at least
-- parameter: large_file_bytes bigint = 33554432 [bytes] data of such a stage, at least
-- parameter: min_alike_won_ms bigint = 20000 [ms] wall time to win in all of these, at least
-- parameter: min_window_won_ms bigint = 1000 [ms] wall time to win of a window over as many rows, at least: it grows with them
-- parameter: min_recoverable_ms bigint = 5000 [ms] wall time to win, at least
-- parameter: min_share double = 0.05 [ratio] share of the application's wall time that could be won, at least
-- parameter: min_lost_ms bigint = 600000 [core_ms] or the lost core time, at least
-- parameter: min_bytes bigint = 1048576 [bytes] data that the task moved, at least, unless it is a window
-- parameter: min_rows bigint = 1000000 [rows] or rows that it read, at least
-- parameter: small_fetch_share double = 0.5 [ratio] what fetching rows through JDBC took over the time of the stages up to which other steps take most of it
-- parameter: much_written double = 2.0 [ratio] bytes that a task wrote over those that it read, from which writing is most of its work
-- parameter: max_statement_chars bigint = 160 [count] characters of a statement that the evidence shows
-- parameter: min_bare_workers bigint = 4 [count] executors of an application without known cores, at least
-- parameter: min_bare_ms bigint = 20000 [ms] time of its stages of one task, at least
-- parameter: min_tasks_at_once bigint = 4 [count] tasks that ran at once in an application without known executors, at least
-- parameter: min_headless_share double = 0.2 [ratio] time of its stages of one task and one name over that in which stages ran, at least
-- parameter: target_bytes double = 134217728 [bytes] what a task should move, for what more of them would win there
-- parameter: min_bare_share double = 0.5 [ratio] the same over its wall time, at least
-- evidence: [One task ran for {running_ms:s} while {held_cores:1} cores were held][{bare_stages:stage|stages} ran in one task each, for {bare_ms:s} of the {bare_wall_ms:s} of the application, while {unused_workers:int} of its {num_workers:executor|executors} never ran a task][{headless_stages:stage|stages} of {stage_name} ran in one task each, for {headless_ms:s} of the {busy_ms:s} in which stages ran; at other times up to {most_tasks:int} tasks ran at
--   once][; they wrote {all_written:bytes}][; it read {read_bytes:bytes}][ from
--   {files_read:file|files}][, {rows:row|rows}][; it read {only_rows:row|rows}][, which took {fetch_ms:s} to fetch][; it wrote {written_bytes:bytes}][; it wrote {shuffled_bytes:bytes} of shuffle data][; the stage is of query {query_words}].
-- advice: cause = 'graph' | - | - | GraphLoader.edgeListFile made one partition of the edges, which all steps after it keep: pass numEdgePartitions (minEdgePartitions in Spark 1.0), one or two for each core. spark.default.parallelism does not reach it.
-- advice: cause = 'bare' | - | - | What is read first has one partition, and the steps after it keep it: give the read more (minPartitions, numSlices), or repartition right after it, one or two for each core. With one partition fewer executors do the same.
-- advice: is_numbering | - | - | A row number over all rows runs in a single task. For a key take a hash of the natural key, monotonically_increasing_id() or
--   zipWithIndex; for the number itself, number the rows of each range and add what the ranges before it have.
-- advice: cause = 'window' | - | - | A window without PARTITION BY, or over one value, runs in a single task: give it a
--   partition key, or compute it from partial results.
-- advice: cause = 'limit' | - | - | A limit on all rows brings them into a single task, and what follows runs there too: limit or
--   sample before the heavy work, or repartition after the limit.
-- advice: cause = 'jdbc' AND fetch_share <= $small_fetch_share AND NOT is_shuffled | - | - | The table is read through one connection, but fetching the rows took only {fetch_share:pct} of the time: repartition right after the read, so that all cores do
--   what follows, or set partitionColumn, lowerBound, upperBound and numPartitions of the JDBC source, so that several tasks read ranges of it.
-- advice: cause = 'jdbc' AND fetch_share > $small_fetch_share | - | - | The table is read through one connection, and fetching the rows took {fetch_share:pct} of the time, so that only more connections help: set partitionColumn, lowerBound,
--   upperBound and numPartitions of the JDBC source, so that several tasks read ranges of it.
-- advice: cause = 'jdbc' | - | - | The table is read through one connection: set partitionColumn, lowerBound, upperBound and numPartitions of the
--   JDBC source, so that several tasks read ranges of it.
-- advice: cause = 'source' | - | - | The source has a single partition: create it with more (numPartitions of range, numSlices of parallelize, the
--   source's own option), or repartition before the heavy work.
-- advice: cause = 'coalesce' AND is_mostly_written | - | - | Write several files, without coalesce(1) or the hint COALESCE(1), and join them afterwards if it has to be one: the {recoverable_ms:s} to win are theirs alone. The task
--   wrote {written_ratio:1} times what it read, so that most of its time is likely the write, which repartition(1) leaves in one task.
-- advice: cause = 'coalesce' | - | - | coalesce(1) runs all steps since the last shuffle in that one task: use repartition(1), which computes
--   in parallel and only writes in one task, or write several files.
-- advice: cause = 'output' | - | - | Write several files (no repartition(1) or single partition before the write), or join them afterwards: one task
--   writes everything.
-- advice: cause IN ('one file', 'unsplittable') AND same_reads >= 2 | - | - | The file is read {same_reads:int} times, by one task each time: have it delivered as several files, or read it once, repartition
--   right after reading, and keep what comes of it (several files of a format that can be split, or a cache) for the other reads.
-- advice: cause = 'unsplittable' | - | - | The file is read by one task: it cannot be split (gzip, multi-line CSV or JSON, one row
--   group). Write it as several files, or repartition right after reading.
-- advice: cause = 'cached' | - | - | What it reads was persisted in one partition: repartition it before it is persisted, so that every core gets a part.
-- advice: cause = 'one file' | - | - | One file makes one task: write it as several files, or repartition right after reading. Smaller splits
--   (spark.sql.files.maxPartitionBytes) help only where it can be split: not gzip, and more than one row group.
-- advice: cause = 'split' AND COALESCE(split_mib * 1048576e0 < max_partition_bytes, TRUE) | spark.sql.files.maxPartitionBytes | split_text | Read smaller splits, so that every core gets one.
-- advice: cause = 'split' | - | - | Repartition right after reading, so that every core gets a part.
-- advice: cause = 'shuffle partitions' | spark.sql.shuffle.partitions | partitions_wanted | Use at least as many shuffle partitions as
--   there are cores, and enough that the data of a task fits into its memory.
-- advice: cause = 'merged' AND better_setting = 'parallelism' | spark.sql.adaptive.coalescePartitions.parallelismFirst | 'true' | Adaptive execution merged all partitions into one, up to
--   the advisory size: let it keep one for each core, about {better_tasks:int} here.
-- advice: cause = 'merged' AND better_setting = 'advisory' | spark.sql.adaptive.advisoryPartitionSizeInBytes | CONCAT(CAST(advisory_mib AS STRING), 'MB') | Adaptive execution merged all
--   partitions into one, up to the advisory size: let it merge less, into about {better_tasks:int} here.
-- advice: cause = 'merged' AND better_setting = 'minimum' | spark.sql.adaptive.coalescePartitions.minPartitionSize | CONCAT(CAST(minimum_kib AS STRING), 'KB') | Adaptive execution merged
--   all partitions into one, up to the minimum size, though it takes long: let it merge less, or ask for {tasks_wanted:partition|partitions} in the code (repartition), which it keeps.
-- advice: cause = 'iterator' | - | - | toLocalIterator computes one partition at a time, each in a job of one task, while the other cores wait: write from
--   the executors instead, or let it fetch ahead (prefetchPartitions, since Spark 3.0) and persist what it reads before.
-- advice: cause = 'merged' | - | - | Adaptive execution merged all partitions into one, though it takes long: ask for
--   {tasks_wanted:partition|partitions} in the code (repartition), which it keeps.
-- advice: cause = 'aggregate' | - | - | The last step of a global aggregate or sort is one task: reduce the rows before it
--   (approximate counts, partial aggregates, a sort within partitions).
-- advice: cause = 'loop' | - | - | A loop runs its stages in one task each while the other cores wait: give its input more partitions
--   before the loop, run its rounds side by side (threads; the parallelism of a cross validation), or run it on fewer cores.
-- recommendation: Ask for more partitions before this stage (repartition, numSlices), at least one for each core.
WITH bare_stages AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.stage_name, f.num_tasks, CAST(f.executor_run_time AS DOUBLE) AS run_ms,
    UNIX_MILLIS(f.completion_time) - f.duration_ms AS begin_ms, UNIX_MILLIS(f.completion_time) AS end_ms, f.duration_ms,
    a.app_duration_ms, a.num_workers, a.num_never_used
  FROM stage_facts AS f
  INNER JOIN application_facts AS a
    ON a.platform = f.platform AND a.cluster_id = f.cluster_id
    AND a.application_id = f.application_id AND a.attempt_id = f.attempt_id
  WHERE COALESCE(a.core_time_ms, 0) = 0 AND COALESCE(a.cores_max, 0) = 0 AND NOT COALESCE(a.is_local, FALSE) AND NOT COALESCE(a.is_interactive, FALSE) AND a.num_workers >= $min_bare_workers
    AND a.num_never_used * 2 >= a.num_workers AND f.status = 'COMPLETE' AND f.num_tasks >= 1
),
-- Time in which one of them ran.
bare_times AS (
  SELECT
    b.*,
    CASE WHEN num_tasks = 1 THEN GREATEST(end_ms - GREATEST(begin_ms, COALESCE(MAX(CASE WHEN num_tasks = 1 THEN end_ms END) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY begin_ms, subject_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), begin_ms)), 0) END AS new_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY CASE WHEN num_tasks = 1 THEN 0 ELSE 1 END, duration_ms DESC, subject_id) AS place
  FROM bare_stages AS b
),
bare AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, MAX(CASE WHEN place = 1 THEN subject_id END) AS subject_id, MAX(CASE WHEN place = 1 THEN stage_name END) AS stage_name,
    MAX(app_duration_ms) AS app_duration_ms, MAX(num_workers) AS num_workers, MAX(num_never_used) AS unused_workers,
    SUM(CASE WHEN num_tasks = 1 THEN 1 ELSE 0 END) AS bare_stages, SUM(CASE WHEN num_tasks = 1 THEN new_ms ELSE 0 END) AS bare_ms,
    MAX(CASE WHEN num_tasks = 1 AND stage_name LIKE '% at GraphLoader.scala%' THEN 1 ELSE 0 END) AS num_graphs
  FROM bare_times
  GROUP BY platform, cluster_id, application_id, attempt_id
  -- Work, and no waiting.
  HAVING SUM(CASE WHEN num_tasks = 1 THEN run_ms ELSE 0e0 END) >= 0.5e0 * SUM(CASE WHEN num_tasks = 1 THEN duration_ms ELSE 0 END)
),
-- Logs without their beginning: how long stages ran.
beheaded AS (
  SELECT platform, cluster_id, application_id, attempt_id, tasks_running_max, SUM(GREATEST(end_ms - GREATEST(begin_ms, COALESCE(before_ms, begin_ms)), 0)) AS busy_ms
  FROM (
    SELECT
      s.*, MAX(end_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY begin_ms, subject_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
    FROM (
      SELECT
        f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, p.tasks_running_max, UNIX_MILLIS(f.completion_time) - f.duration_ms AS begin_ms, UNIX_MILLIS(f.completion_time) + 0 AS end_ms
      FROM stage_facts AS f
      INNER JOIN applications AS p
        ON p.platform = f.platform AND p.cluster_id = f.cluster_id
        AND p.application_id = f.application_id AND p.attempt_id = f.attempt_id
      WHERE p.start_time IS NULL AND COALESCE(p.core_time_ms, 0) = 0 AND COALESCE(p.num_executors_added, 0) = 0 AND p.tasks_running_max >= $min_tasks_at_once
    ) AS s
  ) AS b
  GROUP BY platform, cluster_id, application_id, attempt_id, tasks_running_max
),
headless AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_name, MAX(tasks_running_max) AS most_tasks, COUNT(*) AS headless_stages,
    LEAST(SUM(duration_ms), MAX(end_ms) - MIN(end_ms - duration_ms)) AS headless_ms, GREATEST(MAX(busy_ms), 1) AS busy_ms, SUM(output_bytes) AS all_written,
    SUM(duration_ms * (1e0 - 1e0 / NULLIF(LEAST(CAST(tasks_running_max AS DOUBLE), GREATEST(CEIL(data_bytes / NULLIF($target_bytes, 0e0)), 1e0)), 0e0))) AS won_ms,
    MAX(CASE WHEN place = 1 THEN subject_id END) AS subject_id
  FROM (
    SELECT
      f.platform, f.cluster_id, f.application_id, f.attempt_id, f.subject_id, f.stage_name, f.duration_ms, f.output_bytes, CAST(f.data_bytes AS DOUBLE) AS data_bytes,
      UNIX_MILLIS(f.completion_time) AS end_ms, b.tasks_running_max, b.busy_ms,
      ROW_NUMBER() OVER (PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_name ORDER BY f.duration_ms DESC, f.subject_id) AS place
    FROM stage_facts AS f
    INNER JOIN beheaded AS b
      ON b.platform = f.platform AND b.cluster_id = f.cluster_id
      AND b.application_id = f.application_id AND b.attempt_id = f.attempt_id
    WHERE f.status = 'COMPLETE' AND f.num_tasks = 1 AND NOT f.is_listing AND f.duration_ms >= $min_stage_ms AND f.executor_run_time >= f.duration_ms / 2e0 AND f.data_bytes >= $min_bytes
  ) AS s
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_name
),
computed AS (
  -- take() and show() run a stage for one of its partitions: that is no lack of them.
  SELECT platform, cluster_id, application_id, attempt_id, first_stage_id AS stage_id, MIN(num_partitions) AS num_partitions
  FROM rdds
  GROUP BY platform, cluster_id, application_id, attempt_id, first_stage_id
),
-- Neither has metrics that would tell its stage. Above the last shuffle a coalesce works in the stage that ends the query, else in one that writes a shuffle.
plans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    MAX(CASE WHEN description = 'Coalesce 1' AND NOT is_below THEN 1 ELSE 0 END) AS num_last_coalesce,
    MAX(CASE WHEN description = 'Coalesce 1' AND is_below THEN 1 ELSE 0 END) AS num_coalesce,
    MAX(CASE WHEN node_name LIKE 'Scan JDBC%' THEN 1 ELSE 0 END) AS num_jdbc,
    MAX(CASE WHEN node_name = 'Range' THEN 1 ELSE 0 END) AS num_range
  FROM (
    SELECT
      n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.node_name, n.description,
      COUNT(e.node_id) > 0 AS is_below
    FROM sql_nodes AS n
    LEFT JOIN sql_nodes AS e
      ON e.platform = n.platform AND e.cluster_id = n.cluster_id
      AND e.application_id = n.application_id AND e.attempt_id = n.attempt_id AND e.sql_id = n.sql_id
      AND e.node_id < n.node_id AND e.last_node_id >= n.node_id AND e.operator_kind = 'exchange'
    WHERE n.node_name = 'Coalesce' OR n.node_name LIKE 'Scan JDBC%' OR n.node_name = 'Range'
    GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.node_name, n.description
  ) AS p
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- What a query reads, where it is one table or path.
files AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, MIN(COALESCE(table_name, location)) AS source
  FROM sql_scans
  WHERE operation = 'read'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
  HAVING COUNT(DISTINCT COALESCE(table_name, location)) = 1
),
-- What a query is: its statement, where it was given as one, or where it writes to.
statements AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    CONCAT(': ', CASE WHEN LENGTH(words) > $max_statement_chars THEN CONCAT(REGEXP_REPLACE(SUBSTR(words, 1, $max_statement_chars), '[^ ]*$', ''), '…') ELSE words END) AS statement_words
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, TRIM(REGEXP_REPLACE(SUBSTR(COALESCE(statement, description), 1, 1000), CONCAT('[ ', CHR(9), CHR(10), CHR(13), ']+'), ' ')) AS words
    FROM sql
  ) AS q
  WHERE REGEXP_LIKE(LOWER(words), '^(insert|create|replace|merge|select|with|update|delete|cache|refresh|analyze|optimize) ')
),
targets AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, CONCAT(', which writes to ', MIN(COALESCE(table_name, location))) AS target_words
  FROM sql_scans
  WHERE operation <> 'read' AND COALESCE(table_name, location) IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- What a limit of all rows reads, which has no metrics either.
limits AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, ARRAY_MIN(child_node_ids) AS child_id
  FROM sql_nodes
  WHERE node_name LIKE '%GlobalLimit%' AND CARDINALITY(child_node_ids) = 1
),
-- Shuffles by the stage that reads them: those into many partitions are one task only where they were merged.
shuffles AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, ARRAY_MAX(n.stage_ids) AS stage_id,
    MIN(CASE
      WHEN (n.description LIKE '%hashpartitioning(%' OR n.description LIKE '%rangepartitioning(%') AND n.description NOT LIKE '%, 1)%' THEN 1
      ELSE 0
    END) AS num_many,
    MAX(CASE
      WHEN (n.description LIKE '%hashpartitioning(%' OR n.description LIKE '%rangepartitioning(%') AND n.description LIKE '%, 1)%' THEN 1 ELSE 0
    END) AS num_one,
    MAX(CASE WHEN l.platform IS NOT NULL THEN 1 ELSE 0 END) AS num_limit
  FROM sql_nodes AS n
  LEFT JOIN limits AS l
    ON l.platform = n.platform AND l.cluster_id = n.cluster_id
    AND l.application_id = n.application_id AND l.attempt_id = n.attempt_id AND l.sql_id = n.sql_id AND l.child_id = n.node_id
  WHERE n.operator_kind = 'exchange' AND CARDINALITY(n.stage_ids) >= 2
  GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, ARRAY_MAX(n.stage_ids)
),
-- Stages that read an RDD which an earlier one had persisted in one partition.
cached AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
  FROM stages AS s
  INNER JOIN rdds AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE s.num_tasks = 1 AND r.is_persisted AND r.num_partitions = 1 AND r.first_stage_id < s.stage_id AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
),
-- Stages in which a window does nothing but number all rows.
numberings AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
  FROM stages AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
  WHERE s.num_tasks = 1 AND n.node_name LIKE '%Window%' AND ARRAY_CONTAINS(n.stage_ids, s.stage_id)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id
  HAVING MIN(CASE
    WHEN n.description LIKE 'Window [row_number() %' AND n.description NOT LIKE '%windowspecdefinition(%windowspecdefinition(%'
      AND n.description NOT LIKE 'Window [%], [%], [%]' THEN 1
    ELSE 0
  END) = 1
),
-- Since Spark 4.0, of a stage of one task. A repartition may not help where the rows go into a shuffle as they are, neither reduced nor multiplied.
fetches AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.max_stage_id AS stage_id, SUM(m.total) / 1e6 AS fetch_ms,
    MAX(s.num_shuffled) AS num_shuffled
  FROM sql_node_metrics AS m
  LEFT JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, stage_id, MAX(CASE WHEN shuffle_write_records >= 0.9e0 * input_records AND shuffle_write_records <= 1.1e0 * input_records THEN 1 ELSE 0 END) AS num_shuffled
    FROM stages
    WHERE num_tasks = 1
    GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
  ) AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id AND s.stage_id = m.max_stage_id
  WHERE m.metric_name IN ('JDBC remote data fetch and translation time', 'JDBC query execution time') AND m.unit = 'ns' AND m.total > 0e0
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.max_stage_id
),
facts AS (
  SELECT f.*, m.fetch_ms, m.num_shuffled, COALESCE(r.num_partitions, 1) AS num_partitions, k.stage_id IS NOT NULL AS is_cached, w.stage_id IS NOT NULL AS has_numbering
  FROM stage_cores AS f
  LEFT JOIN computed AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id AND r.stage_id = f.stage_id
  LEFT JOIN cached AS k
    ON k.platform = f.platform AND k.cluster_id = f.cluster_id
    AND k.application_id = f.application_id AND k.attempt_id = f.attempt_id AND k.stage_id = f.stage_id
  LEFT JOIN numberings AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.stage_id = f.stage_id
  LEFT JOIN fetches AS m
    ON m.platform = f.platform AND m.cluster_id = f.cluster_id
    AND m.application_id = f.application_id AND m.attempt_id = f.attempt_id AND m.sql_id = f.sql_id AND m.stage_id = f.stage_id
  WHERE f.num_tasks = 1
),
single AS (
  SELECT
    f.*, i.source,
    CASE
      WHEN stage_name LIKE 'toLocalIterator %' THEN 'iterator'
      WHEN e.num_many = 1 AND adaptive AND coalesce_partitions AND shuffle_partitions > 1 AND shuffle_read_bytes > 0 THEN 'merged'
      -- A window with a partition key, whose only partition is the one that was set.
      WHEN e.num_one = 1 AND shuffle_partitions = 1 AND shuffle_read_bytes > 0 THEN 'shuffle partitions'
      WHEN has_window AND shuffle_read_bytes > 0 THEN 'window'
      WHEN (has_limit OR e.num_limit = 1) AND shuffle_read_records > 0 THEN 'limit'
      WHEN p.num_last_coalesce = 1 AND COALESCE(shuffle_write_bytes, 0) = 0 OR p.num_coalesce = 1 AND shuffle_write_bytes > 0 THEN 'coalesce'
      WHEN p.num_jdbc = 1 AND shuffle_read_bytes = 0 THEN 'jdbc'
      WHEN p.num_range = 1 AND shuffle_read_bytes = 0 AND input_bytes = 0 THEN 'source'
      WHEN input_bytes >= shuffle_read_bytes AND input_bytes > 0 AND is_cached THEN 'cached'
      WHEN input_bytes >= shuffle_read_bytes AND input_bytes > 0
        AND (from_files > 1.1e0 * max_partition_bytes OR NOT has_scan) THEN 'unsplittable'
      -- What reads a file and writes it in one task is one for its file.
      WHEN output_bytes > 0 AND (shuffle_read_bytes > 0 OR input_bytes = 0) THEN 'output'
      -- Nothing says whether it could be split.
      WHEN input_bytes >= shuffle_read_bytes AND input_bytes > 0 AND COALESCE(files_read, 1) = 1 THEN 'one file'
      WHEN input_bytes >= shuffle_read_bytes AND input_bytes > 0 THEN 'split'
      WHEN f.sql_id IS NOT NULL AND shuffle_read_bytes > 0 AND shuffle_partitions = 1 THEN 'shuffle partitions'
      WHEN f.sql_id IS NOT NULL AND shuffle_read_bytes > 0 AND adaptive AND coalesce_partitions AND has_join THEN 'merged'
      WHEN f.sql_id IS NOT NULL AND shuffle_read_bytes > 0 THEN 'aggregate'
      ELSE 'code'
    END AS cause,
    -- What stages side by side leave idle is theirs once.
    COALESCE(x.idle_part, 1e0) * GREATEST(held_cores - GREATEST(COALESCE(task_cpus, 1), 1), 0e0) * running_ms AS idle_core_ms,
    COALESCE(x.idle_part, 1e0) * running_ms * GREATEST(1e0 - GREATEST(COALESCE(task_cpus, 1), 1) / NULLIF(held_cores, 0e0), 0e0) AS won_ms
  FROM facts AS f
  LEFT JOIN plans AS p
    ON p.platform = f.platform AND p.cluster_id = f.cluster_id
    AND p.application_id = f.application_id AND p.attempt_id = f.attempt_id AND p.sql_id = f.sql_id
  LEFT JOIN files AS i
    ON i.platform = f.platform AND i.cluster_id = f.cluster_id
    AND i.application_id = f.application_id AND i.attempt_id = f.attempt_id AND i.sql_id = f.sql_id
  LEFT JOIN shuffles AS e
    ON e.platform = f.platform AND e.cluster_id = f.cluster_id
    AND e.application_id = f.application_id AND e.attempt_id = f.attempt_id AND e.sql_id = f.sql_id AND e.stage_id = f.stage_id
  LEFT JOIN shared_idle AS x
    ON x.platform = f.platform AND x.cluster_id = f.cluster_id
    AND x.application_id = f.application_id AND x.attempt_id = f.attempt_id AND x.subject_id = f.subject_id
  WHERE (num_partitions = 1 OR stage_name LIKE 'toLocalIterator %') AND status = 'COMPLETE' AND NOT is_listing
    AND held_cores >= 1.5e0 AND running_ms >= $min_loop_stage_ms
    AND executor_run_time >= running_ms / 2e0
),
capped AS (
  SELECT
    s.*,
    -- Never more than what stood idle, all stages together.
    s.idle_core_ms * LEAST(1e0, GREATEST(
      s.core_time_ms - CAST(s.total_task_time_ms AS DOUBLE)
        - COALESCE(p.driver_only_core_ms, 0) - COALESCE(p.start_up_core_ms, 0),
      0e0
    ) / NULLIF(SUM(s.idle_core_ms) OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id
    ), 0e0)) AS lost_ms,
    COUNT(*) OVER loop AS num_alike,
    -- A stage outside of queries, as one that infers a schema, names no file.
    MAX(s.source) OVER (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.input_bytes) AS same_source,
    SUM(s.won_ms) OVER loop AS all_won_ms,
    -- In a session people think between its jobs.
    CASE WHEN s.is_interactive THEN s.app_duration_ms - COALESCE(p.driver_only_core_ms, 0) / NULLIF(s.average_cores, 0e0) ELSE s.app_duration_ms END AS wall_ms,
    MAX(CASE WHEN s.cause = 'jdbc' THEN s.running_ms END) OVER (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source) AS longest_jdbc_ms,
    MAX(CASE WHEN s.cause = 'jdbc' THEN s.won_ms END) OVER (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source) AS longest_jdbc_won_ms,
    SUM(CASE WHEN s.cause = 'jdbc' AND s.running_ms >= $min_other_jdbc_stage_ms THEN s.running_ms ELSE 0 END) OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source) AS same_jdbc_ms,
    SUM(CASE WHEN s.cause = 'jdbc' AND s.running_ms >= $min_other_jdbc_stage_ms THEN s.won_ms ELSE 0e0 END) OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source) AS same_jdbc_won_ms,
    SUM(CASE WHEN s.cause IN ('one file', 'unsplittable') AND s.running_ms >= $min_alike_stage_ms THEN s.won_ms ELSE 0e0 END) OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id
    ) AS file_won_ms
  FROM single AS s
  LEFT JOIN core_time_parts AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id
  WINDOW loop AS (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_name)
),
placed AS (
  SELECT
    c.*,
    SUM(CASE WHEN is_file THEN won_ms ELSE 0e0 END) OVER same_file AS same_won_ms, SUM(CASE WHEN is_file THEN running_ms ELSE 0 END) OVER same_file AS same_running_ms,
    SUM(CASE WHEN is_file THEN 1 ELSE 0 END) OVER same_file AS same_reads
  FROM (
    SELECT
      d.*, COALESCE(source, same_source, stage_name) AS file_place, cause IN ('one file', 'unsplittable') AND running_ms >= $min_alike_stage_ms AS is_file
    FROM capped AS d
  ) AS c
  WINDOW same_file AS (PARTITION BY platform, cluster_id, application_id, attempt_id, file_place)
),
judged AS (
  SELECT
    c.*,
    cause <> 'iterator' AND running_ms >= $min_stage_ms AND won_ms >= $min_recoverable_ms
      AND (won_ms >= $min_share * wall_ms OR lost_ms >= $min_lost_ms)
      AND (data_bytes >= $min_bytes OR input_records >= $min_rows OR cause IN ('window', 'jdbc'))
      OR cause = 'window' AND shuffle_read_records >= $min_rows AND won_ms >= $min_window_won_ms AND won_ms >= $min_share * wall_ms
      -- What comes through one connection grows with the table, and each of its reads does.
      OR cause = 'jdbc' AND longest_jdbc_ms >= $min_jdbc_stage_ms AND (running_ms >= $min_jdbc_stage_ms AND won_ms >= $min_share * wall_ms
        OR running_ms >= $min_other_jdbc_stage_ms AND source IS NOT NULL AND longest_jdbc_won_ms >= $min_share * wall_ms)
      OR cause = 'jdbc' AND source IS NOT NULL AND running_ms >= $min_other_jdbc_stage_ms AND same_jdbc_ms >= $min_same_jdbc_ms AND same_jdbc_won_ms >= $min_share * wall_ms
      -- Or somewhat shorter ones that are long together.
      OR num_alike >= 3 AND cause IN ('one file', 'unsplittable', 'split', 'source', 'jdbc', 'coalesce', 'window') AND running_ms >= $min_alike_stage_ms AND all_won_ms >= $min_alike_won_ms
        AND all_won_ms >= $min_alike_share * wall_ms
        AND (data_bytes >= $min_bytes OR input_records >= $min_rows)
      -- Or of a small application that reads a file in one task again and again.
      OR is_file AND data_bytes >= $large_file_bytes AND (file_won_ms >= $min_recoverable_ms AND file_won_ms >= $min_file_share * wall_ms
        OR COALESCE(source, same_source) IS NOT NULL AND same_running_ms >= $min_same_file_ms AND same_won_ms >= $min_recoverable_ms AND same_won_ms >= $min_same_file_share * wall_ms) AS is_long,
    num_alike >= $min_loop_stages AND (all_won_ms >= $min_loop_won_ms AND all_won_ms >= $min_share * wall_ms
      OR all_won_ms >= $min_small_loop_won_ms AND all_won_ms >= $min_loop_share * wall_ms
      OR cause = 'iterator' AND all_won_ms >= $min_iterator_won_ms) AS is_loop
  FROM placed AS c
),
ranked AS (
  SELECT
    j.*, m.better_setting, m.better_tasks, m.advisory_mib, m.minimum_kib,
    ROW_NUMBER() OVER (
      PARTITION BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.cause ORDER BY CASE WHEN j.is_long THEN 0 ELSE 1 END, j.running_ms DESC, j.subject_id
    ) AS cause_place
  FROM judged AS j
  LEFT JOIN merged_shuffles AS m
    ON m.platform = j.platform AND m.cluster_id = j.cluster_id
    AND m.application_id = j.application_id AND m.attempt_id = j.attempt_id AND m.subject_id = j.subject_id
),
-- Where one number of partitions, or one size, made one long stage of one task, it made the shorter ones too: the setting of the longest is for all of them.
led AS (
  SELECT
    r.*, MAX(CASE WHEN is_long THEN 1 ELSE 0 END) OVER same_cause = 1 AS has_long,
    MAX(CASE WHEN cause_place = 1 THEN better_setting END) OVER same_cause AS first_setting,
    MAX(CASE WHEN cause_place = 1 THEN better_tasks END) OVER same_cause AS first_tasks,
    MAX(CASE WHEN cause_place = 1 THEN advisory_mib END) OVER same_cause AS first_advisory_mib,
    MAX(CASE WHEN cause_place = 1 THEN minimum_kib END) OVER same_cause AS first_minimum_kib
  FROM ranked AS r
  WINDOW same_cause AS (PARTITION BY platform, cluster_id, application_id, attempt_id, cause)
),
told AS (
  SELECT
    l.*, is_long OR (has_long AND cause IN ('merged', 'shuffle partitions') AND running_ms >= $min_alike_stage_ms) AS is_told
  FROM led AS l
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id, CAST(NULL AS STRING) AS severity,
  CASE
    WHEN cause = 'iterator' THEN 'Partitions are computed one at a time for the driver'
    WHEN is_of_loop THEN 'The stages of a loop run in a single task each'
    WHEN cause = 'window' THEN 'A window without partitions runs in a single task'
    WHEN cause = 'limit' THEN 'A limit brings all rows into a single task'
    WHEN cause = 'jdbc' THEN 'A single task reads a table through JDBC'
    WHEN cause = 'source' THEN 'A source has a single partition'
    WHEN cause = 'coalesce' THEN 'coalesce(1) leaves a single task'
    WHEN cause = 'one file' THEN 'A single task reads one file'
    WHEN cause = 'output' THEN 'A single task writes everything'
    WHEN cause = 'unsplittable' THEN 'A single task reads a file that cannot be split'
    ELSE 'A stage runs in a single task'
  END AS title,
  -- Of short ones only the average is known, which changes under dynamic allocation.
  CASE WHEN (dynamic_allocation AND running_ms < $min_alike_stage_ms) OR cause IN ('code', 'aggregate', 'merged') THEN 'medium' ELSE 'high' END AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(won_ms AS BIGINT) AS recoverable_ms,
  stage_name, sql_id, CASE WHEN is_of_loop THEN 'loop' ELSE cause END AS cause, NOT is_of_loop AND cause = 'window' AND has_numbering AS is_numbering,
  CASE WHEN COALESCE(source, same_source) IS NOT NULL THEN same_reads END AS same_reads,
  -- The places of a loop take turns, and a file that is read in one task is read so everywhere.
  CASE
    WHEN is_of_loop THEN 'loop'
    WHEN cause IN ('merged', 'shuffle partitions') THEN cause
    WHEN cause IN ('one file', 'unsplittable') THEN file_place
    WHEN cause = 'jdbc' THEN COALESCE(source, stage_name)
    ELSE stage_name
  END AS place, running_ms, held_cores, data_bytes,
  NULLIF(GREATEST(from_files, shuffle_read_bytes), 0) AS read_bytes, CASE WHEN input_bytes >= shuffle_read_bytes AND from_files > 0 THEN files_read END AS files_read,
  CASE WHEN GREATEST(from_files, shuffle_read_bytes) > 0 THEN num_rows END AS rows, CASE WHEN NOT COALESCE(GREATEST(from_files, shuffle_read_bytes) > 0, FALSE) THEN num_rows END AS only_rows,
  CASE WHEN output_bytes >= $min_bytes THEN output_bytes END AS written_bytes, CASE WHEN shuffle_write_bytes >= $min_bytes THEN shuffle_write_bytes END AS shuffled_bytes,
  COALESCE(output_bytes >= $min_bytes AND written_ratio >= $much_written, FALSE) AS is_mostly_written, written_ratio, CASE WHEN NOT is_of_loop THEN query_words END AS query_words,
  CASE WHEN cause = 'jdbc' AND NOT is_of_loop THEN fetch_ms END AS fetch_ms, CASE WHEN NOT is_of_loop THEN fetch_share END AS fetch_share, is_shuffled,
  TRY_CAST(CEIL(held_cores) AS BIGINT) AS tasks_wanted,
  TRY_CAST(GREATEST(CEIL(held_cores), partitions_fit) AS BIGINT) AS partitions_wanted,
  CASE WHEN is_long THEN better_setting ELSE first_setting END AS better_setting, CASE WHEN is_long THEN better_tasks ELSE first_tasks END AS better_tasks,
  CASE WHEN is_long THEN advisory_mib ELSE first_advisory_mib END AS advisory_mib, CASE WHEN is_long THEN minimum_kib ELSE first_minimum_kib END AS minimum_kib,
  CONCAT(CAST(GREATEST(TRY_CAST(CEIL(CAST(GREATEST(input_bytes, COALESCE(file_bytes, 0)) AS DOUBLE) / 1048576e0 / NULLIF(held_cores, 0)) AS BIGINT), 1) AS STRING), 'MB') AS split_text, max_partition_bytes,
  GREATEST(TRY_CAST(CEIL(CAST(GREATEST(input_bytes, COALESCE(file_bytes, 0)) AS DOUBLE) / 1048576e0 / NULLIF(held_cores, 0)) AS BIGINT), 1) AS split_mib,
  CAST(NULL AS BIGINT) AS bare_stages, CAST(NULL AS BIGINT) AS bare_ms, CAST(NULL AS BIGINT) AS bare_wall_ms, CAST(NULL AS BIGINT) AS num_workers, CAST(NULL AS BIGINT) AS unused_workers,
  CAST(NULL AS BIGINT) AS headless_stages, CAST(NULL AS BIGINT) AS headless_ms, CAST(NULL AS BIGINT) AS busy_ms, CAST(NULL AS BIGINT) AS most_tasks, CAST(NULL AS BIGINT) AS all_written
FROM (
  SELECT
    t.*, cause <> 'iterator' AND (NOT is_told OR (is_loop AND (cause = 'cached' OR won_ms < $one_of_loop_share * all_won_ms))) AS is_of_loop,
    NULLIF(GREATEST(COALESCE(input_records, 0), COALESCE(shuffle_read_records, 0)), 0) AS num_rows,
    output_bytes / NULLIF(CAST(GREATEST(from_files, shuffle_read_bytes) AS DOUBLE), 0e0) AS written_ratio,
    CASE WHEN stage_name LIKE '% at CliDriver.java%' OR stage_name LIKE '% at SparkSQLCLIDriver.scala%' OR stage_name LIKE '% at NativeMethodAccessorImpl.java:0' OR stage_name LIKE '% at <unknown>:0'
      THEN CONCAT(CAST(t.sql_id AS STRING), COALESCE(y.statement_words, z.target_words, '')) END AS query_words,
    SUM(CASE WHEN is_told AND cause = 'jdbc' THEN fetch_ms END) OVER same_place / NULLIF(SUM(CASE WHEN is_told AND cause = 'jdbc' AND fetch_ms > 0e0 THEN CAST(running_ms AS DOUBLE) END) OVER same_place, 0e0) AS fetch_share,
    COALESCE(SUM(CASE WHEN is_told AND cause = 'jdbc' AND num_shuffled = 1 THEN running_ms ELSE 0 END) OVER same_place
      > 0.5e0 * SUM(CASE WHEN is_told AND cause = 'jdbc' THEN running_ms ELSE 0 END) OVER same_place, FALSE) AS is_shuffled
  FROM told AS t
  LEFT JOIN statements AS y
    ON y.platform = t.platform AND y.cluster_id = t.cluster_id
    AND y.application_id = t.application_id AND y.attempt_id = t.attempt_id AND y.sql_id = t.sql_id
  LEFT JOIN targets AS z
    ON z.platform = t.platform AND z.cluster_id = t.cluster_id
    AND z.application_id = t.application_id AND z.attempt_id = t.attempt_id AND z.sql_id = t.sql_id
  WINDOW same_place AS (PARTITION BY t.platform, t.cluster_id, t.application_id, t.attempt_id, COALESCE(source, stage_name))
) AS advised
WHERE is_told OR is_loop
UNION ALL
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'medium' AS severity,
  'The stages of the application run in a single task each' AS title,
  'medium' AS confidence,
  CAST(NULL AS BIGINT) AS lost_core_ms,
  TRY_CAST(bare_ms * (1e0 - 1e0 / NULLIF(CAST(num_workers AS DOUBLE), 0e0)) AS BIGINT) AS recoverable_ms,
  stage_name, CAST(NULL AS BIGINT) AS sql_id, CASE WHEN num_graphs > 0 THEN 'graph' ELSE 'bare' END AS cause, FALSE AS is_numbering,
  CAST(NULL AS BIGINT) AS same_reads, 'bare' AS place, CAST(NULL AS BIGINT) AS running_ms, CAST(NULL AS DOUBLE) AS held_cores, CAST(NULL AS BIGINT) AS data_bytes,
  CAST(NULL AS BIGINT) AS read_bytes, CAST(NULL AS BIGINT) AS files_read, CAST(NULL AS BIGINT) AS rows, CAST(NULL AS BIGINT) AS only_rows,
  CAST(NULL AS BIGINT) AS written_bytes, CAST(NULL AS BIGINT) AS shuffled_bytes, FALSE AS is_mostly_written, CAST(NULL AS DOUBLE) AS written_ratio, CAST(NULL AS STRING) AS query_words, CAST(NULL AS DOUBLE) AS fetch_ms, CAST(NULL AS DOUBLE) AS fetch_share, FALSE AS is_shuffled,
  CAST(NULL AS BIGINT) AS tasks_wanted, CAST(NULL AS BIGINT) AS partitions_wanted, CAST(NULL AS STRING) AS better_setting, CAST(NULL AS BIGINT) AS better_tasks,
  CAST(NULL AS BIGINT) AS advisory_mib, CAST(NULL AS BIGINT) AS minimum_kib, CAST(NULL AS STRING) AS split_text, CAST(NULL AS DOUBLE) AS max_partition_bytes, CAST(NULL AS BIGINT) AS split_mib,
  bare_stages, bare_ms, app_duration_ms AS bare_wall_ms, num_workers, unused_workers,
  CAST(NULL AS BIGINT) AS headless_stages, CAST(NULL AS BIGINT) AS headless_ms, CAST(NULL AS BIGINT) AS busy_ms, CAST(NULL AS BIGINT) AS most_tasks, CAST(NULL AS BIGINT) AS all_written
FROM bare
WHERE bare_ms >= $min_bare_ms AND bare_ms >= $min_bare_share * app_duration_ms
UNION ALL
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  'medium' AS severity,
  CASE WHEN all_written >= $min_bytes THEN 'A single task writes everything' ELSE 'Stages run in a single task each' END AS title,
  'medium' AS confidence,
  CAST(NULL AS BIGINT) AS lost_core_ms,
  TRY_CAST(won_ms AS BIGINT) AS recoverable_ms,
  stage_name, CAST(NULL AS BIGINT) AS sql_id, CASE WHEN all_written >= $min_bytes THEN 'output' ELSE 'code' END AS cause, FALSE AS is_numbering,
  CAST(NULL AS BIGINT) AS same_reads, stage_name AS place, CAST(NULL AS BIGINT) AS running_ms, CAST(NULL AS DOUBLE) AS held_cores, CAST(NULL AS BIGINT) AS data_bytes,
  CAST(NULL AS BIGINT) AS read_bytes, CAST(NULL AS BIGINT) AS files_read, CAST(NULL AS BIGINT) AS rows, CAST(NULL AS BIGINT) AS only_rows,
  CAST(NULL AS BIGINT) AS written_bytes, CAST(NULL AS BIGINT) AS shuffled_bytes, FALSE AS is_mostly_written, CAST(NULL AS DOUBLE) AS written_ratio, CAST(NULL AS STRING) AS query_words, CAST(NULL AS DOUBLE) AS fetch_ms, CAST(NULL AS DOUBLE) AS fetch_share, FALSE AS is_shuffled,
  CAST(NULL AS BIGINT) AS tasks_wanted, CAST(NULL AS BIGINT) AS partitions_wanted, CAST(NULL AS STRING) AS better_setting, CAST(NULL AS BIGINT) AS better_tasks,
  CAST(NULL AS BIGINT) AS advisory_mib, CAST(NULL AS BIGINT) AS minimum_kib, CAST(NULL AS STRING) AS split_text, CAST(NULL AS DOUBLE) AS max_partition_bytes, CAST(NULL AS BIGINT) AS split_mib,
  CAST(NULL AS BIGINT) AS bare_stages, CAST(NULL AS BIGINT) AS bare_ms, CAST(NULL AS BIGINT) AS bare_wall_ms, CAST(NULL AS BIGINT) AS num_workers, CAST(NULL AS BIGINT) AS unused_workers,
  headless_stages, TRY_CAST(headless_ms AS BIGINT) AS headless_ms, TRY_CAST(busy_ms AS BIGINT) AS busy_ms, TRY_CAST(most_tasks AS BIGINT) AS most_tasks, CASE WHEN all_written >= $min_bytes THEN TRY_CAST(all_written AS BIGINT) END AS all_written
FROM headless
WHERE headless_ms >= $min_bare_ms AND headless_ms >= $min_headless_share * busy_ms
