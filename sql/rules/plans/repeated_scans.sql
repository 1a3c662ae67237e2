-- id: repeated_scans
-- title: The same data is read again and again
-- category: plans
-- severity: low
-- version: 23
-- description: Fires where scans of one application read the same table or path with the same filters on its partitions
--   several times (view read_scans). Where the same work follows each read (view same_reads), as where a result is
--   counted, checked and then written, the same is computed again: lost is the task time of these stages but for the most
--   expensive one. Queries that aggregate all rows, each with functions or of columns of its own, do not do the same work, but all of it fits into one query. Else it is what the scans themselves measured, without the longest; for text and Avro, which are parsed in the
--   stage and have no timer, the time of the stages, at most what opening and parsing them can take: at the usual speed of a core, or, on slow machines and disks, most of what the cheapest read took, for each but one, where its stage did
--   little beside reading (filters, projections and hash aggregates without costly calls, and almost no shuffle); and where each keeps other rows, no more than the cheapest of them took, for each but one; of queries that go through values of a filter, as in a loop, at least what the cheapest read with the same columns took, for each but one, since all of them
--   go through all rows; and unknown for what else has no timer. Scans of columnar files that share less than half of their columns with any other one are no reads of the same. Applications that are mostly passes over the same data are told whatever the reading itself took, and so are
--   those that pull the same rows of a table through JDBC several times: lost is then what fetching them took, which Spark measures, and what is computed of them in these stages comes on top. Reads for joins and aggregates that repeated_computation tells, or executor_churn (view lost_caches), are counted and shown, but not lost here again; left out are those of all partitions for few rows that full_partition_scan tells, those of whole structs that a setting makes dear (disabled_optimizations), and those of loops over the values of a filter or over columns that repeated_queries tells (view scan_loops). A repartition
--   that another shuffle follows is no work to keep: useless_repartition tells it. Where most of that time went into splits without a row, which tiny_tasks counts, nothing is lost.
--   Above medium only where it is two fifths of the wall time; reads of a cache count as no reads. Reads below a cache, more of them than filling the application's caches takes,
--   say that what was cached got lost, where cache_misses does not.
-- parameter: min_scans bigint = 3 [count] reads of the same data, at least, or two where the same work follows them
-- parameter: min_bytes double = 16777216 [bytes] what was read in all, at least, where it is known and a read takes little time
-- parameter: min_scan_ms double = 1000 [ms] task time of the stages of one read on average, which is enough too
-- parameter: min_lost_ms bigint = 20000 [ms] task time of stages with reads but the most expensive, at least
-- parameter: min_small_lost_ms bigint = 5000 [ms] the same where it is a large share of the core time, at least
-- parameter: min_share double = 0.1 [ratio] that share, at least
-- parameter: min_passes bigint = 5 [count] reads, at least, from which passes over the same data are told for the share of their stages alone
-- parameter: min_stage_share double = 0.3 [ratio] task time of these stages but the most expensive over all, at least
-- parameter: min_stage_ms bigint = 20000 [ms] the same task time, at least
-- parameter: min_fetched_rows bigint = 100000 [rows] rows that each of several reads through JDBC brings, at least, and all of them the same number
-- parameter: min_fetch_stage_ms bigint = 10000 [ms] task time of the stages with such reads but the most expensive, at least
-- parameter: parsed_bytes_per_ms double = 10486 [bytes/ms] text that a core parses at least (10 MiB a second): what takes longer is other work
-- parameter: parsed_part double = 0.9 [ratio] time of a stage that did little beside reading text which a columnar file or a cache saves
-- parameter: max_written double = 0.1 [ratio] shuffle data that such a stage wrote over what it read, at most
-- parameter: file_ms double = 50 [ms] what opening a file can take besides
-- parameter: min_shared double = 0.5 [ratio] columns that two scans of columnar files share over those of the smaller one, at least
-- parameter: min_full double = 0.1 [ratio] task time of a scan over the average, below which it read a part only (a show)
-- parameter: min_shuffle_bytes double = 33554432 [bytes] that a repartition shuffled, at least, to count as one
-- parameter: max_kept double = 0.3 [ratio] rows that are kept of a read of all partitions, at most, to be full_partition_scan's
-- parameter: min_unpruned_ms double = 10000 [ms] and task time of such reads of the table, at least
-- parameter: min_unpruned_share double = 0.2 [ratio] and the same over all task time, at least
-- parameter: medium_lost_ms bigint = 600000 [ms] the time from which it is of medium severity
-- evidence: {data} was read {num_scans:time|times} in {num_queries:query|queries}[, {bytes_read:bytes} in all][, each time
--   from {files_each:file|files}][ with {file_bytes:bytes} in all]; the stages that read it took {scan_ms:s} of task time[, {first_ms:s} of it for the most expensive read][, and
--   {empty_ms:s} in stages whose splits are mostly empty][; the reading itself took {read_ms:s}][; the queries filter by {num_values:int} values
--   one by one, and had each read been as cheap as the cheapest one with its columns, all but one would still take {pass_ms:s}][; the cheapest read that
--   did little beside parsing took {plain_ms:s}][; parsing that much takes {parse_ms:s} of core time or so, for all reads but one, at 10 MiB a second][; {told_scans:int} of these reads are for work that
--   is told apart, and only the others ({other_scans:int}) count as lost here][, whose reading took {other_read_ms:s}].
-- advice: is_cached AND cached_timeout_ms < 1800000 | spark.dynamicAllocation.cachedExecutorIdleTimeout | '1800s' | The data are cached, but executors that hold
--   them are given back after {cached_timeout_ms:s} without work, and what they held is computed again: let them stay longer, and keep some
--   (spark.dynamicAllocation.minExecutors), or write the data to a table and read that.
-- advice: is_cached | - | - | The data are cached, but what was cached got lost (executors went, or their memory was full) and was computed again: keep the
--   executors, cache with MEMORY_AND_DISK, or write the data to a table and read that.
-- advice: is_fetched | - | - | Each of these queries fetches the same rows from the database, and computes what it needs of them in the same stage: fetch them once (persist them with what the queries
--   compute alike, or write them as Parquet or a table first) and let the other queries read that.
-- advice: num_indexers >= 3 | - | - | {num_indexers:int} of these queries each fit a StringIndexer for one column: give all columns to one StringIndexer (inputCols and outputCols), which goes
--   through the data once.
-- advice: has_other_numbers AND is_text | - | - | The queries compute different aggregates of the same data: compute all of them in one query (one select or agg with every
--   aggregate), which parses the data once. Where a loop has to stay, cache what it reads before it, or write it as Parquet or a table and read that.
-- advice: has_other_numbers | - | - | The queries compute different aggregates of the same data: compute all of them in one query (one select or agg with every
--   aggregate), which reads the data once. Where a loop has to stay, cache the columns that it needs before it.
-- advice: is_same AND num_queries >= 2 AND has_write | - | - | The same work follows each read: do it once, keep the result (cache it, or write it to a table), and
--   count, check and write from that.
-- advice: is_same AND num_queries >= 2 | - | - | The same work follows each read: do it once, keep the result (cache it, or write it to a table), and let the
--   other queries read that.
-- advice: is_growing | - | - | These queries grow, from {least_steps:int} to {most_steps:int} joins, aggregates and windows, as where each round of a loop begins with what the round before made, which is not kept: cut the plan in each
--   round (localCheckpoint or checkpoint of its DataFrame, or persist it and unpersist that of the round before), before the count or show that looks whether another round is needed, and cache what all rounds read.
-- advice: only_looks | - | - | All of these queries but the one that writes only count rows or show some ({num_looks:int} of {look_queries:int}): take the numbers from the write itself (Dataset.observe, with count_if for rows of a
--   kind), or write first and count and show what was written.
-- advice: has_other_rows AND is_text | - | - | {keepers} keep different rows of it, and each of them parses every byte: compute all of them in one pass
--   (count_if or sum(CASE WHEN ...) in one aggregation, or a grouping or a partitioned write by what they filter on), or write it as Parquet or a table once and read that.
-- advice: has_other_rows AND NOT has_values | - | - | {keepers} keep different rows of it by patterns or functions, which no layout of the table helps: compute all
--   of them in one pass (count_if or sum(CASE WHEN ...) in one aggregation).
-- advice: has_other_rows | - | - | {keepers} keep different rows of it: do their work in one pass (a grouping by what they filter on, or count_if
--   and sum(CASE WHEN ...)), or partition or cluster the table by what they filter on, and filter on the partition columns, so that each reads its own part.
-- advice: is_text AND num_scans >= 3 | - | - | Read it once and write it as Parquet or a table; reads of {format} parse all of it each time.
-- advice: num_queries > 1 AND num_scans >= 5 * num_queries AND NOT has_other_rows | - | - | Each of these queries asks for it {scans_each:int} times: compute all of it in one pass (one aggregation with count_if,
--   sum(CASE WHEN ...) or FILTER instead of one subquery for each part), or write what its parts share to a table first.
-- advice: num_queries = 1 | - | - | The query itself asks for it so often: compute all of it in one pass (conditional aggregates instead of one
--   subquery for each part), or write what its parts share to a table first.
-- advice: has_python AND NOT is_same AND NOT is_text AND num_queries > 1 | - | - | Write the columns and rows that these queries share to a table once, with what their first steps compute alike, or cache them where they are few. They filter in different ways, and some
--   call Python: one query can hardly do the work of all.
-- advice: largest_bytes >= 10737418240 | - | - | Do the work of these queries in one pass over it, or write the part that they share to a table
--   once; it is too large to cache as a whole.
-- advice: format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi') | - | - | Do the work of these queries in one pass (one query with all of their aggregates), or write what their first steps share to a table once. Cache only the few columns and rows
--   that all of them need: to fill a cache with most columns of columnar files, and to read them from it, can take longer than to read the files again.
-- recommendation: Read it once: cache the part that all of these queries need (only its columns and rows), or do their work in one
--   pass.
WITH computed_again AS (
  SELECT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, w.last_node_id
  FROM repeated_work AS w
  INNER JOIN application_run_times AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  LEFT JOIN lost_caches AS i
    ON i.platform = w.platform AND i.cluster_id = w.cluster_id
    AND i.application_id = w.application_id AND i.attempt_id = w.attempt_id AND i.work_hash = w.work_hash
  WHERE w.place > 1 AND NOT w.is_loop AND ((w.lost_ms >= $min_small_lost_ms AND w.lost_ms >= $min_share * a.executor_run_time) OR COALESCE(i.is_told, FALSE))
),
read_again AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id
  FROM read_scans AS s
  INNER JOIN computed_again AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.sql_id = s.sql_id
    AND s.node_id >= c.node_id AND s.node_id <= c.last_node_id
),
-- Reads of all partitions that full_partition_scan tells: a filter on them makes each read another part.
unpruned AS (
  SELECT
    u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id,
    SUM(u.run_ms) OVER (PARTITION BY u.platform, u.cluster_id, u.application_id, u.attempt_id, u.source) AS read_ms
  FROM unpruned_reads AS u
  WHERE u.kept <= $max_kept
),
pruned_soon AS (
  SELECT u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, u.node_id
  FROM unpruned AS u
  INNER JOIN application_facts AS a
    ON a.platform = u.platform AND a.cluster_id = u.cluster_id
    AND a.application_id = u.application_id AND a.attempt_id = u.attempt_id
  WHERE u.read_ms >= $min_unpruned_ms AND u.read_ms >= $min_unpruned_share * a.total_task_time_ms
),
-- Of columnar files a read parses its own columns only.
column_sets AS (
  SELECT platform, cluster_id, application_id, attempt_id, source, filters, columns, COUNT(*) AS num_scans
  FROM read_scans
  WHERE columns IS NOT NULL AND format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi')
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters, columns
),
shared_sets AS (
  SELECT DISTINCT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.source, c.filters, c.columns
  FROM column_sets AS c
  INNER JOIN column_sets AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id AND o.source = c.source AND o.filters = c.filters
  WHERE (o.columns = c.columns AND c.num_scans >= 2)
    OR (o.columns <> c.columns AND CARDINALITY(ARRAY_INTERSECT(SPLIT(c.columns, ','), SPLIT(o.columns, ',')))
      >= $min_shared * LEAST(CARDINALITY(SPLIT(c.columns, ',')), CARDINALITY(SPLIT(o.columns, ','))))
),
lone_sets AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.source, c.filters, c.columns
  FROM column_sets AS c
  LEFT JOIN shared_sets AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id
    AND s.source = c.source AND s.filters = c.filters AND s.columns = c.columns
  WHERE s.platform IS NULL
),
-- Structs that are read whole because a setting says so: disabled_optimizations tells that, and these reads cost little without it.
pruning_off AS (
  SELECT a.platform, a.cluster_id, a.application_id, a.attempt_id, a.sql_id, a.node_id
  FROM whole_structs AS a
  LEFT JOIN (SELECT platform, cluster_id, application_id, attempt_id, MAX(LOWER(TRIM(value))) AS value FROM spark_settings WHERE key = 'spark.sql.optimizer.nestedSchemaPruning.enabled' GROUP BY platform, cluster_id, application_id, attempt_id) AS v
    ON v.platform = a.platform AND v.cluster_id = a.cluster_id
    AND v.application_id = a.application_id AND v.attempt_id = a.attempt_id
  LEFT JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, MAX(LOWER(TRIM(value))) AS value FROM session_settings
    WHERE key = 'spark.sql.optimizer.nestedSchemaPruning.enabled' AND sql_id IS NOT NULL GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
  ) AS o
    ON o.platform = a.platform AND o.cluster_id = a.cluster_id
    AND o.application_id = a.application_id AND o.attempt_id = a.attempt_id AND o.sql_id = a.sql_id
  WHERE COALESCE(o.value, v.value) = 'false'
),
python_stages AS (
  SELECT DISTINCT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id
  FROM operator_stages AS o
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  WHERE n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%' OR n.node_name LIKE '%InArrow%' OR n.node_name LIKE '%InPySpark%'
),
python_scans AS (
  SELECT DISTINCT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
  FROM operator_stages AS o
  INNER JOIN python_stages AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.stage_id = o.stage_id
),
all_scans AS (
  SELECT
    s.*, y.platform IS NOT NULL AS has_python, r.platform IS NOT NULL AS is_told, w.platform IS NOT NULL AS is_write,
    s.run_ms >= $min_full * AVG(s.run_ms) OVER (
      PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source, s.filters, r.platform IS NOT NULL
    ) AS is_full
  FROM read_scans AS s
  LEFT JOIN pruned_soon AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.sql_id = s.sql_id AND p.node_id = s.node_id
  LEFT JOIN lone_sets AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id
    AND l.source = s.source AND l.filters = s.filters AND l.columns = s.columns AND l.columns IS NOT NULL
    AND s.format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi')
  LEFT JOIN read_again AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id AND r.sql_id = s.sql_id AND r.node_id = s.node_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM sql_scans WHERE operation = 'write') AS w
    ON w.platform = s.platform AND w.cluster_id = s.cluster_id
    AND w.application_id = s.application_id AND w.attempt_id = s.attempt_id AND w.sql_id = s.sql_id
  LEFT JOIN scan_loops AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id AND q.sql_id = s.sql_id AND q.node_id = s.node_id
  LEFT JOIN pruning_off AS x
    ON x.platform = s.platform AND x.cluster_id = s.cluster_id
    AND x.application_id = s.application_id AND x.attempt_id = s.attempt_id AND x.sql_id = s.sql_id AND x.node_id = s.node_id
  LEFT JOIN python_scans AS y
    ON y.platform = s.platform AND y.cluster_id = s.cluster_id
    AND y.application_id = s.application_id AND y.attempt_id = s.attempt_id AND y.sql_id = s.sql_id AND y.node_id = s.node_id
  WHERE p.platform IS NULL AND l.platform IS NULL AND q.platform IS NULL AND x.platform IS NULL
),
-- Stages in which something other than reading, filters and simple aggregates can have taken the time.
busy_stages AS (
  SELECT DISTINCT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.stage_id
  FROM operator_stages AS o
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  LEFT JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, node_id FROM user_functions) AS u
    ON u.platform = n.platform AND u.cluster_id = n.cluster_id
    AND u.application_id = n.application_id AND u.attempt_id = n.attempt_id AND u.sql_id = n.sql_id AND u.node_id = n.node_id
  WHERE u.platform IS NOT NULL
    OR (n.operator_kind NOT IN ('scan', 'filter', 'project', 'aggregate', 'exchange') AND n.node_name NOT LIKE 'ColumnarToRow%' AND n.node_name NOT LIKE 'WholeStageCodegen%')
    OR n.node_name LIKE 'SortAggregate%' OR n.node_name LIKE 'ObjectHashAggregate%'
    OR (n.operator_kind IN ('filter', 'project', 'aggregate')
      AND REGEXP_LIKE(n.description, ' more field|lambda|split[(]|regexp_|RLIKE|rlike|_json|from_csv|from_xml|xpath|parse_url|sha|md5|levenshtein|soundex|date_format|timestamp|percentile|approx_|sketch|collect_|translate|array|aes_|base64'))
),
read_stages AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id,
    MAX(CASE WHEN b.platform IS NOT NULL OR g.disk_bytes_spilled > 0 OR NOT COALESCE(CAST(g.shuffle_write_bytes AS DOUBLE) <= $max_written * CAST(g.input_bytes AS DOUBLE), FALSE) THEN 1 ELSE 0 END) = 0 AS is_plain
  FROM all_scans AS s
  INNER JOIN operator_stages AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.node_id
  LEFT JOIN busy_stages AS b
    ON b.platform = o.platform AND b.cluster_id = o.cluster_id
    AND b.application_id = o.application_id AND b.attempt_id = o.attempt_id AND b.stage_id = o.stage_id
  LEFT JOIN stages AS g
    ON g.platform = o.platform AND g.cluster_id = o.cluster_id
    AND g.application_id = o.application_id AND g.attempt_id = o.attempt_id AND g.stage_id = o.stage_id AND g.status NOT IN ('SKIPPED', 'PENDING')
  WHERE s.format IN ('csv', 'json', 'text', 'xml', 'avro')
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id
),
scans AS (
  SELECT s.*, CASE WHEN s.is_full AND r.is_plain THEN s.run_ms END AS plain_ms
  FROM all_scans AS s
  LEFT JOIN read_stages AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id AND r.sql_id = s.sql_id AND r.node_id = s.node_id
  WHERE NOT s.is_told
),
-- All reads of the same, whoever tells what they lost.
totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters,
    COUNT(*) AS all_scans, COUNT(DISTINCT sql_id) AS all_queries, SUM(CASE WHEN is_told THEN 1 ELSE 0 END) AS told_scans,
    SUM(run_ms) AS all_scan_ms, MAX(run_ms) AS all_first_ms, MAX(CASE WHEN has_python THEN run_ms END) = MAX(run_ms) AS first_has_python,
    CASE WHEN COUNT(own_ms) = COUNT(*) THEN SUM(own_ms) END AS all_read_ms, CASE WHEN COUNT(bytes) = COUNT(*) THEN SUM(bytes) END AS all_bytes,
    CASE WHEN MIN(files_read) = MAX(files_read) AND COUNT(files_read) = COUNT(*) THEN MAX(files_read) END AS all_files_each,
    MIN(SPLIT_PART(columns, ',', 1)) AS first_column
  FROM all_scans
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters
),
-- Data whose rows are only repartitioned in the stages that read them, for another shuffle to follow.
repartitioned AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source, s.filters
  FROM scans AS s
  INNER JOIN useless_repartitions AS u
    ON u.platform = s.platform AND u.cluster_id = s.cluster_id
    AND u.application_id = s.application_id AND u.attempt_id = s.attempt_id AND u.sql_id = s.sql_id
    AND s.node_id > u.node_id AND s.node_id <= u.last_node_id
  INNER JOIN operator_stages AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.node_id
    AND o.stage_id = ARRAY_MIN(u.stage_ids)
  WHERE u.bytes >= $min_shuffle_bytes
),
-- Tables of which each read through JDBC brought as many rows.
fetched AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source, s.filters
  FROM scans AS s
  INNER JOIN sql_scans AS x
    ON x.platform = s.platform AND x.cluster_id = s.cluster_id
    AND x.application_id = s.application_id AND x.attempt_id = s.attempt_id AND x.sql_id = s.sql_id AND x.node_id = s.node_id
  WHERE s.format = 'jdbc' AND x.operation = 'read'
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source, s.filters
  HAVING COUNT(DISTINCT s.sql_id) >= 2 AND COUNT(x.rows_read) = COUNT(*) AND MIN(x.rows_read) = MAX(x.rows_read) AND MIN(x.rows_read) >= $min_fetched_rows
),
-- Scans below a cache in the plan.
below_caches AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.source, s.filters, s.sql_id
  FROM scans AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
  WHERE n.node_name LIKE '%InMemoryTableScan%' AND s.node_id > n.node_id AND s.node_id <= n.last_node_id
),
cached_reads AS (
  SELECT platform, cluster_id, application_id, attempt_id, source, filters, COUNT(*) AS num_cached
  FROM below_caches
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters
),
-- What cache_misses tells.
missed_caches AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM cache_reads
  WHERE is_missed AND NOT is_on_disk
),
caches AS (
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(*) AS num_caches
  FROM rdds
  WHERE is_persisted
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- Actions that bring a number or a few rows to the program.
looks AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, description LIKE '% at StringIndexer.scala%' AS is_indexer
  FROM sql
  WHERE description LIKE '% at StringIndexer.scala%' OR description LIKE 'count at %' OR description LIKE 'showString at %' OR description LIKE 'show at %' OR description LIKE 'isEmpty at %'
    OR description LIKE 'head at %' OR description LIKE 'first at %' OR description LIKE 'take at %'
),
per_query AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters, sql_id,
    COUNT(*) AS num_scans, SUM(run_ms) AS run_ms, MAX(run_ms) AS longest_run_ms, SUM(empty_ms) AS empty_ms,
    SUM(CASE WHEN is_full THEN 1 ELSE 0 END) AS num_full, MIN(CASE WHEN is_full THEN run_ms END) AS shortest_run_ms, MIN(plain_ms) AS plain_ms, MIN(format) AS format,
    CASE WHEN COUNT(own_ms) = COUNT(*) THEN SUM(own_ms) END AS own_ms, MAX(own_ms) AS longest_ms,
    CASE WHEN COUNT(bytes) = COUNT(*) THEN SUM(bytes) END AS bytes_read, MAX(COALESCE(bytes, CAST(bytes_read AS DOUBLE))) AS largest_bytes, SUM(files_read) AS files_read,
    MIN(files_read) AS least_files, MAX(files_read) AS most_files, MIN(bytes_read) AS least_file_bytes, MAX(bytes_read) AS most_file_bytes,
    MIN(row_filters) AS first_filters, MAX(CASE WHEN has_python THEN 1 ELSE 0 END) AS num_python, MAX(CASE WHEN is_write THEN 1 ELSE 0 END) AS num_writes
  FROM scans
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters, sql_id
),
-- Queries that go through values of a filter: whatever each does with the rows that it keeps, all of them read and filter all rows.
passes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters, columns, COUNT(DISTINCT row_filters) AS num_values,
    (SUM(CASE WHEN is_full THEN 1e0 ELSE 0e0 END) - 1e0) * MIN(CASE WHEN is_full THEN run_ms END) AS pass_ms
  FROM scans
  WHERE columns IS NOT NULL AND REGEXP_REPLACE(row_filters, ' (=|<=>) | IN [(]', '') <> row_filters
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters, columns
  HAVING COUNT(DISTINCT row_filters) >= $min_passes
),
all_passes AS (
  SELECT platform, cluster_id, application_id, attempt_id, source, filters, MAX(num_values) AS num_values, SUM(pass_ms) AS pass_ms
  FROM passes
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters
),
steps AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, COUNT(*) AS num_steps
  FROM sql_nodes
  WHERE operator_kind IN ('join', 'aggregate', 'window')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
sized_queries AS (
  SELECT
    q.*, COALESCE(z.num_steps, 0) AS num_steps,
    MAX(COALESCE(z.num_steps, 0)) OVER (
      PARTITION BY q.platform, q.cluster_id, q.application_id, q.attempt_id, q.source, q.filters ORDER BY q.sql_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS highest_steps
  FROM per_query AS q
  LEFT JOIN steps AS z
    ON z.platform = q.platform AND z.cluster_id = q.cluster_id
    AND z.application_id = q.application_id AND z.attempt_id = q.attempt_id AND z.sql_id = q.sql_id
),
repeated AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.source, q.filters,
    SUM(CASE WHEN k.is_indexer THEN 1 ELSE 0 END) AS num_indexers, SUM(CASE WHEN NOT k.is_indexer THEN 1 ELSE 0 END) AS num_looks,
    SUM(q.num_writes) = 1 AND COUNT(*) > 1 AND SUM(CASE WHEN NOT k.is_indexer THEN 1 ELSE 0 END) = COUNT(*) - 1 AS only_looks,
    -- As in repeated_computation: rounds, of a few queries each.
    SUM(CASE WHEN q.highest_steps IS NULL OR q.num_steps > q.highest_steps THEN 1 ELSE 0 END) >= 4
      AND 4 * SUM(CASE WHEN q.highest_steps IS NULL OR q.num_steps > q.highest_steps THEN 1 ELSE 0 END) >= COUNT(*)
      AND SUM(CASE WHEN q.num_steps < 0.5e0 * q.highest_steps THEN 1 ELSE 0 END) = 0 AND MAX(q.num_steps) >= 2 * MIN(q.num_steps) AS is_growing,
    MIN(q.num_steps) AS least_steps, MAX(q.num_steps) AS most_steps,
    SUM(num_scans) AS num_scans, COUNT(*) AS num_queries, MIN(format) AS format, MAX(num_writes) = 1 AND MIN(num_writes) = 0 AS has_write,
    SUM(run_ms) AS scan_ms, MAX(longest_run_ms) AS first_ms,
    SUM(num_full) AS num_full, MIN(shortest_run_ms) AS shortest_ms, MIN(plain_ms) AS plain_ms, SUM(empty_ms) AS empty_ms,
    CASE WHEN COUNT(own_ms) = COUNT(*) THEN SUM(own_ms) END AS read_ms, MAX(longest_ms) AS longest_ms,
    CASE WHEN COUNT(bytes_read) = COUNT(*) THEN SUM(bytes_read) END AS bytes_read, MAX(largest_bytes) AS largest_bytes, SUM(files_read) AS files_read,
    MIN(least_files) AS least_files, MAX(most_files) AS most_files,
    CASE WHEN MIN(least_file_bytes) = MAX(most_file_bytes) AND COUNT(least_file_bytes) = COUNT(*) THEN MAX(most_file_bytes) END AS file_bytes,
    -- Each compares something with a value, (month(day) = 3) or day IN (3,4), as filters on partitions do.
    MIN(CASE WHEN REGEXP_REPLACE(first_filters, ' (=|<|>|<=|>=|<=>) | IN [(]', '') <> first_filters THEN 1 ELSE 0 END) = 1 AS has_values,
    MAX(num_python) = 1 AND COUNT(DISTINCT first_filters) > 1 AS has_python,
    -- All of them filter, and each asks for other rows.
    MIN(first_filters) <> '' AND COUNT(DISTINCT first_filters) = COUNT(*) AND COUNT(*) >= 2 AS has_other_rows
  FROM sized_queries AS q
  LEFT JOIN looks AS k
    ON k.platform = q.platform AND k.cluster_id = q.cluster_id
    AND k.application_id = q.application_id AND k.attempt_id = q.attempt_id AND k.sql_id = q.sql_id AND q.num_writes = 0
  GROUP BY q.platform, q.cluster_id, q.application_id, q.attempt_id, q.source, q.filters
),
compared AS (
  SELECT
    r.*, v.num_values, v.pass_ms, t.all_scans, t.all_queries, t.told_scans, t.all_scan_ms, t.all_first_ms, t.first_has_python, t.all_read_ms, t.all_bytes, t.all_files_each, t.first_column,
    COALESCE(r.format IN ('csv', 'json', 'text', 'xml', 'avro'), FALSE) AS is_text, COALESCE(w.is_same AND NOT r.has_other_rows, FALSE) AND u.platform IS NULL
      AND NOT COALESCE(w.has_other_numbers AND NOT w.has_shared_steps, FALSE) AS is_same,
    COALESCE(w.is_same AND w.has_other_numbers AND NOT r.has_other_rows, FALSE) AND u.platform IS NULL AS has_other_numbers,
    -- The first query may fill a part of a cache (a show) and the second one the rest.
    COALESCE(k.num_cached + 1 >= r.num_queries AND k.num_cached > c.num_caches + 1, FALSE) AS is_cached,
    m.platform IS NOT NULL AS has_missed, f.platform IS NOT NULL AS has_same_rows
  FROM repeated AS r
  LEFT JOIN fetched AS f
    ON f.platform = r.platform AND f.cluster_id = r.cluster_id
    AND f.application_id = r.application_id AND f.attempt_id = r.attempt_id AND f.source = r.source AND f.filters = r.filters
  INNER JOIN totals AS t
    ON t.platform = r.platform AND t.cluster_id = r.cluster_id
    AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id AND t.source = r.source AND t.filters = r.filters
  LEFT JOIN cached_reads AS k
    ON k.platform = r.platform AND k.cluster_id = r.cluster_id
    AND k.application_id = r.application_id AND k.attempt_id = r.attempt_id AND k.source = r.source AND k.filters = r.filters
  LEFT JOIN caches AS c
    ON c.platform = r.platform AND c.cluster_id = r.cluster_id
    AND c.application_id = r.application_id AND c.attempt_id = r.attempt_id
  LEFT JOIN missed_caches AS m
    ON m.platform = r.platform AND m.cluster_id = r.cluster_id
    AND m.application_id = r.application_id AND m.attempt_id = r.attempt_id
  LEFT JOIN repartitioned AS u
    ON u.platform = r.platform AND u.cluster_id = r.cluster_id
    AND u.application_id = r.application_id AND u.attempt_id = r.attempt_id AND u.source = r.source AND u.filters = r.filters
  LEFT JOIN all_passes AS v
    ON v.platform = r.platform AND v.cluster_id = r.cluster_id
    AND v.application_id = r.application_id AND v.attempt_id = r.attempt_id AND v.source = r.source AND v.filters = r.filters
  LEFT JOIN same_reads AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id AND w.source = r.source AND w.filters = r.filters
),
judged AS (
  SELECT
    r.*, a.wall_ratio, a.app_duration_ms, a.total_task_time_ms, a.core_time_ms,
    (r.bytes_read / $parsed_bytes_per_ms + COALESCE(r.files_read, 0) * $file_ms) * (1e0 - 1e0 / NULLIF(r.num_scans, 0)) AS parse_ms,
    CASE
      WHEN r.empty_ms >= 0.5e0 * r.scan_ms THEN CAST(NULL AS DOUBLE)
      WHEN r.is_same OR r.is_cached THEN r.scan_ms - r.first_ms
      -- Compressed text is larger than its bytes: what a file's own bytes would take is not too much for it either.
      -- Each keeps its own work on its own rows; the reading is in all of them: no more of it than all of the cheapest, unless each keeps the few rows of one of many values.
      WHEN r.is_text THEN LEAST(r.scan_ms - r.first_ms, CASE WHEN r.has_other_rows AND COALESCE(r.num_values < r.num_full, TRUE) THEN (r.num_full - 1) * r.shortest_ms ELSE r.scan_ms - r.first_ms END,
        COALESCE(
          GREATEST(
            (r.bytes_read / $parsed_bytes_per_ms + COALESCE(r.files_read, 0) * $file_ms) * (1e0 - 1e0 / NULLIF(r.num_scans, 0)),
            COALESCE((r.num_full - 1) * r.plain_ms * $parsed_part, 0e0)
          ), r.scan_ms - r.first_ms
        ))
      WHEN r.pass_ms IS NOT NULL THEN LEAST(r.scan_ms - r.first_ms, GREATEST(COALESCE(r.read_ms - r.longest_ms, r.pass_ms), r.pass_ms))
      ELSE r.read_ms - r.longest_ms
    END AS lost_ms,
    -- Databricks does not look at it.
    CASE WHEN NOT COALESCE(a.is_databricks, FALSE) THEN o.cached_timeout_ms END AS cached_timeout_ms
  FROM compared AS r
  INNER JOIN application_facts AS a
    ON a.platform = r.platform AND a.cluster_id = r.cluster_id
    AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
  LEFT JOIN application_settings AS o
    ON o.platform = r.platform AND o.cluster_id = r.cluster_id
    AND o.application_id = r.application_id AND o.attempt_id = r.attempt_id
),
weighed AS (
  -- Without a timer the stages say whether it is worth a word.
  SELECT
    j.*, COALESCE(lost_ms, scan_ms - first_ms) AS weight_ms,
    COALESCE(has_same_rows AND scan_ms - first_ms >= $min_fetch_stage_ms AND scan_ms - first_ms >= $min_stage_share * total_task_time_ms AND empty_ms < 0.5e0 * scan_ms, FALSE) AS is_fetched
  FROM judged AS j
)
SELECT
  platform, cluster_id, application_id, attempt_id,
  CONCAT(SUBSTR(source, 1, 200), CASE WHEN filters = '' THEN '' ELSE CONCAT(' ', SUBSTR(filters, 1, 100)) END) AS subject_id,
  CASE WHEN lost_ms >= $medium_lost_ms AND COALESCE(lost_ms * wall_ratio < 0.4e0 * app_duration_ms, TRUE) THEN 'medium' END AS severity,
  'medium' AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(lost_ms * wall_ratio AS BIGINT) AS recoverable_ms,
  -- Of several files the plan names the first.
  CASE
    WHEN source LIKE '%... (%' THEN CONCAT(SPLIT_PART(source, '... (', 1), '...', COALESCE(CONCAT(' (the table with ', NULLIF(first_column, ''), ')'), ''))
    WHEN most_files > 1 AND source LIKE '%/%' AND REGEXP_REPLACE(source, '^.*/', '') LIKE '%.%' THEN CONCAT(source, ' (and files beside it)')
    ELSE source
  END AS data,
  source, format, all_scans AS num_scans, all_queries AS num_queries, CASE WHEN NOT is_cached THEN all_bytes END AS bytes_read, largest_bytes, all_files_each AS files_each,
  CASE WHEN all_bytes IS NULL AND least_files = most_files AND NOT is_cached THEN file_bytes END AS file_bytes,
  TRY_CAST(all_scan_ms AS BIGINT) AS scan_ms, -- Of a stage with Python most can be Python's.
  CASE WHEN NOT (COALESCE(first_has_python, FALSE) AND NOT is_same AND NOT is_cached AND NOT is_text AND lost_ms IS NOT NULL) THEN TRY_CAST(all_first_ms AS BIGINT) END AS first_ms,
  CASE WHEN NOT is_same AND NOT is_cached AND NOT is_text AND lost_ms IS NOT NULL THEN TRY_CAST(all_read_ms AS BIGINT) END AS read_ms,
  CASE WHEN NOT is_same AND NOT is_cached AND is_text AND lost_ms > parse_ms THEN TRY_CAST(plain_ms AS BIGINT) END AS plain_ms,
  CASE WHEN NOT is_same AND NOT is_cached AND is_text AND lost_ms = parse_ms THEN TRY_CAST(parse_ms AS BIGINT) END AS parse_ms,
  NULLIF(told_scans, 0) AS told_scans, CASE WHEN told_scans > 0 THEN num_scans END AS other_scans,
  CASE WHEN told_scans > 0 AND NOT is_same AND NOT is_cached AND NOT is_text AND lost_ms IS NOT NULL THEN TRY_CAST(read_ms AS BIGINT) END AS other_read_ms,
  TRY_CAST(FLOOR(CAST(all_scans AS DOUBLE) / NULLIF(all_queries, 0)) AS BIGINT) AS scans_each,
  CASE WHEN empty_ms >= 0.5e0 * scan_ms THEN TRY_CAST(empty_ms AS BIGINT) END AS empty_ms,
  is_text, has_python, is_same, has_other_numbers, has_write, only_looks, is_growing, least_steps, most_steps, num_looks, num_queries AS look_queries, num_indexers, is_cached, is_fetched, cached_timeout_ms,
  CASE WHEN num_queries = 1 THEN 'The branches of the query' ELSE 'The queries' END AS keepers,
  has_other_rows OR (num_values IS NOT NULL AND NOT is_same AND NOT is_cached) AS has_other_rows, has_values OR num_values IS NOT NULL AS has_values,
  CASE WHEN NOT is_same AND NOT is_cached AND NOT is_text AND lost_ms > COALESCE(read_ms - longest_ms, 0e0) THEN num_values END AS num_values,
  CASE WHEN NOT is_same AND NOT is_cached AND NOT is_text AND lost_ms > COALESCE(read_ms - longest_ms, 0e0) THEN TRY_CAST(pass_ms AS BIGINT) END AS pass_ms
FROM weighed
WHERE NOT (is_cached AND has_missed) AND (num_scans >= $min_scans OR (num_scans = 2 AND num_queries = 2 AND (is_same OR is_fetched))) AND (COALESCE(bytes_read >= $min_bytes, FALSE) OR scan_ms >= $min_scan_ms * num_scans)
  AND ((weight_ms >= 0.02e0 * COALESCE(core_time_ms, 0) AND (weight_ms >= $min_lost_ms OR (weight_ms >= $min_small_lost_ms AND weight_ms >= $min_share * core_time_ms)))
    OR is_fetched
    -- An application, or a query, that is nothing but passes over the same data.
    OR (num_scans >= $min_passes AND scan_ms - first_ms >= $min_stage_ms AND scan_ms - first_ms >= $min_stage_share * total_task_time_ms
      AND empty_ms < 0.5e0 * scan_ms))
