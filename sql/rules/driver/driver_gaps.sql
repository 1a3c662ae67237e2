-- id: driver_gaps
-- title: Executors wait while the driver works alone
-- category: driver
-- severity: medium
-- version: 31
-- description: Fires where no job ran for a large part of an application's wall time while executors were
--   held, and says what the driver did meanwhile as far as the history tells (view job_gaps). Lost is the
--   core time that executors held in these gaps, but for those of a host that they were lost for before they ended a task: lost_executors tells them. Times between two jobs of a query that went into a large broadcast are left out (view broadcast_gaps): oversized_broadcast tells them; so are those between jobs that open files or folders one by one, and before the queries over all of them (view opening_jobs): folder_reads tells them. Waiting for the first executor is not counted (slow_start), nor the start where Spark waited in vain for more of them (view registration_waits),
--   nor the time before the first job in local mode and on Databricks, where the cluster starts first.
--   Short gaps that follow the queries of one place in the code which bring rows to the driver (collect, toPandas, take) are told together where they take a good part of the wall time.
--   In local mode, whose cores are seldom paid for by themselves, gaps of less than a minute in all are never above low, unless one between two jobs is half of the run; nor are such gaps elsewhere that are mostly before the first job, nor is one long gap of the program's own code that is a smaller part than that of the run. An interactive session waits for its people and a streaming query for its data; neither is judged.
--   A history that was compacted does not tell when no job ran. Where executor_churn tells that executors go too soon (views executor_turnover and lost_caches), nothing here advises to release them.
-- parameter: min_gap_ms bigint = 5000 [ms] gap that counts, at least
-- parameter: min_short_gaps bigint = 20 [count] gaps of a tenth of a second or more from which all of them count, as in a loop over short queries
-- parameter: min_gaps_ms bigint = 20000 [ms] all such gaps together, at least, unless one is long
-- parameter: min_short_gaps_ms bigint = 12000 [ms] or this much where it is a third of the wall time
-- parameter: min_third double = 0.333 [ratio] that third
-- parameter: min_gap_ratio double = 0.2 [ratio] the same over the wall time, at least
-- parameter: min_long_gap_ms bigint = 30000 [ms] or one gap that is mostly code of the program, outside of queries or on their results, at least
-- parameter: min_middle_gap_ms bigint = 15000 [ms] or one of these between two jobs, at least
-- parameter: min_long_ratio double = 0.1 [ratio] that takes this much of the wall time
-- parameter: min_loop_gaps bigint = 10 [count] gaps after queries of one place in the code that bring rows to the driver, at least
-- parameter: min_loop_gap_ms double = 250 [ms] time of the program's own code in one of these, at least
-- parameter: min_loop_ms double = 10000 [ms] all of these, at least
-- parameter: min_loop_ratio double = 0.15 [ratio] the same over the wall time, at least
-- parameter: medium_held_ms double = 600000 [core_ms] core time held in gaps below which less than that third is of low severity
-- parameter: large_held_ms double = 3.6e7 [core_ms] core time held in gaps from which a quarter of that share is enough
-- parameter: min_rounds bigint = 5 [count] queries of one place in the code, each of a larger plan than the one before, that are the rounds of a loop, at least
-- parameter: min_growth double = 2 [ratio] steps of the plan of the last of them over those of the first, at least
-- parameter: min_round_share double = 0.5 [ratio] gaps from the first to the last of them over all gaps, at least
-- parameter: min_late double = 1.5 [ratio] gaps in the second half of the rounds over those in the first half, at least
-- parameter: min_result_bytes bigint = 33554432 [bytes] results of one stage that came to the driver before the longest gap from which they are named
-- parameter: min_local_rows double = 1e5 [rows] rows of the program from which the query after the longest gap makes a DataFrame, at least, for them to be named
-- parameter: min_half_gap_ms bigint = 10000 [ms] gap of the program's own code between two jobs, at least, that counts in local mode too where it is half of the run
-- parameter: max_busy_share double = 0.5 [ratio] task time over the core time of a fixed number of executors below which dynamic allocation is named too
-- parameter: min_busy_core_ms bigint = 3600000 [core_ms] that core time, at least
-- evidence: No job ran for {gap_ms:s} of {app_duration_ms:s}, {gap_ratio:pct} of the run, in {num_gaps:gap|gaps} with
--   {held_cores:1} cores held on average[, {host_ms:s} of their core time on a host that executors were lost for before they ended a task, which is told apart][; {outside_ms:s} of it outside of any query][; {iterate_ms:s}{iterate_of} taking rows of
--   toLocalIterator][; {commit_ms:s}{commit_of} committing
--   what queries wrote][; {before_job_ms:s}{before_job_of} preparing queries][; {between_jobs_ms:s}{between_jobs_of} between jobs of a query][;
--   {collect_ms:s}{collect_of} on results of queries][; {command_ms:s}{command_of} in commands without a job]. The longest took
--   {longest_gap_ms:s}[ and came before job {longest_before_job:int}][ (in: {longest_query:query})][: before it {trip_query} brought {trip_bytes:bytes} to the driver, and the query after it takes in {trip_rows:row|rows} from the program][. After each of {num_loop:int} queries ({loop_query}) the driver
--   worked alone for {loop_mean_ms:s}, {loop_ms:s} in all][. The plans of {num_rounds:int}
--   queries in a row ({round_query}) grow from {first_steps:int} to {last_steps:int} steps, and of {round_ms:s} in gaps around them the second half took {late_ms:s}].
-- advice: num_rounds >= 2 | - | - | Each round of a loop builds on the plan of the round before, which the driver analyzes, optimizes and compiles anew, so that rounds take ever longer and
--   the driver can run out of memory. persist() keeps the rows, but not the plan short: cut it in each round, or every few (localCheckpoint or checkpoint of the DataFrame that goes into the next round, or write it and
--   read that).
-- advice: (main_part = 'outside' OR main_part = 'before') AND wide_columns >= 100 | - | - | The query after the longest gap has some {wide_columns:int} columns: withColumn
--   in a loop analyzes the whole plan anew for each of them. Add all columns in one select (or withColumns), and cut plans that stay very
--   long with a checkpoint.
-- advice: main_part = 'commit' AND commit_format = 'hive' | - | - | Most of it is the commit of inserts into a Hive table: the driver moves the
--   written files into the table's folders one after the other. Make it a table of Spark's own (USING PARQUET, ORC or a table format)
--   or write its folders with DataFrameWriter.partitionBy.
-- advice: main_part = 'commit' AND (commit_format = 'delta' OR commit_format = 'iceberg' OR commit_format = 'hudi') | - | - | Most of it is the commit of
--   writes: the log of the table is read and written, files are listed, and it may be compacted. Commit less often, write fewer and larger files, and keep
--   the log short (checkpoints, expired snapshots).
-- advice: main_part = 'commit' | - | - | Most of it is the commit of writes: write fewer and larger files, use the committer made
--   for the store (S3A magic or EMR's optimized one, never rename on an object store), or a table format.
-- advice: main_part = 'before' AND num_gaps >= 20 AND gap_ms - longest_gap_ms < 1000 * num_gaps | - | - | Most of these gaps are short, before the first job of one of many
--   small queries, where its plan is compiled. Run fewer queries that do more each (one aggregation instead of a query for each number), or cache what
--   they all read.
-- advice: main_part = 'before' AND (files_read >= 1000 OR partitions_read >= 100) | - | - | Most of it is spent between the start of a query and its first job: the
--   query after the longest gap reads {files_read:file|files}[ of {partitions_read:partition|partitions}], which are listed there. Filter on partition columns, and keep fewer and
--   larger files and partitions.[ {fixed_text}]
-- advice: main_part = 'before' AND num_nodes >= 100 | - | - | Most of it is spent between the start of a query and its first job, where its plan is compiled: that of the
--   query after the longest gap has {num_nodes:step|steps}. Split it (write a part to a table, checkpoint), and do not build plans in loops.
-- advice: main_part = 'before' | - | - | Most of it is spent between the start of a query and its first job, where files and partitions are listed, catalogs are
--   asked, and code is generated: look at the log of the driver for that time, and run fewer queries that do more each.[ {fixed_text}]
-- advice: main_part = 'collect' | - | - | Most of it follows the last job of a query: results come to the driver. Write them from
--   the executors instead of collecting them (collect, toPandas), or collect fewer rows.
-- advice: main_part = 'between' | - | - | Most of it lies between the jobs of one query: the rest of the plan is made anew after each, and
--   broadcasts are collected and sent. Cut plans that are very large or grow in a loop (checkpoint, localCheckpoint in each round); where a side
--   of hundreds of megabytes is broadcast, do without that.
-- advice: main_part = 'command' | - | - | Most of it is spent in commands that run no job (adding partitions, repairing or
--   describing tables): run them once, in one statement, or outside of this application.
-- advice: main_part = 'iterate' | - | - | Most of it is the program taking the rows of one partition after the other (toLocalIterator): write them from the
--   executors, or let the next partition be computed meanwhile (prefetchPartitions, since Spark 3.0).
-- advice: main_part = 'outside' AND trip_rows >= 1 AND (has_arrow OR NOT has_pandas OR spark_minor >= 402) | - | - | The rows go to the driver, where one process works on them, and back to Spark ({trip_way}): do this step in Spark, with column functions, window functions (running
--   sums, ranks, values of earlier rows) or applyInPandas by a key, so that all cores work on it and the rows stay where they are.
-- advice: main_part = 'outside' AND dynamic_allocation AND NOT is_databricks AND idle_timeout_ms >= longest_gap_ms AND idle_timeout_ms > 60000 AND churn_text IS NULL | spark.dynamicAllocation.executorIdleTimeout | '60s' |
--   Idle executors are kept longer than the gap lasts: let them go after a minute (with a limit for those that
--   hold shuffle data, spark.dynamicAllocation.shuffleTracking.timeout, and a low minExecutors), and move that code into Spark, side by side with jobs.
-- advice: main_part = 'outside' AND local_rows >= 1 AND by_rows AND has_pandas AND NOT has_arrow AND spark_minor >= 300 AND spark_minor < 402 | spark.sql.execution.arrow.pyspark.enabled | 'true' |
--   Rows go to pandas one by one (toPandas), and {local_rows:row|rows} of the program come back to Spark one by one (createDataFrame): do that work in Spark (column functions, applyInPandas, mapInPandas). What has to go
--   through the driver Arrow carries many times faster.
-- advice: main_part = 'outside' AND local_rows >= 1 AND NOT by_rows | - | - | The query after the longest gap reads {local_rows:row|rows} that the program gave to Spark from its own memory (createDataFrame), where one process made them: let
--   Spark read or compute them itself (files, spark.range, column functions, applyInPandas, mapInPandas).
-- advice: main_part = 'outside' AND local_rows >= 1 | - | - | The query after the longest gap reads {local_rows:row|rows} that the program gave to Spark from its own memory (createDataFrame, parallelize), which one process converts and writes to a
--   file, row by row: let Spark read or compute them itself (files, spark.range, column functions, mapInPandas). A DataFrame of pandas has to come with Arrow (spark.sql.execution.arrow.pyspark.enabled), with types that it knows.
-- advice: has_pandas AND NOT has_arrow AND spark_minor >= 300 AND spark_minor < 402 | spark.sql.execution.arrow.pyspark.enabled | 'true' |
--   Rows go to pandas one by one (toPandas): let Arrow carry them, collect fewer rows and columns, or do the work in Spark (applyInPandas,
--   mapInPandas).
-- advice: main_part = 'outside' AND dynamic_allocation AND NOT is_databricks AND min_executors >= 2 AND held_cores <= 1.1e0 * min_executors * executor_cores AND churn_text IS NULL |
--   spark.dynamicAllocation.minExecutors | '1' | The executors that dynamic allocation has to keep wait while the driver runs code of its
--   own: let it give them back meanwhile, and move that code into Spark, side by side with jobs.
-- advice: main_part = 'outside' AND loop_ms * 2 >= gap_ms AND churn_text IS NOT NULL | - | - | The program works on the rows of each of these queries by itself, one after the other: do that on the executors for all of them at once (a grouping and
--   applyInPandas, mapInPandas, or a function over an RDD). {churn_text}
-- advice: main_part = 'outside' AND loop_ms * 2 >= gap_ms | - | - | The program works on the rows of each of these queries by itself, one after the other: do that on the executors for all of them at once (a grouping and
--   applyInPandas, mapInPandas, or a function over an RDD), or collect all rows with one query{release_text} before that work.
-- advice: main_part = 'outside' AND result_bytes IS NOT NULL | - | - | Results of {result_bytes:bytes} came to the driver before the longest gap (collect,
--   toPandas), where the program takes them row by row: write them from the executors, or collect fewer rows and columns.
-- advice: longest_is_last | - | - | The longest gap follows the last job: look at what the code does at its end (calls to other
--   services, local files), and stop the session as soon as the work is done.[ {fixed_text}]
-- advice: longest_is_first | - | - | The longest gap is before the first job although executors were there: start the session
--   after downloads and imports, or start with fewer executors.[ {fixed_text}]
-- advice: main_part = 'outside' AND num_gaps >= 20 AND gap_ms - longest_gap_ms < 1000 * num_gaps | - | - | Most of these gaps are short, between
--   one query and the next: plans are built and analyzed there, and the program runs its own code. Run fewer queries that do more each, or
--   start the next ones meanwhile (a thread for each).[ {fixed_text}]
-- advice: main_part = 'outside' AND num_gaps >= 3 AND longest_gap_ms * 2 < gap_ms AND dynamic_allocation | - | - | The program does something of its own between its queries, again and again (calls to other
--   services, local files, Python code): do that inside of Spark (a function over partitions) or while the next query runs
--   (a thread for each).[ {churn_text}]
-- advice: main_part = 'outside' AND num_gaps >= 3 AND longest_gap_ms * 2 < gap_ms AND is_local | - | - | The program does something of its own between its queries, again and again (calls to other
--   services, local files, Python code): do that inside of Spark (a function over partitions), or while the next query runs (a thread for each).
-- advice: main_part = 'outside' AND num_gaps >= 3 AND longest_gap_ms * 2 < gap_ms | - | - | The program does something of its own between its queries, again and again (calls to other
--   services, local files, Python code): do that inside of Spark (a function over partitions), while the next query runs
--   (a thread for each), or give executors back meanwhile (dynamic allocation).[ {fixed_text}]
-- recommendation: The driver runs code of its own or plans its next query: plans built in loops, listings of many files,
--   Python code, calls to other services. Do that in Spark, side by side with jobs, or less often.
WITH streams AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM streaming_progress
),
all_gaps AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_gaps
  FROM job_gaps
  GROUP BY platform, cluster_id, application_id, attempt_id
),
counted AS (
  SELECT
    g.*,
    ROW_NUMBER() OVER (
      PARTITION BY g.platform, g.cluster_id, g.application_id, g.attempt_id ORDER BY g.gap_ms DESC, g.begin_ms
    ) AS place
  FROM job_gaps AS g
  INNER JOIN application_facts AS a
    ON a.platform = g.platform AND a.cluster_id = g.cluster_id
    AND a.application_id = g.application_id AND a.attempt_id = g.attempt_id
  INNER JOIN all_gaps AS n
    ON n.platform = g.platform AND n.cluster_id = g.cluster_id
    AND n.application_id = g.application_id AND n.attempt_id = g.attempt_id
  LEFT JOIN streams AS s
    ON s.platform = g.platform AND s.cluster_id = g.cluster_id
    AND s.application_id = g.application_id AND s.attempt_id = g.attempt_id
  LEFT JOIN broadcast_gaps AS b
    ON b.platform = g.platform AND b.cluster_id = g.cluster_id
    AND b.application_id = g.application_id AND b.attempt_id = g.attempt_id AND b.job_id = g.job_id
  LEFT JOIN opening_jobs AS o
    ON o.platform = g.platform AND o.cluster_id = g.cluster_id
    AND o.application_id = g.application_id AND o.attempt_id = g.attempt_id AND o.job_id = g.job_id AND o.is_step
  LEFT JOIN registration_waits AS w
    ON w.platform = g.platform AND w.cluster_id = g.cluster_id
    AND w.application_id = g.application_id AND w.attempt_id = g.attempt_id AND w.is_told AND g.is_first
  WHERE b.platform IS NULL AND o.platform IS NULL AND w.platform IS NULL AND (g.gap_ms >= $min_gap_ms OR n.num_gaps >= $min_short_gaps) AND NOT a.is_interactive AND a.num_jobs > 0 AND s.platform IS NULL
    -- Jobs whose events are gone ran in what looks like gaps.
    AND NOT COALESCE(a.lacks_jobs, FALSE)
    AND NOT (g.is_first AND (a.is_local OR g.platform = 'databricks' OR a.application_name = 'Databricks Shell'))
),
-- Gaps after queries that bring rows to the driver, by the place in the code.
loop_gaps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query, COUNT(*) AS num_loop, SUM(outside_ms) AS loop_ms, SUM(held_core_ms - COALESCE(lost_host_core_ms, 0e0)) AS loop_held_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY SUM(outside_ms) DESC, query) AS loop_place
  FROM (
    SELECT
      g.platform, g.cluster_id, g.application_id, g.attempt_id, g.begin_ms, g.outside_ms, g.held_core_ms, g.lost_host_core_ms,
      -- The same line of a Python program, called from a thread of its own.
      MIN(REPLACE(q.description, ' at <unknown>:0', ' at NativeMethodAccessorImpl.java:0')) AS query
    FROM counted AS g
    INNER JOIN jobs AS j
      ON j.platform = g.platform AND j.cluster_id = g.cluster_id
      AND j.application_id = g.application_id AND j.attempt_id = g.attempt_id AND UNIX_MILLIS(j.completion_time) = g.begin_ms
    INNER JOIN sql AS q
      ON q.platform = j.platform AND q.cluster_id = j.cluster_id
      AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
    WHERE g.outside_ms >= $min_loop_gap_ms AND g.outside_ms >= 0.5e0 * g.gap_ms
      AND (q.description LIKE 'collect%' OR q.description LIKE 'toPandas %' OR q.description LIKE 'toArrow %' OR q.description LIKE 'take %' OR q.description LIKE 'head %' OR q.description LIKE 'first %')
    GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, g.begin_ms, g.outside_ms, g.held_core_ms, g.lost_host_core_ms
  ) AS l
  GROUP BY platform, cluster_id, application_id, attempt_id, query
),
loops AS (
  SELECT l.*
  FROM loop_gaps AS l
  INNER JOIN application_facts AS a
    ON a.platform = l.platform AND a.cluster_id = l.cluster_id
    AND a.application_id = l.application_id AND a.attempt_id = l.attempt_id
  WHERE l.loop_place = 1 AND l.num_loop >= $min_loop_gaps AND l.loop_ms >= $min_loop_ms AND l.loop_ms >= $min_loop_ratio * a.app_duration_ms
),
-- Results that came to the driver just before a gap.
results AS (
  SELECT g.platform, g.cluster_id, g.application_id, g.attempt_id, MAX(s.result_size) AS result_bytes
  FROM counted AS g
  INNER JOIN stages AS s
    ON s.platform = g.platform AND s.cluster_id = g.cluster_id
    AND s.application_id = g.application_id AND s.attempt_id = g.attempt_id
  WHERE g.place = 1 AND s.result_size >= $min_result_bytes
    AND UNIX_MILLIS(s.completion_time) BETWEEN g.begin_ms - $min_gap_ms AND g.begin_ms + 1000
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id
),
-- Columns of the query after the longest gap: a plan shows the first ones and the number of the others.
wide AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id,
    MAX(TRY_CAST(REGEXP_REPLACE(n.description, '^.* ([0-9]+) more fields.*$', '$1') AS BIGINT)) AS wide_columns
  FROM counted AS g
  INNER JOIN jobs AS j
    ON j.platform = g.platform AND j.cluster_id = g.cluster_id
    AND j.application_id = g.application_id AND j.attempt_id = g.attempt_id AND j.job_id = g.job_id
  INNER JOIN sql_nodes AS n
    ON n.platform = j.platform AND n.cluster_id = j.cluster_id
    AND n.application_id = j.application_id AND n.attempt_id = j.attempt_id AND n.sql_id = j.sql_id
  WHERE g.place = 1 AND n.operator_kind = 'project' AND n.description LIKE '% more fields%'
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id
),
-- Rows that the program itself gave to the query after the longest gap: one by one, with Arrow, or as a part of its plan.
given_rows AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, MAX(n.rows_output) AS local_rows, MAX(CASE WHEN r.call_site LIKE 'readRDDFromFile at PythonRDD%' THEN 1 ELSE 0 END) = 1 AS by_rows
  FROM counted AS g
  INNER JOIN jobs AS j
    ON j.platform = g.platform AND j.cluster_id = g.cluster_id
    AND j.application_id = g.application_id AND j.attempt_id = g.attempt_id AND j.job_id = g.job_id
  INNER JOIN sql_nodes AS n
    ON n.platform = j.platform AND n.cluster_id = j.cluster_id
    AND n.application_id = j.application_id AND n.attempt_id = j.attempt_id AND n.sql_id = j.sql_id
  LEFT JOIN rdds AS r
    ON r.platform = j.platform AND r.cluster_id = j.cluster_id
    AND r.application_id = j.application_id AND r.attempt_id = j.attempt_id AND ARRAY_CONTAINS(j.stage_ids, r.first_stage_id)
    AND (r.call_site LIKE 'readRDDFromFile at PythonRDD%' OR r.rdd_name = 'arrow')
  WHERE g.place = 1 AND n.rows_output >= $min_local_rows AND ((r.platform IS NOT NULL AND n.node_name LIKE 'Scan ExistingRDD%') OR n.node_name LIKE 'LocalTableScan%')
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id
),
-- The query that brought rows to the driver before it.
sources AS (
  SELECT g.platform, g.cluster_id, g.application_id, g.attempt_id, MAX(SUBSTR(q.description, 1, 200)) AS query
  FROM counted AS g
  INNER JOIN jobs AS j
    ON j.platform = g.platform AND j.cluster_id = g.cluster_id
    AND j.application_id = g.application_id AND j.attempt_id = g.attempt_id AND UNIX_MILLIS(j.completion_time) = g.begin_ms
  INNER JOIN sql AS q
    ON q.platform = j.platform AND q.cluster_id = j.cluster_id
    AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
  WHERE g.place = 1 AND (q.description LIKE 'collect%' OR q.description LIKE 'toPandas %' OR q.description LIKE 'toArrow %')
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id
),
-- What the query after the longest gap reads, and the steps of its plan.
next_queries AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, MAX(q.num_nodes) AS num_nodes, SUM(s.files_read) AS files_read, MAX(s.partitions_read) AS partitions_read
  FROM counted AS g
  INNER JOIN jobs AS j
    ON j.platform = g.platform AND j.cluster_id = g.cluster_id
    AND j.application_id = g.application_id AND j.attempt_id = g.attempt_id AND j.job_id = g.job_id
  INNER JOIN sql AS q
    ON q.platform = j.platform AND q.cluster_id = j.cluster_id
    AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
  LEFT JOIN sql_scans AS s
    ON s.platform = q.platform AND s.cluster_id = q.cluster_id
    AND s.application_id = q.application_id AND s.attempt_id = q.attempt_id AND s.sql_id = q.sql_id AND s.operation = 'read'
  WHERE g.place = 1
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id
),
-- Queries of one place in the code, one after the other, as long as each has a larger plan than the one before.
steps AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.sql_id, q.num_nodes, UNIX_MILLIS(q.submission_time) AS begin_ms, q.duration_ms,
    REPLACE(q.description, ' at <unknown>:0', ' at NativeMethodAccessorImpl.java:0') AS query,
    LAG(q.num_nodes) OVER (
      PARTITION BY q.platform, q.cluster_id, q.application_id, q.attempt_id, REPLACE(q.description, ' at <unknown>:0', ' at NativeMethodAccessorImpl.java:0') ORDER BY q.sql_id
    ) AS earlier_nodes
  FROM sql AS q
  INNER JOIN all_gaps AS n
    ON n.platform = q.platform AND n.cluster_id = q.cluster_id
    AND n.application_id = q.application_id AND n.attempt_id = q.attempt_id
  WHERE q.num_nodes > 0 AND q.submission_time IS NOT NULL AND COALESCE(q.root_execution_id, q.sql_id) = q.sql_id
),
runs_of_steps AS (
  SELECT
    s.*,
    SUM(CASE WHEN num_nodes > earlier_nodes THEN 0 ELSE 1 END) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, query ORDER BY sql_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS run
  FROM steps AS s
),
placed_steps AS (
  SELECT
    r.*, COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query, run) AS num_rounds,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, query, run ORDER BY sql_id) AS round
  FROM runs_of_steps AS r
),
growing AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, query, run, COUNT(*) AS num_rounds, MIN(num_nodes) AS first_steps, MAX(num_nodes) AS last_steps,
    MIN(begin_ms) AS begin_ms, MIN(CASE WHEN 2 * round > num_rounds + 1 THEN begin_ms END) AS middle_ms, MAX(begin_ms + COALESCE(duration_ms, 0)) AS end_ms
  FROM placed_steps
  WHERE num_rounds >= $min_rounds
  GROUP BY platform, cluster_id, application_id, attempt_id, query, run
  HAVING MAX(num_nodes) >= $min_growth * MIN(num_nodes)
),
-- With the gap that begins in the last of them: what comes next is planned there.
round_gaps AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.query, r.run, r.num_rounds, r.first_steps, r.last_steps, SUM(g.gap_ms) AS round_ms,
    SUM(CASE WHEN g.begin_ms + g.gap_ms > r.middle_ms THEN g.gap_ms ELSE 0 END) AS late_ms,
    ROW_NUMBER() OVER (PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id ORDER BY SUM(g.gap_ms) DESC, r.query, r.run) AS round_place
  FROM growing AS r
  INNER JOIN counted AS g
    ON g.platform = r.platform AND g.cluster_id = r.cluster_id
    AND g.application_id = r.application_id AND g.attempt_id = r.attempt_id
  WHERE g.begin_ms >= r.begin_ms AND g.begin_ms <= r.end_ms
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.query, r.run, r.num_rounds, r.first_steps, r.last_steps
),
set_values AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.sql.execution.arrow.pyspark.enabled' THEN LOWER(TRIM(value)) END) = 'true' AS has_arrow
  FROM spark_settings
  GROUP BY platform, cluster_id, application_id, attempt_id
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN query_description LIKE 'toPandas %' THEN 1 ELSE 0 END) = 1 AS has_pandas,
    COUNT(*) AS num_gaps,
    SUM(gap_ms) AS gap_ms,
    SUM(held_core_ms - COALESCE(lost_host_core_ms, 0e0)) AS held_ms, SUM(held_core_ms) AS all_held_ms, SUM(COALESCE(lost_host_core_ms, 0e0)) AS host_ms,
    SUM(outside_ms) AS outside_ms, SUM(COALESCE(iterate_ms, 0e0)) AS iterate_ms, SUM(commit_ms) AS commit_ms, SUM(before_job_ms) AS before_job_ms,
    SUM(between_jobs_ms) AS between_jobs_ms, SUM(collect_ms) AS collect_ms, SUM(command_ms) AS command_ms,
    MAX(gap_ms) AS longest_gap_ms,
    MAX(CASE WHEN outside_ms + collect_ms + COALESCE(iterate_ms, 0e0) >= 0.5e0 * gap_ms THEN gap_ms END) AS own_gap_ms,
    MAX(CASE WHEN outside_ms + collect_ms + COALESCE(iterate_ms, 0e0) >= 0.5e0 * gap_ms AND NOT is_first AND NOT is_last THEN gap_ms END) AS middle_gap_ms,
    MAX(CASE WHEN place = 1 THEN commit_format END) AS commit_format,
    MAX(CASE WHEN place = 1 THEN job_id END) AS longest_before_job,
    MAX(CASE WHEN place = 1 AND is_first THEN 1 ELSE 0 END) = 1 AS longest_is_first,
    MAX(CASE WHEN place = 1 AND is_last THEN 1 ELSE 0 END) = 1 AS longest_is_last,
    MAX(CASE WHEN place = 1 AND outside_ms < gap_ms / 2e0 THEN SUBSTR(query_description, 1, 200) END) AS longest_query
  FROM counted
  GROUP BY platform, cluster_id, application_id, attempt_id
),
rounds AS (
  SELECT r.*
  FROM round_gaps AS r
  INNER JOIN summed AS s
    ON s.platform = r.platform AND s.cluster_id = r.cluster_id
    AND s.application_id = r.application_id AND s.attempt_id = r.attempt_id
  WHERE r.round_place = 1 AND r.round_ms >= $min_round_share * s.gap_ms AND r.late_ms >= $min_late * (r.round_ms - r.late_ms)
),
-- What executor_churn tells.
idle_losses AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM lost_caches
  WHERE is_told
),
-- All gaps are told, or only those after queries of one place.
kinds AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    COALESCE((s.middle_gap_ms >= $min_middle_gap_ms AND s.middle_gap_ms >= $min_long_ratio * a.app_duration_ms)
      OR ((s.gap_ms >= $min_gaps_ms OR (s.gap_ms >= $min_short_gaps_ms AND s.gap_ms >= $min_third * a.app_duration_ms))
        AND (s.gap_ms >= $min_gap_ratio * a.app_duration_ms
          OR (s.own_gap_ms >= $min_long_gap_ms AND s.own_gap_ms >= $min_long_ratio * a.app_duration_ms)
          OR (s.held_ms >= $large_held_ms AND s.gap_ms >= $min_gap_ratio / 4e0 * a.app_duration_ms))), FALSE) AS is_long
  FROM application_facts AS a
  INNER JOIN summed AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  -- A driver always has some work of its own, most of it right after its start.
  CASE WHEN (s.gap_ms < $min_gap_ratio * a.app_duration_ms AND s.held_ms < $large_held_ms)
    OR (s.gap_ms < $min_third * a.app_duration_ms AND s.held_ms < $medium_held_ms)
    OR (a.is_local AND s.gap_ms < 60000 AND a.app_duration_ms < 120000 AND NOT COALESCE(s.middle_gap_ms >= $min_half_gap_ms AND s.middle_gap_ms >= 0.5e0 * a.app_duration_ms, FALSE))
    OR (s.longest_is_first AND s.longest_gap_ms >= 0.5e0 * s.gap_ms AND s.gap_ms < 60000 AND s.held_ms < $medium_held_ms) THEN 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(CASE WHEN k.is_long THEN s.held_ms ELSE l.loop_held_ms END AS BIGINT) AS lost_core_ms,
  TRY_CAST(CASE WHEN k.is_long THEN s.gap_ms ELSE l.loop_ms END AS BIGINT) AS recoverable_ms,
  l.num_loop, l.loop_ms, l.loop_ms / NULLIF(CAST(l.num_loop AS DOUBLE), 0e0) AS loop_mean_ms, SUBSTR(l.query, 1, 100) AS loop_query,
  d.num_rounds, SUBSTR(d.query, 1, 100) AS round_query, d.first_steps, d.last_steps, TRY_CAST(d.round_ms AS BIGINT) AS round_ms, TRY_CAST(d.late_ms AS BIGINT) AS late_ms,
  s.gap_ms, CAST(s.gap_ms AS DOUBLE) / NULLIF(a.app_duration_ms, 0) AS gap_ratio, s.num_gaps, s.all_held_ms / NULLIF(s.gap_ms, 0) AS held_cores,
  CASE WHEN s.host_ms >= 0.005e0 * s.all_held_ms AND s.host_ms > 0e0 THEN TRY_CAST(s.host_ms AS BIGINT) END AS host_ms,
  -- What is not worth a word is left out of the sentence.
  CASE WHEN s.outside_ms >= 1e3 THEN TRY_CAST(s.outside_ms AS BIGINT) END AS outside_ms,
  CASE WHEN s.iterate_ms >= 1e3 THEN TRY_CAST(s.iterate_ms AS BIGINT) END AS iterate_ms,
  CASE WHEN s.commit_ms >= 1e3 THEN TRY_CAST(s.commit_ms AS BIGINT) END AS commit_ms,
  CASE WHEN s.before_job_ms >= 1e3 THEN TRY_CAST(s.before_job_ms AS BIGINT) END AS before_job_ms,
  CASE WHEN s.between_jobs_ms >= 1e3 THEN TRY_CAST(s.between_jobs_ms AS BIGINT) END AS between_jobs_ms,
  CASE WHEN s.collect_ms >= 1e3 THEN TRY_CAST(s.collect_ms AS BIGINT) END AS collect_ms,
  CASE WHEN s.command_ms >= 1e3 THEN TRY_CAST(s.command_ms AS BIGINT) END AS command_ms,
  -- Parts of the gaps: the first that is told says so.
  CASE WHEN s.outside_ms >= 1e3 THEN '' ELSE ' of it' END AS iterate_of,
  CASE WHEN GREATEST(s.outside_ms, s.iterate_ms) >= 1e3 THEN '' ELSE ' of it' END AS commit_of,
  CASE WHEN GREATEST(s.outside_ms, s.iterate_ms, s.commit_ms) >= 1e3 THEN '' ELSE ' of it' END AS before_job_of,
  CASE WHEN GREATEST(s.outside_ms, s.iterate_ms, s.commit_ms, s.before_job_ms) >= 1e3 THEN '' ELSE ' of it' END AS between_jobs_of,
  CASE WHEN GREATEST(s.outside_ms, s.iterate_ms, s.commit_ms, s.before_job_ms, s.between_jobs_ms) >= 1e3 THEN '' ELSE ' of it' END AS collect_of,
  CASE WHEN GREATEST(s.outside_ms, s.iterate_ms, s.commit_ms, s.before_job_ms, s.between_jobs_ms, s.collect_ms) >= 1e3 THEN '' ELSE ' of it' END AS command_of,
  CASE CASE WHEN GREATEST(s.outside_ms, s.iterate_ms, s.commit_ms, s.before_job_ms, s.between_jobs_ms, s.collect_ms, s.command_ms) >= 0.5e0 * s.gap_ms
    THEN GREATEST(s.outside_ms, s.iterate_ms, s.commit_ms, s.before_job_ms, s.between_jobs_ms, s.collect_ms, s.command_ms) END
    WHEN s.outside_ms THEN 'outside' WHEN s.iterate_ms THEN 'iterate' WHEN s.commit_ms THEN 'commit' WHEN s.before_job_ms THEN 'before'
    WHEN s.between_jobs_ms THEN 'between' WHEN s.collect_ms THEN 'collect' WHEN s.command_ms THEN 'command' ELSE 'several'
  END AS main_part,
  s.longest_gap_ms, s.longest_before_job, s.commit_format,
  -- Advice about one gap is for one that is most of them.
  s.longest_is_first AND s.longest_gap_ms >= 0.5e0 * s.gap_ms AS longest_is_first,
  s.longest_is_last AND s.longest_gap_ms >= 0.5e0 * s.gap_ms AS longest_is_last, s.longest_query, r.result_bytes, a.app_duration_ms,
  COALESCE(a.is_local, FALSE) AS is_local, CASE WHEN a.is_local THEN '' ELSE ' and release the executors' END AS release_text,
  COALESCE(a.dynamic_allocation, FALSE) AS dynamic_allocation, a.min_executors, a.executor_cores,
  -- idle_executors does not count what passes in gaps as long as the rest is busy enough, but the cure is the same.
  CASE WHEN c.could_allocate AND NOT a.dynamic_allocation AND NOT a.is_local AND a.num_executors_max >= 2 AND a.core_time_ms >= $min_busy_core_ms
      AND CAST(a.total_task_time_ms AS DOUBLE) * GREATEST(COALESCE(a.task_cpus, 1), 1) < $max_busy_share * a.core_time_ms
    THEN CONCAT('Tasks used ', CAST(TRY_CAST(ROUND(100e0 * a.total_task_time_ms * GREATEST(COALESCE(a.task_cpus, 1), 1) / NULLIF(a.core_time_ms, 0)) AS BIGINT) AS STRING),
      ' % of the core time of a fixed number of executors in the whole run: with dynamic allocation',
      CASE WHEN a.executor_instances IS NOT NULL THEN ', and without spark.executor.instances,' ELSE '' END, ' it begins with few and adds more while tasks wait.')
  END AS fixed_text,
  -- What goes with the executors costs more than they do.
  CASE
    WHEN i.platform IS NOT NULL THEN 'Do not release executors for these gaps: executor_churn tells what computing their cached data again costs. Shorter gaps save both.'
    WHEN t.platform IS NOT NULL THEN 'Do not release executors sooner for these gaps: executor_churn tells that they come and go too fast already. Shorter gaps save both.'
  END AS churn_text,
  CASE WHEN r.result_bytes IS NOT NULL AND e.query IS NOT NULL THEN o.local_rows END AS trip_rows, CASE WHEN r.result_bytes IS NOT NULL AND o.local_rows > 0 THEN e.query END AS trip_query,
  CASE WHEN e.query IS NOT NULL AND o.local_rows > 0 THEN r.result_bytes END AS trip_bytes,
  CASE WHEN e.query LIKE 'toPandas %' THEN 'toPandas, createDataFrame' WHEN e.query LIKE 'toArrow %' THEN 'toArrow, createDataFrame' ELSE 'collect, createDataFrame' END AS trip_way,
  o.local_rows, COALESCE(o.by_rows, FALSE) AS by_rows, s.has_pandas, COALESCE(v.has_arrow, FALSE) AS has_arrow, c.idle_timeout_ms, COALESCE(a.is_databricks, FALSE) AS is_databricks, w.wide_columns, x.files_read, x.partitions_read, x.num_nodes, a.spark_minor
FROM application_facts AS a
INNER JOIN summed AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
INNER JOIN kinds AS k
  ON k.platform = a.platform AND k.cluster_id = a.cluster_id
  AND k.application_id = a.application_id AND k.attempt_id = a.attempt_id
LEFT JOIN loops AS l
  ON l.platform = a.platform AND l.cluster_id = a.cluster_id
  AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
LEFT JOIN application_settings AS c
  ON c.platform = a.platform AND c.cluster_id = a.cluster_id
  AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id
LEFT JOIN set_values AS v
  ON v.platform = a.platform AND v.cluster_id = a.cluster_id
  AND v.application_id = a.application_id AND v.attempt_id = a.attempt_id
LEFT JOIN rounds AS d
  ON d.platform = a.platform AND d.cluster_id = a.cluster_id
  AND d.application_id = a.application_id AND d.attempt_id = a.attempt_id
LEFT JOIN given_rows AS o
  ON o.platform = a.platform AND o.cluster_id = a.cluster_id
  AND o.application_id = a.application_id AND o.attempt_id = a.attempt_id
LEFT JOIN sources AS e
  ON e.platform = a.platform AND e.cluster_id = a.cluster_id
  AND e.application_id = a.application_id AND e.attempt_id = a.attempt_id
LEFT JOIN wide AS w
  ON w.platform = a.platform AND w.cluster_id = a.cluster_id
  AND w.application_id = a.application_id AND w.attempt_id = a.attempt_id
LEFT JOIN next_queries AS x
  ON x.platform = a.platform AND x.cluster_id = a.cluster_id
  AND x.application_id = a.application_id AND x.attempt_id = a.attempt_id
LEFT JOIN results AS r
  ON r.platform = a.platform AND r.cluster_id = a.cluster_id
  AND r.application_id = a.application_id AND r.attempt_id = a.attempt_id
LEFT JOIN executor_turnover AS t
  ON t.platform = a.platform AND t.cluster_id = a.cluster_id
  AND t.application_id = a.application_id AND t.attempt_id = a.attempt_id
LEFT JOIN idle_losses AS i
  ON i.platform = a.platform AND i.cluster_id = a.cluster_id
  AND i.application_id = a.application_id AND i.attempt_id = a.attempt_id
WHERE k.is_long OR l.num_loop > 0
