-- id: filtered_expressions
-- title: A filter and a column compute the same expression
-- category: plans
-- severity: low
-- version: 2
-- description: Fires where a query computes a costly column and filters on it: Spark moves the filter below the step that computes the column and copies the expression into it, so that both compute it, the filter for all rows
--   and the column for those that are left. Looked for are columns of a projection right above a filter that holds the same text, with calls that cost much for each row (regular expressions, parsing of JSON, CSV, XML and
--   URLs, hashes of the SHA family and MD5, levenshtein, soundex, dates from and to text), in stages that took a good part of an application's task time (view operator_stages). How long the expression itself took is not known: the evidence says what part of the
--   processor time of the stage beside its scans the second computation is, if the stage did nothing but these calls and all of them took as long, which is an upper bound (with one column of three regexp_replace and a filter that kept all rows, Spark 4.3 took
--   7.0 s instead of 3.4 s). A part of it is given as lost, with low confidence. Functions of users are not judged: two of them can have the same text. Stages that parse one text many times are repeated_parsing's. Photon and other engines are left out.
-- subject: node
-- group_by: expression
-- parameter: min_stage_ms double = 5000 [ms] task time of the stage, at least
-- parameter: min_share double = 0.2 [ratio] the same over the task time of the application, at least
-- parameter: min_most_ms double = 2500 [ms] processor time of the second computation, at most, from which it is told
-- parameter: min_cpu_share double = 0.15 [ratio] the same over the processor time of the application
-- parameter: lost_part double = 0.5 [ratio] time that is given as lost over that bound
-- parameter: medium_ms double = 1800000 [ms] that bound from which it is of medium severity
-- parameter: max_parses bigint = 3 [count] calls of JSON, CSV and XML functions in the projection, at most
-- parameter: max_patterns bigint = 5 [count] calls of regexp_extract in it, at most
-- evidence: Filter (node {filter_id:int} of query {sql_id:int}[, {query_name:query}]) computes {expression} for {rows_in:int} rows, and Project (node {node_id:int}) computes it again as {columns} for the {rows_out:int} that are left. The stage took {stage_ms:s} of
--   {app_ms:s} of task time; computing it again took at most {most_ms:s} of processor time.
-- recommendation: Filter on columns that are read where a condition on them says the same, or drop most rows by a cheap condition first. Else compute it behind an operator past which Spark moves no filter: explode(array(expression)) gives one row for each row (1.8 s instead of 3.0 s were measured with Spark 4.3). Where many queries filter on the result, compute it once where the data are written, or keep the result (persist, or a table)
--   and filter that: Spark moves no filter below what is kept.
WITH described AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, operator_kind, child_node_ids, CAST(rows_output AS DOUBLE) AS rows_output,
    -- A column may be named like a call: md5(a#1)#7.
    REPLACE(REGEXP_REPLACE(
      REGEXP_REPLACE(description, '(regexp_[a-z_]+|rlike|RLIKE|get_json_object|from_json|from_csv|from_xml|xpath[a-z_]*|parse_url|sha1|sha2|sha|md5|levenshtein|soundex|date_format|gettimestamp|unix_timestamp|to_unix_timestamp)[(][^()]*[)]#', 'named#'),
      '(regexp_[a-z_]+|rlike|RLIKE|get_json_object|from_json|from_csv|from_xml|xpath[a-z_]*|parse_url|sha1|sha2|sha|md5|levenshtein|soundex|date_format|gettimestamp|unix_timestamp|to_unix_timestamp)[(]', '@call@$1('
    ), ' RLIKE ', ' @call@RLIKE ') AS description
  FROM sql_nodes
  WHERE operator_kind IN ('project', 'filter') AND NOT COALESCE(is_photon, FALSE) AND COALESCE(engine, 'spark') = 'spark'
    AND description LIKE '%(%' AND REGEXP_LIKE(description, 'regexp_|RLIKE|rlike|get_json_object|from_json|from_csv|from_xml|xpath|parse_url|sha|md5|levenshtein|soundex|date_format|gettimestamp|unix_timestamp')
),
pairs AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, f.node_id AS filter_id, f.child_node_ids AS filter_children, f.rows_output AS rows_out,
    p.description, f.description AS condition
  FROM described AS p
  INNER JOIN described AS f
    ON f.platform = p.platform AND f.cluster_id = p.cluster_id
    AND f.application_id = p.application_id AND f.attempt_id = p.attempt_id AND f.sql_id = p.sql_id
  WHERE p.operator_kind = 'project' AND f.operator_kind = 'filter' AND p.description LIKE '%@call@%' AND f.description LIKE '%@call@%'
    AND ARRAY_CONTAINS(p.child_node_ids, f.node_id) AND f.rows_output > 0e0
),
-- Project [a#1, lower(b#2) AS c#3, d#4]: what stands between two AS, without the name of the column before it and the columns that pass.
items AS (
  SELECT
    p.*,
    REGEXP_REPLACE(SPLIT_PART(p.description, ' AS ', n.place), '^(Project .)?([^ ,()]+#[0-9]+L?, )*', '') AS expression,
    REGEXP_REPLACE(SPLIT_PART(p.description, ' AS ', n.place + 1), '^([^#]*)#(?s:.*)$', '$1') AS column_name
  FROM pairs AS p
  INNER JOIN small_numbers AS n ON n.place <= CAST((LENGTH(p.description) - LENGTH(REPLACE(p.description, ' AS ', ''))) AS DOUBLE) / 4e0
),
matched AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, filter_id, filter_children, rows_out,
    SUM(CAST((LENGTH(expression) - LENGTH(REPLACE(expression, '@call@', ''))) AS DOUBLE) / 6e0) AS item_calls,
    MAX(CAST((LENGTH(description) - LENGTH(REPLACE(description, '@call@', ''))) AS DOUBLE) / 6e0) AS all_calls,
    MAX(CAST((LENGTH(description) - LENGTH(REPLACE(description, '@call@get_json_object', ''))) AS DOUBLE) / 21e0
      + CAST((LENGTH(description) - LENGTH(REPLACE(description, '@call@from_', ''))) AS DOUBLE) / 11e0
      + CAST((LENGTH(description) - LENGTH(REPLACE(description, '@call@xpath', ''))) AS DOUBLE) / 11e0) AS parses,
    MAX(CAST((LENGTH(description) - LENGTH(REPLACE(description, '@call@regexp_extract(', ''))) AS DOUBLE) / 21e0) AS patterns,
    MAX(SUBSTR(REGEXP_REPLACE(REPLACE(REPLACE(expression, '@call@', ''), CHR(10), ' '), '#[0-9]+L?', ''), 1, 160)) AS expression,
    SUBSTR(ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT column_name)), ', '), 1, 80) AS columns
  FROM items
  WHERE expression LIKE '%@call@%' AND INSTR(condition, expression) > 0
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id, filter_id, filter_children, rows_out
),
fed AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.filter_id, m.rows_out, m.item_calls, m.all_calls, m.expression, m.columns,
    MAX(CAST(c.rows_output AS DOUBLE)) AS rows_in
  FROM matched AS m
  INNER JOIN sql_nodes AS c
    ON c.platform = m.platform AND c.cluster_id = m.cluster_id
    AND c.application_id = m.application_id AND c.attempt_id = m.attempt_id AND c.sql_id = m.sql_id
  WHERE ARRAY_CONTAINS(m.filter_children, c.node_id) AND c.rows_output > 0 AND m.parses <= $max_parses AND m.patterns <= $max_patterns
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.filter_id, m.rows_out, m.item_calls, m.all_calls, m.expression, m.columns
),
stage_times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(executor_run_time AS DOUBLE)) AS run_ms,
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
costs AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id, f.filter_id, f.expression, f.columns, f.rows_in, f.rows_out,
    SUM(t.run_ms) AS stage_ms,
    SUM(t.cpu_ms) * f.rows_out * f.item_calls / NULLIF(GREATEST(f.rows_in, f.rows_out) * f.item_calls + f.rows_out * f.all_calls, 0e0) AS most_ms
  FROM fed AS f
  INNER JOIN operator_stages AS o
    ON o.platform = f.platform AND o.cluster_id = f.cluster_id
    AND o.application_id = f.application_id AND o.attempt_id = f.attempt_id AND o.sql_id = f.sql_id AND o.node_id = f.filter_id
  INNER JOIN stage_times AS t
    ON t.platform = o.platform AND t.cluster_id = o.cluster_id
    AND t.application_id = o.application_id AND t.attempt_id = o.attempt_id AND t.stage_id = o.stage_id
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id, f.node_id, f.filter_id, f.expression, f.columns, f.rows_in, f.rows_out, f.item_calls, f.all_calls
)
SELECT
  c.platform, c.cluster_id, c.application_id, c.attempt_id, CONCAT(CAST(c.sql_id AS STRING), '.', CAST(c.node_id AS STRING)) AS subject_id,
  CASE WHEN c.most_ms >= $medium_ms THEN 'medium' ELSE 'low' END AS severity, 'low' AS confidence,
  TRY_CAST(ROUND($lost_part * c.most_ms) AS BIGINT) AS lost_core_ms, TRY_CAST(ROUND($lost_part * c.most_ms * a.wall_ratio) AS BIGINT) AS recoverable_ms,
  c.sql_id, c.node_id, c.filter_id, NULLIF(SUBSTR(REPLACE(COALESCE(q.description, ''), CHR(10), ' '), 1, 200), '') AS query_name, c.expression, c.columns,
  TRY_CAST(c.rows_in AS BIGINT) AS rows_in, TRY_CAST(c.rows_out AS BIGINT) AS rows_out, TRY_CAST(c.stage_ms AS BIGINT) AS stage_ms, TRY_CAST(c.most_ms AS BIGINT) AS most_ms, w.executor_run_time AS app_ms
FROM costs AS c
INNER JOIN application_facts AS a
  ON a.platform = c.platform AND a.cluster_id = c.cluster_id
  AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
INNER JOIN application_run_times AS w
  ON w.platform = c.platform AND w.cluster_id = c.cluster_id
  AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id
INNER JOIN application_times AS t
  ON t.platform = c.platform AND t.cluster_id = c.cluster_id
  AND t.application_id = c.application_id AND t.attempt_id = c.attempt_id
LEFT JOIN sql AS q
  ON q.platform = c.platform AND q.cluster_id = c.cluster_id
  AND q.application_id = c.application_id AND q.attempt_id = c.attempt_id AND q.sql_id = c.sql_id
WHERE c.stage_ms >= $min_stage_ms AND c.stage_ms >= $min_share * w.executor_run_time AND c.most_ms >= $min_most_ms AND c.most_ms >= $min_cpu_share * t.app_cpu_ms
