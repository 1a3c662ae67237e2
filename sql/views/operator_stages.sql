-- id: operator_stages
-- title: Which operator worked in which stage
-- description: One row per plan node that works and stage of its query that it worked in, with the
--   stage's task time (executor run time of all its attempts) and the operator's own timing metrics,
--   in equal parts where it worked in several stages, as an exchange does. An operator without
--   metrics works in the stages of its code generation cluster, else in those of its neighbors in
--   the plan.
-- reads: plan_operators, stages
WITH work AS (
  SELECT
    w.*,
    -- NULL where the operator needs no other one to say where it ran.
    CASE WHEN NOT has_stages THEN whole_stage_codegen_id END AS cluster_codegen_id,
    CASE WHEN NOT has_stages AND whole_stage_codegen_id IS NULL THEN sql_id END AS neighbour_sql_id
  FROM plan_operators AS w
  WHERE is_work
),
clusters AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, codegen_id, stage_ids
  FROM plan_operators
  WHERE codegen_id IS NOT NULL AND has_stages
),
neighbours AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, child_node_ids, stage_ids
  FROM plan_operators
  WHERE has_stages
),
located AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, w.time_ms,
    CASE WHEN w.has_stages THEN w.stage_ids WHEN w.cluster_codegen_id IS NOT NULL THEN c.stage_ids ELSE o.stage_ids END AS stage_ids
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
),
stage_time AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_id,
    SUM(executor_run_time) AS run_ms
  FROM stages
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
)
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id, node_id, stage_id, run_ms,
  -- An operator of several stages (an exchange) spends its time in equal parts in them.
  CAST(time_ms AS DOUBLE) / COUNT(*) OVER (
    PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
  ) AS own_ms
FROM node_stages
