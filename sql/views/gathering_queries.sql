-- id: gathering_queries
-- title: Queries that put all values of a key into one row
-- description: One row per query with an aggregate of collect_list or collect_set, or of an exact percentile or median. The values of a key have to fit into the memory of
--   one task, whatever the number of partitions. What StringIndexer gathers, the different values of a column, is left out.
-- reads: sql_nodes
SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id
FROM sql_nodes
WHERE operator_kind = 'aggregate' AND ((description LIKE '%collect_list(%' AND description NOT LIKE '%collect_list(struct(count, count#%, value, value#%') OR description LIKE '%collect_set(%'
  OR description LIKE '% percentile(%' OR description LIKE '%[percentile(%' OR description LIKE '%partial_percentile(%' OR description LIKE '%median(%')
