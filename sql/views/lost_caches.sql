-- id: lost_caches
-- title: Cached work that was computed again because the executors that held it were gone
-- description: One row per repeated work (view repeated_work) below a cache, each computation of which, but the first, followed the loss of most executors that held what the one before it
--   had cached: those that ran tasks of its last stage. is_idle: dynamic allocation gave all of them back as idle (num_gone). lost_ms is what the stages that computed it again took, start of tasks included,
--   less what a stage that read it took for the same steps above the cache (read_ms in all); lost_wall_ms is what they took of the run after their first task began, again less the reading. The first computation is not lost where it read all of what is cached, else the most expensive one is not.
--   Where such stages do not tell it for all of them (is_measured is false), it is what all computations but the most expensive took at least (repeated_work).
--   is_told: that cost enough for executor_churn to tell it, so that no other rule does. Of executors that went for other reasons, applications whose tasks missed their partitions (cache_reads) are left out: cache_misses tells them.
-- parameter: min_lost_ms double = 5000 [ms] task time of cached data that were computed again, at least, to be told
-- parameter: min_lost_share double = 0.1 [ratio] the same over the task time of the application, at least
-- parameter: min_rows_share double = 0.9 [ratio] rows that another stage read of the cache over those of a stage that computed it again, at least, to say what reading takes
-- reads: application_run_times, cache_reads, executors, operator_stages, repeated_work, sql_nodes, stage_executors, stages
WITH works AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash, w.sql_id, w.node_id, w.node_name, w.description, w.num_times, w.all_ms, w.lost_ms, w.place, MAX(s.node_id) AS cache_id
  FROM repeated_work AS w
  INNER JOIN sql_nodes AS s
    ON s.platform = w.platform AND s.cluster_id = w.cluster_id
    AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id AND s.sql_id = w.sql_id
    AND s.node_id < w.node_id AND s.last_node_id >= w.node_id
  WHERE NOT w.is_loop AND (s.node_name LIKE '%InMemoryTableScan%' OR s.node_name LIKE '%Scan In-memory%')
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash, w.sql_id, w.node_id, w.node_name, w.description, w.num_times, w.all_ms, w.lost_ms, w.place
),
places AS (
  SELECT
    w.*, s.work_hash AS cache_hash, CAST(s.rows_output AS DOUBLE) AS cache_rows,
    CASE WHEN s.node_name LIKE 'Scan In-memory table _%' THEN TRIM(SUBSTR(s.node_name, 22)) END AS table_name
  FROM works AS w
  INNER JOIN sql_nodes AS s
    ON s.platform = w.platform AND s.cluster_id = w.cluster_id
    AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id AND s.sql_id = w.sql_id AND s.node_id = w.cache_id
),
stage_times AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, SUM(CAST(executor_run_time AS DOUBLE) + COALESCE(executor_deserialize_time, 0)) AS task_ms,
    SUM(GREATEST(CAST(UNIX_MILLIS(completion_time) - UNIX_MILLIS(submission_time) - COALESCE(scheduling_delay_ms, 0) AS DOUBLE), 0e0)) AS wall_ms,
    MIN(UNIX_MILLIS(submission_time)) AS begin_ms, MAX(UNIX_MILLIS(completion_time)) AS end_ms
  FROM stages
  WHERE status <> 'SKIPPED'
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
-- All places that read these caches, whether they found them or computed them.
caches AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.last_node_id, s.work_hash AS cache_hash, CAST(s.rows_output AS DOUBLE) AS cache_rows
  FROM sql_nodes AS s
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, cache_hash FROM places) AS p
    ON p.platform = s.platform AND p.cluster_id = s.cluster_id
    AND p.application_id = s.application_id AND p.attempt_id = s.attempt_id AND p.cache_hash = s.work_hash
  WHERE s.node_name LIKE '%InMemoryTableScan%' OR s.node_name LIKE '%Scan In-memory%'
),
cache_steps AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.cache_hash, c.cache_rows, c.sql_id, c.node_id, o.stage_id, n.node_id = c.node_id AS is_scan,
    n.node_id > c.node_id AND n.node_id <= c.last_node_id AS is_inside, CARDINALITY(n.stage_ids) > 0 AS is_counted,
    -- What functions in a projection cost nothing else tells.
    CASE WHEN n.operator_kind = 'project' AND n.description LIKE '%(%' THEN REGEXP_REPLACE(SUBSTR(n.description, 1, 2000), '#[0-9]+L?', '') ELSE TRIM(n.node_name) END AS step
  FROM caches AS c
  INNER JOIN operator_stages AS o
    ON o.platform = c.platform AND o.cluster_id = c.cluster_id
    AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id AND o.sql_id = c.sql_id
  INNER JOIN sql_nodes AS n
    ON n.platform = o.platform AND n.cluster_id = o.cluster_id
    AND n.application_id = o.application_id AND n.attempt_id = o.attempt_id AND n.sql_id = o.sql_id AND n.node_id = o.node_id
),
-- Stages of such a place: those below compute the cache, those of the scan read it.
cache_stages AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, cache_hash, cache_rows, sql_id, node_id, stage_id,
    MAX(CASE WHEN is_inside AND is_counted THEN 1 ELSE 0 END) AS is_below, MAX(CASE WHEN is_scan AND is_counted THEN 1 ELSE 0 END) AS is_scan
  FROM cache_steps
  GROUP BY platform, cluster_id, application_id, attempt_id, cache_hash, cache_rows, sql_id, node_id, stage_id
),
step_lists AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, stage_id, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(step)), '; ') AS steps
  FROM cache_steps
  WHERE NOT is_inside
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id, stage_id
),
readers AS (
  SELECT c.*, l.steps, t.task_ms, t.wall_ms
  FROM cache_stages AS c
  INNER JOIN step_lists AS l
    ON l.platform = c.platform AND l.cluster_id = c.cluster_id
    AND l.application_id = c.application_id AND l.attempt_id = c.attempt_id AND l.sql_id = c.sql_id AND l.node_id = c.node_id AND l.stage_id = c.stage_id
  INNER JOIN stage_times AS t
    ON t.platform = c.platform AND t.cluster_id = c.cluster_id
    AND t.application_id = c.application_id AND t.attempt_id = c.attempt_id AND t.stage_id = c.stage_id
  WHERE c.is_scan = 1
),
-- What reading takes, for the stages that read what they compute.
reading AS (
  SELECT b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, b.stage_id, MAX(r.task_ms) AS read_ms, MAX(r.wall_ms) AS read_wall_ms
  FROM readers AS b
  INNER JOIN readers AS r
    ON r.platform = b.platform AND r.cluster_id = b.cluster_id
    AND r.application_id = b.application_id AND r.attempt_id = b.attempt_id AND r.cache_hash = b.cache_hash AND r.steps = b.steps
  INNER JOIN cache_stages AS a
    ON a.platform = b.platform AND a.cluster_id = b.cluster_id
    AND a.application_id = b.application_id AND a.attempt_id = b.attempt_id AND a.sql_id = b.sql_id AND a.node_id = b.node_id AND a.stage_id = b.stage_id
  WHERE a.is_below = 1 AND r.is_below = 0 AND COALESCE(r.cache_rows >= $min_rows_share * b.cache_rows, TRUE)
  GROUP BY b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, b.stage_id
),
computed AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, p.node_id, p.cache_rows, MAX(t.end_ms) AS end_ms, MAX(c.stage_id) AS last_stage_id,
    SUM(t.task_ms) AS task_ms, LEAST(SUM(t.wall_ms), CAST(MAX(t.end_ms) - MIN(t.begin_ms) AS DOUBLE)) AS wall_ms,
    SUM(COALESCE(r.read_ms, 0e0)) AS read_ms, SUM(COALESCE(r.read_wall_ms, 0e0)) AS read_wall_ms,
    MIN(CASE WHEN c.is_scan = 1 AND r.read_ms IS NULL THEN 0 ELSE 1 END) = 1 AS is_measured
  FROM places AS p
  INNER JOIN cache_stages AS c
    ON c.platform = p.platform AND c.cluster_id = p.cluster_id
    AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id AND c.sql_id = p.sql_id AND c.node_id = p.cache_id
  INNER JOIN stage_times AS t
    ON t.platform = c.platform AND t.cluster_id = c.cluster_id
    AND t.application_id = c.application_id AND t.attempt_id = c.attempt_id AND t.stage_id = c.stage_id
  LEFT JOIN reading AS r
    ON r.platform = c.platform AND r.cluster_id = c.cluster_id
    AND r.application_id = c.application_id AND r.attempt_id = c.attempt_id AND r.sql_id = c.sql_id AND r.node_id = c.node_id AND r.stage_id = c.stage_id
  WHERE c.is_below = 1
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, p.node_id, p.cache_rows
),
numbered AS (
  SELECT
    c.*, ROW_NUMBER() OVER hash_times AS turn, LAG(end_ms) OVER hash_times AS last_end_ms, LAG(last_stage_id) OVER hash_times AS held_stage_id,
    MAX(cache_rows) OVER hash_all AS most_rows
  FROM computed AS c
  WINDOW hash_times AS (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash ORDER BY end_ms, sql_id, node_id),
    hash_all AS (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash)
),
-- Executors that held the cache when a computation ended, and those of them that were gone before the next one ended.
lives AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.work_hash, o.sql_id, o.node_id, e.executor_id,
    MAX(CASE WHEN UNIX_MILLIS(e.remove_time) <= o.end_ms THEN 1 ELSE 0 END) AS is_gone,
    MAX(CASE WHEN UNIX_MILLIS(e.remove_time) <= o.end_ms AND e.loss_kind = 'idle' THEN 1 ELSE 0 END) AS is_idle
  FROM numbered AS o
  INNER JOIN stage_executors AS x
    ON x.platform = o.platform AND x.cluster_id = o.cluster_id
    AND x.application_id = o.application_id AND x.attempt_id = o.attempt_id AND x.stage_id = o.held_stage_id
  INNER JOIN executors AS e
    ON e.platform = x.platform AND e.cluster_id = x.cluster_id
    AND e.application_id = x.application_id AND e.attempt_id = x.attempt_id AND e.executor_id = x.executor_id
  WHERE o.last_end_ms IS NOT NULL AND x.succeeded_tasks > 0 AND e.executor_id NOT IN ('driver', '<driver>')
    AND COALESCE(UNIX_MILLIS(e.remove_time) > o.last_end_ms, TRUE)
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.work_hash, o.sql_id, o.node_id, e.executor_id
),
held AS (
  SELECT platform, cluster_id, application_id, attempt_id, work_hash, sql_id, node_id, COUNT(*) AS num_held, SUM(is_gone) AS num_gone, SUM(is_idle) AS num_idle
  FROM lives
  GROUP BY platform, cluster_id, application_id, attempt_id, work_hash, sql_id, node_id
),
lost AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, work_hash, COUNT(*) AS num_again, SUM(num_gone) AS num_gone, SUM(num_idle) AS num_idle
  FROM held
  GROUP BY platform, cluster_id, application_id, attempt_id, work_hash
  HAVING MIN(CASE WHEN 2 * num_gone > num_held THEN 1 ELSE 0 END) = 1
),
-- The first computation had to be, where it is of all rows.
priced AS (
  SELECT
    n.*, GREATEST(task_ms - read_ms, 0e0) AS net_ms,
    GREATEST(LEAST(wall_ms - read_wall_ms, task_ms - read_ms), 0e0) AS net_wall_ms, turn = 1 AND cache_rows >= $min_rows_share * most_rows AS is_first
  FROM numbered AS n
),
again AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, work_hash,
    MIN(CASE WHEN is_measured OR is_first THEN 1 ELSE 0 END) = 1 AS is_measured,
    CASE WHEN MAX(CASE WHEN is_first THEN 1 ELSE 0 END) = 1 THEN SUM(CASE WHEN is_first THEN 0e0 ELSE task_ms END) ELSE SUM(task_ms) - MAX(task_ms) END AS again_ms,
    CASE WHEN MAX(CASE WHEN is_first THEN 1 ELSE 0 END) = 1 THEN SUM(CASE WHEN is_first THEN 0e0 ELSE net_ms END) ELSE SUM(net_ms) - MAX(net_ms) END AS lost_ms,
    CASE WHEN MAX(CASE WHEN is_first THEN 1 ELSE 0 END) = 1 THEN SUM(CASE WHEN is_first THEN 0e0 ELSE net_wall_ms END) ELSE SUM(net_wall_ms) - MAX(net_wall_ms) END AS lost_wall_ms
  FROM priced
  GROUP BY platform, cluster_id, application_id, attempt_id, work_hash
),
missed AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM cache_reads
  WHERE is_missed AND NOT is_on_disk
),
losses AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, p.node_id, p.node_name, p.description, p.table_name, p.num_times, p.all_ms,
    CASE WHEN g.is_measured THEN g.lost_ms ELSE p.lost_ms END AS lost_ms,
    CASE WHEN g.is_measured THEN g.again_ms END AS again_ms, CASE WHEN g.is_measured THEN g.again_ms - g.lost_ms END AS read_ms,
    CASE WHEN g.is_measured THEN g.lost_wall_ms END AS lost_wall_ms, g.is_measured, l.num_gone, l.num_idle = l.num_gone AS is_idle
  FROM places AS p
  INNER JOIN lost AS l
    ON l.platform = p.platform AND l.cluster_id = p.cluster_id
    AND l.application_id = p.application_id AND l.attempt_id = p.attempt_id AND l.work_hash = p.work_hash
  INNER JOIN again AS g
    ON g.platform = p.platform AND g.cluster_id = p.cluster_id
    AND g.application_id = p.application_id AND g.attempt_id = p.attempt_id AND g.work_hash = p.work_hash
  LEFT JOIN missed AS m
    ON m.platform = p.platform AND m.cluster_id = p.cluster_id
    AND m.application_id = p.application_id AND m.attempt_id = p.attempt_id
  WHERE p.place = 1 AND (m.platform IS NULL OR l.num_idle = l.num_gone) AND l.num_again >= p.num_times - 1
)
SELECT
  o.*, o.is_idle AND o.lost_ms >= $min_lost_ms AND o.lost_ms >= $min_lost_share * r.executor_run_time AS is_told
FROM losses AS o
INNER JOIN application_run_times AS r
  ON r.platform = o.platform AND r.cluster_id = o.cluster_id
  AND r.application_id = o.application_id AND r.attempt_id = o.attempt_id
