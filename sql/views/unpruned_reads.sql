-- id: unpruned_reads
-- title: Reads of all partitions of a table
-- description: One row per scan of a table of several partitions that reads all of them, though the query needs a part: it filters on other columns, or joins by
--   the partition columns or calls a Python function of one, which both come too late. A check of the partition columns for NULL (isnotnull), as a join adds it, is no filter; nor is
--   dynamic pruning that Spark gave up. kept is the share of its rows that the filter right above it keeps, NULL where the plan does not tell;
--   is_inferred says that its filters (data_filters) only check for NULL. join_kept is the share of rows that an inner or left semi join by partition columns alone, without a further
--   condition and below no limit, keeps of those that reach it: the join (join_id) that keeps the fewest, by join_keys; is_pruner says that it broadcasts its other side. function_kept is the share that a filter by a Python
--   function (function_name) of one partition column keeps. run_ms is its share of the task time of its stages (view read_scans). partition_names are the columns by which the table is
--   partitioned: a scan lists them behind those that are in its files (up to four; NULL where its plan is cut short).
-- reads: read_scans, sql_nodes, sql_scans
WITH partitioned AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id,
    -- Where the location is cut short, several tables can have it.
    CASE WHEN s.table_name IS NULL AND s.location LIKE '%...'
      THEN CONCAT(s.location, ' (', CAST(s.files_read AS STRING), ' files, ', CAST(s.bytes_read AS STRING), ' bytes)')
      ELSE COALESCE(s.table_name, s.location) END AS source, s.partitions_read, s.bytes_read, s.files_read,
    COALESCE(s.data_filters, s.pushed_filters) AS data_filters,
    -- What is left of the filters without checks for NULL.
    REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
      REGEXP_REPLACE(s.partition_filters, 'isnotnull[(][^()]*[)]', ''), 'dynamicpruningexpression(true)', ''), '[', ''), ']', ''), ',', ''), ' ', '') AS partition_rest,
    REPLACE(REPLACE(REPLACE(REPLACE(
      REGEXP_REPLACE(LOWER(COALESCE(s.data_filters, s.pushed_filters)), 'isnotnull[(][^()]*[)]', ''), '[', ''), ']', ''), ',', ''), ' ', '') AS data_rest,
    -- The columns that are checked: ', dt#1, hour#2, '.
    CONCAT(', ', REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(s.partition_filters, 'dynamicpruningexpression(true)', ''), 'isnotnull(', ''), ')', ''), '[', ''), ']', ''), ', ')
      AS partition_columns
  FROM sql_scans AS s
  WHERE s.operation = 'read' AND NOT COALESCE(s.has_dynamic_pruning, FALSE) AND s.partitions_read > 1
),
whole AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, source, partitions_read, bytes_read, files_read, data_filters,
    COALESCE(data_rest = '', FALSE) AS is_inferred, partition_columns
  FROM partitioned
  WHERE COALESCE(partition_rest = '', TRUE)
),
nodes AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.last_node_id, TRIM(n.node_name) AS node_name, n.operator_kind, n.description, n.rows_output,
    ARRAY_MIN(n.child_node_ids) AS child_id
  FROM sql_nodes AS n
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM whole) AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
),
-- A scan, or what makes rows of its columns.
outlets AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, n.description, CAST(n.rows_output AS DOUBLE) AS rows, c.node_id AS outlet_id
  FROM whole AS w
  INNER JOIN nodes AS n
    ON n.platform = w.platform AND n.cluster_id = w.cluster_id
    AND n.application_id = w.application_id AND n.attempt_id = w.attempt_id AND n.sql_id = w.sql_id AND n.node_id = w.node_id
  INNER JOIN nodes AS c
    ON c.platform = w.platform AND c.cluster_id = w.cluster_id
    AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id AND c.sql_id = w.sql_id
    AND (c.node_id = w.node_id OR (c.child_id = w.node_id AND c.node_name LIKE '%ColumnarToRow%'))
),
-- The filter right above a scan, with what it keeps.
kept AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, MAX(CAST(f.rows_output AS DOUBLE) / NULLIF(o.rows, 0e0)) AS kept
  FROM outlets AS o
  INNER JOIN nodes AS f
    ON f.platform = o.platform AND f.cluster_id = o.cluster_id
    AND f.application_id = o.application_id AND f.attempt_id = o.attempt_id AND f.sql_id = o.sql_id
    AND f.child_id = o.outlet_id AND f.node_name LIKE '%Filter%'
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
),
-- The last columns of a scan that are not in its files.
listed AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, SPLIT_PART(SPLIT_PART(SPLIT_PART(o.description, ' Batched: ', 1), '[', 2), ']', 1) AS listed,
    -- Spark cuts the schema of a wide table short in the description, not in the metadata.
    CONCAT(',', REPLACE(CASE
      WHEN s.metadata LIKE '%"ReadSchema":"struct<%' THEN SPLIT_PART(s.metadata, '"ReadSchema":"struct<', 2) ELSE SPLIT_PART(o.description, ' ReadSchema: struct<', 2)
    END, ' ', '')) AS in_files
  FROM outlets AS o
  INNER JOIN sql_scans AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND s.sql_id = o.sql_id AND s.node_id = o.node_id
  WHERE o.outlet_id = o.node_id AND o.description NOT LIKE '% more field%' AND COALESCE(s.metadata, '') NOT LIKE '% more field%'
    AND (s.metadata LIKE '%"ReadSchema":"struct<%' OR (o.description LIKE '%, ReadSchema: struct<%' AND o.description NOT LIKE '%...'))
),
last_columns AS (
  SELECT
    l.*,
    SPLIT_PART(CASE WHEN num_columns >= 4 THEN SPLIT_PART(listed, ',', GREATEST(num_columns - 3, 1)) END, '#', 1) AS column4,
    SPLIT_PART(CASE WHEN num_columns >= 3 THEN SPLIT_PART(listed, ',', GREATEST(num_columns - 2, 1)) END, '#', 1) AS column3,
    SPLIT_PART(CASE WHEN num_columns >= 2 THEN SPLIT_PART(listed, ',', GREATEST(num_columns - 1, 1)) END, '#', 1) AS column2,
    SPLIT_PART(SPLIT_PART(listed, ',', num_columns), '#', 1) AS column1
  FROM (SELECT d.*, LENGTH(listed) - LENGTH(REPLACE(listed, ',', '')) + 1 AS num_columns FROM listed AS d WHERE listed LIKE '%#%') AS l
),
named AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    NULLIF(CONCAT_WS(', ',
      CASE WHEN INSTR(in_files, CONCAT(',', column4, ':')) = 0 THEN column4 END, CASE WHEN INSTR(in_files, CONCAT(',', column3, ':')) = 0 THEN column3 END,
      CASE WHEN INSTR(in_files, CONCAT(',', column2, ':')) = 0 THEN column2 END, CASE WHEN INSTR(in_files, CONCAT(',', column1, ':')) = 0 THEN column1 END
    ), '') AS partition_names
  FROM last_columns
),
-- A filter by a Python function of one column, which is among those of the scan and not in its files.
called AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, o.description AS scan_description,
    SPLIT_PART(SPLIT_PART(p.description, '[', 2), '(', 1) AS function_name, SPLIT_PART(SPLIT_PART(p.description, '(', 2), ')', 1) AS argument,
    CAST(f.rows_output AS DOUBLE) / NULLIF(o.rows, 0e0) AS kept
  FROM outlets AS o
  INNER JOIN nodes AS p
    ON p.platform = o.platform AND p.cluster_id = o.cluster_id
    AND p.application_id = o.application_id AND p.attempt_id = o.attempt_id AND p.sql_id = o.sql_id
    AND p.child_id = o.outlet_id AND p.node_name LIKE '%EvalPython%'
  INNER JOIN nodes AS f
    ON f.platform = p.platform AND f.cluster_id = p.cluster_id
    AND f.application_id = p.application_id AND f.attempt_id = p.attempt_id AND f.sql_id = p.sql_id
    AND f.child_id = p.node_id AND f.node_name LIKE '%Filter%'
  -- One function alone.
  WHERE p.description LIKE '%, [pythonUDF0#%' AND p.description NOT LIKE '%pythonUDF1#%' AND f.description LIKE 'Filter%pythonUDF0#%' AND f.description NOT LIKE '% AND %'
    AND o.description LIKE '%, ReadSchema: struct<%>'
),
by_function AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, MIN(function_name) AS function_name, MIN(kept) AS function_kept
  FROM called
  WHERE argument LIKE '%#%' AND argument NOT LIKE '%,%'
    AND INSTR(REPLACE(REPLACE(SPLIT_PART(scan_description, ' Batched: ', 1), '[', ','), ']', ','), CONCAT(',', argument, ',')) > 0
    AND INSTR(REPLACE(SPLIT_PART(scan_description, ' ReadSchema: struct', 2), '<', ','), CONCAT(',', SPLIT_PART(argument, '#', 1), ':')) = 0
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
joins AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id, node_name, description, rows_output,
    SPLIT_PART(SPLIT_PART(description, '[', 2), ']', 1) AS left_keys,
    CASE WHEN description LIKE '%], Inner%' THEN SPLIT_PART(SPLIT_PART(description, '[', 3), ']', 1) ELSE '' END AS right_keys
  FROM nodes
  WHERE operator_kind = 'join' AND rows_output IS NOT NULL
    -- Without a condition on other columns.
    AND (description LIKE '%], Inner' OR description LIKE '%], LeftSemi' OR description LIKE '%], Inner, BuildRight' OR description LIKE '%], Inner, BuildLeft'
      OR description LIKE '%], LeftSemi, BuildRight' OR description LIKE '%], Inner, BuildRight, false' OR description LIKE '%], Inner, BuildLeft, false'
      OR description LIKE '%], LeftSemi, BuildRight, false' OR description LIKE '%], Inner, BuildRight, false, %' OR description LIKE '%], Inner, BuildLeft, false, %'
      OR description LIKE '%], LeftSemi, BuildRight, false, %')
),
join_keys AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, left_keys AS keys, description LIKE '%, BuildRight%' AND node_name LIKE '%Broadcast%' AS is_pruner FROM joins
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, right_keys AS keys, description LIKE '%, BuildLeft%' AND node_name LIKE '%Broadcast%' AS is_pruner FROM joins
),
split_keys AS (
  SELECT
    k.*, SPLIT_PART(keys, ', ', 1) AS key1, SPLIT_PART(keys, ', ', 2) AS key2, SPLIT_PART(keys, ', ', 3) AS key3
  FROM join_keys AS k
  WHERE keys LIKE '%#%' AND SPLIT_PART(keys, ', ', 4) = ''
),
-- Joins above a scan by its partition columns alone.
joined AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, j.node_id AS join_id, j.node_name, j.rows_output, k.keys, k.is_pruner
  FROM whole AS w
  INNER JOIN joins AS j
    ON j.platform = w.platform AND j.cluster_id = w.cluster_id
    AND j.application_id = w.application_id AND j.attempt_id = w.attempt_id AND j.sql_id = w.sql_id
    AND j.node_id < w.node_id AND j.last_node_id >= w.node_id
  INNER JOIN split_keys AS k
    ON k.platform = j.platform AND k.cluster_id = j.cluster_id
    AND k.application_id = j.application_id AND k.attempt_id = j.attempt_id AND k.sql_id = j.sql_id AND k.node_id = j.node_id
  WHERE INSTR(w.partition_columns, CONCAT(', ', k.key1, ', ')) > 0
    AND (k.key2 = '' OR INSTR(w.partition_columns, CONCAT(', ', k.key2, ', ')) > 0)
    AND (k.key3 = '' OR INSTR(w.partition_columns, CONCAT(', ', k.key3, ', ')) > 0)
),
-- What counts rows between a join and the scan, and limits above the join, which stop it early.
between_nodes AS (
  SELECT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, j.join_id, MIN(n.node_id) AS input_id
  FROM joined AS j
  INNER JOIN nodes AS n
    ON n.platform = j.platform AND n.cluster_id = j.cluster_id
    AND n.application_id = j.application_id AND n.attempt_id = j.attempt_id AND n.sql_id = j.sql_id
    AND n.node_id > j.join_id AND n.node_id <= j.node_id AND n.last_node_id >= j.node_id AND n.rows_output IS NOT NULL
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, j.join_id
),
limited AS (
  SELECT DISTINCT j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.join_id
  FROM joined AS j
  INNER JOIN nodes AS n
    ON n.platform = j.platform AND n.cluster_id = j.cluster_id
    AND n.application_id = j.application_id AND n.attempt_id = j.attempt_id AND n.sql_id = j.sql_id
    AND n.node_id < j.join_id AND n.last_node_id >= j.join_id
  WHERE n.node_name LIKE '%Limit%'
),
by_join AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, j.join_id, j.node_name AS join_name, j.keys AS join_keys, j.is_pruner,
    CAST(j.rows_output AS DOUBLE) / NULLIF(i.rows_output, 0) AS join_kept,
    ROW_NUMBER() OVER (
      PARTITION BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id
      ORDER BY CAST(j.rows_output AS DOUBLE) / NULLIF(i.rows_output, 0), j.join_id
    ) AS place
  FROM joined AS j
  INNER JOIN between_nodes AS b
    ON b.platform = j.platform AND b.cluster_id = j.cluster_id
    AND b.application_id = j.application_id AND b.attempt_id = j.attempt_id AND b.sql_id = j.sql_id AND b.node_id = j.node_id AND b.join_id = j.join_id
  INNER JOIN nodes AS i
    ON i.platform = b.platform AND i.cluster_id = b.cluster_id
    AND i.application_id = b.application_id AND i.attempt_id = b.attempt_id AND i.sql_id = b.sql_id AND i.node_id = b.input_id
  LEFT JOIN limited AS l
    ON l.platform = j.platform AND l.cluster_id = j.cluster_id
    AND l.application_id = j.application_id AND l.attempt_id = j.attempt_id AND l.sql_id = j.sql_id AND l.join_id = j.join_id
  WHERE l.platform IS NULL AND i.rows_output > 0
)
SELECT
  w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, w.source, w.partitions_read, w.bytes_read, w.files_read, w.data_filters, w.is_inferred,
  k.kept, j.join_id, j.join_name, j.join_keys, j.join_kept, j.is_pruner, u.function_name, u.function_kept, p.partition_names, r.run_ms
FROM whole AS w
LEFT JOIN kept AS k
  ON k.platform = w.platform AND k.cluster_id = w.cluster_id
  AND k.application_id = w.application_id AND k.attempt_id = w.attempt_id AND k.sql_id = w.sql_id AND k.node_id = w.node_id
LEFT JOIN by_join AS j
  ON j.platform = w.platform AND j.cluster_id = w.cluster_id
  AND j.application_id = w.application_id AND j.attempt_id = w.attempt_id AND j.sql_id = w.sql_id AND j.node_id = w.node_id AND j.place = 1
LEFT JOIN by_function AS u
  ON u.platform = w.platform AND u.cluster_id = w.cluster_id
  AND u.application_id = w.application_id AND u.attempt_id = w.attempt_id AND u.sql_id = w.sql_id AND u.node_id = w.node_id
LEFT JOIN named AS p
  ON p.platform = w.platform AND p.cluster_id = w.cluster_id
  AND p.application_id = w.application_id AND p.attempt_id = w.attempt_id AND p.sql_id = w.sql_id AND p.node_id = w.node_id
LEFT JOIN read_scans AS r
  ON r.platform = w.platform AND r.cluster_id = w.cluster_id
  AND r.application_id = w.application_id AND r.attempt_id = w.attempt_id AND r.sql_id = w.sql_id AND r.node_id = w.node_id
WHERE w.source IS NOT NULL AND (w.data_filters IS NOT NULL OR j.join_kept IS NOT NULL OR u.function_kept IS NOT NULL)
