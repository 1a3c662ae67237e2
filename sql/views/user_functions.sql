-- id: user_functions
-- title: Scala and Java functions that operators call
-- description: One row per plan node and function that it calls which is none of Spark's own (reference/spark_functions.csv, with underscores or without):
--   UDF where it was given no name, the class of a function of Hive, else the name under which it was registered. Read
--   from the description of projections, filters, aggregates, joins and windows, its first 40 parentheses; the names of
--   columns that look like a call are passed over. Functions of other libraries' extensions (Delta, Iceberg, Sedona) that
--   Spark does not know count as a user's. Python functions run in operators of their own and are not here.
-- reads: ref_spark_functions, small_numbers, sql_nodes
WITH described AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, SUBSTR(description, 1, 4000) AS description
  FROM sql_nodes
  WHERE operator_kind IN ('project', 'filter', 'aggregate', 'join', 'window') AND NOT is_photon AND description LIKE '%(%'
),
calls AS (
  SELECT
    d.platform, d.cluster_id, d.application_id, d.attempt_id, d.sql_id, d.node_id, n.place,
    SPLIT_PART(d.description, '(', n.place) AS before, SPLIT_PART(d.description, '(', n.place + 1) AS arguments
  FROM described AS d
  INNER JOIN small_numbers AS n ON n.place <= 40 AND n.place <= LENGTH(d.description) - LENGTH(REPLACE(d.description, '(', ''))
),
named AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    REGEXP_REPLACE(
      REGEXP_REPLACE(before, '^(?s:.*?)([A-Za-z0-9_.$#]*)$', '$1'), '^(partial|merge|final|finalmerge)_', ''
    ) AS name
  FROM calls
  -- The operator's own arguments, and a column whose name looks like a call.
  WHERE (place > 1 OR NOT REGEXP_LIKE(before, '^[A-Za-z]+$')) AND NOT REGEXP_LIKE(arguments, '^[^()]*[)]#')
)
SELECT DISTINCT
  n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id,
  REGEXP_REPLACE(n.name, '^Hive[A-Za-z]*#', '') AS function
FROM named AS n
LEFT JOIN ref_spark_functions AS f ON f.function = LOWER(n.name)
-- The class MakeDecimal stands in plans as MakeDecimal or make_decimal.
LEFT JOIN ref_spark_functions AS c ON c.function = REPLACE(LOWER(n.name), '_', '')
WHERE f.function IS NULL AND c.function IS NULL AND REGEXP_LIKE(n.name, '^(Hive[A-Za-z]*#)?[A-Za-z_][A-Za-z0-9_.$]*[A-Za-z0-9_]$')
  -- What RAPIDS runs on a GPU.
  AND n.name NOT LIKE 'gpu%'
  -- The columns that a pivot makes for itself.
  AND SUBSTR(n.name, 1, 8) <> '__pivot_'
