-- id: python_udf
-- title: Much of the time goes into stages that call Python
-- category: plans
-- severity: low
-- version: 27
-- description: Fires where the stages with Python functions, of queries or of RDDs with data, took a large share of an application's task
--   time, or those that a groupByKey of Python objects writes alone a fifth. Rows travel to a Python process and back, and Spark cannot look into the function. The time is
--   that of the whole stages, so it is an upper bound of what goes into Python; what a built-in function
--   would take instead is not known. Stages of RDDs without counted data, or shorter ones, do not decide whether it fires, but are told with the others. operator_ms is the part that the operators of queries measured.
--   Of less of the application it is told where operators send very many rows and their stages waited long for what neither the processor of the JVM, scans,
--   shuffle data nor garbage collection explains: the JVM does not see what Python computes.
--   Where most of the time of Python goes to functions that take milliseconds for each row, slow_python_rows tells them instead.
--   What small Arrow batches cost beyond their rows is counted as lost: rows that went to Python over the rows of a batch (spark.sql.execution.arrow.maxRecordsPerBatch, of the query's session
--   where it has its own), less the batches that 10,000 rows each would be, times what a batch cost the Python worker alone in processor time with Spark 4.3, pandas 3.1 and functions that
--   return what they get: 0.5 ms for one column as a pandas Series (1.0 ms for five), 3.6 ms for a DataFrame of two columns (6.3 ms for seven), 0.05 ms for a plain function of one
--   column and 0.2 ms for seven columns without pandas. What the JVM does for a batch (0.1 to 1.2 ms) and waiting come on top, so it is a lower bound, but never more than the
--   operator measured in Python. A function of several steps costs more for a batch: where the operator measured its time, a part of what it took for a batch beyond vectorized work on the rows, up to
--   max_series_batch_ms (two applications whose functions take four columns gained 0.6 and 0.9 ms a batch of the 0.9 and 1.0 ms that the operators measured). It is told of less of the application too.
--   Functions that get one group of keys at a time (applyInPandas, cogroup, applyInArrow, grouped aggregates of pandas, states of streams) are judged by their time in Python: as Spark 4.3
--   measured it, before what their stage ran beyond the processor of the JVM, garbage collection and waiting for shuffle data. They are told where a row took far longer than vectorized pandas needs, but
--   not as long as models that are fitted: then the groups are small, and each costs some milliseconds of pandas, or the function goes through its rows one by one. Where fewer rows come out than go in, there are at most as many
--   groups, and a call took at least that time: functions whose call takes long compute, and are not told. Rows that come out one for one do not tell the groups: then it is low. Lost is taken to be a part of
--   that time; two applications gained 85 and 95 % of it by windows and aggregates.
--   Where operators put out few rows it is told only for many tasks that do little but make Python ready.
--   What makes workers ready is at most what an operator's workers took less what they executed and what their processes took to start: Spark's own number counts
--   from the end of the task before where a worker is used again, so it holds idle time. What starting processes took is told where it is much of the time of Python: built-in functions need none, Arrow batches do not spare it.
-- parameter: min_share double = 0.3 [ratio] task time of stages with Python over that of all, at least
-- parameter: min_run_time_ms bigint = 30000 [ms] task time of stages of queries with Python, at least
-- parameter: min_all_run_time_ms bigint = 300000 [ms] task time of all stages with Python, which is enough too
-- parameter: half_run_time_ms bigint = 15000 [ms] task time of stages of queries with Python, where it is half of all or more
-- parameter: half_all_run_time_ms bigint = 30000 [ms] task time of all stages with Python, where it is half of all or more
-- parameter: most_share double = 0.7 [ratio] that share from which the following is enough
-- parameter: most_all_run_time_ms bigint = 15000 [ms] task time of all stages with Python, where it is most of all
-- parameter: min_group_share double = 0.2 [ratio] task time of stages that a groupByKey of Python objects writes over that of all, which is enough too where it is half_all_run_time_ms or more
-- parameter: min_rdd_bytes double = 1048576 [bytes] data of stages of RDDs, at least, where most of the time is theirs
-- parameter: min_rdd_task_ms double = 1000.0 [ms] mean time of their tasks with less data, at least: shorter ones start Python more than they use it
-- parameter: min_vectorized_ms bigint = 3600000 [ms] task time of stages whose functions all take Arrow batches of good size, at least: nothing is wrong with them
-- parameter: min_rdd_stage_ms bigint = 2000 [ms] task time of a stage of RDDs of Python objects, of all its attempts, at least: shorter ones start Python more than they use it
-- parameter: min_python_rows bigint = 10000 [rows] rows that operators with Python functions put out, at least, where they count them: of fewer it is the function that takes the time
-- parameter: min_init_ms bigint = 10000 [ms] time in which workers unpack the function and run its imports, at least
-- parameter: min_init_share double = 0.5 [ratio] that time over all that workers took, at least
-- parameter: few_rows double = 10.0 [rows] rows of a task that may do little but make Python ready, at most
-- parameter: min_ready_tasks bigint = 20 [count] such tasks, at least
-- parameter: min_ready_share double = 0.8 [ratio] time in which processes start, unpack the function and run its imports over all that workers took, at least, for these to be told
-- parameter: most_ready_share double = 1.02 [ratio] and at most, where nothing tells what they executed
-- parameter: min_start_share double = 0.3 [ratio] time in which processes of Python start over that of the stages with Python, at least, to be told
-- parameter: small_batch_rows bigint = 1000 [count] rows of an Arrow batch from which it is no longer small
-- parameter: usual_batch_rows double = 10000.0 [rows] rows of a batch that are advised, Spark's default
-- parameter: series_batch_ms double = 0.5 [ms] what a batch costs the Python worker where a function takes pandas Series
-- parameter: max_series_batch_ms double = 0.75 [ms] the same, at most, where the operator measured more
-- parameter: batch_part double = 0.7 [ratio] part of what an operator measured for a batch that is taken for the price of the batch
-- parameter: batch_row_ms double = 0.002 [ms] what vectorized work on a row takes of it
-- parameter: frame_batch_ms double = 3.5 [ms] the same where it takes pandas DataFrames
-- parameter: arrow_batch_ms double = 0.05 [ms] the same where it takes Arrow data or single rows
-- parameter: min_batch_lost_ms double = 10000.0 [ms] what small batches cost, at least, to be counted
-- parameter: min_batch_lost_share double = 0.05 [ratio] that over the task time of all stages from which it is reported for itself
-- parameter: min_call_ms double = 10000.0 [ms] time in Python of functions of small groups, at least
-- parameter: min_call_share double = 0.2 [ratio] that time over the task time of all stages, at least
-- parameter: min_node_ms double = 2000.0 [ms] the same time of one operator, at least
-- parameter: min_call_rows double = 10000.0 [rows] rows that go into one of them, at least
-- parameter: min_row_us double = 20.0 [us] that time for a row, at least: vectorized pandas takes less
-- parameter: max_row_us double = 500.0 [us] and at most: what takes longer computes
-- parameter: max_call_ms double = 5.0 [ms] that time for a row that comes out, where these tell the groups, at most: what takes longer computes
-- parameter: max_rows_out double = 0.5 [ratio] rows that come out over those that go in, at most, to tell the groups
-- parameter: max_group_size double = 200.0 [rows] rows of a group then, at most
-- parameter: call_lost double = 0.7 [ratio] part of that time that is taken to be lost
-- parameter: min_gap_ms double = 600000 [ms] that wait, at least
-- parameter: min_gap_share double = 0.03 [ratio] that wait over the task time of all stages, at least
-- parameter: min_gap_rows double = 1e6 [rows] rows that go to Python in these queries, at least
-- evidence: Stages that call Python took {python_ms:s} of {run_ms:s} of task time, {python_share:pct}[; {group_function} gets its rows in
--   groups by {group_keys}][; {group_rows:int} rows went to functions of groups][ in {groups:int} groups][ in at most {groups_most:int} groups][, and Python took {group_ms:s} for them][, and their stages took {group_rest_ms:s}
--   beyond the processor time of the JVM][, {row_us:int} µs per row][ and {call_ms:1} ms per group][ and at least {least_call_ms:1} ms per group][; {operator_ms:s} of it in Python
--   itself][, in query {main_query:int}, which calls
--   {only_functions}][, in {same_queries:int} queries, which all call {only_functions}][, {longest_ms:s} in query {main_query:int}, which calls {longest_functions}][, {longest_ms:s} in
--   {same_queries:int} queries that call {longest_functions}][; most rows ({called_rows:int}) went to {called_functions} in query {main_query:int}][; most rows ({called_rows:int}) went to
--   {called_functions} in {same_queries:int} queries][, {init_ms:s} to make workers ready for their tasks][; starting Python processes took {start_ms:s} of it][; {ready_tasks:task|tasks} with {ready_rows:row|rows} in all took {ready_ms:s} to make Python ready (processes, imports, the function)][; query {twice_query:int} calls {twice_functions}
--   twice for each row][; {num_rdd_stages:stage|stages} of RDDs of Python objects took {rdd_ms:s} of it][ ({rdd_only})][ (most in
--   {rdd_place}: {rdd_place_ms:s})][;
--   {num_batch:operator sends|operators send} rows one by one, without Arrow][; where {gap_rows:row
--   goes|rows go} to Python, tasks waited {gap_ms:s} for neither the processor of the JVM nor scans, shuffle data or garbage collection][. Rows go to Python in Arrow batches of {batch_rows:row|rows}, where the default of spark.sql.execution.arrow.maxRecordsPerBatch is 10,000][: {num_batches:batch|batches}, which
--   cost {batch_lost_ms:s} or more beyond the work on their rows].
-- advice: group_lost_ms > COALESCE(batch_lost_ms, 0e0) AND is_state | - | - | Each call gets the rows of one key, and of each batch few: use built-in aggregates with a watermark, session windows or
--   dropDuplicatesWithinWatermark where they do the same, or let each batch hold more rows, so that a call gets more of them.
-- advice: group_lost_ms > COALESCE(batch_lost_ms, 0e0) | - | - | The function is called once for each group, and small groups are little work for pandas: use built-in aggregates and window functions (lag, lead,
--   first and last with ignoreNulls, sum over a window). Where there are none, group by a bucket of the key, such as pmod(hash(key), 200), and let one call handle all keys of it with vectorized pandas.
-- advice: batch_lost_ms IS NOT NULL AND NOT session_batch | spark.sql.execution.arrow.maxRecordsPerBatch | '10000' | The application set the rows of a
--   batch to {batch_rows:int}, where the default is 10,000, and each batch costs a call of the function: remove the setting, unless the rows are very large. Use built-in functions where there are any.
-- advice: batch_lost_ms IS NOT NULL | - | - | Batches of {batch_rows:row|rows} go to Python, and each costs a call: a session set spark.sql.execution.arrow.maxRecordsPerBatch. Leave it at 10,000, unless
--   the rows are very large; use built-in functions where there are any.
-- advice: rdd_ms * 2 >= python_ms AND sends_rows | - | - | If the function of foreach or foreachPartition sends its rows to another system, send many rows in one request, over one connection for each partition (foreachPartition), or use the writer of
--   a connector (JDBC, Kafka, a database's own), which does that in the JVM, without objects of Python for each row. Else use DataFrames and built-in functions.
-- advice: rdd_ms * 2 >= python_ms AND has_group_by_key | - | - | Use DataFrames and built-in functions instead of RDDs of Python objects: every row is
--   serialized, and Python does the work. groupByKey moves every value: a grouping of a DataFrame, reduceByKey or aggregateByKey adds them up
--   before the shuffle.
-- advice: rdd_ms * 2 >= python_ms | - | - | Use DataFrames and built-in functions instead of RDDs of Python objects: every row is serialized, and
--   Python does the work.
-- advice: ready_ms > 0 | - | - | Nearly all of it makes Python ready for tasks that hold hardly a row: give the stage fewer and larger partitions (a smaller numSlices or range, coalesce before the function), a few for each core.
-- advice: init_ms > 0 | - | - | Most of it makes workers ready: with each task the function is unpacked with all that it captures, and its imports run. Send large objects as a
--   broadcast variable (or join with them as a DataFrame), import only what the function needs, and run fewer and longer tasks.
-- advice: num_batch IS NULL AND batch_rows >= 1 AND NOT session_batch | spark.sql.execution.arrow.maxRecordsPerBatch | '10000' | The application set the rows of a
--   batch to {batch_rows:int}, where the default is 10,000, and each batch costs a call of the function: remove the setting, unless the rows are very large. Use built-in functions where there are any.
-- advice: num_batch IS NULL AND batch_rows >= 1 | - | - | Batches of {batch_rows:row|rows} go to Python, and each costs a call: a session set spark.sql.execution.arrow.maxRecordsPerBatch. Leave it at
--   10,000, unless the rows are very large; use built-in functions where there are any.
-- advice: num_batch > 0 AND twice_query IS NOT NULL AND spark_minor >= 305 | spark.sql.execution.pythonUDF.arrow.enabled | 'true' | Use built-in functions where
--   there are any: Spark can push filters on them down to the scan. Let the others exchange rows in Arrow batches, all with this setting or single ones with udf(useArrow=True): check first
--   that each returns the type that it declares, because Arrow converts other types differently and results can change. Marked asNondeterministic() a filter and the columns do not call them
--   twice, but Spark then pushes no filter below them.
-- advice: num_batch > 0 AND spark_minor >= 305 | spark.sql.execution.pythonUDF.arrow.enabled | 'true' | Use built-in functions where
--   there are any; let the others exchange rows in Arrow batches (pandas and PyArrow have to be there), all with this setting or single ones with udf(useArrow=True), which saves the
--   transfer, not the computing. Check first that each returns the type that it declares: Arrow converts other types differently, and results can change.{rdd_text}
-- advice: num_batch > 0 AND twice_query IS NOT NULL | - | - | Use built-in functions where there are any, else pandas UDFs, which exchange rows in Arrow
--   batches. Marked asNondeterministic() a filter and the columns do not call them twice, but Spark then pushes no filter below them.
-- advice: num_batch > 0 | - | - | Use built-in functions where there are any, else pandas UDFs, which exchange rows in Arrow batches.{rdd_text}
-- advice: twice_query IS NOT NULL | - | - | Spark put the filter on the result of {twice_functions} below the step that keeps it, and computes it again there. Keep the result before the filter (persist, or write it to a table), or mark the function
--   asNondeterministic(), which is then called once, but no filter moves below it. Use built-in functions where there are any.
-- advice: num_plain > 0 | - | - | Rows travel in Arrow batches, but each call takes one row: use built-in functions where there are any, else functions of
--   whole batches (pandas or Arrow UDFs); filter and select before the call, so that fewer rows travel.{rdd_text}
-- advice: rdd_text <> '' | - | - | Use built-in functions where there are any; filter and select before the call, so that fewer rows travel.{rdd_text}
-- recommendation: Use built-in functions where there are any; filter and select before the call, so that fewer rows travel.
WITH timed AS (
  SELECT
    f.*, SUM(CAST(executor_run_time AS DOUBLE)) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, stage_id) AS stage_ms
  FROM stage_facts AS f
),
-- createDataFrame of a list: no function of the program runs there, only the process of Python starts. What reads a shuffle is no list.
made_frames AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, first_stage_id AS stage_id
  FROM rdds
  WHERE call_site LIKE 'applySchemaToPythonRDD at %'
),
python_rdds AS (
  SELECT platform, cluster_id, application_id, attempt_id, first_stage_id AS stage_id
  FROM rdds
  WHERE rdd_name LIKE 'Python%' AND first_stage_id IS NOT NULL
  UNION
  SELECT platform, cluster_id, application_id, attempt_id, last_stage_id AS stage_id
  FROM rdds
  WHERE rdd_name LIKE 'Python%' AND last_stage_id IS NOT NULL
  UNION
  -- Stages between the two compute it again, unless they find something cached.
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, s.stage_id
  FROM rdds AS r
  INNER JOIN stages AS s
    ON s.platform = r.platform AND s.cluster_id = r.cluster_id
    AND s.application_id = r.application_id AND s.attempt_id = r.attempt_id
  LEFT JOIN rdds AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.is_persisted AND ARRAY_CONTAINS(s.rdd_ids, c.rdd_id)
  WHERE r.rdd_name LIKE 'Python%' AND s.stage_id > r.first_stage_id AND s.stage_id < r.last_stage_id
    AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id) AND c.platform IS NULL
),
stage_kinds AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id, f.stage_name, f.num_tasks, f.succeeded_tasks, f.task_slots, f.data_bytes, f.spark_minor, f.has_python,
    CAST(f.executor_run_time AS DOUBLE) AS run_ms,
    r.stage_id IS NOT NULL AND NOT f.has_python AND m.stage_id IS NULL AS is_rdd,
    -- Without data it is the program that takes the time as a rule, not its rows.
    r.stage_id IS NOT NULL AND NOT f.has_python AND m.stage_id IS NULL AND f.data_bytes > 1 AND f.stage_ms >= $min_rdd_stage_ms AS is_sure
  FROM timed AS f
  LEFT JOIN made_frames AS m
    ON m.platform = f.platform AND m.cluster_id = f.cluster_id
    AND m.application_id = f.application_id AND m.attempt_id = f.attempt_id AND m.stage_id = f.stage_id
    AND COALESCE(f.shuffle_read_bytes, 0) = 0
  LEFT JOIN python_rdds AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id AND r.stage_id = f.stage_id
),
-- The place of the program that most of the time of its RDDs goes to.
rdd_places AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_name, run_ms
  FROM (
    SELECT
      s.*, ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY run_ms DESC, stage_name) AS place
    FROM (
      SELECT platform, cluster_id, application_id, attempt_id, stage_name, SUM(run_ms) AS run_ms
      FROM stage_kinds
      WHERE is_rdd AND stage_name IS NOT NULL
      GROUP BY platform, cluster_id, application_id, attempt_id, stage_name
    ) AS s
  ) AS ranked
  WHERE place = 1
),
-- Rows that go into operators of Python: as the nearest operator below counts them.
fed AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, p.node_name, MIN(i.node_id) AS input_id
  FROM sql_nodes AS p
  INNER JOIN sql_nodes AS i
    ON i.platform = p.platform AND i.cluster_id = p.cluster_id
    AND i.application_id = p.application_id AND i.attempt_id = p.attempt_id AND i.sql_id = p.sql_id
  WHERE (p.node_name LIKE '%EvalPython%' OR p.node_name LIKE '%MapInPandas%' OR p.node_name LIKE '%MapInArrow%'
      OR p.node_name LIKE '%FlatMapGroupsIn%' OR p.node_name LIKE '%TransformWithStateIn%' OR p.node_name LIKE 'AggregateInPandas%' OR p.node_name LIKE 'ArrowAggregatePython%')
    AND i.node_id > p.node_id AND i.node_id <= p.last_node_id AND i.rows_output IS NOT NULL
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, p.node_name
),
fed_queries AS (
  SELECT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, SUM(CAST(i.rows_output AS DOUBLE)) AS fed_rows
  FROM fed AS f
  INNER JOIN sql_nodes AS i
    ON i.platform = f.platform AND i.cluster_id = f.cluster_id
    AND i.application_id = f.application_id AND i.attempt_id = f.attempt_id AND i.sql_id = f.sql_id AND i.node_id = f.input_id
  WHERE f.node_name LIKE '%EvalPython%'
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id
),
gap_queries AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, MAX(q.fed_rows) AS gap_rows,
    SUM(s.executor_run_time - s.cpu_ms - COALESCE(s.scan_ms, 0e0) - COALESCE(s.fetch_wait_ms, 0e0) - COALESCE(s.gc_time, 0)) AS gap_ms
  FROM stage_facts AS s
  INNER JOIN fed_queries AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id
  -- A scan that does not count its time, a write or a spill could be what waited.
  WHERE s.has_python AND s.cpu_ms > 0e0 AND (s.scan_ms > 0e0 OR COALESCE(s.input_bytes, 0) = 0)
    AND COALESCE(s.output_bytes, 0) = 0 AND COALESCE(s.disk_bytes_spilled, 0) = 0 AND q.fed_rows >= $min_gap_rows
    AND s.executor_run_time - s.cpu_ms - COALESCE(s.scan_ms, 0e0) - COALESCE(s.fetch_wait_ms, 0e0) - COALESCE(s.gc_time, 0) >= 0.3e0 * s.executor_run_time
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id
),
gaps AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(gap_ms) AS gap_ms, SUM(gap_rows) AS gap_rows
  FROM gap_queries
  GROUP BY platform, cluster_id, application_id, attempt_id
),
times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN has_python OR is_rdd THEN run_ms ELSE 0e0 END) AS python_ms,
    SUM(CASE WHEN is_rdd THEN run_ms ELSE 0e0 END) AS rdd_ms,
    COUNT(DISTINCT CASE WHEN is_rdd THEN stage_id END) AS num_rdd_stages,
    SUM(CASE WHEN has_python THEN run_ms ELSE 0e0 END) AS query_ms,
    SUM(CASE WHEN is_sure THEN run_ms ELSE 0e0 END) AS sure_rdd_ms,
    SUM(CASE WHEN has_python OR is_sure THEN run_ms ELSE 0e0 END) AS sure_ms,
    SUM(CASE WHEN is_sure THEN CAST(data_bytes AS DOUBLE) ELSE 0e0 END) AS rdd_bytes,
    COALESCE(SUM(CASE WHEN is_sure THEN CAST(data_bytes AS DOUBLE) ELSE 0e0 END) >= $min_rdd_bytes
      OR SUM(CASE WHEN is_sure THEN run_ms END) >= $min_rdd_task_ms * SUM(CASE WHEN is_sure THEN num_tasks END), TRUE) AS has_rdd_work,
    SUM(run_ms) AS run_ms,
    MAX(CASE WHEN stage_name LIKE 'groupByKey at %' AND is_rdd THEN 1 ELSE 0 END) AS has_group_by_key,
    SUM(CASE WHEN stage_name LIKE 'groupByKey at %' AND is_sure THEN run_ms ELSE 0e0 END) AS group_ms,
    SUM(CASE WHEN has_python THEN succeeded_tasks END) AS python_tasks, MAX(CASE WHEN has_python THEN task_slots END) AS python_slots,
    MAX(spark_minor) AS spark_minor
  FROM stage_kinds
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- A query that finds its cache filled shows the plan below it, of which nothing runs.
filled_caches AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.node_id, c.last_node_id
  FROM sql_nodes AS c
  INNER JOIN sql_nodes AS n
    ON n.platform = c.platform AND n.cluster_id = c.cluster_id
    AND n.application_id = c.application_id AND n.attempt_id = c.attempt_id AND n.sql_id = c.sql_id
    AND n.node_id > c.node_id AND n.node_id <= c.last_node_id
  WHERE c.node_name LIKE 'InMemoryTableScan%' OR c.node_name LIKE 'Scan In-memory%'
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.node_id, c.last_node_id
  HAVING MAX(COALESCE(CARDINALITY(n.stage_ids), 0)) = 0
),
python_nodes AS (
  SELECT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.last_node_id, n.node_name, n.description, n.rows_output
  FROM sql_nodes AS n
  LEFT JOIN filled_caches AS c
    ON c.platform = n.platform AND c.cluster_id = n.cluster_id
    AND c.application_id = n.application_id AND c.attempt_id = n.attempt_id AND c.sql_id = n.sql_id
    AND c.node_id < n.node_id AND c.last_node_id >= n.node_id
  WHERE (n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%' OR n.node_name LIKE '%InArrow%' OR n.node_name LIKE '%InPySpark%')
    AND c.platform IS NULL
),
operators AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(CASE WHEN node_name LIKE 'BatchEvalPython%' THEN 1 ELSE 0 END) AS num_batch,
    -- 101 is a function of single rows, 200 and above are of batches.
    SUM(CASE WHEN node_name LIKE 'ArrowEvalPython%' AND description LIKE '%], 101' THEN 1 ELSE 0 END) AS num_plain,
    SUM(CASE WHEN description IS NULL THEN 1 ELSE 0 END) AS num_unknown,
    -- NULL where one of them does not count its rows, or takes whole batches.
    CASE WHEN COUNT(*) = COUNT(CASE WHEN node_name LIKE '%EvalPython%' THEN rows_output END) THEN SUM(rows_output) END AS python_rows
  FROM python_nodes
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Operators above each other run at the same time: of each query the longest counts.
workers AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(worker_ms) AS operator_ms
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, MAX(worker_ms) AS worker_ms
    FROM (
      -- Since Spark 4.3. The times that older releases log count idle workers too.
      SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, SUM(total) AS worker_ms
      FROM sql_node_metrics
      WHERE metric_name = 'time to execute Python code'
      GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
    ) AS n
    GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
  ) AS m
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Tasks of a few rows, which do little but make Python ready. Before Spark 4.3 nothing tells what they executed, and what Spark counts for making ready may hold idle time: then start and initializing have to be all of their time, and no more.
ready AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(run_ms) AS worker_ms, SUM(LEAST(ready_ms, run_ms - execute_ms)) AS ready_ms, SUM(start_ms) AS start_ms
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id, sql_id, node_id,
      SUM(CASE WHEN metric_name IN ('time to start Python workers', 'time to initialize Python workers') THEN total END) AS ready_ms,
      COALESCE(SUM(CASE WHEN metric_name = 'time to start Python workers' THEN total END), 0e0) AS start_ms,
      SUM(CASE WHEN metric_name = 'time to run Python workers' THEN total END) AS run_ms,
      COALESCE(SUM(CASE WHEN metric_name = 'time to execute Python code' THEN total END), 0e0) AS execute_ms
    FROM sql_node_metrics
    WHERE metric_name IN (
      'time to initialize Python workers', 'time to run Python workers', 'time to execute Python code', 'time to start Python workers'
    )
    GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
  ) AS n
  WHERE ready_ms > 0e0 AND run_ms > 0e0 AND (execute_ms > 0e0 OR ready_ms <= $most_ready_share * run_ms)
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Another rule tells where each task starts a process of its own, or where the start of tiny tasks with Python is told with them.
told_starts AS (
  SELECT platform, cluster_id, application_id, attempt_id FROM spark_settings WHERE key = 'spark.python.worker.reuse' AND LOWER(TRIM(value)) = 'false'
  UNION
  SELECT platform, cluster_id, application_id, attempt_id FROM tiny_stages WHERE python_ms > 0
),
few_rows AS (
  SELECT t.platform, t.cluster_id, t.application_id, t.attempt_id, y.ready_ms, t.python_tasks, o.python_rows
  FROM times AS t
  INNER JOIN ready AS y
    ON y.platform = t.platform AND y.cluster_id = t.cluster_id
    AND y.application_id = t.application_id AND y.attempt_id = t.attempt_id
  INNER JOIN operators AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id
  LEFT JOIN told_starts AS d
    ON d.platform = t.platform AND d.cluster_id = t.cluster_id
    AND d.application_id = t.application_id AND d.attempt_id = t.attempt_id
  WHERE d.platform IS NULL AND o.python_rows < $min_python_rows AND o.python_rows <= $few_rows * t.python_tasks AND t.python_tasks >= $min_ready_tasks AND t.python_tasks >= 4 * COALESCE(t.python_slots, 1)
    AND y.ready_ms >= $min_ready_share * y.worker_ms AND y.ready_ms >= $min_init_ms AND y.ready_ms >= 0.5e0 * t.query_ms
    -- A process starts once for each core, with few tasks too.
    AND y.start_ms <= 0.5e0 * y.ready_ms
),
-- What makes workers ready: at most what is left of their time without the start of processes and what they executed. Of a worker that is used again the initializing that Spark
-- counts began when its task before ended, the time to run begins with the task itself.
starts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, SUM(run_ms) AS worker_ms, SUM(CASE WHEN start_ms > 0e0 THEN LEAST(start_ms, run_ms) END) AS start_ms,
    SUM(GREATEST(LEAST(init_ms, run_ms - execute_ms - COALESCE(start_ms, 0e0)), 0e0)) AS init_ms
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id, sql_id, node_id,
      SUM(CASE WHEN metric_name = 'time to initialize Python workers' THEN total END) AS init_ms,
      SUM(CASE WHEN metric_name = 'time to run Python workers' THEN total END) AS run_ms,
      SUM(CASE WHEN metric_name = 'time to execute Python code' THEN total END) AS execute_ms,
      SUM(CASE WHEN metric_name = 'time to start Python workers' THEN total END) AS start_ms
    FROM sql_node_metrics
    WHERE metric_name IN (
      'time to initialize Python workers', 'time to run Python workers', 'time to execute Python code', 'time to start Python workers'
    )
    GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
  ) AS n
  WHERE init_ms > 0e0 AND run_ms > 0e0 AND execute_ms IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Queries with their functions. Operators above each other run at the same time and wait for each other, so that the longest counts and none has a time of its own.
callers AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT c.function)), ', ') AS functions,
    MAX(n.rows_output) AS rows_output, MAX(m.total) AS worker_ms
  FROM python_nodes AS n
  INNER JOIN python_calls AS c
    ON c.platform = n.platform AND c.cluster_id = n.cluster_id
    AND c.application_id = n.application_id AND c.attempt_id = n.attempt_id AND c.sql_id = n.sql_id AND c.node_id = n.node_id
  LEFT JOIN sql_node_metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
    AND m.metric_name = 'time to execute Python code'
  GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id
),
-- Queries with the same functions; what has no name can be another one in each.
same_callers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, functions, MIN(sql_id) AS sql_id, COUNT(*) AS num_queries, SUM(worker_ms) AS worker_ms, SUM(rows_output) AS rows_output
  FROM callers
  WHERE worker_ms > 0e0 OR rows_output > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, functions, CASE WHEN functions LIKE '%<lambda>%' THEN sql_id ELSE -1 END
),
-- The functions that took longest, as far as Spark measured it; else those with most rows.
main_callers AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, functions, num_queries, worker_ms, rows_output
  FROM (
    SELECT
      c.*,
      ROW_NUMBER() OVER (
        PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY COALESCE(worker_ms, 0e0) DESC, COALESCE(rows_output, 0) DESC, sql_id
      ) AS place
    FROM same_callers AS c
  ) AS ranked
  WHERE place = 1
),
-- The same calls below each other in a query: once for a filter, once for the columns.
shared_calls AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT a.function)), ', ') AS functions, MAX(o.rows_output) AS rows_output
  FROM python_nodes AS o
  INNER JOIN python_nodes AS i
    ON i.platform = o.platform AND i.cluster_id = o.cluster_id
    AND i.application_id = o.application_id AND i.attempt_id = o.attempt_id AND i.sql_id = o.sql_id
    AND i.node_id > o.node_id AND i.node_id <= o.last_node_id
  INNER JOIN python_calls AS a
    ON a.platform = o.platform AND a.cluster_id = o.cluster_id
    AND a.application_id = o.application_id AND a.attempt_id = o.attempt_id AND a.sql_id = o.sql_id AND a.node_id = o.node_id
  INNER JOIN python_calls AS b
    ON b.platform = i.platform AND b.cluster_id = i.cluster_id
    AND b.application_id = i.application_id AND b.attempt_id = i.attempt_id AND b.sql_id = i.sql_id AND b.node_id = i.node_id AND b.call = a.call
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id
),
twice AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id AS twice_query, functions AS twice_functions
  FROM (
    SELECT
      c.*, ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY COALESCE(rows_output, 0) DESC, sql_id) AS place
    FROM shared_calls AS c
  ) AS ranked
  WHERE place = 1
),
-- Operators that take Arrow data, with the rows of a batch. A grouped function takes its groups as they are, whatever they hold.
batched AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, COALESCE(q.arrow_batch_rows, a.arrow_batch_rows) AS batch_rows, q.arrow_batch_rows IS NOT NULL AS is_session,
    CASE
      WHEN n.node_name LIKE 'ArrowEvalPython%' AND (n.description LIKE '%], 200' OR n.description LIKE '%], 204') THEN $series_batch_ms
      WHEN n.node_name LIKE '%MapInPandas%' THEN $frame_batch_ms
      WHEN n.node_name LIKE 'ArrowEvalPython%' OR n.node_name LIKE '%MapInArrow%' THEN $arrow_batch_ms
    END AS batch_ms,
    n.node_name LIKE 'ArrowEvalPython%' AND (n.description LIKE '%], 200' OR n.description LIKE '%], 204') AS is_series,
    CAST(CASE WHEN n.node_name LIKE 'ArrowEvalPython%' THEN COALESCE(n.rows_output, i.rows_output) ELSE i.rows_output END AS DOUBLE) AS rows,
    m.total AS node_ms
  FROM python_nodes AS n
  INNER JOIN application_settings AS a
    ON a.platform = n.platform AND a.cluster_id = n.cluster_id
    AND a.application_id = n.application_id AND a.attempt_id = n.attempt_id
  LEFT JOIN query_settings AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  LEFT JOIN fed AS f
    ON f.platform = n.platform AND f.cluster_id = n.cluster_id
    AND f.application_id = n.application_id AND f.attempt_id = n.attempt_id AND f.sql_id = n.sql_id AND f.node_id = n.node_id
  LEFT JOIN sql_nodes AS i
    ON i.platform = f.platform AND i.cluster_id = f.cluster_id
    AND i.application_id = f.application_id AND i.attempt_id = f.attempt_id AND i.sql_id = f.sql_id AND i.node_id = f.input_id
  LEFT JOIN sql_node_metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
    AND m.metric_name = 'time to execute Python code'
  WHERE n.node_name NOT LIKE 'BatchEvalPython%' AND COALESCE(q.arrow_batch_rows, a.arrow_batch_rows) >= 1 AND COALESCE(q.arrow_batch_rows, a.arrow_batch_rows) <= $small_batch_rows
),
-- Operators whose function gets one group at a time, with what their stages did.
group_callers AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id,
    n.node_name LIKE '%CoGroups%' AS is_cogroup, n.node_name LIKE '%Aggregate%' AS is_aggregate, n.node_name LIKE '%State%' AS is_state, CAST(n.rows_output AS DOUBLE) AS rows_out,
    CASE WHEN n.node_name LIKE 'FlatMapGroupsIn%' AND n.description LIKE '% [%], %(%'
      THEN NULLIF(REGEXP_REPLACE(SPLIT_PART(SPLIT_PART(n.description, ' [', 2), ']', 1), '#[0-9]+L?', ''), '') END AS group_keys,
    CASE WHEN n.node_name LIKE 'FlatMapGroupsIn%' AND n.description LIKE '% [%], %(%' THEN NULLIF(SPLIT_PART(SPLIT_PART(n.description, '], ', 2), '(', 1), '') END AS function,
    SUM(CAST(f.executor_run_time AS DOUBLE)) AS run_ms, SUM(CAST(f.shuffle_read_records AS DOUBLE)) AS read_rows,
    SUM(f.executor_run_time - f.cpu_ms - COALESCE(f.gc_time, 0) - COALESCE(f.fetch_wait_ms, 0e0) - COALESCE(f.scan_ms, 0e0)) AS rest_ms,
    MIN(f.cpu_ms) AS least_cpu_ms, MAX(COALESCE(f.disk_bytes_spilled, 0)) AS spilled
  FROM python_nodes AS n
  INNER JOIN operator_stages AS o
    ON o.platform = n.platform AND o.cluster_id = n.cluster_id
    AND o.application_id = n.application_id AND o.attempt_id = n.attempt_id AND o.sql_id = n.sql_id AND o.node_id = n.node_id
  INNER JOIN stage_facts AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.stage_id = o.stage_id
  WHERE n.node_name LIKE '%FlatMapGroupsIn%' OR n.node_name LIKE '%FlatMapCoGroupsIn%' OR n.node_name LIKE '%TransformWithStateIn%'
    OR n.node_name LIKE 'AggregateInPandas%' OR n.node_name LIKE 'ArrowAggregatePython%'
  GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.node_name, n.description, n.rows_output
),
-- Queries with one operator of Python: what its stages ran beside the JVM is its own.
lone_callers AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id
  FROM python_nodes
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
  HAVING COUNT(*) = 1
),
timed_callers AS (
  SELECT
    g.*, COALESCE(m.total > 0e0, FALSE) AS is_measured,
    CASE WHEN m.total > 0e0 THEN LEAST(m.total, g.run_ms) WHEN l.platform IS NOT NULL AND g.least_cpu_ms > 0e0 AND g.spilled = 0 THEN g.rest_ms END AS call_ms,
    CASE WHEN g.is_cogroup THEN g.read_rows ELSE COALESCE(CAST(i.rows_output AS DOUBLE), g.read_rows) END AS rows_in
  FROM group_callers AS g
  LEFT JOIN sql_node_metrics AS m
    ON m.platform = g.platform AND m.cluster_id = g.cluster_id
    AND m.application_id = g.application_id AND m.attempt_id = g.attempt_id AND m.sql_id = g.sql_id AND m.node_id = g.node_id
    AND m.metric_name = 'time to execute Python code'
  LEFT JOIN fed AS f
    ON f.platform = g.platform AND f.cluster_id = g.cluster_id
    AND f.application_id = g.application_id AND f.attempt_id = g.attempt_id AND f.sql_id = g.sql_id AND f.node_id = g.node_id
  LEFT JOIN sql_nodes AS i
    ON i.platform = f.platform AND i.cluster_id = f.cluster_id
    AND i.application_id = f.application_id AND i.attempt_id = f.attempt_id AND i.sql_id = f.sql_id AND i.node_id = f.input_id
  LEFT JOIN lone_callers AS l
    ON l.platform = g.platform AND l.cluster_id = g.cluster_id
    AND l.application_id = g.application_id AND l.attempt_id = g.attempt_id AND l.sql_id = g.sql_id
),
small_groups AS (
  SELECT
    t.*, CASE WHEN is_aggregate OR rows_out <= $max_rows_out * rows_in THEN rows_out END AS groups,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY call_ms DESC, sql_id, node_id) AS place
  FROM timed_callers AS t
  WHERE call_ms >= $min_node_ms AND rows_in >= $min_call_rows AND call_ms * 1e3 >= $min_row_us * rows_in AND call_ms * 1e3 <= $max_row_us * rows_in
    AND (CASE WHEN is_aggregate OR rows_out <= $max_rows_out * rows_in
      THEN call_ms <= $max_call_ms * rows_out AND rows_in <= $max_group_size * rows_out ELSE TRUE END)
),
group_times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, SUM(call_ms) AS call_ms, SUM(rows_in) AS rows_in,
    -- NULL where one of them does not tell its groups.
    CASE WHEN COUNT(groups) = COUNT(*) THEN SUM(groups) END AS groups, MIN(CASE WHEN is_aggregate THEN 1 ELSE 0 END) = 1 AS is_exact,
    MIN(CASE WHEN is_measured THEN 1 ELSE 0 END) = 1 AS is_measured, MAX(CASE WHEN place = 1 AND is_state THEN 1 ELSE 0 END) = 1 AS is_state,
    MAX(CASE WHEN place = 1 THEN group_keys END) AS group_keys, MAX(CASE WHEN place = 1 THEN function END) AS function
  FROM small_groups
  GROUP BY platform, cluster_id, application_id, attempt_id
  HAVING SUM(call_ms) >= $min_call_ms
),
-- Functions that take milliseconds for each row; operators above each other run at the same time.
slow_rows AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(call_ms) AS call_ms
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, MAX(call_ms) AS call_ms
    FROM python_row_times
    GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
  ) AS q
  GROUP BY platform, cluster_id, application_id, attempt_id
),
batches AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, MIN(batch_rows) AS batch_rows, MIN(CASE WHEN is_session THEN 1 ELSE 0 END) AS num_session,
    SUM(CASE WHEN batch_ms > 0e0 THEN CEIL(rows / NULLIF(batch_rows, 0)) END) AS num_batches,
    SUM(CASE
      WHEN rows > 0e0 AND batch_ms > 0e0
        THEN LEAST(rows * (1e0 / NULLIF(batch_rows, 0) - 1e0 / NULLIF($usual_batch_rows, 0e0))
          * CASE WHEN is_series AND node_ms > 0e0
            THEN GREATEST(batch_ms, LEAST($max_series_batch_ms, $batch_part * (node_ms * batch_rows / NULLIF(rows, 0e0) - $batch_row_ms * batch_rows))) ELSE batch_ms END, COALESCE(node_ms, rows * batch_ms))
    END) AS lost_ms
  FROM batched
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id, t.application_id AS subject_id,
  -- What is lost decides, where it is counted and more than a part of it.
  CASE
    WHEN b.lost_ms >= $min_batch_lost_ms AND b.lost_ms >= $min_batch_lost_share * t.run_ms THEN NULL
    WHEN e.groups > 0e0 THEN NULL
    WHEN (t.python_ms >= 0.5e0 * t.run_ms AND t.python_ms >= 3600000) OR (g.gap_ms >= 3600000 AND g.gap_ms >= $min_gap_share * t.run_ms) THEN 'medium'
    ELSE 'low'
  END AS severity,
  CASE WHEN e.call_ms > 0e0 AND e.groups IS NULL AND COALESCE(b.lost_ms, 0e0) < $min_batch_lost_ms THEN 'low' ELSE 'medium' END AS confidence,
  CASE WHEN b.lost_ms >= $min_batch_lost_ms OR e.call_ms > 0e0
    THEN TRY_CAST(LEAST(CASE WHEN b.lost_ms >= $min_batch_lost_ms THEN b.lost_ms ELSE 0e0 END + COALESCE($call_lost * e.call_ms, 0e0), t.query_ms) AS BIGINT) END AS lost_core_ms,
  CASE WHEN b.lost_ms >= $min_batch_lost_ms OR e.call_ms > 0e0
    THEN TRY_CAST(LEAST(CASE WHEN b.lost_ms >= $min_batch_lost_ms THEN b.lost_ms ELSE 0e0 END + COALESCE($call_lost * e.call_ms, 0e0), t.query_ms) * a.wall_ratio AS BIGINT) END AS recoverable_ms,
  CASE
    WHEN e.call_ms > 0e0 AND e.is_state THEN 'A Python function is called for the rows of one key at a time'
    WHEN e.groups > 0e0 THEN 'A Python function is called for each of many small groups'
    WHEN e.call_ms > 0e0 THEN 'A Python function is called for each group of rows, and takes long for a row'
  END AS title,
  $call_lost * e.call_ms AS group_lost_ms, SUBSTR(e.function, 1, 60) AS group_function, SUBSTR(e.group_keys, 1, 80) AS group_keys, TRY_CAST(e.rows_in AS BIGINT) AS group_rows, COALESCE(e.is_state, FALSE) AS is_state,
  CASE WHEN e.is_exact THEN TRY_CAST(e.groups AS BIGINT) END AS groups, CASE WHEN NOT e.is_exact THEN TRY_CAST(e.groups AS BIGINT) END AS groups_most,
  CASE WHEN e.is_measured THEN e.call_ms END AS group_ms, CASE WHEN NOT e.is_measured THEN e.call_ms END AS group_rest_ms,
  e.call_ms * 1e3 / NULLIF(e.rows_in, 0e0) AS row_us,
  CASE WHEN e.is_exact THEN e.call_ms / NULLIF(e.groups, 0e0) END AS call_ms, CASE WHEN NOT e.is_exact THEN e.call_ms / NULLIF(e.groups, 0e0) END AS least_call_ms,
  CASE WHEN b.lost_ms >= $min_batch_lost_ms THEN LEAST(b.lost_ms, t.query_ms) END AS batch_lost_ms,
  CASE WHEN b.lost_ms >= $min_batch_lost_ms THEN TRY_CAST(b.num_batches AS BIGINT) END AS num_batches,
  CASE WHEN g.gap_ms >= $min_gap_ms THEN g.gap_ms END AS gap_ms, CASE WHEN g.gap_ms >= $min_gap_ms THEN g.gap_rows END AS gap_rows,
  t.python_ms, t.run_ms, t.python_ms / NULLIF(t.run_ms, 0) AS python_share,
  CASE WHEN w.operator_ms > 0e0 AND NOT COALESCE(e.is_measured AND e.call_ms >= 0.95e0 * w.operator_ms, FALSE) THEN LEAST(w.operator_ms, t.python_ms) END AS operator_ms, NULLIF(o.num_batch, 0) AS num_batch,
  CASE WHEN w.operator_ms > 0e0 AND i.init_ms >= $min_init_ms AND i.init_ms >= $min_init_share * i.worker_ms AND i.init_ms >= 0.3e0 * t.python_ms
    THEN LEAST(i.init_ms, t.query_ms) END AS init_ms,
  CASE WHEN w.operator_ms > 0e0 AND i.start_ms >= $min_init_ms AND i.start_ms >= $min_start_share * t.python_ms THEN LEAST(i.start_ms, t.query_ms) END AS start_ms,
  CASE WHEN t.rdd_ms >= 0.15e0 * t.python_ms AND t.rdd_ms * 2 < t.python_ms THEN ' DataFrames instead of the RDDs of Python objects spare those stages Python, too.' ELSE '' END AS rdd_text,
  v.ready_ms, TRY_CAST(v.python_tasks AS BIGINT) AS ready_tasks, TRY_CAST(v.python_rows AS BIGINT) AS ready_rows,
  NULLIF(o.num_plain, 0) AS num_plain, c.twice_query, SUBSTR(c.twice_functions, 1, 120) AS twice_functions,
  CASE WHEN n.worker_ms >= 0.95e0 * w.operator_ms THEN SUBSTR(n.functions, 1, 120) END AS only_functions,
  CASE WHEN n.worker_ms < 0.95e0 * w.operator_ms THEN SUBSTR(n.functions, 1, 120) END AS longest_functions,
  CASE WHEN w.operator_ms > 0e0 THEN LEAST(n.worker_ms, t.python_ms) END AS longest_ms,
  CASE WHEN COALESCE(n.worker_ms, 0e0) = 0e0 THEN SUBSTR(n.functions, 1, 120) END AS called_functions, n.rows_output AS called_rows,
  CASE WHEN n.num_queries = 1 THEN n.sql_id END AS main_query, CASE WHEN n.num_queries > 1 THEN n.num_queries END AS same_queries, t.has_group_by_key = 1 AS has_group_by_key,
  COALESCE(p.stage_name LIKE 'foreach%' AND p.run_ms * 2 >= t.rdd_ms, FALSE) AS sends_rows,
  CASE WHEN t.rdd_ms > 0e0 THEN t.rdd_ms END AS rdd_ms,
  CASE WHEN t.rdd_ms > 0e0 THEN t.num_rdd_stages END AS num_rdd_stages,
  CASE WHEN t.num_rdd_stages = 1 THEN SUBSTR(p.stage_name, 1, 100) END AS rdd_only, CASE WHEN t.num_rdd_stages > 1 THEN SUBSTR(p.stage_name, 1, 100) END AS rdd_place, p.run_ms AS rdd_place_ms, t.spark_minor,
  b.batch_rows, COALESCE(b.num_session = 1, FALSE) AS session_batch
FROM times AS t
LEFT JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
LEFT JOIN gaps AS g
  ON g.platform = t.platform AND g.cluster_id = t.cluster_id
  AND g.application_id = t.application_id AND g.attempt_id = t.attempt_id
LEFT JOIN operators AS o
  ON o.platform = t.platform AND o.cluster_id = t.cluster_id
  AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id
LEFT JOIN workers AS w
  ON w.platform = t.platform AND w.cluster_id = t.cluster_id
  AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id
LEFT JOIN starts AS i
  ON i.platform = t.platform AND i.cluster_id = t.cluster_id
  AND i.application_id = t.application_id AND i.attempt_id = t.attempt_id
LEFT JOIN rdd_places AS p
  ON p.platform = t.platform AND p.cluster_id = t.cluster_id
  AND p.application_id = t.application_id AND p.attempt_id = t.attempt_id
LEFT JOIN main_callers AS n
  ON n.platform = t.platform AND n.cluster_id = t.cluster_id
  AND n.application_id = t.application_id AND n.attempt_id = t.attempt_id
LEFT JOIN twice AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
LEFT JOIN group_times AS e
  ON e.platform = t.platform AND e.cluster_id = t.cluster_id
  AND e.application_id = t.application_id AND e.attempt_id = t.attempt_id AND e.call_ms >= $min_call_share * t.run_ms
LEFT JOIN batches AS b
  ON b.platform = t.platform AND b.cluster_id = t.cluster_id
  AND b.application_id = t.application_id AND b.attempt_id = t.attempt_id
LEFT JOIN few_rows AS v
  ON v.platform = t.platform AND v.cluster_id = t.cluster_id
  AND v.application_id = t.application_id AND v.attempt_id = t.attempt_id
LEFT JOIN slow_rows AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id
WHERE e.call_ms > 0e0 OR (b.lost_ms >= $min_batch_lost_ms AND LEAST(b.lost_ms, t.query_ms) >= $min_batch_lost_share * t.run_ms) OR (g.gap_ms >= $min_gap_ms AND g.gap_ms >= $min_gap_share * t.run_ms AND COALESCE(r.call_ms, 0e0) < 0.5e0 * t.python_ms)
  OR (t.group_ms >= $half_all_run_time_ms AND t.group_ms >= $min_group_share * t.run_ms AND t.has_rdd_work) OR (t.sure_ms >= $min_share * t.run_ms AND (COALESCE(r.call_ms, 0e0) < 0.5e0 * t.python_ms OR c.twice_query IS NOT NULL)
  AND (COALESCE(o.python_rows >= $min_python_rows, TRUE) OR v.platform IS NOT NULL OR t.sure_rdd_ms * 2 >= t.sure_ms)
  AND (t.query_ms >= $min_run_time_ms OR (t.sure_ms >= $min_all_run_time_ms AND (t.sure_rdd_ms * 2 < t.sure_ms OR t.has_rdd_work))
    OR (t.query_ms >= $half_run_time_ms AND t.query_ms >= 0.5e0 * t.run_ms)
    OR (t.sure_ms >= $half_all_run_time_ms AND t.sure_ms >= 0.5e0 * t.run_ms AND (t.sure_rdd_ms * 2 < t.sure_ms OR t.has_rdd_work))
    OR (t.sure_ms >= $most_all_run_time_ms AND t.sure_ms >= $most_share * t.run_ms AND (t.sure_rdd_ms = 0e0 OR t.rdd_bytes >= $min_rdd_bytes)))
  AND (o.num_batch > 0 OR o.num_plain > 0 OR o.num_unknown > 0 OR o.platform IS NULL OR t.sure_rdd_ms > 0e0 OR c.twice_query IS NOT NULL OR b.batch_rows >= 1 OR t.query_ms >= $min_vectorized_ms))
