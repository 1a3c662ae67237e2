-- id: repeated_queries
-- title: The same query runs again and again
-- category: plans
-- severity: low
-- version: 12
-- description: Fires where very many short queries from the same place in the code, with the same plan and tables, took a
--   large part of the wall time, as in a loop, one after another or in threads; or SQL statements and labels of jobs that differ in their literals and numbers alone. Each pays for planning, scheduling and
--   start-up. Where no place in the code has so many, queries of several places over the same small data, without a cache, are told instead. What one query over all of it would take is not known, so no loss is counted, but where each of them parses all of
--   the same text for another value of a filter, or for other aggregates, as in a loop over columns (view scan_loops): then all of these scans but the most expensive are lost, and repeated_scans does not tell them. Queries of one place that each read another folder,
--   one after the other, and leave most of the cores idle are told too, fewer and longer ones where much can be won, where none reads what a query since the first of them wrote: for these, and for loops over values of a filter or over columns that leave the cores idle, what could be won is then a part of the wall time above that which their tasks would take on all cores, or above the longest of them. Where all of them compute the same
--   from the same data (the plans are equal in tables, filters, functions and values, and read as many bytes), the first answer is enough: that is of medium severity where they are a large part of the wall time. Micro-batches of
--   streams and interactive sessions are not judged.
-- parameter: min_queries bigint = 20 [count] executions of the query, at least
-- parameter: min_total_ms bigint = 20000 [ms] wall time in which any of them ran, at least
-- parameter: min_share double = 0.2 [ratio] the same over the wall time, at least
-- parameter: min_half_ms bigint = 10000 [ms] that wall time where it is half of the application's, at least
-- parameter: max_mean_ms double = 60000 [ms] duration of one on average, at most
-- parameter: max_source_bytes double = 134217728 [bytes] files that all queries of several places read, at most
-- parameter: min_folder_queries bigint = 6 [count] executions of the query for another folder each, at least
-- parameter: min_few_won_share double = 0.2 [ratio] what could be won over the wall time of the application, at least, where these are fewer than min_queries or longer than max_mean_ms
-- parameter: max_busy double = 0.5 [ratio] task time over the core time held, at most, for queries of several folders to be told
-- parameter: won_part double = 0.7 [ratio] part of the wall time above that of their tasks on all cores which one query for all of them is taken to win (25 of 33 s for 60 folders and 19 of 17 s for 40 values were measured with Spark 4.3)
-- parameter: min_other_share double = 0.8 [ratio] different aggregates or filters over the queries, at least, to be a loop over columns or values
-- evidence: [The query {description}][Queries of {num_places:place|places} in the code][ over {tables_read}][, {source_bytes:bytes},] ran {num_queries:time|times} and took {total_ms:s} of {app_duration_ms:s}, {mean_ms:s}
--   each[ and {side_by_side:1} at a time], with {jobs_each:job|jobs} and {tasks_each:task|tasks} on average[; each parses all {scan_bytes:bytes} of it and keeps the rows of
--   a value of its own, which took {scan_ms:s} of task time, {first_ms:s} of it for the most expensive scan][; each parses all {parsed_bytes:bytes} of it for
--   aggregates of its own, which took {scan_ms:s} of task time, {first_ms:s} of it for the most expensive scan][; {more_queries:int} more queries over
--   the same data, from {more_places:place|places} of the code with as many, took {more_ms:s}][; they read {num_folders:folder|folders} in {parent}, one after the other, and none reads what an earlier one wrote][; their
--   tasks took {task_ms:s} of {held_ms:s} of core time that was held meanwhile][; all {same_queries:int} compute the same from the same data].
-- advice: parent IS NOT NULL AND is_write | - | - | Work on all folders in one query: read {parent} with what tells the folders apart as a column (partition discovery, a list of paths with basePath, or input_file_name), group by it too, and let
--   partitionBy lay out the files. Where they have to stay apart, run several at once from threads of the driver (spark.scheduler.mode=FAIR shares the cores among them).
-- advice: parent IS NOT NULL | - | - | Work on all folders in one query: read {parent} with what tells the folders apart as a column (partition discovery, a list of paths with basePath, or input_file_name), and group by it too.
--   Where they have to stay apart, run several at once from threads of the driver (spark.scheduler.mode=FAIR shares the cores among them).
-- advice: same_queries IS NOT NULL | - | - | Keep the first answer, which is also that of the others: collect it once before the loop, or write or persist the result that they share, and read it again only when the data have
--   changed.
-- advice: is_insert | - | - | Insert once for all of it: let one statement take all values that these statements go through (a range, or a join with a table of them), group by that column where it aggregates,
--   and let a table that is partitioned by it take all of its partitions at once.
-- advice: is_write | - | - | Write once for all of it: put the values that the loop goes through into one query, and let partitionBy lay out the
--   files by them.
-- advice: description LIKE '% at StringIndexer.scala%' | - | - | Each of these queries fits a StringIndexer for one column: give all columns to one StringIndexer (inputCols and outputCols, since Spark 3.0), which
--   goes through the data once.
-- advice: scan_ms > 0 AND has_columns | - | - | Ask once for all columns: one query with the aggregates of each (one select or agg with a list of expressions) parses the data once. Where a loop has to stay, cache
--   what it reads before it, or write it as Parquet or a table and read that.
-- advice: scan_ms > 0 | - | - | Ask once for all of it: group by what the loop filters on and collect that once (or let applyInPandas handle each group on the executors), instead of a query
--   for each value. Where a loop has to stay, cache the data, or partition them by that column as Parquet or a table, so that each query reads its own part.
-- advice: num_places >= 1 | - | - | Planning and starting a query takes longer than reading so little: compute all numbers in one pass (a select of many aggregates, or
--   a grouping), cache the data before the first of these queries, or collect them once and go on without Spark.
-- advice: has_columns | - | - | Ask once for all of it: each query computes aggregates of its own over the same rows, and one query (one select or agg with a list of expressions) can compute them all.
-- advice: has_values | - | - | Ask once for all of it: replace the loop by a join or a grouping over the values that it goes through.
-- recommendation: Ask once for all of it: collect what the loop needs with one query before it, or replace the loop by a join or a grouping over the values that it goes through.
WITH sources AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    CASE WHEN COUNT(*) = COUNT(bytes_read) THEN SUM(CAST(bytes_read AS DOUBLE)) END AS source_bytes,
    MAX(REGEXP_REPLACE(CONCAT(COALESCE(partition_filters, ''), '|', COALESCE(data_filters, '')), '#[0-9]+L?', '')) AS filters,
    -- The folders that hold what it reads.
    CASE WHEN COUNT(*) = COUNT(location) AND COUNT(table_name) = 0 THEN ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT REGEXP_REPLACE(location, '/[^/]*$', ''))), ', ') END AS folders
  FROM sql_scans
  WHERE operation = 'read'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
reads AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, location, REGEXP_REPLACE(location, '/[^/]*$', '') AS folder
  FROM sql_scans
  WHERE operation = 'read' AND location IS NOT NULL
),
written AS (
  SELECT platform, cluster_id, application_id, attempt_id, location, MIN(sql_id) AS first_id, MAX(sql_id) AS last_id
  FROM sql_scans
  WHERE operation = 'write' AND location IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, location
),
-- A folder is written with what is written into it.
all_written AS (
  SELECT platform, cluster_id, application_id, attempt_id, location, MIN(first_id) AS first_id, MAX(last_id) AS last_id
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, location, first_id, last_id FROM written
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, REGEXP_REPLACE(location, '/[^/]*$', '') AS location, first_id, last_id FROM written
  ) AS w
  GROUP BY platform, cluster_id, application_id, attempt_id, location
),
-- Queries that read what queries of the application wrote, as a whole or in part.
dependent AS (
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id,
    MIN(LEAST(COALESCE(w.first_id, f.first_id), COALESCE(f.first_id, w.first_id))) AS first_id,
    MAX(GREATEST(COALESCE(w.last_id, f.last_id), COALESCE(f.last_id, w.last_id))) AS last_id
  FROM reads AS r
  LEFT JOIN all_written AS w
    ON w.platform = r.platform AND w.cluster_id = r.cluster_id
    AND w.application_id = r.application_id AND w.attempt_id = r.attempt_id AND w.location = r.location
  LEFT JOIN written AS f
    ON f.platform = r.platform AND f.cluster_id = r.cluster_id
    AND f.application_id = r.application_id AND f.attempt_id = r.attempt_id AND f.location = r.folder
  WHERE w.platform IS NOT NULL OR f.platform IS NOT NULL
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id
),
cached AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id
  FROM sql_nodes
  WHERE node_name LIKE '%InMemoryTableScan%'
),
conditions AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, MAX(REGEXP_REPLACE(description, '#[0-9]+L?', '')) AS conditions
  FROM sql_nodes
  WHERE node_name LIKE '%Filter'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- The topmost work of each query, which says nothing of the values that it puts out.
works AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, MAX(CASE WHEN node_id = 0 THEN work_hash END) AS work_hash,
    ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT MD5(REGEXP_REPLACE(description, '#[0-9]+L?', '')))), ', ') AS output_values
  FROM sql_nodes
  WHERE node_id = 0 OR node_name LIKE '%Project%' OR operator_kind = 'aggregate'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
queries AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.num_nodes, f.tables_read, f.tables_written,
    h.shape AS description,
    f.duration_ms, f.num_jobs, f.num_tasks, CAST(f.task_time_ms AS DOUBLE) AS task_ms, s.folders, d.first_id AS writer_id, d.last_id AS last_writer_id, q.submission_time, UNIX_MILLIS(q.submission_time) AS begin_ms,
    CASE WHEN c.platform IS NULL THEN s.source_bytes END AS source_bytes, s.source_bytes AS all_bytes, x.functions, w.work_hash,
    w.output_values,
    CONCAT(COALESCE(s.filters, ''), '|', COALESCE(k.conditions, '')) AS filters
  FROM query_facts AS f
  INNER JOIN sql AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  INNER JOIN query_shapes AS h
    ON h.platform = f.platform AND h.cluster_id = f.cluster_id
    AND h.application_id = f.application_id AND h.attempt_id = f.attempt_id AND h.sql_id = f.sql_id
  LEFT JOIN sources AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id AND s.sql_id = f.sql_id
  LEFT JOIN dependent AS d
    ON d.platform = f.platform AND d.cluster_id = f.cluster_id
    AND d.application_id = f.application_id AND d.attempt_id = f.attempt_id AND d.sql_id = f.sql_id
  LEFT JOIN conditions AS k
    ON k.platform = f.platform AND k.cluster_id = f.cluster_id
    AND k.application_id = f.application_id AND k.attempt_id = f.attempt_id AND k.sql_id = f.sql_id
  LEFT JOIN query_numbers AS x
    ON x.platform = f.platform AND x.cluster_id = f.cluster_id
    AND x.application_id = f.application_id AND x.attempt_id = f.attempt_id AND x.sql_id = f.sql_id
  LEFT JOIN works AS w
    ON w.platform = f.platform AND w.cluster_id = f.cluster_id
    AND w.application_id = f.application_id AND w.attempt_id = f.attempt_id AND w.sql_id = f.sql_id
  LEFT JOIN cached AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id AND c.sql_id = f.sql_id
  WHERE q.streaming_query_id IS NULL AND f.num_jobs > 0
),
-- Each query counts for the place in the code, and for the small data that it reads.
grouped AS (
  SELECT q.*, 1 AS kind, q.description AS place_name, q.num_nodes AS place_nodes, q.tables_read AS data FROM queries AS q
  UNION ALL
  SELECT q.*, 2 AS kind, '' AS place_name, 0 AS place_nodes, q.tables_read AS data FROM queries AS q
  WHERE q.tables_read IS NOT NULL AND q.tables_written IS NULL AND q.source_bytes <= $max_source_bytes
    -- Readers that look for the header and the types of columns are schema_inference's.
    AND q.description NOT LIKE 'csv at %' AND q.description NOT LIKE 'json at %'
  UNION ALL
  SELECT q.*, 3 AS kind, q.description AS place_name, q.num_nodes AS place_nodes, q.folders AS data FROM queries AS q
  WHERE q.folders IS NOT NULL
),
repeated AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, kind, MIN(description) AS description, place_nodes AS num_nodes, data AS tables_read,
    COUNT(DISTINCT tables_read) AS num_folders, SUM(task_ms) AS task_ms, COALESCE(MAX(last_writer_id) >= MIN(sql_id) AND MIN(writer_id) < MAX(sql_id), FALSE) AS is_dependent,
    COUNT(*) AS num_queries, COUNT(DISTINCT description) AS num_places, MAX(source_bytes) AS source_bytes,
    MAX(CASE WHEN tables_written IS NULL THEN 0 ELSE 1 END) = 0 AND COUNT(work_hash) = COUNT(*) AND COUNT(DISTINCT work_hash) = 1 AND COUNT(DISTINCT filters) = 1 AND COUNT(DISTINCT functions) <= 1
      AND COUNT(DISTINCT output_values) = 1 AND COUNT(DISTINCT all_bytes) <= 1 AND COUNT(all_bytes) IN (0, COUNT(*)) AS is_same,
    COUNT(DISTINCT functions) AS num_functions, COUNT(DISTINCT filters) AS num_filters,
    MIN(CASE WHEN REGEXP_REPLACE(filters, ' (=|<=>) | IN [(]', '') <> filters THEN 1 ELSE 0 END) = 1 AS has_comparison,
    SUM(CASE
      WHEN begin_ms IS NULL THEN CAST(duration_ms AS DOUBLE)
      ELSE CAST(GREATEST(begin_ms + duration_ms - GREATEST(begin_ms, COALESCE(previous_end_ms, begin_ms)), 0) AS DOUBLE)
    END) AS total_ms,
    SUM(CAST(duration_ms AS DOUBLE)) AS all_ms, MAX(CASE WHEN tables_written IS NOT NULL THEN 1 ELSE 0 END) = 1 AS is_write,
    AVG(CAST(duration_ms AS DOUBLE)) AS mean_ms, MAX(CAST(duration_ms AS DOUBLE)) AS max_ms,
    AVG(CAST(num_jobs AS DOUBLE)) AS jobs_each,
    AVG(CAST(num_tasks AS DOUBLE)) AS tasks_each
  FROM (
    SELECT
      g.*,
      -- Queries of threads run side by side: each counts for the time in which none before it ran.
      MAX(begin_ms + duration_ms) OVER (
        PARTITION BY platform, cluster_id, application_id, attempt_id, kind, place_name, place_nodes, data
        ORDER BY submission_time, sql_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS previous_end_ms
    FROM grouped AS g
  ) AS f
  GROUP BY platform, cluster_id, application_id, attempt_id, kind, place_name, place_nodes, data
),
-- A loop may ask several queries in each round.
looped AS (
  SELECT
    r.*, l.scan_ms, l.first_ms, l.lost_ms, l.longest_ms, l.mean_bytes, l.has_columns AS has_text_columns,
    (SUM(num_queries) OVER same_data) - num_queries AS more_queries, (SUM(total_ms) OVER same_data) - total_ms AS more_ms,
    (COUNT(*) OVER same_data) - 1 AS more_places
  FROM repeated AS r
  LEFT JOIN (
    SELECT
      platform, cluster_id, application_id, attempt_id, description AS loop_place, num_nodes AS loop_nodes, tables_read AS loop_tables,
      MAX(scan_ms) AS scan_ms, MAX(first_ms) AS first_ms, MAX(lost_ms) AS lost_ms, MAX(longest_ms) AS longest_ms, MAX(mean_bytes) AS mean_bytes,
      MAX(CASE WHEN has_columns THEN 1 ELSE 0 END) = 1 AS has_columns
    FROM scan_loops
    GROUP BY platform, cluster_id, application_id, attempt_id, description, num_nodes, tables_read
  ) AS l
    ON l.platform = r.platform AND l.cluster_id = r.cluster_id
    AND l.application_id = r.application_id AND l.attempt_id = r.attempt_id
    AND r.kind = 1 AND l.loop_place = r.description AND l.loop_nodes = r.num_nodes AND l.loop_tables = r.tables_read
  WHERE num_queries >= CASE WHEN kind = 3 THEN $min_folder_queries ELSE $min_queries END
  WINDOW same_data AS (PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id, kind, tables_read)
),
ranked AS (
  SELECT
    r.*, a.app_duration_ms, a.average_cores * r.total_ms AS held_ms,
    -- One query can do the work of all: of folders, or of the values or columns that a loop goes through; and most cores wait for the next one.
    COALESCE((r.kind = 3 OR (r.kind = 1 AND COALESCE(r.lost_ms, 0e0) <= 0e0
      AND ((r.has_comparison AND r.num_filters >= $min_other_share * r.num_queries) OR (r.num_filters = 1 AND r.num_functions >= $min_other_share * r.num_queries))))
      AND NOT r.is_dependent AND r.all_ms < 1.2e0 * r.total_ms AND a.average_cores >= 2e0 AND r.task_ms <= $max_busy * a.average_cores * r.total_ms, FALSE) AS is_idle,
    ROW_NUMBER() OVER (
      PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id ORDER BY r.kind, CASE WHEN r.lost_ms > 0e0 THEN 0 ELSE 1 END, r.total_ms DESC, r.description, r.num_nodes
    ) AS place
  FROM looped AS r
  INNER JOIN application_facts AS a
    ON a.platform = r.platform AND a.cluster_id = r.cluster_id
    AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
  WHERE NOT a.is_interactive
    AND (r.total_ms >= $min_total_ms OR (r.total_ms >= $min_half_ms AND r.total_ms >= 0.5e0 * a.app_duration_ms))
    AND r.total_ms >= $min_share * a.app_duration_ms
    AND ((r.num_queries >= $min_queries AND r.mean_ms <= $max_mean_ms) OR (r.kind = 3
      AND $won_part * (r.total_ms - GREATEST(r.task_ms / NULLIF(a.average_cores, 0e0), r.max_ms)) >= $min_few_won_share * a.app_duration_ms))
    AND (r.kind < 3 OR (r.num_folders >= $min_other_share * r.num_queries AND NOT r.is_dependent AND r.all_ms < 1.2e0 * r.total_ms
      AND a.average_cores >= 2e0 AND r.task_ms <= $max_busy * a.average_cores * r.total_ms))
)
SELECT
  platform, cluster_id, application_id, attempt_id, application_id AS subject_id,
  CASE WHEN lost_ms > 0e0 THEN NULL WHEN kind = 1 AND is_same AND NOT is_dependent AND total_ms - max_ms >= $min_share * app_duration_ms AND total_ms - max_ms >= $min_half_ms THEN 'medium' WHEN kind = 1 AND total_ms >= 0.5e0 * app_duration_ms AND total_ms >= 600000 THEN 'medium' WHEN is_idle THEN NULL ELSE 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(lost_ms AS BIGINT) AS lost_core_ms,
  -- One query for all of them is taken to run as long as the longest.
  CASE WHEN lost_ms > 0e0 THEN TRY_CAST(GREATEST(total_ms - longest_ms, 0e0) AS BIGINT)
    WHEN is_idle THEN TRY_CAST($won_part * GREATEST(total_ms - GREATEST(task_ms * total_ms / NULLIF(held_ms, 0e0), max_ms), 0e0) AS BIGINT) END AS recoverable_ms, TRY_CAST(scan_ms AS BIGINT) AS scan_ms, TRY_CAST(first_ms AS BIGINT) AS first_ms, CASE WHEN NOT has_text_columns THEN TRY_CAST(mean_bytes AS BIGINT) END AS scan_bytes,
  CASE WHEN has_text_columns THEN TRY_CAST(mean_bytes AS BIGINT) END AS parsed_bytes,
  COALESCE(has_text_columns, kind = 1 AND num_filters = 1 AND num_functions >= $min_other_share * num_queries) AS has_columns,
  COALESCE(NOT has_text_columns, kind = 1 AND has_comparison AND num_filters >= $min_other_share * num_queries) AS has_values,
  CASE WHEN kind = 2 THEN 'Many queries ask for the same small data' WHEN kind = 3 THEN 'A loop asks one query for each folder, and most cores wait' END AS title,
  CASE WHEN kind = 3 THEN SUBSTR(tables_read, 1, 150) END AS parent, CASE WHEN kind = 3 THEN num_folders END AS num_folders, CASE WHEN is_idle THEN TRY_CAST(task_ms AS BIGINT) END AS task_ms,
  CASE WHEN is_idle THEN TRY_CAST(held_ms AS BIGINT) END AS held_ms,
  CASE WHEN kind <> 2 THEN SUBSTR(REPLACE(description, CHR(10), ' '), 1, 120) END AS description,
  CASE WHEN kind = 2 THEN num_places END AS num_places, CASE WHEN kind = 2 THEN source_bytes END AS source_bytes,
  CASE WHEN kind = 1 AND is_same AND NOT is_dependent THEN num_queries END AS same_queries, num_queries, total_ms, mean_ms, is_write, COALESCE(kind = 1 AND is_write AND UPPER(TRIM(description)) LIKE 'INSERT%', FALSE) AS is_insert,
  CASE WHEN all_ms >= 1.2e0 * total_ms THEN all_ms / NULLIF(total_ms, 0) END AS side_by_side, CASE WHEN kind < 3 THEN SUBSTR(tables_read, 1, 120) END AS tables_read, jobs_each, tasks_each, app_duration_ms,
  CASE WHEN kind = 1 AND tables_read IS NOT NULL AND more_queries > 0 THEN more_queries END AS more_queries,
  CASE WHEN kind = 1 AND tables_read IS NOT NULL AND more_queries > 0 THEN more_places END AS more_places,
  CASE WHEN kind = 1 AND tables_read IS NOT NULL AND more_queries > 0 THEN more_ms END AS more_ms
FROM ranked
WHERE place = 1
