-- id: same_reads
-- title: Whether all reads of the same data are followed by the same work
-- description: One row per source and partition filters that an application reads (view read_scans). is_same says that
--   every stage that reads it goes on with the same filters and grouping keys and with no join: then each of them
--   computes the same again, whatever columns and functions it asks for. That one counts all of its rows and another one writes
--   them is no difference. A join can meet something else on its other side each time. has_other_numbers says that the queries aggregate all rows with other functions or of other columns, as a loop over
--   columns does: what follows the read is not the same then, but for steps between (has_shared_steps), as calls of Python and expressions that are in the plan of each.
-- parameter: min_numbers_share double = 0.8 [ratio] stages whose queries aggregate all rows, of all that read, at least
-- parameter: min_other_share double = 0.5 [ratio] different ones among them, at least
-- reads: operator_stages, query_numbers, read_scans, sql_nodes
WITH reads AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters, sql_id, node_id, columns,
    COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, source, filters) AS num_scans
  FROM read_scans
),
reading_stages AS (
  SELECT t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters, t.num_scans, t.sql_id, o.stage_id, MAX(t.columns) AS columns
  FROM reads AS t
  INNER JOIN operator_stages AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND o.node_id = t.node_id
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters, t.num_scans, t.sql_id, o.stage_id
),
followers AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters, t.sql_id, t.stage_id,
    -- Of aggregates the keys count, of projections and sorts nothing.
    CASE
      WHEN n.node_name LIKE '%Aggregate' THEN CONCAT('Aggregate|', COALESCE(SPLIT_PART(SPLIT_PART(n.description, '=[', 2), ']', 1), ''))
      ELSE CONCAT(n.node_name, '|', COALESCE(REGEXP_REPLACE(n.description, 'plan_id=[0-9]+', ''), ''))
    END AS numbered,
    CASE WHEN n.node_name LIKE '%Join%' THEN 1 ELSE 0 END AS is_join
  FROM reading_stages AS t
  INNER JOIN operator_stages AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND o.stage_id = t.stage_id
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  LEFT JOIN read_scans AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND s.sql_id = o.sql_id AND s.node_id = o.node_id
  WHERE s.platform IS NULL AND n.node_name NOT IN ('Project', 'Sort', 'ColumnarToRow', 'WriteFiles') AND n.node_name NOT LIKE 'Execute %'
    AND NOT (n.node_name LIKE '%Aggregate' AND COALESCE(n.description LIKE '%keys=[]%' OR n.description LIKE '%key=[]%', FALSE))
    AND NOT (n.node_name = 'Exchange' AND COALESCE(n.description LIKE 'Exchange SinglePartition%', FALSE))
),
-- Expressions are numbered anew in every query.
named AS (
  SELECT f.*, REGEXP_REPLACE(numbered, '#[0-9]+L?', '') AS operator
  FROM followers AS f
),
kinds AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, source, filters,
    COUNT(DISTINCT operator) AS num_operators, SUM(is_join) AS num_joins,
    COUNT(DISTINCT CONCAT(operator, '|', CAST(sql_id AS STRING), '|', CAST(stage_id AS STRING))) AS num_places
  FROM named
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters
),
places AS (
  SELECT platform, cluster_id, application_id, attempt_id, source, filters, num_scans, COUNT(*) AS num_stages
  FROM reading_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, source, filters, num_scans
),
numbers AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters,
    COUNT(*) AS num_stages, COUNT(DISTINCT CONCAT(q.functions, '|', COALESCE(t.columns, ''))) AS num_kinds
  FROM reading_stages AS t
  INNER JOIN query_numbers AS q
    ON q.platform = t.platform AND q.cluster_id = t.cluster_id
    AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
  GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters
),
others AS (
  SELECT p.*
  FROM places AS p
  INNER JOIN numbers AS x
    ON x.platform = p.platform AND x.cluster_id = p.cluster_id
    AND x.application_id = p.application_id AND x.attempt_id = p.attempt_id AND x.source = p.source AND x.filters = p.filters
  WHERE x.num_kinds >= 2 AND x.num_stages >= $min_numbers_share * p.num_stages AND x.num_kinds >= $min_other_share * x.num_stages
),
-- What costs time between the reading and the aggregates, alike in all of these stages.
steps AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters, MAX(p.num_stages) AS num_stages,
    REGEXP_REPLACE(CONCAT(n.node_name, '|', COALESCE(n.description, '')), '#[0-9]+L?', '') AS operator,
    COUNT(DISTINCT CONCAT(CAST(t.sql_id AS STRING), '|', CAST(t.stage_id AS STRING))) AS num_places
  FROM others AS p
  INNER JOIN reading_stages AS t
    ON t.platform = p.platform AND t.cluster_id = p.cluster_id
    AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.source = p.source AND t.filters = p.filters
  INNER JOIN operator_stages AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND o.stage_id = t.stage_id
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  WHERE n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%' OR n.node_name LIKE '%InArrow%' OR n.node_name LIKE '%Generate%' OR n.node_name LIKE 'Map%' OR n.node_name LIKE 'Expand%'
    OR (n.node_name LIKE '%Project' AND n.description LIKE '%(%')
  GROUP BY
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.source, t.filters,
    REGEXP_REPLACE(CONCAT(n.node_name, '|', COALESCE(n.description, '')), '#[0-9]+L?', '')
),
shared_steps AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, source, filters
  FROM steps
  WHERE num_places >= $min_numbers_share * num_stages
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id, p.source, p.filters, p.num_stages,
  -- Several scans in one stage are parts of one computation.
  p.num_stages >= p.num_scans
    AND COALESCE(k.num_places, 0) = COALESCE(k.num_operators, 0) * p.num_stages AND COALESCE(k.num_joins, 0) = 0 AS is_same,
  y.platform IS NOT NULL AS has_other_numbers, z.platform IS NOT NULL AS has_shared_steps
FROM places AS p
LEFT JOIN kinds AS k
  ON k.platform = p.platform AND k.cluster_id = p.cluster_id
  AND k.application_id = p.application_id AND k.attempt_id = p.attempt_id AND k.source = p.source AND k.filters = p.filters
LEFT JOIN others AS y
  ON y.platform = p.platform AND y.cluster_id = p.cluster_id
  AND y.application_id = p.application_id AND y.attempt_id = p.attempt_id AND y.source = p.source AND y.filters = p.filters
LEFT JOIN shared_steps AS z
  ON z.platform = p.platform AND z.cluster_id = p.cluster_id
  AND z.application_id = p.application_id AND z.attempt_id = p.attempt_id AND z.source = p.source AND z.filters = p.filters
