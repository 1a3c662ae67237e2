-- id: unselective_scan
-- title: A filter throws away nearly all rows that a scan reads
-- category: plans
-- severity: low
-- version: 3
-- description: Fires where a query reads millions of rows of a columnar table (Parquet, ORC, Delta, Iceberg, Hudi), the filter right above the scan keeps few of them, and the scan is a good part of the application: its files and row
--   groups could be skipped, but were not. Either a column is compared only after a cast or a function, which Spark does not push to the files, or the values asked for are in all row groups, or these have no statistics. Only filters
--   that a layout of the table helps count: every condition compares one column, or a common function of it, with literals. So no patterns, OR, NOT, comparisons of columns, functions of users, JSON or runtime filters. Not told: tables that the
--   application wrote itself; text; scans of all partitions (full_partition_scan), of small files (small_files_read), row by row (row_reads), with pushdown switched off (disabled_optimizations), and those that repeated_scans tells: of
--   each table the most expensive scan counts, which that rule leaves out. What a sorted table would save is an assumption: what the scan's timer measured and an assumed time of the filter for each row, no more than the processor time, less what would be read all the
--   same: of several columns only one can be skipped by with certainty, so that of n columns a table sorted by one of them is taken to read the nth root of the share that is kept, and no less than min_left. With Spark 4.3 and 60,000,000 rows the same query
--   took 13.4 s of task time by date_format(ts), and 0.9 s of wall time with a range of ts on a sorted table; 5.5 s by a number, and 0.7 s once the table was sorted by it. Never above medium.
-- subject: node
-- parameter: min_rows double = 1000000 [rows] rows that are read and thrown away, at least
-- parameter: max_kept double = 0.05 [ratio] rows that the filter keeps, at most
-- parameter: min_run_ms double = 10000 [ms] task time of the scan's stages, at least
-- parameter: filter_ns double = 50 [ns] that making a row of columns and comparing it is taken to take
-- parameter: function_ns double = 100 [ns] the same where it calls a function first
-- parameter: min_left double = 0.2 [ratio] part of the rows that a sorted table is taken to read all the same, at least
-- parameter: min_lost_ms double = 3000 [ms] what is taken to be lost, at least
-- parameter: min_lost_share double = 0.05 [ratio] the same over the task time of the application, at least
-- parameter: medium_ms double = 600000 [ms] what is lost from which it is of medium severity, and its share does not count
-- parameter: min_partitions bigint = 10 [count] partitions from which full_partition_scan tells a scan of all of them
-- parameter: min_small_files bigint = 100 [count] files of a small average size, of which small_files_read tells
-- parameter: max_small_file_bytes double = 8388608.0 [bytes] that size, at most
-- parameter: min_scans bigint = 3 [count] scans of the same data from which repeated_scans tells them
-- parameter: min_scan_share double = 0.5 [ratio] unless this one took so much of their task time
-- evidence: Query {sql_id:int} ({query_description:query}) reads {rows:row|rows} of {source}, and its filter keeps {kept_rows:int} of them ({kept:pct}): {filter}.[ It compares {wrapped_columns} only after a function, cast or calculation, which Spark cannot
--   push to the files.][ Its conditions on {plain_columns} can be pushed to the files, and yet no more of them were skipped.] The stages of the scan took {run_ms:s} of {app_ms:s} of task time; {spent_ms:s} of it is counted for reading and filtering,
--   and a table that is sorted for this filter is taken to save {lost_ms:s}.
-- advice: wrapped_columns IS NOT NULL AND is_text_function | - | - | No statistics of {wrapped_columns} tell what such a function gives. Store the value the way queries compare it (a cleaned column, or one more that holds the result), filter on that
--   column, and sort or cluster the table by it.
-- advice: wrapped_columns IS NOT NULL AND is_int96 | - | - | Compare {wrapped_columns} itself with literals of its own type (a range from the first to the last value), without a cast or function, so that Spark pushes the filter to the files.
--   Row groups are then skipped where the table is sorted or clustered by it, and where timestamps were written with spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS: INT96, the default, has no statistics that Spark uses.
-- advice: wrapped_columns IS NOT NULL | - | - | Compare {wrapped_columns} itself with literals of its own type (a range from the first to the last value), without a cast or function, so that Spark pushes the filter to the files. Files and row groups are then
--   skipped where the table is sorted or clustered by it. What has no such range (a number kept as text, cleaned text) has to be stored the way it is compared.
-- advice: format = 'delta' | - | - | If queries like this are frequent, cluster the table by {columns} (CLUSTER BY, or OPTIMIZE with ZORDER BY), so that files whose statistics exclude the filter are skipped.
-- advice: format = 'iceberg' | - | - | If queries like this are frequent, give the table a sort order by {columns} (WRITE ORDERED BY) and rewrite its data files with it, so that files whose statistics exclude the filter are skipped.
-- advice: is_int96 | - | - | If queries like this are frequent, sort the table by {columns} where it is written (repartitionByRange and sortWithinPartitions), or partition it by a column of few values, and write its timestamps with
--   spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS: INT96, the default, has no statistics that Spark uses to skip row groups.
-- advice: num_columns >= 1 | - | - | If queries like this are frequent, sort the table by {columns} where it is written (repartitionByRange and sortWithinPartitions), or partition it by a column of few values, so that row groups whose statistics exclude the
--   filter are skipped.
-- recommendation: If queries like this are frequent, sort the table by the columns of the filter where it is written (repartitionByRange and sortWithinPartitions), or partition it by a column of few values, so that row groups whose statistics exclude the
--   filter are skipped.
WITH large_scans AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.format, s.table_name, s.location, CAST(s.rows_read AS DOUBLE) AS rows,
    -- ', id:bigint, at:timestamp,'
    CONCAT(',', REPLACE(REPLACE(SPLIT_PART(COALESCE(s.metadata, n.description), 'struct<', 2), '>', ','), ' ', ''), ',') AS read_columns
  FROM sql_scans AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.node_id
  WHERE s.operation = 'read' AND s.engine = 'spark' AND s.rows_read >= $min_rows AND s.format IN ('parquet', 'orc', 'delta', 'iceberg', 'hudi') AND NOT COALESCE(s.has_dynamic_pruning, FALSE)
    AND COALESCE(n.description, '') NOT LIKE '% Batched: false%'
    AND (s.files_read IS NULL OR s.bytes_read IS NULL OR s.files_read < $min_small_files OR CAST(s.bytes_read AS DOUBLE) > $max_small_file_bytes * s.files_read)
),
nodes AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, TRIM(n.node_name) AS node_name, ARRAY_MIN(n.child_node_ids) AS child_id, CAST(n.rows_output AS DOUBLE) AS rows_output,
    -- As Spark 2 wrote it.
    REPLACE(REPLACE(n.description, ' && ', ' AND '), ' || ', ' OR ') AS description
  FROM sql_nodes AS n
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM large_scans) AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  WHERE n.node_name LIKE '%Filter%' OR n.node_name LIKE '%ColumnarToRow%'
),
outlets AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_id AS outlet_id
  FROM large_scans
  UNION ALL
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, c.node_id AS outlet_id
  FROM large_scans AS s
  INNER JOIN nodes AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.sql_id = s.sql_id AND c.child_id = s.node_id
  WHERE c.node_name = 'ColumnarToRow'
),
-- A filter that kept no row counts none.
filtered AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.format, s.table_name, s.location, s.rows, s.read_columns, f.description AS filter, COALESCE(f.rows_output, 0e0) AS kept_rows
  FROM large_scans AS s
  INNER JOIN outlets AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.node_id
  INNER JOIN nodes AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.sql_id = o.sql_id AND f.child_id = o.outlet_id
  WHERE f.node_name = 'Filter' AND f.description LIKE 'Filter %' AND COALESCE(f.rows_output, 0e0) <= $max_kept * s.rows AND s.rows - COALESCE(f.rows_output, 0e0) >= $min_rows
),
-- The conditions of a filter one by one, without the parentheses that join them.
conditions AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id, f.format, f.read_columns, p.place, REGEXP_REPLACE(SPLIT_PART(SUBSTR(f.filter, 8), ' AND ', p.place), '^[( ]+', '') AS condition
  FROM filtered AS f
  INNER JOIN small_numbers AS p ON p.place <= 12
  WHERE SPLIT_PART(SUBSTR(f.filter, 8), ' AND ', 13) = '' AND f.filter NOT LIKE '% OR %' AND f.filter NOT LIKE '%NOT %'
),
named AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.node_id, c.condition, c.format, c.read_columns,
    REGEXP_REPLACE(SPLIT_PART(c.condition, '#', 1), '^.*[( ,]', '') AS column_name,
    -- A column itself on the left, or the start of its text.
    REGEXP_REPLACE(c.condition, '^(StartsWith[(])?[^( ,]+#[0-9]+L?([.][A-Za-z0-9_.]+)?( (=|<=>|<|>|<=|>=) [^#]*| IN [(][^#]*| INSET [^#]*|, [^#]*)$', '') = '' AS is_plain,
    -- What is left when functions go for which there is a range, or another column, to compare with.
    REGEXP_REPLACE(c.condition, '(cast|to_date|date_format|date_trunc|trunc|year|quarter|month|last_day|date_add|date_sub|datediff|to_unix_timestamp|unix_timestamp|from_unixtime|gettimestamp|substr|substring|left|upper|lower|trim|ltrim|rtrim|coalesce|concat|abs|round|Some)[(]', '(') AS rest
  FROM conditions AS c
  WHERE c.condition <> ''
),
judged AS (
  SELECT
    n.*,
    condition LIKE 'isnotnull(%' AS is_check,
    NOT is_plain AND LENGTH(condition) - LENGTH(REPLACE(condition, '#', '')) = 1 AND REGEXP_REPLACE(condition, ' (=|<=>|<|>|<=|>=) | IN [(]| INSET ', '') <> condition
      AND (rest <> condition OR REGEXP_REPLACE(condition, '#[0-9]+L? [+*/-] ', '') <> condition) AND REGEXP_REPLACE(rest, '[A-Za-z0-9_][(]', '') = rest
      AND INSTR(condition, ' % ') = 0 AND condition NOT LIKE '%CASE WHEN %' AND condition NOT LIKE '%if (%' AND condition NOT LIKE '% LIKE %' AS is_wrapped,
    REGEXP_REPLACE(condition, '(substr|substring|left|upper|lower|trim|ltrim|rtrim|coalesce|concat|abs|round)[(]', '(') <> condition AS is_text_function
  FROM named AS n
),
by_column AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, column_name, MAX(CASE WHEN is_wrapped THEN 1 ELSE 0 END) AS is_wrapped, MIN(CASE WHEN is_wrapped AND NOT is_text_function THEN 0 ELSE 1 END) AS is_text_function,
    -- A timestamp in Parquet files of which no table format keeps statistics.
    MAX(CASE WHEN format = 'parquet' AND INSTR(read_columns, CONCAT(',', column_name, ':timestamp,')) > 0 THEN 1 ELSE 0 END) AS is_int96,
    MIN(CASE WHEN is_plain OR is_wrapped THEN 1 ELSE 0 END) AS is_usable
  FROM judged
  WHERE NOT is_check
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id, column_name
),
by_scan AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, COUNT(*) AS num_columns, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(column_name)), ', ') AS columns, MIN(is_text_function) = 1 AS is_text_function, MAX(is_int96) = 1 AS is_int96
  FROM by_column
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
  HAVING MIN(is_usable) = 1
),
by_kind AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, is_wrapped, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(column_name)), ', ') AS columns
  FROM by_column
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id, is_wrapped
),
-- What full_partition_scan and disabled_optimizations tell, and what the application wrote itself: to sort that costs more than one scan.
told AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id
  FROM unpruned_reads
  WHERE partitions_read >= $min_partitions
  UNION
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id
  FROM large_scans AS s
  INNER JOIN spark_settings AS v
    ON v.platform = s.platform AND v.cluster_id = s.cluster_id
    AND v.application_id = s.application_id AND v.attempt_id = s.attempt_id
  WHERE v.key = CONCAT('spark.sql.', s.format, '.filterPushdown') AND LOWER(TRIM(v.value)) = 'false'
  UNION
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id
  FROM large_scans AS s
  INNER JOIN session_settings AS v
    ON v.platform = s.platform AND v.cluster_id = s.cluster_id
    AND v.application_id = s.application_id AND v.attempt_id = s.attempt_id AND v.sql_id = s.sql_id
  WHERE v.key = CONCAT('spark.sql.', s.format, '.filterPushdown') AND LOWER(TRIM(v.value)) = 'false'
  UNION
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id
  FROM large_scans AS s
  INNER JOIN sql_scans AS w
    ON w.platform = s.platform AND w.cluster_id = s.cluster_id
    AND w.application_id = s.application_id AND w.attempt_id = s.attempt_id
  WHERE w.operation = 'write' AND (w.table_name = s.table_name OR w.location = s.location)
),
work AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id,
    SUM(CAST(t.executor_cpu_time AS DOUBLE)) / 1e6 / NULLIF(SUM(CAST(t.executor_run_time AS DOUBLE)), 0e0) AS cpu_ratio
  FROM operator_stages AS o
  INNER JOIN filtered AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.sql_id = o.sql_id AND f.node_id = o.node_id
  INNER JOIN timed_stages AS t
    ON t.platform = o.platform AND t.cluster_id = o.cluster_id
    AND t.application_id = o.application_id AND t.attempt_id = o.attempt_id AND t.stage_id = o.stage_id
  WHERE t.status <> 'SKIPPED'
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
),
timed AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id, r.source, r.run_ms, r.own_ms,
    COUNT(*) OVER w AS num_scans, SUM(r.run_ms) OVER w AS all_ms
  FROM read_scans AS r
  WINDOW w AS (PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.source, r.filters)
),
spent AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id, f.format, f.rows, f.kept_rows, t.source, t.run_ms,
    SUBSTR(REGEXP_REPLACE(SUBSTR(f.filter, 8), '#[0-9]+L?', ''), 1, 200) AS filter, b.columns, b.num_columns, b.is_text_function, b.is_int96, x.columns AS wrapped_columns, p.columns AS plain_columns,
    LEAST(t.run_ms * COALESCE(k.cpu_ratio, 1e0), t.run_ms, COALESCE(t.own_ms, 0e0) + f.rows / 1e6 * CASE WHEN x.columns IS NULL THEN $filter_ns ELSE $function_ns END) AS spent_ms
  FROM filtered AS f
  INNER JOIN by_scan AS b
    ON b.platform = f.platform AND b.cluster_id = f.cluster_id
    AND b.application_id = f.application_id AND b.attempt_id = f.attempt_id AND b.sql_id = f.sql_id AND b.node_id = f.node_id
  INNER JOIN timed AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id AND t.sql_id = f.sql_id AND t.node_id = f.node_id
  LEFT JOIN by_kind AS x
    ON x.platform = f.platform AND x.cluster_id = f.cluster_id
    AND x.application_id = f.application_id AND x.attempt_id = f.attempt_id AND x.sql_id = f.sql_id AND x.node_id = f.node_id AND x.is_wrapped = 1
  LEFT JOIN by_kind AS p
    ON p.platform = f.platform AND p.cluster_id = f.cluster_id
    AND p.application_id = f.application_id AND p.attempt_id = f.attempt_id AND p.sql_id = f.sql_id AND p.node_id = f.node_id AND p.is_wrapped = 0
  LEFT JOIN work AS k
    ON k.platform = f.platform AND k.cluster_id = f.cluster_id
    AND k.application_id = f.application_id AND k.attempt_id = f.attempt_id AND k.sql_id = f.sql_id AND k.node_id = f.node_id
  LEFT JOIN told AS d
    ON d.platform = f.platform AND d.cluster_id = f.cluster_id
    AND d.application_id = f.application_id AND d.attempt_id = f.attempt_id AND d.sql_id = f.sql_id AND d.node_id = f.node_id
  WHERE d.platform IS NULL AND t.run_ms >= $min_run_ms AND (t.num_scans < $min_scans OR t.run_ms >= $min_scan_share * t.all_ms)
),
weighed AS (
  SELECT
    s.*, spent_ms * (1e0 - GREATEST(POWER(kept_rows / NULLIF(rows, 0e0), 1e0 / NULLIF(num_columns, 0)), $min_left)) AS lost_ms
  FROM spent AS s
),
ranked AS (
  SELECT w.*, ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, source ORDER BY lost_ms DESC, sql_id, node_id) AS place
  FROM weighed AS w
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(t.sql_id AS STRING), '.', CAST(t.node_id AS STRING)) AS subject_id,
  CASE WHEN t.lost_ms >= $medium_ms THEN 'medium' ELSE 'low' END AS severity, CASE WHEN t.wrapped_columns IS NULL THEN 'low' ELSE 'medium' END AS confidence,
  TRY_CAST(t.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(t.lost_ms * c.wall_ratio AS BIGINT) AS recoverable_ms,
  t.sql_id, SUBSTR(q.description, 1, 200) AS query_description, t.source, t.format, TRY_CAST(t.rows AS BIGINT) AS rows, TRY_CAST(t.kept_rows AS BIGINT) AS kept_rows, t.kept_rows / NULLIF(t.rows, 0e0) AS kept, t.filter,
  t.columns, t.num_columns, t.wrapped_columns, t.plain_columns, t.is_text_function, t.run_ms, CAST(r.executor_run_time AS DOUBLE) AS app_ms, t.spent_ms, t.lost_ms, t.is_int96
FROM ranked AS t
INNER JOIN sql AS q
  ON q.platform = t.platform AND q.cluster_id = t.cluster_id
  AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
INNER JOIN application_facts AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
INNER JOIN application_run_times AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id
WHERE t.place = 1 AND t.lost_ms >= $min_lost_ms AND (t.lost_ms >= $min_lost_share * r.executor_run_time OR t.lost_ms >= $medium_ms)
