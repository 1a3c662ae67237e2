-- id: repeated_work
-- title: Joins, windows and aggregates that an application computes several times
-- description: One row per place (plan node) at which the same work is done again: a join, a window, an aggregate or a user
--   function whose work_hash another place of the application has too, in another query or in the same one. run_ms is the
--   task time of the stages in which the node and those below it counted something. The stages of the node itself may
--   hold work of what is above it too, so of them no place costs more (cost_ms) than the cheapest that ran it. A query may end before the node
--   and leave it to stages of RDDs (df.rdd, machine learning), which read its shuffles, each of them anew: they count as runs of the node too. own_times
--   is how often the node itself ran, rdd_times how often in such stages. lost_ms is the cost of
--   all places but the most expensive, rows_output what the node put out, stages_ms the whole task time of their stages, which all_ms is less than where stages hold more than that work; what takes less than a tenth of the average, such as the first rows that a show
--   asks for, or what a cache had ready, is no computation. is_loop says that it is all that twenty queries or more do (what
--   repeated_queries reports). Of work within other repeated work only that is told which costs most. Places that
--   all read other partitions, or whose aggregates all compute other values of each row, do not do the same, nor do those that read other files of a location that the plan cuts short. Nor do aggregates of cached rows by other functions in each query. Streams are left out, and queries that failed: they are tried again; and those
--   that only look for the values of a pivot, which need no work kept, but the values (pivot_values).
-- reads: operator_stages, pivot_queries, rdds, sql, sql_nodes, sql_scans, timed_stages
WITH steps AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.last_node_id, n.work_hash, n.operator_kind,
    COALESCE(r.work_hash = n.work_hash, FALSE) AS is_whole,
    -- The two steps of an aggregate are one: that of the final result, which reaches around the other.
    MAX(n.last_node_id) OVER (
      PARTITION BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.work_hash ORDER BY n.node_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reach_id
  FROM sql_nodes AS n
  INNER JOIN sql AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  LEFT JOIN sql_nodes AS r
    ON r.platform = n.platform AND r.cluster_id = n.cluster_id
    AND r.application_id = n.application_id AND r.attempt_id = n.attempt_id AND r.sql_id = n.sql_id AND r.node_id = 0
  LEFT JOIN pivot_queries AS p
    ON p.platform = n.platform AND p.cluster_id = n.cluster_id
    AND p.application_id = n.application_id AND p.attempt_id = n.attempt_id AND p.sql_id = n.sql_id
  WHERE n.operator_kind IN ('join', 'window', 'aggregate', 'udf') AND n.work_hash IS NOT NULL AND n.last_node_id > n.node_id
    AND p.platform IS NULL
    AND q.streaming_query_id IS NULL AND COALESCE(q.status, '') <> 'FAILED'
),
occurrences AS (
  SELECT s.*, COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash) AS num_same
  FROM steps AS s
  WHERE COALESCE(reach_id < node_id, TRUE)
),
-- What tells places with one hash apart: the partitions that they read, whose filters plans cut short, and what aggregates compute of each row.
-- Up to Spark 3.0 long locations are cut short too (...), so that two tables can have one: what was read of it tells them apart.
choices AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'filter' AS kind,
    REGEXP_REPLACE(partition_filters, '#[0-9]+L?', '') AS choice, CAST(NULL AS BIGINT) AS files_read, CAST(NULL AS DOUBLE) AS bytes_read
  FROM sql_scans
  WHERE operation = 'read' AND partition_filters LIKE '%(%'
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'values' AS kind,
    REGEXP_REPLACE(description, '#[0-9]+L?', '') AS choice, CAST(NULL AS BIGINT) AS files_read, CAST(NULL AS DOUBLE) AS bytes_read
  FROM sql_nodes
  WHERE node_name LIKE '%Project%' AND description LIKE '% AS %' AND description LIKE '%(%'
  UNION ALL
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, 'cut' AS kind,
    CAST(NULL AS STRING) AS choice, files_read, CAST(bytes_read AS DOUBLE) AS bytes_read
  FROM sql_scans
  WHERE operation = 'read' AND table_name IS NULL AND location LIKE '%...'
),
chosen AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.last_node_id, s.work_hash, s.operator_kind, s.is_whole,
    CASE WHEN MIN(c.choice) IS NOT NULL THEN CONCAT(MIN(c.choice), ' ', MAX(c.choice)) END AS choice,
    CASE WHEN MAX(CASE WHEN c.kind = 'cut' THEN 1 END) = 1 THEN CONCAT(
      COALESCE(CAST(SUM(c.files_read) AS STRING), ''), '/', COALESCE(CAST(SUM(c.bytes_read) AS STRING), '')
    ) END AS read_files,
    SUM(CASE WHEN c.kind = 'cut' AND c.files_read IS NULL THEN 1 ELSE 0 END) AS num_uncounted
  FROM occurrences AS s
  LEFT JOIN choices AS c
    ON c.platform = s.platform AND c.cluster_id = s.cluster_id
    AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.sql_id = s.sql_id
    AND c.node_id > s.node_id AND c.node_id <= s.last_node_id AND (c.kind <> 'values' OR s.operator_kind = 'aggregate')
  WHERE s.num_same >= 2
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.last_node_id, s.work_hash, s.operator_kind, s.is_whole
),
numbered AS (
  SELECT
    c.*, ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash, choice ORDER BY sql_id, node_id) AS choice_place
  FROM chosen AS c
),
compared AS (
  SELECT
    n.*,
    -- Where a place chooses nothing, all of them are taken for the same.
    MAX(CASE WHEN choice IS NULL OR choice_place > 1 THEN 1 ELSE 0 END) OVER hash AS has_same,
    MIN(read_files) OVER hash AS least_files, MAX(read_files) OVER hash AS most_files, SUM(num_uncounted) OVER hash AS all_uncounted
  FROM numbered AS n
  WINDOW hash AS (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash)
),
candidates AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, last_node_id, work_hash, operator_kind, is_whole
  FROM compared
  WHERE has_same = 1 AND COALESCE(least_files = most_files, TRUE) AND all_uncounted = 0
),
-- Only nodes that counted something in a stage are known to have worked in it.
working AS (
  SELECT DISTINCT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms
  FROM operator_stages AS o
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
  WHERE CARDINALITY(n.stage_ids) > 0
),
stage_times AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.work_hash, c.sql_id, c.node_id, c.last_node_id, c.operator_kind, c.is_whole, w.stage_id,
    MAX(w.run_ms) AS run_ms, MAX(CASE WHEN w.node_id = c.node_id THEN 1 ELSE 0 END) AS is_own
  FROM candidates AS c
  INNER JOIN working AS w
    ON w.platform = c.platform AND w.cluster_id = c.cluster_id
    AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id AND w.sql_id = c.sql_id
    AND w.node_id >= c.node_id AND w.node_id <= c.last_node_id
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.work_hash, c.sql_id, c.node_id, c.last_node_id, c.operator_kind, c.is_whole, w.stage_id
),
-- Where two places of a query share a stage, each has a part of its time.
shared AS (
  SELECT
    t.*, COUNT(*) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash, sql_id, stage_id) AS num_places,
    MAX(CASE WHEN is_own = 1 THEN run_ms ELSE 0e0 END) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id, node_id) AS most_own_ms
  FROM stage_times AS t
),
-- RDDs that read a shuffle which a query wrote below such a node.
shuffle_reads AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, r.rdd_id, r.first_stage_id, r.last_stage_id
  FROM shared AS s
  INNER JOIN rdds AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.last_stage_id = s.stage_id
  INNER JOIN (SELECT platform, cluster_id, application_id, attempt_id, rdd_id, first_stage_id, last_stage_id, ARRAY_MIN(parent_ids) AS parent_id FROM rdds WHERE CARDINALITY(parent_ids) = 1) AS r
    ON r.platform = p.platform AND r.cluster_id = p.cluster_id
    AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id AND r.parent_id = p.rdd_id
  -- The query itself did not come to the node.
  WHERE s.most_own_ms = 0 AND s.num_places = 1 AND s.is_own = 0 AND r.first_stage_id > p.last_stage_id
),
rdd_stages AS (
  SELECT DISTINCT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, t.stage_id, CAST(t.executor_run_time AS DOUBLE) AS run_ms
  FROM shuffle_reads AS s
  INNER JOIN timed_stages AS t
    ON t.platform = s.platform AND t.cluster_id = s.cluster_id
    AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
  WHERE t.sql_id IS NULL AND t.status = 'COMPLETE' AND t.shuffle_read_bytes > 0
    AND t.stage_id >= s.first_stage_id AND t.stage_id <= s.last_stage_id AND ARRAY_CONTAINS(t.rdd_ids, s.rdd_id)
),
rdd_runs AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, COUNT(*) AS num_runs, MIN(run_ms) AS least_ms, SUM(run_ms) AS rdd_ms
  FROM rdd_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, work_hash, sql_id, node_id, last_node_id, operator_kind, is_whole,
    SUM(run_ms / NULLIF(num_places, 0)) AS run_ms, SUM(CASE WHEN is_own = 1 THEN run_ms / NULLIF(num_places, 0) ELSE 0e0 END) AS own_ms
  FROM shared
  GROUP BY platform, cluster_id, application_id, attempt_id, work_hash, sql_id, node_id, last_node_id, operator_kind, is_whole
),
timed AS (
  SELECT
    t.*, COALESCE(d.num_runs, 0) AS rdd_runs, COALESCE(d.rdd_ms, 0e0) AS rdd_ms, CASE WHEN t.own_ms > 0 THEN 1 ELSE 0 END + COALESCE(d.num_runs, 0) AS own_runs,
    CASE WHEN t.own_ms > 0 THEN t.own_ms ELSE d.least_ms END AS least_ms,
    AVG(t.run_ms) OVER (PARTITION BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.work_hash) AS average_ms
  FROM times AS t
  LEFT JOIN rdd_runs AS d
    ON d.platform = t.platform AND d.cluster_id = t.cluster_id
    AND d.application_id = t.application_id AND d.attempt_id = t.attempt_id AND d.sql_id = t.sql_id AND d.node_id = t.node_id
),
-- Of a place that ran the node more than once, once_ms is one of these runs.
full_ones AS (
  SELECT
    t.*,
    run_ms - own_ms + COALESCE(own_runs * MIN(least_ms) OVER hash, 0e0) AS cost_ms,
    run_ms - own_ms + COALESCE(LEAST(own_runs, 1) * MIN(least_ms) OVER hash, 0e0) AS once_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash, sql_id ORDER BY node_id) AS query_place
  FROM timed AS t
  WHERE run_ms > 0 AND run_ms >= 0.1e0 * average_ms
  WINDOW hash AS (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash)
),
-- What all places of the same work come to, with each of them.
summed AS (
  SELECT
    f.*, COUNT(*) OVER hash AS num_times, SUM(CASE WHEN query_place = 1 THEN 1 ELSE 0 END) OVER hash AS num_queries,
    MIN(CASE WHEN is_whole THEN 1 ELSE 0 END) OVER hash AS all_whole,
    SUM(own_runs) OVER hash AS own_times, SUM(rdd_runs) OVER hash AS rdd_times, SUM(cost_ms) OVER hash AS all_ms, MAX(once_ms) OVER hash AS most_ms,
    SUM(run_ms + rdd_ms) OVER hash AS stages_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash ORDER BY sql_id, node_id) AS place
  FROM full_ones AS f
  WINDOW hash AS (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash)
),
repeated AS (
  SELECT s.*, all_whole = 1 AND num_queries >= 20 AS is_loop, all_ms - most_ms AS lost_ms
  FROM summed AS s
  WHERE num_times >= 2
),
-- Aggregates of cached rows by other functions in each query, as in the steps of an optimizer: what can be kept is kept.
varied AS (
  SELECT l.platform, l.cluster_id, l.application_id, l.attempt_id, l.work_hash
  FROM repeated AS l
  INNER JOIN sql_nodes AS n
    ON n.platform = l.platform AND n.cluster_id = l.cluster_id
    AND n.application_id = l.application_id AND n.attempt_id = l.attempt_id AND n.sql_id = l.sql_id AND n.node_id = l.node_id
  INNER JOIN sql_nodes AS c
    ON c.platform = l.platform AND c.cluster_id = l.cluster_id
    AND c.application_id = l.application_id AND c.attempt_id = l.attempt_id AND c.sql_id = l.sql_id
    AND c.node_id > l.node_id AND c.node_id <= l.last_node_id
  WHERE l.operator_kind = 'aggregate' AND n.description LIKE '%, functions=[%'
    AND (c.node_name LIKE '%InMemoryTableScan%' OR c.node_name LIKE '%Scan In-memory%')
  GROUP BY l.platform, l.cluster_id, l.application_id, l.attempt_id, l.work_hash
  HAVING COUNT(DISTINCT REGEXP_REPLACE(n.description, '#[0-9]+L?', '')) > 1
    AND COUNT(DISTINCT REGEXP_REPLACE(n.description, '#[0-9]+L?', '')) >= MAX(l.num_queries)
),
losses AS (
  SELECT l.*
  FROM repeated AS l
  LEFT JOIN varied AS v
    ON v.platform = l.platform AND v.cluster_id = l.cluster_id
    AND v.application_id = l.application_id AND v.attempt_id = l.attempt_id AND v.work_hash = l.work_hash
  WHERE v.platform IS NULL
),
-- Work above and below that costs more, or as much and is above.
nested AS (
  SELECT DISTINCT
    i.platform, i.cluster_id, i.application_id, i.attempt_id, CASE WHEN o.lost_ms >= i.lost_ms THEN i.work_hash ELSE o.work_hash END AS work_hash
  FROM losses AS i
  INNER JOIN losses AS o
    ON o.platform = i.platform AND o.cluster_id = i.cluster_id
    AND o.application_id = i.application_id AND o.attempt_id = i.attempt_id AND o.sql_id = i.sql_id
    AND o.node_id < i.node_id AND o.last_node_id >= i.node_id AND o.work_hash <> i.work_hash
)
SELECT
  l.platform, l.cluster_id, l.application_id, l.attempt_id, l.work_hash, l.sql_id, l.node_id, l.last_node_id, l.operator_kind, TRIM(n.node_name) AS node_name,
  n.description, q.description AS query_description, l.is_loop, l.run_ms, l.cost_ms, l.num_times, l.num_queries, l.own_times, l.rdd_times, l.all_ms, l.lost_ms,
  l.stages_ms, l.place, n.rows_output
FROM losses AS l
INNER JOIN sql_nodes AS n
  ON n.platform = l.platform AND n.cluster_id = l.cluster_id
  AND n.application_id = l.application_id AND n.attempt_id = l.attempt_id AND n.sql_id = l.sql_id AND n.node_id = l.node_id
INNER JOIN sql AS q
  ON q.platform = l.platform AND q.cluster_id = l.cluster_id
  AND q.application_id = l.application_id AND q.attempt_id = l.attempt_id AND q.sql_id = l.sql_id
LEFT JOIN nested AS d
  ON d.platform = l.platform AND d.cluster_id = l.cluster_id
  AND d.application_id = l.application_id AND d.attempt_id = l.attempt_id AND d.work_hash = l.work_hash
WHERE d.platform IS NULL
