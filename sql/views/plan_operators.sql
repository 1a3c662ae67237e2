-- id: plan_operators
-- title: Plan nodes with what Photon makes of them
-- description: One row per plan node: its operator without arguments, whether it works at all or only
--   wraps others (WholeStageCodegen, AdaptiveSparkPlan, ReusedExchange ...), and whether Photon can
--   run it. Which operators Photon runs is in reference/photon_operators.csv, matched by whole words
--   from the start of the node name, the longest match first; an operator that is not in the list
--   counts as one that Photon cannot run. A write (is_write) is supported where its description names
--   Parquet or Delta. What another engine runs (RAPIDS, Comet, Gluten) Photon does not need to: its
--   reason says so.
-- reads: ref_photon_operators, sql_nodes, user_functions
WITH names AS (
  SELECT DISTINCT TRIM(node_name) AS node_name FROM sql_nodes
),
matches AS (
  SELECT
    n.node_name, o.operator, o.is_work, o.is_supported, o.is_write, o.reason,
    ROW_NUMBER() OVER (PARTITION BY n.node_name ORDER BY LENGTH(o.operator) DESC) AS place
  FROM names AS n
  INNER JOIN ref_photon_operators AS o
    ON SPLIT_PART(SPLIT_PART(n.node_name, ' ', 1), '(', 1) = SPLIT_PART(o.operator, ' ', 1)
  WHERE n.node_name = o.operator
    OR SUBSTR(n.node_name, 1, LENGTH(o.operator) + 1)
      IN (CONCAT(o.operator, ' '), CONCAT(o.operator, '('))
),
callers AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, node_id FROM user_functions
),
judged AS (
  SELECT
    n.platform, n.cluster_id, n.cluster_name, n.application_id, n.attempt_id, n.app_date,
    n.sql_id, n.node_id, n.child_node_ids, n.stage_ids, n.is_photon, n.whole_stage_codegen_id,
    -- Rows that an older version loaded do not say it.
    COALESCE(n.engine, 'spark') AS engine, n.operator_kind,
    CARDINALITY(n.stage_ids) > 0 AS has_stages,
    CASE WHEN m.operator = 'WholeStageCodegen' THEN TRY_CAST(
      SPLIT_PART(SPLIT_PART(n.node_name, '(', 2), ')', 1) AS BIGINT
    ) END AS codegen_id,
    n.time_ms,
    COALESCE(m.operator, SPLIT_PART(SPLIT_PART(TRIM(n.node_name), ' ', 1), '(', 1)) AS operator,
    -- What moves rows between another engine and Spark is no work of the query.
    COALESCE(
      m.is_work,
      NOT (COALESCE(n.engine, 'spark') IN ('gluten', 'comet', 'rapids') AND n.operator_kind = 'other')
    ) AS is_work,
    CASE
      WHEN n.is_photon THEN 'supported'
      WHEN n.engine IN ('gluten', 'comet', 'rapids') THEN 'other engine'
      WHEN m.operator IS NULL THEN 'unknown'
      WHEN m.is_supported AND u.node_id IS NOT NULL THEN 'UDF'
      WHEN m.is_write AND NOT (
        LOWER(COALESCE(n.description, '')) LIKE '%parquet%'
        OR LOWER(COALESCE(n.description, '')) LIKE '%delta%'
      ) THEN 'other format'
      WHEN m.is_supported THEN 'supported'
      ELSE 'unsupported'
    END AS verdict,
    m.reason AS listed_reason
  FROM sql_nodes AS n
  LEFT JOIN matches AS m ON m.node_name = TRIM(n.node_name) AND m.place = 1
  LEFT JOIN callers AS u
    ON u.platform = n.platform AND u.cluster_id = n.cluster_id
    AND u.application_id = n.application_id AND u.attempt_id = n.attempt_id AND u.sql_id = n.sql_id AND u.node_id = n.node_id
)
SELECT
  j.platform, j.cluster_id, j.cluster_name, j.application_id, j.attempt_id, j.app_date,
  j.sql_id, j.node_id, j.child_node_ids, j.stage_ids, j.is_photon, j.whole_stage_codegen_id,
  j.has_stages, j.is_work, j.engine, j.operator_kind,
  -- The number of a code generation cluster, which its members name in whole_stage_codegen_id.
  j.codegen_id,
  -- What a broadcast measures is time on the driver.
  CASE WHEN j.operator <> 'BroadcastExchange' THEN j.time_ms END AS time_ms,
  -- The same operator can be supported in one place and not in another.
  CASE
    WHEN j.verdict IN ('UDF', 'other format') THEN CONCAT(j.operator, ' with ', j.verdict)
    ELSE j.operator
  END AS operator,
  j.verdict = 'supported' AS is_supported,
  CASE j.verdict
    WHEN 'UDF' THEN 'calls a UDF'
    WHEN 'unknown' THEN 'not known to run in Photon'
    WHEN 'supported' THEN CAST(NULL AS STRING)
    WHEN 'other engine' THEN CONCAT('runs on ', CASE j.engine
      WHEN 'rapids' THEN 'RAPIDS' WHEN 'comet' THEN 'Comet' ELSE 'Gluten' END)
    ELSE j.listed_reason
  END AS reason
FROM judged AS j
