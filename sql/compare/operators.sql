-- id: operators
-- title: Operators of the plans that differ
-- description: One row per operator of which the final plans of the two runs have different numbers. Of scans and
--   writes the table or path counts too, without digits.
-- parameter: platform_a string = - [platform] platform of run A
-- parameter: cluster_a string = - [cluster id] cluster of run A
-- parameter: application_a string = - [application id] application of run A
-- parameter: attempt_a string = - [attempt id] attempt of run A
-- parameter: platform_b string = - [platform] platform of run B
-- parameter: cluster_b string = - [cluster id] cluster of run B
-- parameter: application_b string = - [application id] application of run B
-- parameter: attempt_b string = - [attempt id] attempt of run B
WITH compared AS (
  SELECT
    'a' AS run, CAST($platform_a AS STRING) AS platform, CAST($cluster_a AS STRING) AS cluster_id,
    CAST($application_a AS STRING) AS application_id, CAST($attempt_a AS STRING) AS attempt_id
  UNION ALL
  SELECT
    'b' AS run, CAST($platform_b AS STRING) AS platform, CAST($cluster_b AS STRING) AS cluster_id,
    CAST($application_b AS STRING) AS application_id, CAST($attempt_b AS STRING) AS attempt_id
),
nodes AS (
  SELECT r.run, TRANSLATE(TRIM(SPLIT_PART(n.node_name, '(', 1)), '0123456789', '') AS operator
  FROM sql_nodes AS n
  INNER JOIN compared AS r
    ON r.platform = n.platform AND r.cluster_id = n.cluster_id
    AND r.application_id = n.application_id AND r.attempt_id = n.attempt_id
  WHERE n.application_id IN ($application_a, $application_b)
    AND n.operator_kind IN (
      'scan', 'join', 'aggregate', 'exchange', 'sort', 'window', 'write', 'udf', 'broadcast', 'cache'
    )
)
SELECT
  operator,
  SUM(CASE WHEN run = 'a' THEN 1 ELSE 0 END) AS num_a,
  SUM(CASE WHEN run = 'b' THEN 1 ELSE 0 END) AS num_b
FROM nodes
GROUP BY operator
HAVING SUM(CASE WHEN run = 'a' THEN 1 ELSE 0 END) <> SUM(CASE WHEN run = 'b' THEN 1 ELSE 0 END)
ORDER BY operator
