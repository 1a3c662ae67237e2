-- id: repeated_parsing
-- title: The same text is parsed again and again
-- category: plans
-- severity: low
-- version: 5
-- description: Fires where steps of a stage call get_json_object, from_json, from_csv, from_xml, a function of XPath, or regexp_extract many times on the same column, and stages that do so took a large share of an application's
--   task time (view operator_stages). Each call parses the whole text of each row again, also for one field. Calls count once a stage where they are alike, for Spark
--   computes them once; of plans that are cut short (more fields) those that are there. Columns are told apart by the numbers of expressions; those of one name that queries read from
--   one source are told together, at the step whose stages took longest. How long the parsing itself took is not known: the evidence says what part of the processor time of these stages beside their scans all
--   calls but one in each stage are, as if they did nothing else, which is an upper bound. A part of it is given as lost, with low confidence. That queries read or compute the same again is what
--   repeated_scans and repeated_computation tell. Of regexp_extract, of which each call searches the text of each row anew for one group of a pattern, more calls are needed, and a smaller part of that bound is given. Photon and other engines, which can parse once for several calls, are left out.
-- subject: node
-- parameter: min_calls bigint = 4 [count] different calls on the same column in a stage, at least
-- parameter: min_patterns bigint = 6 [count] the same where calls of regexp_extract are among them
-- parameter: min_stage_ms double = 10000 [ms] task time of stages with so many calls, at least
-- parameter: min_share double = 0.2 [ratio] the same over the task time of the application, at least
-- parameter: lost_part double = 0.5 [ratio] time that is given as lost over that bound (0.73 was measured where 14 calls became one)
-- parameter: pattern_part double = 0.25 [ratio] the same where all calls are of regexp_extract (0.9 was measured where 8 calls became one and a from_csv and the stage did nothing else, 0.26 with a split and an aggregate beside it)
-- parameter: medium_ms double = 600000 [ms] processor time of all calls but one, at most, from which it is of medium severity
-- parameter: medium_share double = 0.5 [ratio] or its share of the processor time of the application, in a run of a minute or more
-- evidence: {operator} (node {node_id:int} of query {sql_id:int}[, {query_name:query}]) parses {column_name}[ of {source}] {at_least}{node_calls:time|times} per row, by calls of {functions}.[ With {other_queries:other query|other queries} there are
--   {at_least}{num_calls:such call|such calls}.] The stages took {stages_ms:s} of {app_ms:s} of task time.[ One parse per row would do; the other calls took at most {most_ms:s} of processor time.]
-- advice: is_pattern | - | - | Take each text apart once: split it at its separator (split, str_to_map for keys with values, from_csv), or let one regexp_replace put all groups of the pattern with a separator between them
--   and read that with from_csv (or split it); then take the fields from the result. Search only rows that are needed: a cheap condition (contains, startswith) before the patterns.
-- advice: is_struct AND spark_minor < 303 | - | - | Spark before 3.3 copies from_json, from_csv and from_xml into each use of their result, so that every field parses again: keep the parsed columns, only those that are read, in a table
--   or a cache and take the fields from there, or use a newer Spark.
-- advice: num_queries > 1 AND spark_minor >= 400 | - | - | Parse each text once: one from_json with a schema that names only the fields that are read, or for JSON of any shape parse_json into a VARIANT column.
--   Write these columns to a table (or cache them), and let all of the queries read that.
-- advice: num_queries > 1 | - | - | Parse each text once: one from_json (from_csv, from_xml) with a schema that names only the fields that are read. Write these columns to a table (or cache
--   them), and let all of the queries read that.
-- advice: spark_minor >= 400 | - | - | Parse each text once: one from_json (from_csv, from_xml) with a schema that names only the fields that are read, and take the fields from its result. JSON that many
--   applications read is better written as a VARIANT column (parse_json).
-- recommendation: Parse each text once: one from_json (from_csv, from_xml) with a schema that names only the fields that are read, and take the fields from its result.
WITH described AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, TRIM(node_name) AS operator,
    -- One separator for all functions. A column may be named like a call: get_json_object(a#1, $.b)#7.
    REGEXP_REPLACE(
      REGEXP_REPLACE(description, '(get_json_object|from_json|from_csv|from_xml|regexp_extract|xpath[a-z_]*)[(][^()]*[)]#', 'named#'),
      '(get_json_object|from_json|from_csv|from_xml|regexp_extract|xpath[a-z_]*)[(]', '@call@$1('
    ) AS description,
    CASE WHEN description LIKE '% more field%' THEN 1 ELSE 0 END AS is_cut
  FROM sql_nodes
  WHERE operator_kind NOT IN ('scan', 'write', 'exchange') AND NOT COALESCE(is_photon, FALSE) AND COALESCE(engine, 'spark') = 'spark'
    AND (description LIKE '%get_json_object(%' OR description LIKE '%from_json(%' OR description LIKE '%from_csv(%' OR description LIKE '%from_xml(%' OR description LIKE '%regexp_extract(%' OR description LIKE '%xpath%')
    -- The last step of an aggregate names what the first one has computed.
    AND (operator_kind <> 'aggregate' OR description LIKE '%partial_%')
),
texts AS (
  SELECT
    d.platform, d.cluster_id, d.application_id, d.attempt_id, d.sql_id, d.node_id, d.operator, d.is_cut,
    SPLIT_PART(SPLIT_PART(d.description, '@call@', n.place + 1), '(', 1) AS function, SPLIT_PART(d.description, '@call@', n.place + 1) AS call
  FROM described AS d
  INNER JOIN small_numbers AS n ON n.place <= CAST((LENGTH(d.description) - LENGTH(REPLACE(d.description, '@call@', ''))) AS DOUBLE) / 6e0
),
-- get_json_object(text#1, $.a), but from_json(StructField(a,IntegerType,true), text#1, Some(UTC)).
arguments AS (
  SELECT
    t.*,
    CASE
      WHEN function IN ('from_json', 'from_csv', 'from_xml') THEN SPLIT_PART(call, ', Some(', 1)
      WHEN function = 'get_json_object' THEN CONCAT(SPLIT_PART(call, ', $', 1), ', $', SPLIT_PART(SPLIT_PART(call, ', $', 2), ')', 1))
      -- regexp_extract(text#1, ^(a) (b), 2): a pattern may hold anything.
      WHEN function = 'regexp_extract' THEN REGEXP_REPLACE(call, '^(?s:(.*?, [0-9]+[)])).*$', '$1')
      ELSE CONCAT(SPLIT_PART(call, ', ', 1), ', ', SPLIT_PART(SPLIT_PART(call, ', ', 2), ')', 1))
    END AS same,
    CASE
      WHEN function IN ('from_json', 'from_csv', 'from_xml') THEN REGEXP_REPLACE(SPLIT_PART(call, ', Some(', 1), '^(?s:.*), ', '')
      ELSE SPLIT_PART(REGEXP_REPLACE(call, '^[a-z_]+[(]', ''), ', ', 1)
    END AS argument
  FROM texts AS t
),
calls AS (
  SELECT
    a.*,
    -- cast(text#1 as string) is text#1, and of a structure the field counts: event#3.text.
    REGEXP_REPLACE(argument, '^(?:[A-Za-z_0-9]+[(])*([^()]*#[0-9]+[^ (),]*)(?s:.*)$', '$1') AS text_column
  FROM arguments AS a
  WHERE REGEXP_LIKE(argument, '#[0-9]')
),
placed AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.node_id, c.operator, c.is_cut, c.function, c.same, c.text_column, o.stage_id, o.run_ms
  FROM calls AS c
  INNER JOIN operator_stages AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id AND o.sql_id = c.sql_id AND o.node_id = c.node_id
),
stage_calls AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_id, text_column,
    COUNT(DISTINCT same) AS num_calls, MAX(is_cut) AS is_cut, MAX(run_ms) AS run_ms, MIN(CASE WHEN function = 'regexp_extract' THEN 1 ELSE 0 END) AS is_pattern,
    CONCAT(',', REPLACE(REGEXP_REPLACE(text_column, '^([^#]*#[0-9]+).*$', '$1'), ' ', ''), ',') AS listed
  FROM placed
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id, text_column
  HAVING COUNT(DISTINCT CASE WHEN function <> 'regexp_extract' THEN same END) >= $min_calls OR COUNT(DISTINCT same) >= $min_patterns
),
sources AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, o.stage_id, COALESCE(s.table_name, s.location) AS source,
    -- FileScan parquet db.t[a#1,b#2L] Batched: ...
    CONCAT(',', REPLACE(SPLIT_PART(SPLIT_PART(n.description, '[', 2), ']', 1), ' ', ''), ',') AS columns
  FROM sql_scans AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.node_id
  INNER JOIN operator_stages AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.node_id
  WHERE s.operation = 'read' AND COALESCE(s.table_name, s.location) IS NOT NULL
),
-- From the scan that lists the column, else from the only one of the stage.
sourced AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.stage_id, c.text_column, c.num_calls, c.is_cut, c.is_pattern, c.run_ms,
    COALESCE(
      MAX(CASE WHEN INSTR(s.columns, c.listed) > 0 THEN s.source END),
      CASE WHEN COUNT(DISTINCT s.source) = 1 THEN MAX(s.source) END
    ) AS source
  FROM stage_calls AS c
  LEFT JOIN sources AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id AND s.sql_id = c.sql_id AND s.stage_id = c.stage_id
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.sql_id, c.stage_id, c.text_column, c.num_calls, c.is_cut, c.is_pattern, c.run_ms
),
keyed AS (
  SELECT
    s.*, REGEXP_REPLACE(text_column, '#[0-9]+', '') AS column_name,
    -- Expressions are numbered anew in every query.
    CASE WHEN source IS NOT NULL THEN CONCAT(REGEXP_REPLACE(text_column, '#[0-9]+', ''), ' ', source) ELSE text_column END AS text_key
  FROM sourced AS s
),
-- The branches of a union parse other rows, in the same stage.
parsing AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, text_key, sql_id, stage_id,
    SUM(num_calls) AS num_calls, MAX(num_calls) AS most_calls, MAX(is_cut) AS is_cut, MIN(is_pattern) AS is_pattern, MAX(run_ms) AS run_ms, MAX(column_name) AS column_name, MAX(source) AS source
  FROM keyed
  GROUP BY platform, cluster_id, application_id, attempt_id, text_key, sql_id, stage_id
),
stage_times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id,
    -- The scan's timer runs on while a thread waits for the processor: it has its share of the processor time.
    CASE WHEN COUNT(cpu_ms) > 0
      THEN SUM(cpu_ms) * GREATEST(1e0 - MAX(COALESCE(CAST(scan_ms AS DOUBLE), 0e0)) / COALESCE(NULLIF(SUM(CAST(executor_run_time AS DOUBLE)), 0e0), 1e0), 0e0) END AS cpu_ms
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
application_times AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(cpu_ms) AS app_cpu_ms
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id
),
totals AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.text_key,
    MAX(p.column_name) AS column_name, MAX(p.source) AS source, MAX(p.is_cut) AS is_cut, MIN(p.is_pattern) = 1 AS is_pattern,
    COUNT(DISTINCT p.sql_id) AS num_queries, SUM(p.num_calls) AS num_calls, SUM(CAST(p.run_ms AS DOUBLE)) AS stages_ms,
    CASE WHEN COUNT(t.cpu_ms) = COUNT(*) THEN SUM(t.cpu_ms) END AS cpu_ms,
    CASE WHEN COUNT(t.cpu_ms) = COUNT(*) THEN SUM(t.cpu_ms * CAST(p.most_calls - 1 AS DOUBLE) / NULLIF(CAST(p.most_calls AS DOUBLE), 0e0)) END AS most_ms
  FROM parsing AS p
  LEFT JOIN stage_times AS t
    ON t.platform = p.platform AND t.cluster_id = p.cluster_id
    AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.stage_id = p.stage_id
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.text_key
),
nodes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_id, node_id, text_column, MAX(operator) AS operator, COUNT(DISTINCT same) AS node_calls,
    ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT function)), ', ') AS functions, MIN(CASE WHEN function LIKE 'from_%' THEN 1 ELSE 0 END) = 1 AS is_struct
  FROM placed
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id, node_id, text_column
),
ranked AS (
  SELECT
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.text_key, n.sql_id, n.node_id, n.operator, n.node_calls, n.functions, n.is_struct,
    ROW_NUMBER() OVER (
      PARTITION BY k.platform, k.cluster_id, k.application_id, k.attempt_id, k.text_key ORDER BY k.run_ms DESC, n.node_calls DESC, n.sql_id, n.node_id
    ) AS place
  FROM keyed AS k
  INNER JOIN nodes AS n
    ON n.platform = k.platform AND n.cluster_id = k.cluster_id
    AND n.application_id = k.application_id AND n.attempt_id = k.attempt_id AND n.sql_id = k.sql_id AND n.stage_id = k.stage_id AND n.text_column = k.text_column
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(r.sql_id AS STRING), '.', CAST(r.node_id AS STRING)) AS subject_id,
  CASE
    WHEN t.is_pattern THEN 'low'
    WHEN t.most_ms >= $medium_ms THEN 'medium'
    WHEN a.app_duration_ms >= 60000 AND t.most_ms >= $medium_share * c.app_cpu_ms THEN 'medium'
    ELSE 'low'
  END AS severity,
  CASE WHEN t.most_ms > 0e0 THEN 'low' ELSE 'medium' END AS confidence,
  TRY_CAST(ROUND(CASE WHEN t.is_pattern THEN $pattern_part ELSE $lost_part END * t.most_ms) AS BIGINT) AS lost_core_ms,
  TRY_CAST(ROUND(CASE WHEN t.is_pattern THEN $pattern_part ELSE $lost_part END * t.most_ms * a.wall_ratio) AS BIGINT) AS recoverable_ms,
  r.operator, r.sql_id, r.node_id, NULLIF(SUBSTR(REPLACE(COALESCE(q.description, ''), CHR(10), ' '), 1, 200), '') AS query_name,
  SUBSTR(t.column_name, 1, 80) AS column_name, t.source, CASE WHEN t.is_cut = 1 THEN 'at least ' ELSE '' END AS at_least, r.node_calls, r.functions, r.is_struct, t.is_pattern,
  t.num_queries, CASE WHEN t.num_queries > 1 THEN t.num_queries - 1 END AS other_queries,
  t.num_calls, TRY_CAST(t.stages_ms AS BIGINT) AS stages_ms, TRY_CAST(t.most_ms AS BIGINT) AS most_ms, TRY_CAST(t.cpu_ms AS BIGINT) AS cpu_ms,
  w.executor_run_time AS app_ms, a.spark_minor
FROM totals AS t
INNER JOIN ranked AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id AND r.text_key = t.text_key AND r.place = 1
INNER JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
INNER JOIN application_run_times AS w
  ON w.platform = t.platform AND w.cluster_id = t.cluster_id
  AND w.application_id = t.application_id AND w.attempt_id = t.attempt_id
LEFT JOIN application_times AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
LEFT JOIN sql AS q
  ON q.platform = r.platform AND q.cluster_id = r.cluster_id
  AND q.application_id = r.application_id AND q.attempt_id = r.attempt_id AND q.sql_id = r.sql_id
WHERE t.stages_ms >= $min_stage_ms AND t.stages_ms >= $min_share * w.executor_run_time
