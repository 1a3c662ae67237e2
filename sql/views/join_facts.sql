-- id: join_facts
-- title: Joins that shuffle both sides, with the size of each
-- description: One row per sort merge or shuffled hash join of a last plan whose two sides come from shuffles: the
--   in-memory size and rows of each side as its shuffle measured them, what could be broadcast by the type of
--   the join, and the threshold for broadcasts that held for the query. adaptive_threshold_bytes is that for sizes that adaptive
--   execution measured, where one is set (else they are held against the same one). shuffle_ms is the task time of the
--   shuffles and sorts that feed the join, where the operators measure it. small_bytes is NULL where no side
--   may be broadcast, as in a full outer join (is_full), whose sides are left_bytes and right_bytes. small_id is the node at
--   which that side begins.
-- reads: application_facts, session_settings, spark_settings, sql, sql_node_metrics, sql_nodes
WITH sizes AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, MAX(total) AS data_bytes
  FROM sql_node_metrics
  WHERE metric_name = 'data size'
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
joined AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_name, description,
    ARRAY_MIN(child_node_ids) AS left_id, ARRAY_MAX(child_node_ids) AS right_id
  FROM sql_nodes
  WHERE operator_kind = 'join' AND CARDINALITY(child_node_ids) = 2
    AND (node_name LIKE '%SortMergeJoin%' OR node_name LIKE '%ShuffledHashJoin%')
),
-- Of the queries that have such a join only.
nodes AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.operator_kind AS kind,
    CASE WHEN CARDINALITY(n.child_node_ids) = 1 THEN ARRAY_MIN(n.child_node_ids) END AS child_id,
    COALESCE(z.data_bytes, CAST(n.bytes_output AS DOUBLE)) AS data_bytes,
    COALESCE(n.time_ms, 0) AS time_ms
  FROM sql_nodes AS n
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id FROM joined) AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  LEFT JOIN sizes AS z
    ON z.platform = n.platform AND z.cluster_id = n.cluster_id
    AND z.application_id = n.application_id AND z.attempt_id = n.attempt_id AND z.sql_id = n.sql_id
    AND z.node_id = n.node_id
),
sides AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'left' AS side, left_id AS side_id FROM joined
  UNION ALL
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'right' AS side, right_id AS side_id FROM joined
),
-- The shuffle that feeds the side, through sorts and reads that need no other input.
fed AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.side,
    CASE
      WHEN n1.kind = 'exchange' THEN n1.data_bytes
      WHEN n2.kind = 'exchange' THEN n2.data_bytes
      WHEN n3.kind = 'exchange' THEN n3.data_bytes
      WHEN n4.kind = 'exchange' THEN n4.data_bytes
      WHEN n5.kind = 'exchange' THEN n5.data_bytes
    END AS data_bytes,
    CASE
      WHEN n1.kind = 'exchange' THEN n1.time_ms
      WHEN n2.kind = 'exchange' THEN n2.time_ms
      WHEN n3.kind = 'exchange' THEN n3.time_ms
      WHEN n4.kind = 'exchange' THEN n4.time_ms
      WHEN n5.kind = 'exchange' THEN n5.time_ms
    END
      + CASE WHEN n1.kind = 'sort' THEN n1.time_ms ELSE 0 END + CASE WHEN n2.kind = 'sort' THEN n2.time_ms ELSE 0 END + CASE WHEN n3.kind = 'sort' THEN n3.time_ms ELSE 0 END + CASE WHEN n4.kind = 'sort' THEN n4.time_ms ELSE 0 END + CASE WHEN n5.kind = 'sort' THEN n5.time_ms ELSE 0 END AS shuffle_ms
  FROM sides AS s
  LEFT JOIN nodes AS n1
    ON n1.platform = s.platform AND n1.cluster_id = s.cluster_id
    AND n1.application_id = s.application_id AND n1.attempt_id = s.attempt_id AND n1.sql_id = s.sql_id
    AND n1.node_id = s.side_id
  LEFT JOIN nodes AS n2
    ON n2.platform = s.platform AND n2.cluster_id = s.cluster_id
    AND n2.application_id = s.application_id AND n2.attempt_id = s.attempt_id AND n2.sql_id = s.sql_id
    AND n2.node_id = n1.child_id AND n1.kind <> 'exchange'
  LEFT JOIN nodes AS n3
    ON n3.platform = s.platform AND n3.cluster_id = s.cluster_id
    AND n3.application_id = s.application_id AND n3.attempt_id = s.attempt_id AND n3.sql_id = s.sql_id
    AND n3.node_id = n2.child_id AND n2.kind <> 'exchange'
  LEFT JOIN nodes AS n4
    ON n4.platform = s.platform AND n4.cluster_id = s.cluster_id
    AND n4.application_id = s.application_id AND n4.attempt_id = s.attempt_id AND n4.sql_id = s.sql_id
    AND n4.node_id = n3.child_id AND n3.kind <> 'exchange'
  LEFT JOIN nodes AS n5
    ON n5.platform = s.platform AND n5.cluster_id = s.cluster_id
    AND n5.application_id = s.application_id AND n5.attempt_id = s.attempt_id AND n5.sql_id = s.sql_id
    AND n5.node_id = n4.child_id AND n4.kind <> 'exchange'
),
measured AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    MAX(CASE WHEN side = 'left' THEN data_bytes END) AS left_bytes,
    MAX(CASE WHEN side = 'right' THEN data_bytes END) AS right_bytes,
    SUM(shuffle_ms) AS shuffle_ms
  FROM fed
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
-- What a session set for its own queries (a sql_id), and what the application did.
sizes_set AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, key,
    TRY_CAST(REGEXP_REPLACE(value, '[a-z]+$', '') AS DOUBLE) * CASE
      WHEN value LIKE '%k' OR value LIKE '%kb' THEN 1024e0
      WHEN value LIKE '%m' OR value LIKE '%mb' THEN 1048576e0
      WHEN value LIKE '%g' OR value LIKE '%gb' THEN 1073741824e0
      ELSE 1e0
    END AS bytes
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, key, LOWER(BTRIM(value, CONCAT(' ', CHR(9), CHR(10), CHR(13)))) AS value
    FROM session_settings
    WHERE subject_type = 'sql' AND key IN ('spark.sql.autoBroadcastJoinThreshold', 'spark.sql.adaptive.autoBroadcastJoinThreshold')
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, CAST(NULL AS BIGINT) AS sql_id, key, LOWER(value) AS value
    FROM spark_settings
    WHERE key = 'spark.sql.adaptive.autoBroadcastJoinThreshold'
  ) AS s
),
thresholds AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    MAX(CASE WHEN key = 'spark.sql.autoBroadcastJoinThreshold' THEN bytes END) AS threshold_bytes,
    MAX(CASE WHEN key = 'spark.sql.adaptive.autoBroadcastJoinThreshold' THEN bytes END) AS adaptive_threshold_bytes
  FROM sizes_set
  WHERE sql_id IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
own_thresholds AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(bytes) AS adaptive_threshold_bytes
  FROM sizes_set
  WHERE sql_id IS NULL
  GROUP BY platform, cluster_id, application_id, attempt_id
),
typed AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id, j.node_name, j.left_id, j.right_id,
    m.left_bytes, m.right_bytes, m.shuffle_ms,
    j.description LIKE '%], Inner%' OR j.description LIKE '%], LeftOuter%' OR j.description LIKE '%], LeftSemi%'
      OR j.description LIKE '%], LeftAnti%' OR j.description LIKE '%], ExistenceJoin%' AS can_broadcast_right,
    j.description LIKE '%], Inner%' OR j.description LIKE '%], RightOuter%' AS can_broadcast_left,
    COALESCE(j.description LIKE '%], FullOuter%', FALSE) AS is_full,
    q.duration_ms AS query_duration_ms, SUBSTR(q.description, 1, 200) AS query_description,
    a.adaptive, a.is_local, a.driver_memory_bytes,
    COALESCE(t.threshold_bytes, a.broadcast_threshold_bytes) AS threshold_bytes,
    COALESCE(t.adaptive_threshold_bytes, o.adaptive_threshold_bytes) AS adaptive_threshold_bytes
  FROM joined AS j
  INNER JOIN measured AS m
    ON m.platform = j.platform AND m.cluster_id = j.cluster_id
    AND m.application_id = j.application_id AND m.attempt_id = j.attempt_id AND m.sql_id = j.sql_id
    AND m.node_id = j.node_id
  INNER JOIN sql AS q
    ON q.platform = j.platform AND q.cluster_id = j.cluster_id
    AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.sql_id = j.sql_id
  INNER JOIN application_facts AS a
    ON a.platform = j.platform AND a.cluster_id = j.cluster_id
    AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id
  LEFT JOIN thresholds AS t
    ON t.platform = j.platform AND t.cluster_id = j.cluster_id
    AND t.application_id = j.application_id AND t.attempt_id = j.attempt_id AND t.sql_id = j.sql_id
  LEFT JOIN own_thresholds AS o
    ON o.platform = j.platform AND o.cluster_id = j.cluster_id
    AND o.application_id = j.application_id AND o.attempt_id = j.attempt_id
  WHERE m.left_bytes > 0e0 AND m.right_bytes > 0e0
)
SELECT
  t.*,
  CASE
    WHEN can_broadcast_left AND can_broadcast_right THEN LEAST(left_bytes, right_bytes)
    WHEN can_broadcast_right THEN right_bytes
    WHEN can_broadcast_left THEN left_bytes
  END AS small_bytes,
  CASE
    WHEN can_broadcast_left AND can_broadcast_right THEN CASE WHEN left_bytes < right_bytes THEN left_id ELSE right_id END
    WHEN can_broadcast_right THEN right_id
    WHEN can_broadcast_left THEN left_id
  END AS small_id,
  CASE
    WHEN can_broadcast_left AND can_broadcast_right THEN GREATEST(left_bytes, right_bytes)
    WHEN can_broadcast_right THEN left_bytes
    WHEN can_broadcast_left THEN right_bytes
  END AS large_bytes
FROM typed AS t
