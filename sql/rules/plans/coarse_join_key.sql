-- id: coarse_join_key
-- title: A join compares many rows that share its key
-- category: plans
-- severity: low
-- version: 2
-- description: Fires for a join by an equality with a further condition that compares columns (<, <=, >, >=), as that of a time with the interval
--   in which it lies, where the stages that it works in took far more processor time for each row than reading, joining and writing rows take. Spark finds the rows of equal keys by hash or order, and then
--   tries the condition on every pair of them: where many rows share a key (a currency, a region), that is nearly a product of both sides. How many pairs there were is not in the log: the
--   processor time shows them. What other operators of the stages measure of their own, and a careful time for every row that an operator put out and every byte, count as theirs. Stages with
--   functions of a user, Python, windows, generators, joins without an equality or functions that are slow by nature are passed over, and long expressions leave less of the time to the join. Of several such joins in the same stages only that with most possible pairs is told.
-- subject: node
-- group_by: join_text
-- parameter: min_row_ms double = 0.02 [ms] processor time of the join for each row that it takes in (a broadcast join from the side that is not broadcast) or puts out, whichever are more, at least (20 us)
-- parameter: min_join_ms double = 5000 [ms] processor time of the join, at least, in all queries that have it
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application
-- parameter: row_ms double = 0.002 [ms] processor time of a row that an operator puts out, at most (2 us)
-- parameter: scan_row_ms double = 0.02 [ms] the same of a row of a scan that does not measure its time, as one of CSV
-- parameter: char_ms double = 0.000003 [ms] the same of a character of the expressions that the stages compute, for each row of the join (3 ns; 1 to 2 ns were measured with Spark 4.3; fields that Spark leaves out of a text count as long as the others)
-- parameter: byte_ms double = 0.00005 [ms] processor time of a byte that is read, written or spilled, at most (50 ns)
-- parameter: build_row_ms double = 0.0005 [ms] the same of a row of a broadcast, which each executor takes in once (500 ns)
-- parameter: max_pair_ms double = 0.0001 [ms] processor time of a pair, at most: the rows of both sides have to allow as many pairs as the time stands for (100 ns; 7 ns were measured with Spark 4.3)
-- parameter: lost_part double = 0.8 [ratio] that time's part which an equality nearly as narrow as the condition spares
-- evidence: {node_name} of query {sql_id:int} ({query_description:query}) joins {left_rows:int} with {right_rows:row|rows} by {join_keys}, tries {condition} on each pair of rows with equal keys, and puts out {rows:row|rows}. The stages that it
--   works in took {cpu_ms:s} of processor time and {stage_ms:s} of {app_ms:s} of task time; {join_ms:s} of it are beyond what their other operators and their rows and bytes usually take: {row_us:int} microseconds for each of {join_rows:row|rows} that the join {row_name}.
-- advice: is_databricks AND is_between | - | - | Give the join a range join hint with the usual width of a range as the size of a bin, or join on a bucket of the range too (a minute, an hour, the value divided by the width, on both sides; a
--   range that spans several buckets is listed in each). Then few rows share a key.
-- advice: is_distance | - | - | Join on a bucket too, as wide as the largest distance (the value divided by it, rounded down): list each row of the smaller side in its own bucket and both neighbors, and keep the
--   condition. Then few rows share a key, and the condition is tried on few pairs.
-- advice: is_one_sided | - | - | Where only the latest row before (or the first after) is wanted, make no pairs: take the union of both sides and, in a window by the join keys ordered by that column, the last value that is not NULL (last with
--   ignoreNulls). Else bound the condition on the other side too and join on a bucket of that range (a day, an hour).
-- recommendation: Join on an equality that is nearly as narrow as the condition: give both sides a bucket of the range (a minute, an hour, the value divided by the usual width of a range), list a range that spans several buckets in each,
--   and keep the condition. Then few rows share a key, and the condition is tried on few pairs. Broadcasts, more partitions and more cores leave the number of pairs as it is.
WITH described AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, TRIM(node_name) AS node_name, description, whole_stage_codegen_id,
    CAST(rows_output AS DOUBLE) AS rows,
    REGEXP_REPLACE(
      REGEXP_REPLACE(description, '^(?s:.*)], (Inner|LeftOuter|RightOuter|FullOuter|LeftSemi|LeftAnti|ExistenceJoin[(][^()]*[)])(, Build(Left|Right))?(, )?', ''),
      '(, (true|false))+$', ''
    ) AS condition
  FROM sql_nodes
  WHERE operator_kind = 'join' AND engine = 'spark' AND description LIKE '%], %'
    AND (node_name LIKE 'BroadcastHashJoin%' OR node_name LIKE 'ShuffledHashJoin%' OR node_name LIKE 'SortMergeJoin%')
    AND (description LIKE '% < %' OR description LIKE '% <= %' OR description LIKE '% > %' OR description LIKE '% >= %')
),
-- One part of the condition compares two columns.
joins AS (
  SELECT
    d.*, REPLACE(REPLACE(condition, ' AND ', '&'), ' OR ', '&') AS parts
  FROM described AS d
  WHERE condition <> description
    AND REPLACE(REPLACE(condition, ' AND ', '&'), ' OR ', '&') RLIKE '#[^&]*#[^&]*( <=? | >=? )|#[^&]*( <=? | >=? )[^&]*#|( <=? | >=? )[^&]*#[^&]*#'
),
join_stages AS (
  SELECT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms
  FROM joins AS j
  INNER JOIN operator_stages AS o
    ON o.platform = j.platform AND o.cluster_id = j.cluster_id
    AND o.application_id = j.application_id AND o.attempt_id = j.attempt_id AND o.sql_id = j.sql_id AND o.node_id = j.node_id
),
measured AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(executor_cpu_time AS DOUBLE)) / 1e6 AS cpu_ms,
    SUM(COALESCE(CAST(input_bytes AS DOUBLE), 0e0) + COALESCE(CAST(output_bytes AS DOUBLE), 0e0) + COALESCE(CAST(shuffle_read_bytes AS DOUBLE), 0e0)
      + COALESCE(CAST(shuffle_write_bytes AS DOUBLE), 0e0) + COALESCE(CAST(disk_bytes_spilled AS DOUBLE), 0e0)) AS bytes
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
work AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, MIN(o.stage_id) AS stage_id,
    SUM(o.run_ms) AS stage_ms, SUM(LEAST(o.run_ms, s.cpu_ms)) AS cpu_ms, SUM(s.bytes) AS bytes
  FROM join_stages AS o
  INNER JOIN measured AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND s.stage_id = o.stage_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
),
functions AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, node_id FROM user_functions
),
-- What works in the same stages, the join too. What times an aggregate holds the rows that it pulls, so the join.
others AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id,
    SUM(COALESCE(CAST(n.rows_output AS DOUBLE), 0e0)) AS num_rows,
    SUM(CASE WHEN n.operator_kind = 'scan' AND n.time_ms IS NULL AND TRIM(n.node_name) NOT IN ('Range', 'LocalTableScan') THEN CAST(n.rows_output AS DOUBLE) ELSE 0e0 END) AS unmeasured_rows,
    SUM(CASE
      WHEN n.operator_kind IN ('project', 'filter', 'aggregate', 'join')
        THEN LENGTH(n.description) * (1e0 + COALESCE(TRY_CAST(REGEXP_REPLACE(n.description, '^(?s:.*)[^0-9]([0-9]+) more fields(?s:.*)$', '$1') AS DOUBLE), 0e0) / 25e0)
      ELSE 0e0
    END) AS num_chars,
    SUM(CASE WHEN n.operator_kind IN ('scan', 'sort', 'exchange', 'write') THEN COALESCE(j.own_ms, 0e0) ELSE 0e0 END) AS own_ms,
    MAX(CASE
      WHEN f.node_id IS NOT NULL OR n.operator_kind IN ('udf', 'window') OR n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%' OR n.node_name LIKE '%Arrow%'
        OR TRIM(n.node_name) IN ('Generate', 'Expand') OR n.node_name LIKE 'Map%' OR n.node_name LIKE 'FlatMap%' OR n.node_name LIKE 'CoGroup%' OR n.node_name LIKE 'AppendColumns%'
        OR n.node_name LIKE '%ToObject%' OR n.node_name LIKE '%FromObject%' OR n.node_name LIKE '%ExistingRDD%' OR n.node_name LIKE '%NestedLoopJoin%' OR n.node_name LIKE 'CartesianProduct%'
        OR (n.operator_kind IN ('project', 'filter', 'aggregate', 'join')
          AND LOWER(n.description) RLIKE 'lambdafunction|(json|xml|csv|url|regexp|rlike|like|levenshtein|soundex|md5|aes_|crypt|percentile|median|sketch|approx_|distinct|variant|invoke|bloom|compress|mask|translate|histogram)[a-z0-9_]*[(]|[^a-z0-9_]sha[12]?[(]')
        THEN 1
      ELSE 0
    END) = 1 AS has_other_work
  FROM (
    SELECT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, b.node_id AS other_id, SUM(b.own_ms) AS own_ms
    FROM join_stages AS o
    INNER JOIN operator_stages AS b
      ON b.platform = o.platform AND b.cluster_id = o.cluster_id
      AND b.application_id = o.application_id AND b.attempt_id = o.attempt_id AND b.sql_id = o.sql_id AND b.stage_id = o.stage_id
    GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, b.node_id
  ) AS j
  INNER JOIN sql_nodes AS n
    ON n.platform = j.platform AND n.cluster_id = j.cluster_id
    AND n.application_id = j.application_id AND n.attempt_id = j.attempt_id AND n.sql_id = j.sql_id AND n.node_id = j.other_id
  LEFT JOIN functions AS f
    ON f.platform = n.platform AND f.cluster_id = n.cluster_id
    AND f.application_id = n.application_id AND f.attempt_id = n.attempt_id AND f.sql_id = n.sql_id AND f.node_id = n.node_id
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id
),
-- What the generated code around the join took at most; the plan of a cache numbers its own.
codes AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, TRIM(node_name) AS name, MAX(CAST(inclusive_time_ms AS DOUBLE)) AS code_ms
  FROM sql_nodes
  WHERE node_name LIKE 'WholeStageCodegen%'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, TRIM(node_name)
),
weighed AS (
  SELECT
    j.*, SUBSTR(REGEXP_REPLACE(j.description, '#[0-9]+L?', ''), 1, 300) AS join_text, s.left_rows, s.right_rows, w.stage_id, w.stage_ms, w.cpu_ms,
    LEAST(w.cpu_ms, COALESCE(c.code_ms, w.cpu_ms)) - o.own_ms - $row_ms * o.num_rows - $scan_row_ms * o.unmeasured_rows - $byte_ms * w.bytes
      - CASE WHEN j.node_name LIKE 'Broadcast%' AND NOT f.is_local THEN $build_row_ms * COALESCE(CAST(f.num_executors_max AS DOUBLE), 0e0) * LEAST(s.left_rows, s.right_rows) ELSE 0e0 END AS rest_ms, o.num_chars,
    -- A broadcast join streams one side through, the others take in both.
    CASE
      WHEN j.node_name LIKE 'Broadcast%' AND j.description LIKE '%, BuildRight%' THEN s.left_rows
      WHEN j.node_name LIKE 'Broadcast%' AND j.description LIKE '%, BuildLeft%' THEN s.right_rows
      ELSE s.left_rows + s.right_rows
    END AS in_rows
  FROM joins AS j
  INNER JOIN join_rows AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id
    AND s.application_id = j.application_id AND s.attempt_id = j.attempt_id AND s.sql_id = j.sql_id AND s.node_id = j.node_id
  INNER JOIN work AS w
    ON w.platform = j.platform AND w.cluster_id = j.cluster_id
    AND w.application_id = j.application_id AND w.attempt_id = j.attempt_id AND w.sql_id = j.sql_id AND w.node_id = j.node_id
  INNER JOIN others AS o
    ON o.platform = j.platform AND o.cluster_id = j.cluster_id
    AND o.application_id = j.application_id AND o.attempt_id = j.attempt_id AND o.sql_id = j.sql_id AND o.node_id = j.node_id
  INNER JOIN application_facts AS f
    ON f.platform = j.platform AND f.cluster_id = j.cluster_id
    AND f.application_id = j.application_id AND f.attempt_id = j.attempt_id
  LEFT JOIN codes AS c
    ON c.platform = j.platform AND c.cluster_id = j.cluster_id
    AND c.application_id = j.application_id AND c.attempt_id = j.attempt_id AND c.sql_id = j.sql_id
    AND c.name = CONCAT('WholeStageCodegen (', CAST(j.whole_stage_codegen_id AS STRING), ')')
  WHERE NOT o.has_other_work
),
timed AS (
  SELECT w.*, rest_ms - $char_ms * num_chars * GREATEST(rows, in_rows) AS join_ms FROM weighed AS w
),
-- What goes out is wanted, however many rows.
firsts AS (
  SELECT
    t.*, GREATEST(rows, in_rows) AS join_rows,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id ORDER BY left_rows * right_rows DESC, node_id) AS place
  FROM timed AS t
  WHERE join_ms >= $min_row_ms * GREATEST(rows, in_rows) AND join_ms <= $max_pair_ms * left_rows * right_rows
),
summed AS (
  SELECT
    d.*, SUM(join_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, join_text) AS sum_ms
  FROM firsts AS d
  WHERE place = 1
)
SELECT
  j.platform, j.cluster_id, j.application_id, j.attempt_id,
  CONCAT(CAST(j.sql_id AS STRING), '.', CAST(j.node_id AS STRING)) AS subject_id,
  CAST(NULL AS STRING) AS severity, 'medium' AS confidence,
  TRY_CAST($lost_part * j.join_ms AS BIGINT) AS lost_core_ms, TRY_CAST($lost_part * j.join_ms * f.wall_ratio AS BIGINT) AS recoverable_ms,
  j.join_text, j.node_name, j.sql_id, SUBSTR(q.description, 1, 200) AS query_description,
  TRY_CAST(j.left_rows AS BIGINT) AS left_rows, TRY_CAST(j.right_rows AS BIGINT) AS right_rows, TRY_CAST(j.rows AS BIGINT) AS rows,
  SUBSTR(REGEXP_REPLACE(SUBSTR(j.description, INSTR(j.description, '[') + 1, INSTR(j.description, '], ') - INSTR(j.description, '[') - 1), '#[0-9]+L?', ''), 1, 100) AS join_keys,
  SUBSTR(REGEXP_REPLACE(j.condition, '#[0-9]+L?', ''), 1, 200) AS condition,
  j.cpu_ms, j.stage_ms, a.executor_run_time AS app_ms, j.join_ms, 1e3 * j.join_ms / NULLIF(j.join_rows, 0e0) AS row_us,
  TRY_CAST(j.join_rows AS BIGINT) AS join_rows, CASE WHEN j.rows > j.in_rows THEN 'puts out' WHEN j.node_name LIKE 'Broadcast%' THEN 'streams' ELSE 'takes in' END AS row_name,
  COALESCE(f.is_databricks, FALSE) AS is_databricks,
  -- A column between two others, or two ranges that overlap.
  j.parts RLIKE '( <=? | >=? )[^&]*&.*( <=? | >=? )' AS is_between,
  j.parts RLIKE '(abs|datediff|timestampdiff)[(][^&]*( <=? )' AS is_distance,
  NOT j.parts RLIKE '( <=? | >=? )[^&]*&.*( <=? | >=? )' AS is_one_sided
FROM summed AS j
INNER JOIN sql AS q
  ON q.platform = j.platform AND q.cluster_id = j.cluster_id
  AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
INNER JOIN application_facts AS f
  ON f.platform = j.platform AND f.cluster_id = j.cluster_id
  AND f.application_id = j.application_id AND f.attempt_id = j.attempt_id
INNER JOIN application_run_times AS a
  ON a.platform = j.platform AND a.cluster_id = j.cluster_id
  AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
WHERE j.sum_ms >= $min_join_ms AND j.sum_ms >= $min_share * a.executor_run_time
