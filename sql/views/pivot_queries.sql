-- id: pivot_queries
-- title: Queries that only look for the values of a pivot
-- description: One row per SQL execution that Spark started for a pivot without a list of values: it asks for the distinct values of the
--   column and sorts them. Its description, or the name of its stages where the code set a description of its own, tells it.
-- reads: sql, stages
SELECT platform, cluster_id, application_id, attempt_id, sql_id
FROM sql
WHERE description LIKE 'pivot at %'
UNION
SELECT platform, cluster_id, application_id, attempt_id, sql_id
FROM stages
WHERE stage_name LIKE 'pivot at %' AND sql_id IS NOT NULL
