-- id: useless_steps
-- title: Stages with a distinct or a sort that does nothing for the result
-- description: One row per stage in which a distinct worked that removed hardly one of very many rows, or a sort of all rows whose order the next step
--   undoes (rules useless_distinct and useless_sort, which judge what they cost). step names one of them, in words. is_part: that next step
--   sorts the same rows again in the same tasks.
-- reads: distinct_steps, global_sorts, operator_stages
WITH steps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, first_node_id, TRUE AS is_distinct, FALSE AS is_part,
    CONCAT('the distinct of node ', CAST(node_id AS STRING), ' of query ', CAST(sql_id AS STRING), ', which removes hardly a row') AS step
  FROM distinct_steps
  WHERE rows_in >= 1e6 AND rows >= 0.99e0 * rows_in AND rows <= rows_in
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_id AS first_node_id, FALSE AS is_distinct, kind = 'local sort' AS is_part,
    CONCAT('the sort of node ', CAST(node_id AS STRING), ' of query ', CAST(sql_id AS STRING), ', whose order the next step undoes') AS step
  FROM global_sorts
  WHERE kind IS NOT NULL
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, o.stage_id, MIN(s.step) AS step,
  MIN(CASE WHEN s.is_distinct THEN 1 ELSE 0 END) = 1 AS is_distinct,
  MAX(CASE WHEN s.is_part THEN 1 ELSE 0 END) = 1 AS is_part
FROM steps AS s
INNER JOIN operator_stages AS o
  ON o.platform = s.platform AND o.cluster_id = s.cluster_id
  AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id
WHERE o.node_id = s.node_id OR o.node_id = s.first_node_id
GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, o.stage_id
