-- id: stages
-- title: Stages of two runs, matched
-- description: One row per stage of either run, attempts of a stage added up, skipped ones left out. Two stages
--   belong together where call site, description of the query and operators are the same (matched_by plan);
--   of what is left, where call site and query are (call_site), as after a setting that changes the plan; of
--   what is left then, where the operators are (operators), as after a move of the code. Digits do not count,
--   so that dates, lines and ids may differ; stages that are alike are matched in order. A stage without
--   a partner has NULL on the other side. What changed the duration most comes first.
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
attempts AS (
  SELECT
    r.run, s.stage_id, s.stage_name, s.sql_id, s.num_tasks, s.num_failed_tasks,
    s.duration_ms, s.executor_run_time, s.jvm_gc_time, s.memory_bytes_spilled, s.disk_bytes_spilled,
    s.input_bytes, s.output_bytes, s.shuffle_read_bytes, s.shuffle_write_bytes
  FROM stages AS s
  INNER JOIN compared AS r
    ON r.platform = s.platform AND r.cluster_id = s.cluster_id
    AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id
  WHERE s.application_id IN ($application_a, $application_b)
    AND s.status NOT IN ('SKIPPED', 'PENDING')
),
ran AS (
  SELECT
    run, stage_id, MAX(stage_name) AS stage_name, MAX(sql_id) AS sql_id, COUNT(*) AS num_attempts,
    MAX(num_tasks) AS num_tasks, SUM(num_failed_tasks) AS num_failed_tasks,
    SUM(duration_ms) AS duration_ms, SUM(executor_run_time) AS run_time_ms, SUM(jvm_gc_time) AS gc_time_ms,
    SUM(memory_bytes_spilled) AS memory_bytes_spilled, SUM(disk_bytes_spilled) AS disk_bytes_spilled,
    SUM(input_bytes) AS input_bytes, SUM(output_bytes) AS output_bytes,
    SUM(shuffle_read_bytes) AS shuffle_read_bytes, SUM(shuffle_write_bytes) AS shuffle_write_bytes
  FROM attempts
  GROUP BY run, stage_id
),
queries AS (
  SELECT r.run, q.sql_id, q.description
  FROM sql AS q
  INNER JOIN compared AS r
    ON r.platform = q.platform AND r.cluster_id = q.cluster_id
    AND r.application_id = q.application_id AND r.attempt_id = q.attempt_id
  WHERE q.application_id IN ($application_a, $application_b)
),
nodes AS (
  SELECT r.run, n.sql_id, n.stage_ids, TRIM(SPLIT_PART(n.node_name, '(', 1)) AS operator
  FROM sql_nodes AS n
  INNER JOIN compared AS r
    ON r.platform = n.platform AND r.cluster_id = n.cluster_id
    AND r.application_id = n.application_id AND r.attempt_id = n.attempt_id
  WHERE n.application_id IN ($application_a, $application_b)
    AND n.node_name NOT LIKE 'WholeStageCodegen%'
),
plans AS (
  SELECT a.run, a.stage_id, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(DISTINCT n.operator)), ', ') AS operators
  FROM ran AS a
  INNER JOIN nodes AS n ON n.run = a.run AND n.sql_id = a.sql_id
  WHERE ARRAY_CONTAINS(n.stage_ids, a.stage_id)
  GROUP BY a.run, a.stage_id
),
described AS (
  SELECT
    a.*, q.description,
    -- Adaptive execution starts stages from threads of its own: the query says where in the code.
    COALESCE(CASE WHEN a.stage_name LIKE '%CompletableFuture.java%' OR a.stage_name LIKE '%ThreadPoolExecutor.java%'
      THEN NULLIF(q.description, '') END, a.stage_name) AS shown_name,
    COALESCE(p.operators, '') AS operators,
    TRANSLATE(a.stage_name, '0123456789', '') AS call_site,
    TRANSLATE(COALESCE(q.description, ''), '0123456789', '') AS query
  FROM ran AS a
  LEFT JOIN queries AS q ON q.run = a.run AND q.sql_id = a.sql_id
  LEFT JOIN plans AS p ON p.run = a.run AND p.stage_id = a.stage_id
),
first_places AS (
  SELECT
    d.*,
    ROW_NUMBER() OVER (PARTITION BY run, call_site, query, operators ORDER BY stage_id) AS place_1
  FROM described AS d
),
first_pairs AS (
  SELECT
    f.*,
    MAX(CASE WHEN run = 'a' THEN stage_id END) OVER (PARTITION BY call_site, query, operators, place_1) AS a_1,
    MAX(CASE WHEN run = 'b' THEN stage_id END) OVER (PARTITION BY call_site, query, operators, place_1) AS b_1
  FROM first_places AS f
),
second_places AS (
  SELECT
    f.*,
    a_1 IS NOT NULL AND b_1 IS NOT NULL AS has_1,
    ROW_NUMBER() OVER (
      PARTITION BY run, a_1 IS NOT NULL AND b_1 IS NOT NULL, call_site, query ORDER BY stage_id
    ) AS place_2
  FROM first_pairs AS f
),
second_pairs AS (
  SELECT
    s.*,
    MAX(CASE WHEN run = 'a' THEN stage_id END) OVER (PARTITION BY has_1, call_site, query, place_2) AS a_2,
    MAX(CASE WHEN run = 'b' THEN stage_id END) OVER (PARTITION BY has_1, call_site, query, place_2) AS b_2
  FROM second_places AS s
),
third_places AS (
  SELECT
    s.*,
    has_1 OR (a_2 IS NOT NULL AND b_2 IS NOT NULL) OR operators = '' AS is_out,
    ROW_NUMBER() OVER (
      PARTITION BY run, has_1 OR (a_2 IS NOT NULL AND b_2 IS NOT NULL) OR operators = '', operators
      ORDER BY stage_id
    ) AS place_3
  FROM second_pairs AS s
),
third_pairs AS (
  SELECT
    t.*,
    MAX(CASE WHEN run = 'a' THEN stage_id END) OVER (PARTITION BY is_out, operators, place_3) AS a_3,
    MAX(CASE WHEN run = 'b' THEN stage_id END) OVER (PARTITION BY is_out, operators, place_3) AS b_3
  FROM third_places AS t
),
matched AS (
  SELECT
    t.*,
    CASE
      WHEN has_1 THEN 'plan'
      WHEN a_2 IS NOT NULL AND b_2 IS NOT NULL THEN 'call_site'
      WHEN NOT is_out AND a_3 IS NOT NULL AND b_3 IS NOT NULL THEN 'operators'
    END AS matched_by
  FROM third_pairs AS t
),
paired AS (
  SELECT
    m.*,
    CASE matched_by WHEN 'plan' THEN a_1 WHEN 'call_site' THEN a_2 WHEN 'operators' THEN a_3
      ELSE CASE WHEN run = 'a' THEN stage_id END END AS stage_id_a,
    CASE matched_by WHEN 'plan' THEN b_1 WHEN 'call_site' THEN b_2 WHEN 'operators' THEN b_3
      ELSE CASE WHEN run = 'b' THEN stage_id END END AS stage_id_b
  FROM matched AS m
)
SELECT
  stage_id_a, stage_id_b, matched_by,
  COALESCE(MAX(CASE WHEN run = 'b' THEN shown_name END), MAX(shown_name)) AS stage_name,
  COALESCE(MAX(CASE WHEN run = 'b' THEN description END), MAX(description)) AS description,
  MAX(CASE WHEN run = 'a' THEN operators END) AS operators_a, MAX(CASE WHEN run = 'b' THEN operators END) AS operators_b,
  MAX(CASE WHEN run = 'a' THEN num_tasks END) AS num_tasks_a, MAX(CASE WHEN run = 'b' THEN num_tasks END) AS num_tasks_b,
  MAX(CASE WHEN run = 'a' THEN num_failed_tasks END) AS num_failed_tasks_a, MAX(CASE WHEN run = 'b' THEN num_failed_tasks END) AS num_failed_tasks_b,
  MAX(CASE WHEN run = 'a' THEN duration_ms END) AS duration_ms_a, MAX(CASE WHEN run = 'b' THEN duration_ms END) AS duration_ms_b,
  MAX(CASE WHEN run = 'a' THEN run_time_ms END) AS run_time_ms_a, MAX(CASE WHEN run = 'b' THEN run_time_ms END) AS run_time_ms_b,
  MAX(CASE WHEN run = 'a' THEN gc_time_ms END) AS gc_time_ms_a, MAX(CASE WHEN run = 'b' THEN gc_time_ms END) AS gc_time_ms_b,
  MAX(CASE WHEN run = 'a' THEN memory_bytes_spilled END) AS memory_bytes_spilled_a, MAX(CASE WHEN run = 'b' THEN memory_bytes_spilled END) AS memory_bytes_spilled_b,
  MAX(CASE WHEN run = 'a' THEN disk_bytes_spilled END) AS disk_bytes_spilled_a, MAX(CASE WHEN run = 'b' THEN disk_bytes_spilled END) AS disk_bytes_spilled_b,
  MAX(CASE WHEN run = 'a' THEN input_bytes END) AS input_bytes_a, MAX(CASE WHEN run = 'b' THEN input_bytes END) AS input_bytes_b,
  MAX(CASE WHEN run = 'a' THEN output_bytes END) AS output_bytes_a, MAX(CASE WHEN run = 'b' THEN output_bytes END) AS output_bytes_b,
  MAX(CASE WHEN run = 'a' THEN shuffle_read_bytes END) AS shuffle_read_bytes_a, MAX(CASE WHEN run = 'b' THEN shuffle_read_bytes END) AS shuffle_read_bytes_b,
  MAX(CASE WHEN run = 'a' THEN shuffle_write_bytes END) AS shuffle_write_bytes_a, MAX(CASE WHEN run = 'b' THEN shuffle_write_bytes END) AS shuffle_write_bytes_b
FROM paired
GROUP BY stage_id_a, stage_id_b, matched_by
ORDER BY
  ABS(
    COALESCE(MAX(CASE WHEN run = 'b' THEN duration_ms END), 0) - COALESCE(MAX(CASE WHEN run = 'a' THEN duration_ms END), 0)
  ) DESC, stage_id_a, stage_id_b
