-- id: broadcast_copies
-- title: Small executors of one host each hold a copy of a large broadcast
-- category: resources
-- severity: low
-- version: 3
-- description: Fires where several executors with few cores ran on one host at once, a broadcast took a good part of the memory that each of them has for
--   execution and storage, and stages of the queries with such a broadcast spilled. An executor holds one copy for all of its tasks: fewer, larger executors with the same
--   cores and memory in all leave more of it to the tasks. What that saves in time is not known, so nothing is counted as lost.
-- subject: application
-- parameter: max_cores bigint = 2 [cores] cores of the executors, at most
-- parameter: min_part double = 0.25 [ratio] size of the broadcast over the unified memory of an executor, at least
-- parameter: min_spill_bytes double = 536870912 [bytes] memory that stages of these queries spilled, at least
-- evidence: Up to {copies:int} executors of {cores:core|cores} ran on one host at once ({host}), and each held a copy of its own of the broadcast of {data_bytes:bytes} at node
--   {node_id:int} of query {sql_id:int}: {part:pct} of the {unified_bytes:bytes} that an executor has for execution and storage. Stages of {num_queries:query|queries} with such a
--   broadcast spilled {spilled_bytes:bytes} of memory.
-- advice: TRUE | - | - | Run one executor with {merged_cores:int} cores (spark.executor.cores) and {merged_factor:int} times the memory (spark.executor.memory and its overhead) in
--   place of {merged_factor:int} of them: their tasks share one copy of the broadcast. Only then see whether each needs more memory. Or make the broadcast smaller: select only the columns and rows that the join needs.
-- recommendation: Run fewer, larger executors with the same cores and memory in all: the tasks of one share a copy of the broadcast.
WITH workers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, executor_id, REGEXP_REPLACE(host_port, ':[0-9]+$', '') AS host,
    total_cores, CAST(max_memory AS DOUBLE) AS unified_bytes, UNIX_MILLIS(add_time) + 0 AS from_ms, UNIX_MILLIS(remove_time) + 0 AS to_ms
  FROM executors
  WHERE executor_id <> 'driver' AND total_cores > 0 AND total_tasks > 0 AND add_time IS NOT NULL
),
-- The most of a host are alive when the last of them was added.
beside AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.host, w.executor_id, MAX(o.total_cores) AS cores, MIN(o.unified_bytes) AS unified_bytes, COUNT(*) AS copies
  FROM workers AS w
  INNER JOIN workers AS o
    ON o.platform = w.platform AND o.cluster_id = w.cluster_id
    AND o.application_id = w.application_id AND o.attempt_id = w.attempt_id AND o.host = w.host
  WHERE o.from_ms <= w.from_ms AND COALESCE(o.to_ms > w.from_ms, TRUE)
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.host, w.executor_id
),
hosts AS (
  SELECT
    b.*, ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY copies DESC, host, executor_id) AS place
  FROM beside AS b
  WHERE copies >= 2 AND cores <= $max_cores
),
broadcasts AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, m.total AS data_bytes, h.host, h.cores, h.copies, h.unified_bytes,
    ROW_NUMBER() OVER (PARTITION BY n.platform, n.cluster_id, n.application_id, n.attempt_id ORDER BY m.total DESC, n.sql_id, n.node_id) AS place
  FROM sql_nodes AS n
  INNER JOIN sql_node_metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
  INNER JOIN hosts AS h
    ON h.platform = n.platform AND h.cluster_id = n.cluster_id
    AND h.application_id = n.application_id AND h.attempt_id = n.attempt_id AND h.place = 1
  WHERE n.operator_kind = 'broadcast' AND m.metric_name = 'data size' AND m.total >= $min_part * h.unified_bytes
),
spills AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, COUNT(DISTINCT q.sql_id) AS num_queries, SUM(CAST(t.memory_bytes_spilled AS DOUBLE)) AS spilled_bytes
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM broadcasts) AS q
  INNER JOIN stages AS t
    ON t.platform = q.platform AND t.cluster_id = q.cluster_id
    AND t.application_id = q.application_id AND t.attempt_id = q.attempt_id AND t.sql_id = q.sql_id
  GROUP BY q.platform, q.cluster_id, q.application_id, q.attempt_id
)
SELECT
  b.platform, b.cluster_id, b.application_id, b.attempt_id, b.application_id AS subject_id, 'medium' AS confidence,
  b.copies, b.cores, b.host, b.data_bytes, b.node_id, b.sql_id, b.data_bytes / NULLIF(b.unified_bytes, 0e0) AS part, b.unified_bytes,
  s.num_queries, s.spilled_bytes,
  b.merged_factor, b.cores * b.merged_factor AS merged_cores
FROM (
  -- About five cores are the usual size of an executor.
  SELECT k.*, LEAST(k.copies, TRY_CAST(FLOOR(5e0 / NULLIF(CAST(k.cores AS DOUBLE), 0e0)) AS BIGINT)) AS merged_factor
  FROM broadcasts AS k
) AS b
INNER JOIN spills AS s
  ON s.platform = b.platform AND s.cluster_id = b.cluster_id
  AND s.application_id = b.application_id AND s.attempt_id = b.attempt_id
WHERE b.place = 1 AND s.spilled_bytes >= $min_spill_bytes
