-- id: repeated_broadcasts
-- title: Several queries build the same broadcast
-- category: plans
-- severity: low
-- version: 3
-- description: Fires where queries of one application broadcast the same table (nodes of one work_hash) each for a join of its own. A broadcast is used again
--   within a query only: each query computes its rows, the driver collects them, builds the hash table and sends it to every executor, while
--   the join waits. Counted is that time of the queries in which nothing else ran meanwhile; of two such broadcasts in one query, which are built side by
--   side, only the longer one. What queries wait at the same time, from several threads, counts once. Recoverable is all but the longest. A cache of the table saves its read, not the building. Where the joins too are the same
--   work, repeated_computation tells them. Streams are left out (static_side tells them), and queries that failed.
-- subject: node
-- parameter: min_bytes double = 16777216 [bytes] size of the table in memory, at least
-- parameter: min_driver_ms double = 1000 [ms] building and sending it all times but the longest, at least
-- parameter: min_wait_ms double = 3000 [ms] time that the queries waited all times but the longest, at least
-- parameter: min_share double = 0.03 [ratio] the same over the run time of the application, at least
-- evidence: {num_queries:int} queries broadcast the same {data_bytes:bytes}[ in {rows:row|rows}][ of {read_from}], the first one at node {node_id:int} of query {sql_id:int}
--   ({query_description:query}). Nothing else of theirs ran while they waited {wait_ms:s} for it in all, {driver_ms:s} of it for the driver to build and send it; all but the
--   longest took {recoverable_ms:s} of the {app_ms:s} of the application.
-- recommendation: Spark builds a broadcast anew for each query, also from a cached table. Do the joins in one query: one pass with conditional aggregates
--   (count_if, sum(CASE WHEN …)) where the queries differ in a filter, or a union of what they join. Or join once, and keep the joined columns that they need in a table.
WITH measured AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    MAX(CASE WHEN metric_name = 'data size' THEN total END) AS data_bytes,
    SUM(CASE WHEN metric_name IN ('time to build', 'time to broadcast') THEN total END) AS driver_ms,
    SUM(CASE WHEN metric_name IN ('time to collect', 'time to build', 'time to broadcast') THEN total END) AS took_ms
  FROM sql_node_metrics
  WHERE metric_name IN ('data size', 'time to collect', 'time to build', 'time to broadcast')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
places AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.work_hash, n.sql_id, n.node_id, n.last_node_id, n.rows_output, q.description AS query_description,
    m.data_bytes, m.driver_ms, m.took_ms
  FROM sql_nodes AS n
  INNER JOIN measured AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id = n.node_id
  INNER JOIN sql AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  WHERE n.operator_kind = 'broadcast' AND n.work_hash IS NOT NULL AND m.data_bytes >= $min_bytes AND m.took_ms > 0
    AND q.streaming_query_id IS NULL AND COALESCE(q.status, '') <> 'FAILED'
),
-- Joins that differ, each with a broadcast of its own.
joined AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash
  FROM places AS p
  INNER JOIN sql_nodes AS j
    ON j.platform = p.platform AND j.cluster_id = p.cluster_id
    AND j.application_id = p.application_id AND j.attempt_id = p.attempt_id AND j.sql_id = p.sql_id
  WHERE j.node_id < p.node_id AND ARRAY_CONTAINS(j.child_node_ids, p.node_id)
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash
  HAVING COUNT(DISTINCT p.sql_id) >= 2 AND COUNT(DISTINCT j.work_hash) = COUNT(*)
),
-- The stages that compute the rows.
below AS (
  SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, t.stage_id, t.submission_time, t.completion_time
  FROM places AS p
  INNER JOIN joined AS j
    ON j.platform = p.platform AND j.cluster_id = p.cluster_id
    AND j.application_id = p.application_id AND j.attempt_id = p.attempt_id AND j.work_hash = p.work_hash
  INNER JOIN sql_nodes AS c
    ON c.platform = p.platform AND c.cluster_id = p.cluster_id
    AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id AND c.sql_id = p.sql_id
    AND c.node_id > p.node_id AND c.node_id <= p.last_node_id
  INNER JOIN stages AS t
    ON t.platform = p.platform AND t.cluster_id = p.cluster_id
    AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.sql_id = p.sql_id
  WHERE ARRAY_CONTAINS(c.stage_ids, t.stage_id) AND t.completion_time IS NOT NULL
),
spans AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    MIN(UNIX_MILLIS(submission_time) + 0) AS from_ms, MAX(UNIX_MILLIS(completion_time) + 0) AS to_ms
  FROM below
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
-- Other stages of the query that ran while it was computed, built or sent.
beside AS (
  SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
  FROM spans AS p
  INNER JOIN places AS b
    ON b.platform = p.platform AND b.cluster_id = p.cluster_id
    AND b.application_id = p.application_id AND b.attempt_id = p.attempt_id AND b.sql_id = p.sql_id AND b.node_id = p.node_id
  INNER JOIN stages AS t
    ON t.platform = p.platform AND t.cluster_id = p.cluster_id
    AND t.application_id = p.application_id AND t.attempt_id = p.attempt_id AND t.sql_id = p.sql_id
  LEFT JOIN below AS o
    ON o.platform = t.platform AND o.cluster_id = t.cluster_id
    AND o.application_id = t.application_id AND o.attempt_id = t.attempt_id AND o.sql_id = t.sql_id AND o.stage_id = t.stage_id
  WHERE o.platform IS NULL AND t.status <> 'SKIPPED'
    AND UNIX_MILLIS(t.submission_time) + 0 < p.to_ms + b.driver_ms AND UNIX_MILLIS(t.completion_time) + 0 > p.from_ms
),
waits AS (
  SELECT
    p.*, p.took_ms * CASE WHEN b.platform IS NULL
      AND ROW_NUMBER() OVER (PARTITION BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id ORDER BY p.took_ms DESC, p.node_id) = 1 THEN 1 ELSE 0 END AS wait_ms,
    s.from_ms,
    ROW_NUMBER() OVER (PARTITION BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash ORDER BY p.sql_id, p.node_id) AS place
  FROM places AS p
  INNER JOIN joined AS j
    ON j.platform = p.platform AND j.cluster_id = p.cluster_id
    AND j.application_id = p.application_id AND j.attempt_id = p.attempt_id AND j.work_hash = p.work_hash
  LEFT JOIN beside AS b
    ON b.platform = p.platform AND b.cluster_id = p.cluster_id
    AND b.application_id = p.application_id AND b.attempt_id = p.attempt_id AND b.sql_id = p.sql_id AND b.node_id = p.node_id
  LEFT JOIN spans AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id AND s.sql_id = p.sql_id AND s.node_id = p.node_id
),
-- Until when queries that began before waited for the same table.
reached AS (
  SELECT
    w.*, MAX(CASE WHEN wait_ms > 0 THEN from_ms + wait_ms END) OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash ORDER BY from_ms, sql_id, node_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reach_ms
  FROM waits AS w
),
-- The end of a wait is the driver's.
alone AS (
  SELECT r.*, LEAST(wait_ms, GREATEST(COALESCE(from_ms + wait_ms - reach_ms, wait_ms), 0e0)) AS alone_ms, CASE WHEN wait_ms > 0 THEN driver_ms ELSE 0e0 END AS wait_driver_ms
  FROM reached AS r
),
sums AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, work_hash, COUNT(DISTINCT sql_id) AS num_queries, MAX(data_bytes) AS data_bytes,
    SUM(alone_ms) AS wait_ms, SUM(alone_ms) - MAX(wait_ms) AS lost_ms,
    SUM(LEAST(wait_driver_ms, alone_ms)) AS driver_ms, SUM(LEAST(wait_driver_ms, alone_ms)) - MAX(wait_driver_ms) AS driver_lost_ms
  FROM alone
  GROUP BY platform, cluster_id, application_id, attempt_id, work_hash
),
reads AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, MIN(COALESCE(c.table_name, c.location)) AS read_from
  FROM places AS p
  INNER JOIN sql_scans AS c
    ON c.platform = p.platform AND c.cluster_id = p.cluster_id
    AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id AND c.sql_id = p.sql_id
    AND c.node_id > p.node_id AND c.node_id <= p.last_node_id
  WHERE c.operation = 'read'
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
  HAVING COUNT(*) = 1
)
SELECT
  f.platform, f.cluster_id, f.application_id, f.attempt_id,
  CONCAT(CAST(f.sql_id AS STRING), '.', CAST(f.node_id AS STRING)) AS subject_id,
  'high' AS confidence, TRY_CAST(s.lost_ms AS BIGINT) AS recoverable_ms,
  s.num_queries, s.data_bytes, f.rows_output AS rows, SUBSTR(r.read_from, 1, 150) AS read_from, f.node_id, f.sql_id,
  SUBSTR(f.query_description, 1, 200) AS query_description, s.wait_ms, s.driver_ms, a.app_duration_ms AS app_ms
FROM sums AS s
INNER JOIN waits AS f
  ON f.platform = s.platform AND f.cluster_id = s.cluster_id
  AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id AND f.work_hash = s.work_hash AND f.place = 1
LEFT JOIN reads AS r
  ON r.platform = f.platform AND r.cluster_id = f.cluster_id
  AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id AND r.sql_id = f.sql_id AND r.node_id = f.node_id
INNER JOIN application_facts AS a
  ON a.platform = s.platform AND a.cluster_id = s.cluster_id
  AND a.application_id = s.application_id AND a.attempt_id = s.attempt_id
WHERE s.driver_lost_ms >= $min_driver_ms AND s.lost_ms >= $min_wait_ms AND s.lost_ms >= $min_share * a.app_duration_ms
