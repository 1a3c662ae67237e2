-- id: oversized_broadcast
-- title: A very large table is broadcast
-- category: plans
-- severity: medium
-- version: 8
-- description: Fires for a broadcast whose table took very much memory, or much of it while the driver spent a large part of the run on it,
--   or where it is the larger side of an inner join by a good factor: of other joins the type decides which side can be broadcast, and
--   where a limit stops the query early, a join filters the other side beforehand, or several joins share the table, the sides do not compare. The driver collects it, and the driver and
--   every executor hold it at once, so it is what fails first when data grow. The time that the driver spent
--   on building and sending it is named where it is measured; what its metrics call the time to collect is that of the job that computes its rows. Lost is the core time held in that part of it in which
--   no job ran (view broadcast_gaps), by its share of the broadcasts of the query.
-- subject: node
-- group_by: query_description
-- parameter: min_bytes double = 536870912 [bytes] size of the table in memory, at least
-- parameter: min_slow_bytes double = 67108864 [bytes] or the same where it takes the driver long, at least
-- parameter: min_driver_ms double = 10000 [ms] time that the driver spent on it, at least, to be long
-- parameter: min_share double = 0.2 [ratio] and its share of the run time of the application
-- parameter: critical_bytes double = 2147483648 [bytes] the same, from which it is of medium severity
-- parameter: min_factor double = 2.0 [ratio] or rows and bytes over those of the other side, at least
-- parameter: min_rows_factor double = 3.0 [ratio] the same of the rows alone, where nobody counted the bytes of the other side
-- parameter: min_swap_ms double = 2000 [ms] and time to collect, build and send it, at least
-- parameter: min_swap_share double = 0.02 [ratio] and its share of the run time of the application
-- evidence: {node_name} of query {sql_id:int} ({query_description:query}) broadcasts {data_bytes:bytes}[ in {rows:row|rows}][; the driver
--   spent {driver_ms:s} on building and sending it][, and for {wait_ms:s} of that no task ran][; the {join_type} join streams {streamed_rows:row|rows} past it][; the other side of the inner join has {other_rows:row|rows}][ of {other_bytes:bytes}][, and to collect, build and send this
--   one took {swap_ms:s}].
-- advice: is_larger | - | - | Broadcast the other side, which is smaller: put the hint there, or remove it so that adaptive execution chooses
--   by the sizes that it measures.
-- advice: threshold_bytes > 104857600 AND NOT has_hint AND file_bytes <= threshold_bytes | spark.sql.autoBroadcastJoinThreshold | threshold_needed | This threshold allows it: Spark compares it with an estimate, which is
--   too small for compressed files ({file_bytes:bytes} were read here). Lower it, so that Spark shuffles both sides, and add a broadcast hint for the few larger tables that are worth it.
-- advice: threshold_bytes > 104857600 | spark.sql.autoBroadcastJoinThreshold | '100MB' | This threshold allows it: Spark compares it with an estimate, which is too small for compressed files. Lower it, and add a
--   broadcast hint for the few larger tables that are worth it. Remove the hint if this table has one, and select only the columns and rows of that table that the join needs.
-- recommendation: Remove the broadcast hint, or lower spark.sql.autoBroadcastJoinThreshold, and select only the columns
--   and rows of that table that the join needs.
WITH sizes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, MAX(CASE WHEN metric_name = 'data size' THEN total END) AS data_bytes,
    SUM(CASE WHEN metric_name IN ('time to build', 'time to broadcast') THEN total END) AS driver_ms
  FROM sql_node_metrics
  WHERE metric_name IN ('data size', 'time to build', 'time to broadcast')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
hash_joins AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, description LIKE '%], Inner%' AS is_inner,
    CASE
      WHEN description LIKE '%], Inner%' THEN 'inner' WHEN description LIKE '%], LeftOuter%' THEN 'left outer' WHEN description LIKE '%], RightOuter%' THEN 'right outer'
      WHEN description LIKE '%], LeftSemi%' THEN 'left semi' WHEN description LIKE '%], LeftAnti%' THEN 'left anti'
    END AS join_type
  FROM sql_nodes
  WHERE node_name LIKE '%BroadcastHashJoin%'
),
-- The files below a broadcast.
scanned AS (
  SELECT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, SUM(m.total) AS file_bytes
  FROM sql_nodes AS n
  INNER JOIN sql_node_metrics AS m
    ON m.platform = n.platform AND m.cluster_id = n.cluster_id
    AND m.application_id = n.application_id AND m.attempt_id = n.attempt_id AND m.sql_id = n.sql_id AND m.node_id > n.node_id AND m.node_id <= n.last_node_id
  WHERE n.operator_kind = 'broadcast' AND m.metric_name = 'size of files read'
  GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id
),
waits AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, SUM(gap_ms) AS gap_ms, SUM(held_core_ms) AS held_ms, MAX(driver_ms) AS driver_ms
  FROM broadcast_gaps
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- One row per query: above which node it stops early, and whether it uses a broadcast twice.
cuts AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    MIN(CASE WHEN node_name LIKE '%Limit%' THEN node_id END) AS limit_id,
    MAX(CASE WHEN node_name LIKE '%ReusedExchange%' AND description LIKE '%BroadcastExchange%' THEN 1 ELSE 0 END) = 1 AS is_shared
  FROM sql_nodes
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- Either side, and the other one.
sides AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.input_id AS build_id, o.input_id AS other_id, o.rows, o.bytes, h.is_inner, h.join_type
  FROM step_inputs AS s
  INNER JOIN hash_joins AS h
    ON h.platform = s.platform AND h.cluster_id = s.cluster_id
    AND h.application_id = s.application_id AND h.attempt_id = s.attempt_id AND h.sql_id = s.sql_id AND h.node_id = s.node_id
  INNER JOIN step_inputs AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.node_id AND o.place <> s.place
),
-- A dynamic filter makes the other side small with the rows of this one.
pruned AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.other_id
  FROM sides AS s
  INNER JOIN sql_nodes AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id AND o.node_id = s.other_id
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
    AND n.node_id >= o.node_id AND n.node_id <= o.last_node_id
  WHERE n.description LIKE '%dynamicpruning%' OR n.description LIKE '%might_contain%' OR n.node_name LIKE '%SubqueryBroadcast%'
),
others AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.build_id, MIN(s.rows) AS rows, MIN(s.bytes) AS bytes, MAX(CASE WHEN s.is_inner THEN 1 ELSE 0 END) = 1 AS is_inner, MAX(s.join_type) AS join_type
  FROM sides AS s
  INNER JOIN cuts AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.sql_id = s.sql_id
  LEFT JOIN pruned AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.sql_id = s.sql_id AND p.other_id = s.other_id
  WHERE p.platform IS NULL AND NOT c.is_shared AND COALESCE(c.limit_id > s.node_id, TRUE)
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.build_id
  -- One join alone.
  HAVING COUNT(*) = 1
),
judged AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id,
    CONCAT(CAST(n.sql_id AS STRING), '.', CAST(n.node_id AS STRING)) AS subject_id,
    CASE WHEN z.data_bytes >= $critical_bytes THEN 'medium' ELSE 'low' END AS severity,
    'high' AS confidence,
    n.node_name, n.sql_id, SUBSTR(q.description, 1, 200) AS query_description,
    z.data_bytes, n.rows_output AS rows, TRY_CAST(NULLIF(z.driver_ms, 0e0) AS BIGINT) AS driver_ms,
    CAST(n.driver_time_ms AS DOUBLE) AS collect_ms, CAST(a.app_duration_ms AS DOUBLE) AS app_duration_ms, COALESCE(t.broadcast_threshold_bytes, a.broadcast_threshold_bytes) AS threshold_bytes, o.rows AS other_rows, o.bytes AS other_bytes,
    CASE WHEN q.status = 'COMPLETED' THEN o.join_type END AS join_type, f.file_bytes, COALESCE(LOWER(q.description) LIKE '%broadcast%' OR LOWER(q.description) LIKE '%mapjoin%', FALSE) AS has_hint,
    -- Its part of the times without a job: what the driver spent on it, or less.
    CASE WHEN w.gap_ms > 0e0 AND z.driver_ms > 0e0 THEN LEAST(z.driver_ms, w.gap_ms * z.driver_ms / NULLIF(w.driver_ms, 0e0)) END AS wait_ms, w.held_ms / NULLIF(w.gap_ms, 0e0) AS held_cores,
    -- The other side has to be one that can be broadcast.
    COALESCE(
      o.is_inner AND q.status = 'COMPLETED' AND z.data_bytes >= $min_slow_bytes AND o.rows > 0e0
        AND n.rows_output >= CASE WHEN o.bytes > 0e0 THEN $min_factor ELSE $min_rows_factor END * o.rows
        AND (o.bytes > 0e0 OR z.data_bytes * o.rows / NULLIF(n.rows_output, 0) < $min_bytes)
        AND COALESCE(z.data_bytes >= $min_factor * NULLIF(o.bytes, 0e0) AND o.bytes < $min_bytes, TRUE)
        AND n.driver_time_ms >= $min_swap_ms AND n.driver_time_ms >= $min_swap_share * a.app_duration_ms,
      FALSE
    ) AS is_larger
  FROM sql_nodes AS n
  INNER JOIN sizes AS z
    ON z.platform = n.platform AND z.cluster_id = n.cluster_id
    AND z.application_id = n.application_id AND z.attempt_id = n.attempt_id
    AND z.sql_id = n.sql_id AND z.node_id = n.node_id
  INNER JOIN sql AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  INNER JOIN application_facts AS a
    ON a.platform = n.platform AND a.cluster_id = n.cluster_id
    AND a.application_id = n.application_id AND a.attempt_id = n.attempt_id
  LEFT JOIN query_settings AS t
    ON t.platform = n.platform AND t.cluster_id = n.cluster_id
    AND t.application_id = n.application_id AND t.attempt_id = n.attempt_id AND t.sql_id = n.sql_id
  LEFT JOIN waits AS w
    ON w.platform = n.platform AND w.cluster_id = n.cluster_id
    AND w.application_id = n.application_id AND w.attempt_id = n.attempt_id AND w.sql_id = n.sql_id
  LEFT JOIN scanned AS f
    ON f.platform = n.platform AND f.cluster_id = n.cluster_id
    AND f.application_id = n.application_id AND f.attempt_id = n.attempt_id AND f.sql_id = n.sql_id AND f.node_id = n.node_id
  LEFT JOIN others AS o
    ON o.platform = n.platform AND o.cluster_id = n.cluster_id
    AND o.application_id = n.application_id AND o.attempt_id = n.attempt_id AND o.sql_id = n.sql_id AND o.build_id = n.node_id
  WHERE n.operator_kind = 'broadcast'
)
SELECT
  platform, cluster_id, application_id, attempt_id, subject_id,
  -- What it costs decides where that is much, its size elsewhere.
  CASE
    WHEN (wait_ms >= 10000e0 AND wait_ms >= 0.2e0 * app_duration_ms) OR (wait_ms >= 5000e0 AND wait_ms >= 0.3e0 * app_duration_ms) OR wait_ms * held_cores >= 600000e0 THEN NULL
    ELSE severity
  END AS severity,
  confidence, TRY_CAST(wait_ms * held_cores AS BIGINT) AS lost_core_ms, TRY_CAST(wait_ms AS BIGINT) AS recoverable_ms, node_name, sql_id, query_description, data_bytes, rows, driver_ms,
  TRY_CAST(wait_ms AS BIGINT) AS wait_ms, CASE WHEN NOT is_larger AND rows >= $min_factor * other_rows THEN TRY_CAST(other_rows AS BIGINT) END AS streamed_rows, join_type,
  TRY_CAST(file_bytes AS BIGINT) AS file_bytes, has_hint, CASE WHEN file_bytes <= 104857600e0 THEN '10MB' ELSE '100MB' END AS threshold_needed,
  is_larger, threshold_bytes, CASE WHEN is_larger THEN TRY_CAST(other_rows AS BIGINT) END AS other_rows,
  CASE WHEN is_larger THEN other_bytes END AS other_bytes, CASE WHEN is_larger THEN TRY_CAST(collect_ms AS BIGINT) END AS swap_ms
FROM judged
WHERE is_larger OR data_bytes >= $min_bytes
  OR (data_bytes >= $min_slow_bytes AND driver_ms >= $min_driver_ms AND driver_ms >= $min_share * app_duration_ms)
