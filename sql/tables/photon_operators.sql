-- id: photon_operators
-- title: Photon operators
-- description: Every operator that worked in an application, whether Photon can run it, and the task
--   time it took. The task time of each stage is divided among the operators that worked in it: those
--   with timing metrics of their own take these (scaled down where together they exceed the stage),
--   those without share the rest evenly. Stage time of a query that no operator claims, because its
--   tasks failed and failed tasks report no metrics, is divided evenly among the query's operators.
--   Stage time outside of queries is RDD code, except that of Spark's own jobs that list files for a
--   query, which stands as 'Listing files': time that was paid for and that no native engine runs.
-- reads: operator_stages, plan_operators, timed_stages
WITH stage_time AS (
  SELECT
    platform, cluster_id, cluster_name, application_id, attempt_id, app_date, sql_id, stage_id,
    SUM(executor_run_time) AS run_ms,
    -- Spark lists the files of many paths with a job of its own, most often before the query begins.
    MAX(CASE WHEN description LIKE 'Listing leaf files and directories%' THEN 1 ELSE 0 END) = 1
      AS lists_files
  FROM timed_stages
  WHERE status <> 'SKIPPED'
  GROUP BY
    platform, cluster_id, cluster_name, application_id, attempt_id, app_date, sql_id, stage_id
),
stage_totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, stage_id,
    -- Decimals add up to the same in any order.
    CAST(SUM(CAST(COALESCE(own_ms, 0e0) AS DECIMAL(38, 6))) AS DOUBLE) AS known_ms,
    COUNT(*) AS num_nodes,
    SUM(CASE WHEN own_ms IS NULL THEN 1 ELSE 0 END) AS num_unmeasured
  FROM operator_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id
),
plans AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, COUNT(*) AS num_nodes
  FROM plan_operators
  WHERE is_work
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- Stages that no operator claims. What lists files is the work of no operator of the plan.
unclaimed AS (
  SELECT s.*, CASE WHEN NOT s.lists_files THEN p.num_nodes END AS num_nodes
  FROM stage_time AS s
  LEFT JOIN stage_totals AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
    AND t.sql_id = s.sql_id AND t.stage_id = s.stage_id
  LEFT JOIN plans AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id
    AND p.sql_id = s.sql_id
  WHERE t.stage_id IS NULL
),
failed_time AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    SUM(CAST(CAST(run_ms AS DOUBLE) / NULLIF(num_nodes, 0) AS DECIMAL(38, 6))) AS ms_per_node
  FROM unclaimed
  WHERE num_nodes IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
node_time AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id,
    SUM(CAST(CASE
      WHEN t.known_ms = 0 THEN CAST(m.run_ms AS DOUBLE) / NULLIF(t.num_nodes, 0)
      WHEN t.known_ms >= m.run_ms OR t.num_unmeasured = 0
        THEN COALESCE(m.own_ms, 0e0) * (m.run_ms / NULLIF(t.known_ms, 0))
      WHEN m.own_ms IS NOT NULL THEN m.own_ms
      ELSE (m.run_ms - t.known_ms) / NULLIF(t.num_unmeasured, 0)
    END AS DECIMAL(38, 6))) AS task_ms
  FROM operator_stages AS m
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
    CASE WHEN f.ms_per_node IS NULL THEN t.task_ms
      ELSE COALESCE(t.task_ms, CAST(0 AS DECIMAL(38, 6))) + f.ms_per_node END AS task_ms
  FROM plan_operators AS w
  LEFT JOIN node_time AS t
    ON t.platform = w.platform AND t.cluster_id = w.cluster_id
    AND t.application_id = w.application_id AND t.attempt_id = w.attempt_id
    AND t.sql_id = w.sql_id AND t.node_id = w.node_id
  LEFT JOIN failed_time AS f
    ON f.platform = w.platform AND f.cluster_id = w.cluster_id
    AND f.application_id = w.application_id AND f.attempt_id = w.attempt_id
    AND f.sql_id = w.sql_id
  WHERE w.is_work
  UNION ALL
  SELECT
    platform, cluster_id, cluster_name, application_id, attempt_id, app_date,
    CASE WHEN lists_files THEN 'Listing files' WHEN sql_id IS NOT NULL THEN 'SQL without plan' ELSE 'RDD' END
      AS operator,
    FALSE AS is_supported, FALSE AS is_photon,
    CASE WHEN lists_files THEN 'Spark lists files with a job of its own'
      WHEN sql_id IS NOT NULL THEN 'its plan is not known' ELSE 'RDD API' END AS reason,
    0 AS num_nodes,
    CAST(run_ms AS DECIMAL(38, 6)) AS task_ms
  FROM unclaimed
  WHERE num_nodes IS NULL
),
summed AS (
  SELECT
    platform, cluster_id, cluster_name, application_id, attempt_id, app_date, operator,
    MIN(CASE WHEN is_supported THEN 1 ELSE 0 END) AS supported,
    MIN(CASE WHEN is_photon THEN 1 ELSE 0 END) AS photon,
    MIN(reason) AS reason,
    SUM(num_nodes) AS num_nodes,
    CAST(SUM(task_ms) AS DOUBLE) AS task_ms,
    SUM(task_ms) AS exact_ms
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
  -- Rounded first: the sum of fractions can end a hair below a whole number.
  TRY_CAST(ROUND(task_ms, 3) AS BIGINT) AS task_time_ms,
  task_ms / NULLIF(CAST(SUM(exact_ms) OVER (
    PARTITION BY platform, cluster_id, application_id, attempt_id
  ) AS DOUBLE), 0e0) AS task_time_share,
  app_date
FROM summed
