-- id: python_calls
-- title: Python functions that operators of queries call
-- description: One row per operator that evaluates Python functions (BatchEvalPython, ArrowEvalPython) and call in it, the first 40: the function's name (<lambda> where it has none) and the call,
--   which is the name with the columns that it takes, cut at the first identifier of a result. Two operators of a query with the same call compute the same. Before Spark 3.0 results have no
--   identifiers, and all calls of an operator are one.
-- reads: small_numbers, sql_nodes
WITH lists AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    REGEXP_REPLACE(SPLIT_PART(SUBSTR(description, 1, 4000), '], [', 1), '^[A-Za-z]*EvalPython .', '') AS calls
  FROM sql_nodes
  WHERE node_name LIKE '%EvalPython%' AND description LIKE '%EvalPython [%(%'
),
-- f(a#1)#2, g(b#3)#4L: what is before ")#" is a call, after the identifier of the one before.
pieces AS (
  SELECT
    l.platform, l.cluster_id, l.application_id, l.attempt_id, l.sql_id, l.node_id, n.place,
    REGEXP_REPLACE(SPLIT_PART(l.calls, ')#', n.place), '^[0-9]+L?, ', '') AS call
  FROM lists AS l
  INNER JOIN small_numbers AS n ON n.place <= 40 AND n.place <= 1 + (LENGTH(l.calls) - LENGTH(REPLACE(l.calls, ')#', ''))) / 2
)
SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, place, SPLIT_PART(call, '(', 1) AS function, call
FROM pieces
WHERE call LIKE '_%(%'
