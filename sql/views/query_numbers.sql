-- id: query_numbers
-- title: Queries that compute aggregates over all rows, and which
-- description: One row per query whose plan aggregates without a key, other than to count rows: functions are those of the aggregate, without the numbers of expressions. Queries with different functions ask for
--   different numbers, as a loop over columns does; those with the same ones repeat them.
-- reads: sql_nodes
SELECT platform, cluster_id, application_id, attempt_id, sql_id, MAX(functions) AS functions
FROM (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    REGEXP_REPLACE(SPLIT_PART(description, 'functions=[', 2), '#[0-9]+L?', '') AS functions
  FROM sql_nodes
  WHERE node_name LIKE '%Agg%' AND (description LIKE '%(keys=[], functions=[%' OR description LIKE '%(key=[], functions=[%')
) AS a
WHERE functions <> '' AND functions NOT LIKE ']%' AND functions NOT LIKE 'count(1)]%' AND functions NOT LIKE 'partial_count(1)]%' AND functions NOT LIKE 'merge_count(1)]%'
GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
