-- id: useless_repartition
-- title: Rows are repartitioned and then shuffled again
-- category: plans
-- severity: low
-- version: 1
-- description: Fires where the code repartitions the rows of a query and the next step that moves rows is another shuffle or a broadcast, with
--   nothing between them but projections, filters, local sorts and the first step of an aggregate: the first shuffle is for nothing.
--   Where the stage before it had fewer tasks than the application had cores it spread the work and is not told. What the shuffle alone took is not
--   measured, so no loss is counted.
-- subject: node
-- group_by: query_description
-- parameter: min_share double = 0.15 [ratio] task time of the stages of the repartition over that of the application, at least
-- parameter: min_stage_ms double = 10000 [ms] that task time, at least
-- parameter: min_bytes double = 33554432 [bytes] that went through that shuffle, at least
-- evidence: Query {sql_id:int} ({query_description}) shuffles {bytes:bytes} to repartition its rows ({partitioning}), and the next step {next_step};
--   the stages that write and read the first shuffle took {stage_ms:s} of {app_ms:s} of task time.
-- recommendation: Drop the repartition: the next step distributes the rows by what it needs. For more partitions there set
--   spark.sql.shuffle.partitions, or repartition by the key of that step.
WITH nodes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id, TRIM(node_name) AS node_name, description, stage_ids,
    CAST(bytes_output AS DOUBLE) AS bytes
  FROM sql_nodes
),
repartitions AS (
  SELECT * FROM nodes
  WHERE node_name = 'Exchange' AND description LIKE '%REPARTITION_BY%' AND bytes >= $min_bytes
),
-- The steps above each of them but those that move no row; the nearest one has the largest number.
above AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id, r.bytes, r.stage_ids, r.description,
    n.node_name AS next_name, n.description AS next_description,
    ROW_NUMBER() OVER (
      PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id ORDER BY n.node_id DESC
    ) AS place
  FROM repartitions AS r
  INNER JOIN nodes AS n
    ON n.platform = r.platform AND n.cluster_id = r.cluster_id
    AND n.application_id = r.application_id AND n.attempt_id = r.attempt_id AND n.sql_id = r.sql_id
    AND n.node_id < r.node_id AND n.last_node_id >= r.node_id
  WHERE n.node_name NOT IN ('Project', 'Filter', 'Sort', 'AQEShuffleRead', 'ColumnarToRow') AND n.node_name NOT LIKE '%Aggregate'
),
pairs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, bytes, stage_ids,
    REGEXP_REPLACE(SPLIT_PART(SUBSTR(description, 10), ', REPARTITION', 1), '#[0-9]+L?', '') AS partitioning,
    CASE
      WHEN next_name = 'BroadcastExchange' THEN 'broadcasts them'
      ELSE CONCAT('shuffles them again (', REGEXP_REPLACE(SPLIT_PART(SUBSTR(next_description, 10), ', ENSURE', 1), '#[0-9]+L?', ''), ')')
    END AS next_step
  FROM above
  WHERE place = 1 AND (next_name = 'BroadcastExchange' OR (next_name = 'Exchange' AND next_description NOT LIKE '%REPARTITION_BY%'))
),
-- The stage that writes the shuffle is the first of its stages.
writers AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, MAX(s.num_tasks) AS num_tasks, MAX(s.stage_slots) AS stage_slots
  FROM pairs AS p
  INNER JOIN stage_facts AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id AND s.stage_id = ARRAY_MIN(p.stage_ids)
  WHERE s.status = 'COMPLETE'
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
),
work AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, SUM(CAST(s.executor_run_time AS DOUBLE)) AS stage_ms
  FROM pairs AS p
  INNER JOIN stages AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id
  WHERE s.status = 'COMPLETE' AND ARRAY_CONTAINS(p.stage_ids, s.stage_id)
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id,
  CONCAT(CAST(p.sql_id AS STRING), '.', CAST(p.node_id AS STRING)) AS subject_id,
  'medium' AS confidence,
  p.sql_id, SUBSTR(q.description, 1, 100) AS query_description, p.bytes, SUBSTR(p.partitioning, 1, 150) AS partitioning,
  SUBSTR(p.next_step, 1, 150) AS next_step, w.stage_ms, a.executor_run_time AS app_ms
FROM pairs AS p
INNER JOIN writers AS t
  ON t.platform = p.platform AND t.cluster_id = p.cluster_id
  AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.sql_id = p.sql_id AND t.node_id = p.node_id
INNER JOIN work AS w
  ON w.platform = p.platform AND w.cluster_id = p.cluster_id
  AND w.application_id = p.application_id AND w.attempt_id = p.attempt_id AND w.sql_id = p.sql_id AND w.node_id = p.node_id
INNER JOIN sql AS q
  ON q.platform = p.platform AND q.cluster_id = p.cluster_id
  AND q.application_id = p.application_id AND q.attempt_id = p.attempt_id AND q.sql_id = p.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = p.platform AND a.cluster_id = p.cluster_id
  AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
WHERE t.num_tasks >= t.stage_slots AND w.stage_ms >= $min_stage_ms AND w.stage_ms >= $min_share * a.executor_run_time
