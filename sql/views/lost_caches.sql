-- id: lost_caches
-- title: Cached work that was computed again because the executors that held it were gone
-- description: One row per repeated work (view repeated_work) below a cache, each computation of which, but the first, followed the loss of most executors that ran when the one before it
--   ended. is_idle: dynamic allocation gave all of them back as idle. is_told: that cost enough for executor_churn to tell it, so that no other rule does. Of executors that went for other reasons, applications whose tasks missed their partitions (cache_reads) are left out: cache_misses tells them.
-- parameter: min_lost_ms double = 5000 [ms] task time of cached data that were computed again, at least, to be told
-- parameter: min_lost_share double = 0.1 [ratio] the same over the task time of the application, at least
-- reads: application_run_times, cache_reads, executors, operator_stages, repeated_work, sql_nodes, stages
WITH places AS (
  SELECT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash, w.sql_id, w.node_id, w.node_name, w.num_times, w.all_ms, w.lost_ms, w.place
  FROM repeated_work AS w
  INNER JOIN sql_nodes AS s
    ON s.platform = w.platform AND s.cluster_id = w.cluster_id
    AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id AND s.sql_id = w.sql_id
    AND s.node_id < w.node_id AND s.last_node_id >= w.node_id
  WHERE NOT w.is_loop AND (s.node_name LIKE '%InMemoryTableScan%' OR s.node_name LIKE '%Scan In-memory%')
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.work_hash, w.sql_id, w.node_id, w.node_name, w.num_times, w.all_ms, w.lost_ms, w.place
),
times AS (
  SELECT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, p.node_id, MAX(UNIX_MILLIS(g.completion_time)) AS end_ms
  FROM places AS p
  INNER JOIN operator_stages AS o
    ON o.platform = p.platform AND o.cluster_id = p.cluster_id
    AND o.application_id = p.application_id AND o.attempt_id = p.attempt_id AND o.sql_id = p.sql_id AND o.node_id = p.node_id
  INNER JOIN stages AS g
    ON g.platform = o.platform AND g.cluster_id = o.cluster_id
    AND g.application_id = o.application_id AND g.attempt_id = o.attempt_id AND g.stage_id = o.stage_id
  GROUP BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, p.node_id
),
ordered AS (
  SELECT
    t.*, LAG(end_ms) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, work_hash ORDER BY end_ms, sql_id, node_id) AS last_end_ms
  FROM times AS t
),
-- Executors that ran when a computation ended, and those of them that were gone before the next one ended.
lives AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.work_hash, o.sql_id, o.node_id, COUNT(*) AS num_held,
    SUM(CASE WHEN UNIX_MILLIS(e.remove_time) <= o.end_ms THEN 1 ELSE 0 END) AS num_gone,
    SUM(CASE WHEN UNIX_MILLIS(e.remove_time) <= o.end_ms AND e.loss_kind = 'idle' THEN 1 ELSE 0 END) AS num_idle
  FROM ordered AS o
  INNER JOIN executors AS e
    ON e.platform = o.platform AND e.cluster_id = o.cluster_id
    AND e.application_id = o.application_id AND e.attempt_id = o.attempt_id
  WHERE o.last_end_ms IS NOT NULL AND e.executor_id NOT IN ('driver', '<driver>')
    AND UNIX_MILLIS(e.add_time) <= o.last_end_ms AND COALESCE(UNIX_MILLIS(e.remove_time) > o.last_end_ms, TRUE)
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.work_hash, o.sql_id, o.node_id
),
lost AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, work_hash, COUNT(*) AS num_again, SUM(num_gone) AS num_gone, SUM(num_idle) AS num_idle
  FROM lives
  GROUP BY platform, cluster_id, application_id, attempt_id, work_hash
  HAVING MIN(CASE WHEN 2 * num_gone > num_held THEN 1 ELSE 0 END) = 1
),
missed AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM cache_reads
  WHERE is_missed AND NOT is_on_disk
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id, p.work_hash, p.sql_id, p.node_id, p.node_name, p.num_times, p.all_ms, p.lost_ms,
  l.num_gone, l.num_idle = l.num_gone AS is_idle,
  l.num_idle = l.num_gone AND p.lost_ms >= $min_lost_ms AND p.lost_ms >= $min_lost_share * r.executor_run_time AS is_told
FROM places AS p
INNER JOIN lost AS l
  ON l.platform = p.platform AND l.cluster_id = p.cluster_id
  AND l.application_id = p.application_id AND l.attempt_id = p.attempt_id AND l.work_hash = p.work_hash
INNER JOIN application_run_times AS r
  ON r.platform = p.platform AND r.cluster_id = p.cluster_id
  AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id
LEFT JOIN missed AS m
  ON m.platform = p.platform AND m.cluster_id = p.cluster_id
  AND m.application_id = p.application_id AND m.attempt_id = p.attempt_id
WHERE p.place = 1 AND (m.platform IS NULL OR l.num_idle = l.num_gone) AND l.num_again >= p.num_times - 1
