-- id: operator_stages
-- title: Which operator worked in which stage
-- description: One row per plan node that works and stage of its query that it worked in, with the
--   stage's task time (executor run time of all its attempts) and the operator's own timing metrics,
--   in equal parts where it worked in several stages, as an exchange does. An operator without
--   metrics works in the stages of its code generation cluster, else in those of its neighbors in
--   the plan; a scan that kept no row counts none, and works where the cluster of its reader does.
-- reads: plan_operators, timed_stages
WITH work AS (
  SELECT
    w.*,
    -- NULL where the operator needs no other one to say where it ran.
    CASE WHEN NOT has_stages THEN whole_stage_codegen_id END AS cluster_codegen_id,
    CASE WHEN NOT has_stages AND whole_stage_codegen_id IS NULL THEN sql_id END AS neighbour_sql_id,
    CASE WHEN NOT has_stages AND whole_stage_codegen_id IS NULL AND CARDINALITY(child_node_ids) = 0 THEN sql_id END AS leaf_sql_id
  FROM plan_operators AS w
  WHERE is_work
),
clusters AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, codegen_id, stage_ids
  FROM plan_operators
  WHERE codegen_id IS NOT NULL AND has_stages
),
neighbours AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, child_node_ids, stage_ids,
    -- The first of its stages writes a shuffle, the others read it: who reads it works in those. A single one reads it where what
    -- another query wrote was there.
    CASE WHEN operator = 'Exchange' THEN ARRAY_MIN(stage_ids) END AS write_stage_id, CARDINALITY(stage_ids) = 1 AS is_single
  FROM plan_operators
  WHERE has_stages
),
-- The plan of a cache below numbers its clusters from one too.
single_clusters AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, codegen_id
  FROM plan_operators
  WHERE codegen_id IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, codegen_id
  HAVING COUNT(*) = 1
),
-- Members of a code generation cluster without metrics of their own.
readers AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.child_node_ids, c.stage_ids
  FROM plan_operators AS p
  INNER JOIN clusters AS c
    ON c.platform = p.platform AND c.cluster_id = p.cluster_id
    AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id
    AND c.sql_id = p.sql_id
    AND c.codegen_id = p.whole_stage_codegen_id
  INNER JOIN single_clusters AS s
    ON s.platform = c.platform AND s.cluster_id = c.cluster_id
    AND s.application_id = c.application_id AND s.attempt_id = c.attempt_id
    AND s.sql_id = c.sql_id
    AND s.codegen_id = c.codegen_id
  WHERE NOT p.has_stages
),
located AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, w.time_ms,
    CASE WHEN w.has_stages THEN w.stage_ids WHEN w.cluster_codegen_id IS NOT NULL THEN c.stage_ids ELSE COALESCE(o.stage_ids, r.stage_ids) END AS stage_ids,
    CASE WHEN ARRAY_CONTAINS(w.child_node_ids, o.node_id) THEN o.write_stage_id END AS write_stage_id, o.is_single
  FROM work AS w
  LEFT JOIN clusters AS c
    ON c.platform = w.platform AND c.cluster_id = w.cluster_id
    AND c.application_id = w.application_id AND c.attempt_id = w.attempt_id
    AND c.sql_id = w.sql_id
    AND c.codegen_id = w.cluster_codegen_id
  LEFT JOIN neighbours AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id
    AND o.sql_id = w.neighbour_sql_id
    AND (
      ARRAY_CONTAINS(w.child_node_ids, o.node_id) OR ARRAY_CONTAINS(o.child_node_ids, w.node_id)
    )
  LEFT JOIN readers AS r
    ON r.platform = w.platform AND r.cluster_id = w.cluster_id
    AND r.application_id = w.application_id AND r.attempt_id = w.attempt_id
    AND r.sql_id = w.leaf_sql_id
    AND ARRAY_CONTAINS(r.child_node_ids, w.node_id)
),
stage_time AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_id,
    SUM(executor_run_time) AS run_ms, SUM(shuffle_read_bytes) AS shuffle_read_bytes
  FROM timed_stages
  WHERE status <> 'SKIPPED' AND sql_id IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id
),
node_stages AS (
  SELECT DISTINCT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.stage_id, s.run_ms,
    l.node_id, l.time_ms
  FROM stage_time AS s
  INNER JOIN located AS l
    ON l.platform = s.platform AND l.cluster_id = s.cluster_id
    AND l.application_id = s.application_id AND l.attempt_id = s.attempt_id
    AND l.sql_id = s.sql_id
  WHERE ARRAY_CONTAINS(l.stage_ids, s.stage_id)
    AND COALESCE(s.stage_id <> l.write_stage_id OR (l.is_single AND s.shuffle_read_bytes > 0), TRUE)
)
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id, node_id, stage_id, run_ms,
  -- An operator of several stages (an exchange) spends its time in equal parts in them.
  CAST(time_ms AS DOUBLE) / COUNT(*) OVER (
    PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
  ) AS own_ms
FROM node_stages
