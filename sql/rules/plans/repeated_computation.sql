-- id: repeated_computation
-- title: The same join or aggregate is computed again and again
-- category: plans
-- severity: low
-- version: 21
-- description: Fires where an application computes the same join, window, aggregate or user function over the same data several
--   times (view repeated_work), as where a result is counted, checked and then written, or where a query names a view
--   twice. Lost is what all of the computations took but the most expensive, less what a cache of the result would cost, as measured with Spark 4.3 for rows of six columns: 700 ns a row to fill it
--   (230 ns with three columns) and 50 ns a row to read it. Of stages that do more than this work the cheapest stands for all, and rounds of a loop hold each other: then the evidence says at least. Where queries
--   for the values of a pivot (pivot_values) compute the same, too, that part is about one more computation, for the result has to hold what all branches below the
--   pivots read: it is left out, so that both findings together tell no more than can be saved. Above medium only where it is two fifths of the wall time: the author knows whether the data change in between. That a table is read again for
--   other work is what repeated_scans tells; that a loop asks the same whole query, repeated_queries. What is below a cache that was not found (cache_misses) is left out, or whose executors were given back as idle (executor_churn). Works of one application can share stages: together they lose no more than its task time less the largest
--   computation that has to stay.
-- subject: node
-- group_by: sql_id
-- parameter: min_lost_ms double = 5000 [ms] task time lost, at least
-- parameter: keep_row_ns double = 700.0 [ns] what a row is taken to cost to be kept
-- parameter: read_row_ns double = 50.0 [ns] what a kept row is taken to cost each time that it is read
-- parameter: min_share double = 0.1 [ratio] the same over the task time of the application, at least
-- parameter: min_large_ms double = 600000 [ms] task time lost that is worth a word below that share
-- parameter: min_large_share double = 0.02 [ratio] but with this share, at least
-- parameter: min_rounds bigint = 4 [count] queries with the same work, each larger than the one before it, that are the rounds of a loop, at least
-- parameter: max_looks double = 4 [ratio] queries with the same work over those of them that are larger than all before, at most, for rounds that each run several queries
-- parameter: min_growth double = 2 [ratio] the largest of these over the smallest, at least
-- parameter: medium_lost_ms double = 600000 [ms] task time lost from which it is of medium severity
-- evidence: {operator} (node {node_id:int} of query {sql_id:int}, {query_name:query}) {how} the steps below it were computed {at_least_times}{num_times:time|times} in
--   {num_queries:query|queries}[, the last one query {last_query:int}][; this step itself ran {own_times:time|times}][, {rdd_times:int} of them in stages of RDDs that read the shuffles of these queries]; that took {at_least}{all_ms:s} of task time, {lost_ms:s} without the most expensive one[ and {kept_ms:s} to keep it][ (of which a cache of
--   {kept_rows:row|rows} would cost about {cache_ms:s})], of {app_ms:s} of the
--   application[; {rounds}].
-- advice: is_rounds | - | - | Each round of the loop computes all earlier rounds again, because its plan grows: cut the plan in each round
--   (localCheckpoint or checkpoint of its DataFrame, or persist it there, or write it and read it again), and persist what all rounds join with. The later rounds lose more than the numbers above tell.
-- advice: is_counted AND num_queries = 2 | - | - | Query {count_query:int} computes it only to count what query {write_query:int} writes: count what was written, or let Dataset.observe
--   count the rows while they are written.
-- advice: is_counted | - | - | Query {count_query:int} computes it only to count what query {write_query:int} writes: count what was written, or let Dataset.observe count the rows
--   while they are written. For the other queries select the columns that they read and persist only those, or let them read what was written: with all columns the plan
--   can leave none out, and keeping them can cost more than it saves.
-- advice: is_cached AND num_gone > 0 | - | - | It is cached already, but executors that held the cache were lost, and it was computed again: see why they were lost, let it be held by two
--   executors (DISK_ONLY_2, MEMORY_AND_DISK_2), or write it to a table and read that.
-- advice: is_cached AND NOT has_memory_only | - | - | It is cached already, but the cache was not there or did not hold all of it: cache before the first of these queries, cache only the columns and
--   rows that are read again, keep the executors that hold them, and unpersist after the last use.
-- advice: is_cached | - | - | It is cached already, but the cache was not there or did not hold all of it: let partitions that do not fit go to disk (MEMORY_AND_DISK), cache only the columns and
--   rows that are read again, keep the executors that hold them, and unpersist after the last use.
-- advice: num_indexers >= 3 | - | - | {num_indexers:int} of these queries each fit a StringIndexer for one column: give all columns to one StringIndexer (inputCols and outputCols), which goes
--   through the data once. For what else is fitted on
--   it, select the columns that the stages read and persist that before the first fit.
-- advice: num_functions > 1 AND is_subquery AND spark_minor < 304 | - | - | The same rows are aggregated each time with other functions: compute all of them in one aggregate (CASE WHEN or FILTER for rows
--   that one of them leaves out) instead of one subquery each. Spark 3.4 and later merge such scalar subqueries by themselves.
-- advice: num_functions > 1 AND num_times > num_queries | - | - | The same rows are aggregated each time with other functions: compute all of them in one aggregate (CASE WHEN or FILTER for rows
--   that one of them leaves out), once, and let all of the queries read that.
-- advice: num_queries = 1 | - | - | The query asks for the same intermediate result in several places: write it to a table first, or
--   cache it, with only the columns that they read, and let all of them read that.
-- recommendation: Compute it once and keep it: select the columns that these queries read, persist that before the first of them and
--   unpersist it after the last one, or write it to a table and read that. With all columns the plan can leave none out, and keeping them can cost more than it saves.
WITH pivoted AS (
  -- What the queries for the values of pivots compute.
  SELECT DISTINCT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.work_hash
  FROM pivot_queries AS q
  INNER JOIN sql_nodes AS n
    ON n.platform = q.platform AND n.cluster_id = q.cluster_id
    AND n.application_id = q.application_id AND n.attempt_id = q.attempt_id AND n.sql_id = q.sql_id
  WHERE n.work_hash IS NOT NULL
),
places AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash, w.sql_id, w.node_id, w.last_node_id, w.operator_kind, w.node_name, w.description,
    w.is_loop, w.num_times, w.num_queries, w.own_times, w.rdd_times, w.all_ms, w.stages_ms, w.place, w.rows_output,
    CASE WHEN v.platform IS NOT NULL THEN w.all_ms - w.lost_ms END AS kept_ms,
    w.lost_ms - CASE WHEN v.platform IS NOT NULL THEN w.all_ms - w.lost_ms ELSE 0e0 END AS lost_ms,
    SUBSTR(REPLACE(COALESCE(w.query_description, ''), CHR(10), ' '), 1, 200) AS query_name,
    MAX(w.sql_id) OVER (PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash) AS last_query,
    SUM(CASE WHEN w.query_description LIKE '% at StringIndexer.scala%' THEN 1 ELSE 0 END) OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash
    ) AS num_indexers
  FROM repeated_work AS w
  LEFT JOIN pivoted AS v
    ON v.platform = w.platform AND v.cluster_id = w.cluster_id
    AND v.application_id = w.application_id AND v.attempt_id = w.attempt_id AND v.work_hash = w.work_hash
),
-- Two aggregates of the same rows by the same keys do the same but for their functions.
functions AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, work_hash, COUNT(DISTINCT REGEXP_REPLACE(description, '#[0-9]+L?', '')) AS num_functions
  FROM repeated_work
  WHERE operator_kind = 'aggregate' AND description LIKE '%, functions=[%'
  GROUP BY platform, cluster_id, application_id, attempt_id, work_hash
),
-- Queries with scalar subqueries, and their nodes.
subqueries AS (
  SELECT n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.last_node_id
  FROM sql_nodes AS n
  WHERE n.operator_kind = 'subquery' AND n.description LIKE '%scalar-subquery%'
),
in_subqueries AS (
  SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash
  FROM places AS p
  INNER JOIN subqueries AS s
    ON s.platform = p.platform AND s.cluster_id = p.cluster_id
    AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id AND s.sql_id = p.sql_id
    AND s.node_id < p.node_id AND s.last_node_id >= p.node_id
  WHERE p.place = 1
),
sizes AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, COUNT(*) AS num_operators
  FROM sql_nodes
  WHERE operator_kind IN ('join', 'aggregate', 'window')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- Queries that hold the same work, each with what came before it.
ordered AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash, s.num_operators,
    LAG(s.num_operators) OVER (PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash ORDER BY w.sql_id) AS earlier,
    LEAD(s.num_operators) OVER (PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash ORDER BY w.sql_id) AS later,
    MAX(s.num_operators) OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash ORDER BY w.sql_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS highest
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, work_hash, sql_id FROM repeated_work) AS w
  INNER JOIN sizes AS s
    ON s.platform = w.platform AND s.cluster_id = w.cluster_id
    AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id AND s.sql_id = w.sql_id
),
growing AS (
  SELECT
    g.*,
    -- Each query is a round, or each round runs several, as where it counts or shows what it made.
    num_queries >= $min_rounds AND ((num_smaller = 0 AND num_larger >= num_queries - 2)
      OR (num_records >= $min_rounds AND num_queries <= $max_looks * num_records AND num_dips = 0 AND most_operators >= $min_growth * least_operators)) AS is_rounds
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id, work_hash,
      COUNT(*) AS num_queries,
      SUM(CASE WHEN num_operators > earlier THEN 1 ELSE 0 END) AS num_larger,
      -- The last query may only write what the last round made, without the steps that looked at it.
      SUM(CASE WHEN num_operators < earlier AND later IS NOT NULL THEN 1 ELSE 0 END) AS num_smaller,
      SUM(CASE WHEN highest IS NULL OR num_operators > highest THEN 1 ELSE 0 END) AS num_records,
      SUM(CASE WHEN num_operators < 0.5e0 * highest THEN 1 ELSE 0 END) AS num_dips,
      MIN(num_operators) AS least_operators, MAX(num_operators) AS most_operators
    FROM ordered
    GROUP BY platform, cluster_id, application_id, attempt_id, work_hash
  ) AS g
),
-- Queries that count all rows of a step of this work, or of what follows it.
counts AS (
  SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, x.work_hash AS counted_hash
  FROM places AS p
  INNER JOIN sql_nodes AS c
    ON c.platform = p.platform AND c.cluster_id = p.cluster_id
    AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id AND c.sql_id = p.sql_id
    AND c.node_id < p.node_id AND c.last_node_id >= p.node_id
  INNER JOIN sql_nodes AS x
    ON x.platform = p.platform AND x.cluster_id = p.cluster_id
    AND x.application_id = p.application_id AND x.attempt_id = p.attempt_id AND x.sql_id = p.sql_id
    AND x.node_id = ARRAY_MIN(c.child_node_ids)
  WHERE c.operator_kind = 'aggregate' AND x.work_hash IS NOT NULL
    AND (c.description LIKE '%(keys=[], functions=[count(1)])%' OR c.description LIKE '%(keys=[], functions=[partial_count(1)])%')
),
-- Work of which each place lies below a cache.
below_caches AS (
  SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.work_hash
  FROM (
    SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, p.node_id, COUNT(s.node_id) AS num_caches
    FROM places AS p
    LEFT JOIN sql_nodes AS s
      ON s.platform = p.platform AND s.cluster_id = p.cluster_id
      AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id AND s.sql_id = p.sql_id
      AND s.node_id < p.node_id AND s.last_node_id >= p.node_id AND (s.node_name LIKE '%InMemoryTableScan%' OR s.node_name LIKE '%Scan In-memory%')
    GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, p.node_id
  ) AS c
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.work_hash
  HAVING MIN(c.num_caches) > 0
),
missed_caches AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM cache_reads
  WHERE is_missed AND NOT is_on_disk
),
-- Caches whose level lets nothing go to disk.
memory_caches AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM rdds
  WHERE is_persisted AND storage_level NOT LIKE '%Disk%'
),
-- Each with the first query that writes the same rows, or what it makes of them.
counted AS (
  SELECT k.platform, k.cluster_id, k.application_id, k.attempt_id, k.work_hash, MIN(k.sql_id) AS count_query, MIN(p.sql_id) AS write_query
  FROM counts AS k
  INNER JOIN places AS p
    ON p.platform = k.platform AND p.cluster_id = k.cluster_id
    AND p.application_id = k.application_id AND p.attempt_id = k.attempt_id AND p.work_hash = k.work_hash
  INNER JOIN sql_nodes AS y
    ON y.platform = p.platform AND y.cluster_id = p.cluster_id
    AND y.application_id = p.application_id AND y.attempt_id = p.attempt_id AND y.sql_id = p.sql_id
    AND y.work_hash = k.counted_hash AND y.node_id <= p.node_id AND y.last_node_id >= p.node_id
  INNER JOIN sql_nodes AS w
    ON w.platform = p.platform AND w.cluster_id = p.cluster_id
    AND w.application_id = p.application_id AND w.attempt_id = p.attempt_id AND w.sql_id = p.sql_id
    AND w.operator_kind = 'write'
  WHERE p.sql_id <> k.sql_id
  GROUP BY k.platform, k.cluster_id, k.application_id, k.attempt_id, k.work_hash
),
-- What is only counted beside its write needs no cache.
priced AS (
  SELECT
    p.*,
    CASE
      WHEN k.platform IS NOT NULL AND p.num_queries = 2 THEN 0e0
      ELSE LEAST(COALESCE(CAST(p.rows_output AS DOUBLE), 0e0) * ($keep_row_ns + $read_row_ns * p.num_times) / 1e6, p.lost_ms)
    END AS cache_ms
  FROM places AS p
  LEFT JOIN counted AS k
    ON k.platform = p.platform AND k.cluster_id = p.cluster_id
    AND k.application_id = p.application_id AND k.attempt_id = p.attempt_id AND k.work_hash = p.work_hash
  WHERE p.place = 1
),
weighed AS (
  SELECT p.*, lost_ms - cache_ms AS net_ms, cache_ms > 0e0 AND cache_ms >= 0.05e0 * lost_ms AS is_costly FROM priced AS p
),
judged AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id,
    CONCAT(CAST(p.sql_id AS STRING), '.', CAST(p.node_id AS STRING)) AS subject_id,
    CASE WHEN p.net_ms >= $medium_lost_ms AND COALESCE(p.net_ms * a.wall_ratio < 0.4e0 * a.app_duration_ms, TRUE) THEN 'medium' END AS severity,
    'medium' AS confidence,
    p.net_ms AS own_lost_ms, a.wall_ratio, CASE WHEN p.is_costly THEN p.cache_ms END AS cache_ms, CASE WHEN p.is_costly THEN p.rows_output END AS kept_rows,
    -- Works can share stages: what all of them lose is no more than all task time but that of the largest computation that stays.
    LEAST(GREATEST(r.executor_run_time - MAX(p.all_ms - p.lost_ms) OVER application, 0e0) / NULLIF(SUM(p.net_ms) OVER application, 0e0), 1e0) AS part,
    p.sql_id, p.node_id, p.operator_kind, b.platform IS NOT NULL AS is_cached, i.num_gone, y.platform IS NOT NULL AS has_memory_only, k.platform IS NOT NULL AS is_counted, k.count_query, k.write_query,
    -- As the plan shows it, without the numbers of expressions.
    CASE WHEN f.num_functions > 1
      THEN CONCAT(SUBSTR(SPLIT_PART(REGEXP_REPLACE(p.description, '#[0-9]+L?', ''), ', functions=[', 1), 1, 120), '), with ', CAST(f.num_functions AS STRING), ' different lists of functions,')
      ELSE SUBSTR(REGEXP_REPLACE(COALESCE(p.description, p.node_name), '#[0-9]+L?', ''), 1, 120) END AS operator,
    f.num_functions, a.spark_minor, u.platform IS NOT NULL AS is_subquery, p.query_name, CASE WHEN p.num_queries > 1 THEN p.last_query END AS last_query,
    p.num_times, p.num_queries, p.num_indexers,
    -- Queries may end before the step, and what follows them may run it again.
    CASE WHEN p.own_times <> p.num_times OR p.rdd_times > 0 THEN 'or' ELSE 'and' END AS how,
    CASE WHEN p.own_times <> p.num_times OR p.rdd_times > 0 THEN p.own_times END AS own_times, NULLIF(p.rdd_times, 0) AS rdd_times,
    -- Each round holds all earlier ones; and of stages that do more than this work the cheapest stands for all.
    CASE WHEN g.is_rounds THEN 'at least ' ELSE '' END AS at_least_times,
    CASE WHEN p.stages_ms > 1.05e0 * p.all_ms OR COALESCE(g.is_rounds, FALSE)
      THEN 'at least ' ELSE '' END AS at_least, TRY_CAST(p.all_ms AS BIGINT) AS all_ms, TRY_CAST(p.lost_ms AS BIGINT) AS lost_ms, p.kept_ms,
    r.executor_run_time AS app_ms,
    COALESCE(g.is_rounds, FALSE) AS is_rounds,
    CASE WHEN g.is_rounds
      THEN CONCAT('these queries grow from round to round of a loop, from ', CAST(g.least_operators AS STRING), ' to ', CAST(g.most_operators AS STRING), ' joins, aggregates and windows, and each repeats all earlier rounds') END AS rounds
  FROM weighed AS p
  LEFT JOIN functions AS f
    ON f.platform = p.platform AND f.cluster_id = p.cluster_id
    AND f.application_id = p.application_id AND f.attempt_id = p.attempt_id AND f.work_hash = p.work_hash
  LEFT JOIN in_subqueries AS u
    ON u.platform = p.platform AND u.cluster_id = p.cluster_id
    AND u.application_id = p.application_id AND u.attempt_id = p.attempt_id AND u.work_hash = p.work_hash
  LEFT JOIN counted AS k
    ON k.platform = p.platform AND k.cluster_id = p.cluster_id
    AND k.application_id = p.application_id AND k.attempt_id = p.attempt_id AND k.work_hash = p.work_hash
  LEFT JOIN growing AS g
    ON g.platform = p.platform AND g.cluster_id = p.cluster_id
    AND g.application_id = p.application_id AND g.attempt_id = p.attempt_id AND g.work_hash = p.work_hash
  LEFT JOIN below_caches AS b
    ON b.platform = p.platform AND b.cluster_id = p.cluster_id
    AND b.application_id = p.application_id AND b.attempt_id = p.attempt_id AND b.work_hash = p.work_hash
  LEFT JOIN missed_caches AS m
    ON m.platform = b.platform AND m.cluster_id = b.cluster_id
    AND m.application_id = b.application_id AND m.attempt_id = b.attempt_id
  LEFT JOIN lost_caches AS i
    ON i.platform = p.platform AND i.cluster_id = p.cluster_id
    AND i.application_id = p.application_id AND i.attempt_id = p.attempt_id AND i.work_hash = p.work_hash
  LEFT JOIN memory_caches AS y
    ON y.platform = p.platform AND y.cluster_id = p.cluster_id
    AND y.application_id = p.application_id AND y.attempt_id = p.attempt_id
  INNER JOIN application_facts AS a
    ON a.platform = p.platform AND a.cluster_id = p.cluster_id
    AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
  INNER JOIN application_run_times AS r
    ON r.platform = p.platform AND r.cluster_id = p.cluster_id
    AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id
  WHERE NOT p.is_loop AND m.platform IS NULL AND NOT COALESCE(i.is_told, FALSE)
    AND (
      (p.net_ms >= $min_lost_ms AND p.net_ms >= $min_share * r.executor_run_time)
      OR (p.net_ms >= $min_large_ms AND p.net_ms >= $min_large_share * r.executor_run_time)
    )
  WINDOW application AS (PARTITION BY p.platform, p.cluster_id, p.application_id, p.attempt_id)
)
SELECT
  j.*, TRY_CAST(own_lost_ms * part AS BIGINT) AS lost_core_ms, TRY_CAST(own_lost_ms * part * wall_ratio AS BIGINT) AS recoverable_ms
FROM judged AS j
