-- id: photon_operators
-- title: Photon operators
-- description: Every operator that worked in an application, whether Photon can run it, and the task
--   time it took. The task time of each stage (executor run time of all its attempts) is divided
--   among the operators that worked in it: those with timing metrics of their own take these (scaled
--   down where together they exceed the stage), those without share the rest evenly. An operator
--   without metrics works in the stages of its code generation cluster, else in those of its
--   neighbours in the plan. Stage time that no operator claims is RDD code. Nodes that only wrap
--   others (WholeStageCodegen, AdaptiveSparkPlan, ReusedExchange ...) do no work and are left out.
--   Which operators Photon runs is in reference/photon_operators.csv, matched by whole words from
--   the start of the node name, the longest match first; an operator that is not in the list counts
--   as one that Photon cannot run. A write (is_write) is supported where its description names
--   Parquet or Delta.
-- reads: ref_photon_operators, sql_nodes, stages
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
judged AS (
  SELECT
    n.platform, n.cluster_id, n.cluster_name, n.application_id, n.attempt_id, n.app_date,
    n.sql_id, n.node_id, n.child_node_ids, n.stage_ids, n.is_photon, n.whole_stage_codegen_id,
    CARDINALITY(n.stage_ids) > 0 AS has_stages,
    n.time_ms,
    COALESCE(m.operator, SPLIT_PART(SPLIT_PART(TRIM(n.node_name), ' ', 1), '(', 1)) AS operator,
    COALESCE(m.is_work, TRUE) AS is_work,
    CASE
      WHEN n.is_photon THEN 'supported'
      WHEN m.operator IS NULL THEN 'unknown'
      WHEN n.description LIKE '%UDF(%' AND m.is_supported THEN 'UDF'
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
),
nodes AS (
  SELECT
    j.platform, j.cluster_id, j.cluster_name, j.application_id, j.attempt_id, j.app_date,
    j.sql_id, j.node_id, j.child_node_ids, j.stage_ids, j.is_photon, j.whole_stage_codegen_id,
    j.has_stages, j.is_work,
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
      ELSE j.listed_reason
    END AS reason
  FROM judged AS j
),
work AS (
  SELECT * FROM nodes WHERE is_work
),
clusters AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_ids,
    TRIM(node_name) AS node_name
  FROM sql_nodes
  WHERE node_name LIKE 'WholeStageCodegen (%' AND CARDINALITY(stage_ids) > 0
),
-- Where the stages of each operator are known from: itself, its cluster, or its neighbours.
located AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, w.stage_ids
  FROM work AS w
  WHERE w.has_stages
  UNION ALL
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, c.stage_ids
  FROM work AS w
  INNER JOIN clusters AS c
    ON c.platform = w.platform AND c.cluster_id = w.cluster_id
    AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id
    AND c.sql_id = w.sql_id
    AND c.node_name
      = CONCAT('WholeStageCodegen (', CAST(w.whole_stage_codegen_id AS STRING), ')')
  WHERE NOT w.has_stages
  UNION ALL
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, o.stage_ids
  FROM work AS w
  INNER JOIN nodes AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id
    AND o.sql_id = w.sql_id
  WHERE NOT w.has_stages AND w.whole_stage_codegen_id IS NULL AND o.has_stages
    AND (
      ARRAY_CONTAINS(w.child_node_ids, o.node_id) OR ARRAY_CONTAINS(o.child_node_ids, w.node_id)
    )
),
stage_time AS (
  SELECT
    platform, cluster_id, cluster_name, application_id, attempt_id, app_date, sql_id, stage_id,
    SUM(executor_run_time) AS run_ms
  FROM stages
  WHERE status <> 'SKIPPED'
  GROUP BY
    platform, cluster_id, cluster_name, application_id, attempt_id, app_date, sql_id, stage_id
),
node_stages AS (
  SELECT DISTINCT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.stage_id, s.run_ms,
    l.node_id
  FROM stage_time AS s
  INNER JOIN located AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id
    AND l.sql_id = s.sql_id
  WHERE ARRAY_CONTAINS(l.stage_ids, s.stage_id)
),
measured AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.stage_id,
    n.run_ms,
    -- An operator of several stages (an exchange) spends its time in equal parts in them.
    CAST(w.time_ms AS DOUBLE) / COUNT(*) OVER (
      PARTITION BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id
    ) AS own_ms
  FROM node_stages AS n
  INNER JOIN work AS w
    ON w.platform = n.platform AND w.cluster_id = n.cluster_id
    AND w.application_id = n.application_id AND w.attempt_id = n.attempt_id
    AND w.sql_id = n.sql_id AND w.node_id = n.node_id
),
stage_totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_id,
    SUM(COALESCE(own_ms, 0e0)) AS known_ms,
    COUNT(*) AS num_nodes,
    SUM(CASE WHEN own_ms IS NULL THEN 1 ELSE 0 END) AS num_unmeasured
  FROM measured
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id
),
node_time AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id,
    SUM(CASE
      WHEN t.known_ms = 0 THEN CAST(m.run_ms AS DOUBLE) / t.num_nodes
      WHEN t.known_ms >= m.run_ms OR t.num_unmeasured = 0
        THEN COALESCE(m.own_ms, 0e0) * (m.run_ms / t.known_ms)
      WHEN m.own_ms IS NOT NULL THEN m.own_ms
      ELSE (m.run_ms - t.known_ms) / t.num_unmeasured
    END) AS task_ms
  FROM measured AS m
  INNER JOIN stage_totals AS t
    ON t.platform = m.platform AND t.cluster_id = m.cluster_id
    AND t.application_id = m.application_id AND t.attempt_id = m.attempt_id
    AND t.sql_id = m.sql_id AND t.stage_id = m.stage_id
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id
),
operators AS (
  SELECT
    w.platform, w.cluster_id, w.cluster_name, w.application_id, w.attempt_id, w.app_date,
    w.operator, w.is_supported, w.is_photon, w.reason,
    1 AS num_nodes,
    t.task_ms
  FROM work AS w
  LEFT JOIN node_time AS t
    ON t.platform = w.platform AND t.cluster_id = w.cluster_id
    AND t.application_id = w.application_id AND t.attempt_id = w.attempt_id
    AND t.sql_id = w.sql_id AND t.node_id = w.node_id
  UNION ALL
  SELECT
    s.platform, s.cluster_id, s.cluster_name, s.application_id, s.attempt_id, s.app_date,
    'RDD' AS operator, FALSE AS is_supported, FALSE AS is_photon,
    'RDD API' AS reason,
    0 AS num_nodes,
    CAST(s.run_ms AS DOUBLE) AS task_ms
  FROM stage_time AS s
  LEFT JOIN stage_totals AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
    AND t.sql_id = s.sql_id AND t.stage_id = s.stage_id
  WHERE t.stage_id IS NULL
),
summed AS (
  SELECT
    platform, cluster_id, cluster_name, application_id, attempt_id, app_date, operator,
    MIN(CASE WHEN is_supported THEN 1 ELSE 0 END) AS supported,
    MIN(CASE WHEN is_photon THEN 1 ELSE 0 END) AS photon,
    MIN(reason) AS reason,
    SUM(num_nodes) AS num_nodes,
    SUM(task_ms) AS task_ms
  FROM operators
  GROUP BY platform, cluster_id, cluster_name, application_id, attempt_id, app_date, operator
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id,
  operator,
  supported = 1 AS is_supported,
  photon = 1 AS is_photon,
  reason,
  num_nodes,
  CAST(task_ms AS BIGINT) AS task_time_ms,
  task_ms / NULLIF(SUM(task_ms) OVER (
    PARTITION BY platform, cluster_id, application_id, attempt_id
  ), 0e0) AS task_time_share,
  app_date
FROM summed
